// Loss and learning rate of both trainings over their epochs.

import * as Plot from '@observablehq/plot';
import type { ExperimentResult } from '../experiment/types';
import { decimate, epochDomain, lossScale, MOST_TICKS, powersOfTen, steps } from './curve-data';
import { compose, figure, HEADING_HEIGHT, labelledAxis, svgFile } from './figure';
import { AXIS, PALETTE } from './style';

const WIDTH = 400;
const LOSS_HEIGHT = 200;
const LR_HEIGHT = 120;
const COLUMN_HEIGHT = LOSS_HEIGHT + LR_HEIGHT + 2 * HEADING_HEIGHT;
/** Losses have long labels. */
const MARGIN_LEFT = 78;

type Histories = Pick<ExperimentResult, 'history' | 'config'>;

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
