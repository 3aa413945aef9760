// Loss and learning rate of both trainings over their epochs.

import * as Plot from '@observablehq/plot';
import type { ExperimentResult } from '../experiment/types';
import { compose, figure, HEADING_HEIGHT, labelledAxis, svgFile } from './figure';
import { AXIS, PALETTE } from './style';

const WIDTH = 400;
const LOSS_HEIGHT = 200;
const LR_HEIGHT = 120;
const COLUMN_HEIGHT = LOSS_HEIGHT + LR_HEIGHT + 2 * HEADING_HEIGHT;
/** Losses have long labels. */
const MARGIN_LEFT = 78;

/** Buckets that a long curve is drawn in, each by its lowest and its highest value. */
const BUCKETS = 400;

type Histories = Pick<ExperimentResult, 'history' | 'config'>;

interface Point {
  readonly epoch: number;
  /** NaN leaves a gap. */
  readonly value: number;
}

/** A column for f, one for g: loss above, learning rate below. The text of an .svg file. */
export function curvesSvg(result: Histories): string {
  const parts = columns(result).map((svg, column) => ({ x: column * WIDTH, y: 0, svg }));
  return svgFile(compose('Loss and learning rate', parts.length * WIDTH, COLUMN_HEIGHT, parts));
}

/** The columns of {@link curvesSvg} as files of their own, for f and for g. */
export const curveColumns = (result: Histories): string[] => columns(result).map(svgFile);

function columns({ history, config }: Histories): SVGElement[] {
  const learned = config.perturbation.onData ? 'samples + perturbations' : 'perturbations';
  const networks = [
    { name: 'f (on the samples)', colour: PALETTE[0], loss: history.standardLoss, lr: history.standardLr },
    { name: `g (on ${learned})`, colour: PALETTE[1], loss: history.learningLoss, lr: history.learningLr },
  ];
  return networks.map(({ name, colour, loss, lr }) =>
    compose(`Loss and learning rate of ${name[0]}`, WIDTH, COLUMN_HEIGHT, [
      { x: 0, y: 0, svg: lossPlot(name, colour, loss) },
      { x: 0, y: LOSS_HEIGHT + HEADING_HEIGHT, svg: lrPlot(`Learning rate of ${name[0]}`, colour, lr) },
    ]),
  );
}

function lossPlot(name: string, stroke: string, loss: Float32Array): SVGElement {
  const lost = loss.findIndex((value) => !Number.isFinite(value));
  const points = decimate(loss);
  return figure({
    title: lost < 0 ? `Loss of ${name}` : `Loss of ${name[0]}: not finite from epoch ${lost} on`,
    width: WIDTH,
    marginLeft: MARGIN_LEFT,
    height: LOSS_HEIGHT,
    x: { ...AXIS, label: 'epoch', ticks: 5, ...epochDomain(loss) },
    y: { ...AXIS, grid: true, ticks: 5, ...lossScale(loss) },
    marks: [
      Plot.frame({ stroke: '#bbbbbb' }),
      Plot.line(points, { x: 'epoch', y: 'value', stroke, strokeWidth: 1.75 }),
    ],
  });
}

function lrPlot(title: string, stroke: string, lr: Float32Array): SVGElement {
  const positive = lr.filter((value) => value > 0 && Number.isFinite(value));
  const low = positive.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = positive.reduce((most, value) => Math.max(most, value), 0);
  const domain = high > 0 ? [low / 3, high * 3] : [0.1, 10];
  const values = [...new Set(positive)];
  const ticks = values.length <= MOST_TICKS ? values : powersOfTen(domain[0]!, domain[1]!);
  const line = Plot.line(steps(lr), { x: 'epoch', y: 'value', curve: 'step-after', stroke, strokeWidth: 1.75 });
  return figure({
    title,
    width: WIDTH,
    marginLeft: MARGIN_LEFT,
    height: LR_HEIGHT,
    x: { ...AXIS, label: 'epoch', ticks: 5, ...epochDomain(lr) },
    y: { type: 'log', domain, ticks, grid: true },
    marks: [labelledAxis('y', ticks, 'learning rate'), Plot.frame({ stroke: '#bbbbbb' }), line],
  });
}

const MOST_TICKS = 5;

/** At most {@link MOST_TICKS} powers of ten inside a domain. */
function powersOfTen(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low));
  const count = Math.floor(Math.log10(high)) - first + 1;
  const every = Math.ceil(count / MOST_TICKS);
  return Array.from({ length: Math.ceil(Math.max(0, count) / every) }, (_, k) => 10 ** (first + k * every));
}

/** The axis of an empty training, or one of one epoch, must have a length too. */
const epochDomain = (values: Float32Array) => ({ domain: [0, Math.max(1, values.length - 1)] });

/** More than so many times the median size: a linear axis would press most of the curve onto zero. */
const WIDE = 50;

/**
 * Logarithmic for positive losses that fall by decades; symmetrical-logarithmic, around its median size, for a curve that
 * passes zero or runs off below it; else linear.
 */
function lossScale(loss: Float32Array): Plot.ScaleOptions {
  const finite = loss.filter(Number.isFinite);
  const sizes = finite
    .map(Math.abs)
    .filter((size) => size > 0)
    .sort();
  const label = 'loss';
  if (sizes.length === 0) return { label, domain: [-1, 1] };
  const [least, median, most] = [sizes[0]!, sizes[sizes.length >> 1]!, sizes.at(-1)!];
  if (finite.every((value) => value > 0) && most > 20 * least) {
    return {
      label: 'loss (log scale)',
      type: 'log',
      domain: [least / 1.5, most * 1.5],
      ticks: powersOfTen(least, most),
    };
  }
  if (most > WIDE * median) {
    const powers = powersOfTen(median, most);
    const ticks = [...powers.map((power) => -power), 0, ...powers].filter(
      (tick) => finite.some((value) => value <= tick) && finite.some((value) => value >= tick),
    );
    return { label: 'loss (symlog scale)', type: 'symlog', constant: median, ticks };
  }
  return { label };
}

/** The curve in points that an image of this size can show, with every peak. */
function decimate(values: Float32Array): Point[] {
  const point = (epoch: number): Point => {
    const value = values[epoch]!;
    return { epoch, value: Number.isFinite(value) ? value : Number.NaN };
  };
  const width = Math.ceil(values.length / BUCKETS);
  if (width <= 2) return Array.from(values, (_, epoch) => point(epoch));
  const kept: Point[] = [];
  for (let start = 0; start < values.length; start += width) {
    const bucket = Array.from({ length: Math.min(width, values.length - start) }, (_, k) => point(start + k));
    const missing = bucket.find(({ value }) => Number.isNaN(value));
    const sorted = bucket.filter(({ value }) => !Number.isNaN(value)).sort((a, b) => a.value - b.value);
    const extremes = new Set([sorted[0], sorted.at(-1), missing].filter((each) => each !== undefined));
    kept.push(...[...extremes].sort((a, b) => a.epoch - b.epoch));
  }
  if (kept.at(-1)?.epoch !== values.length - 1) kept.push(point(values.length - 1));
  return kept;
}

/** The epochs at which the value changes, and the last one. */
function steps(values: Float32Array): Point[] {
  return Array.from(values, (value, epoch) => ({ epoch, value })).filter(
    ({ epoch, value }) => epoch === 0 || epoch === values.length - 1 || value !== values[epoch - 1],
  );
}
