// An accuracy panel: what we measured, with intervals, over one axis; published points on top, each with its verdict.

import * as Plot from '@observablehq/plot';
import { figure, type LegendItem, labelledAxis, svgFile } from './figure';
import { AXIS, colourOf, DASHES } from './style';

export interface PanelPoint {
  readonly x: number;
  /** A value that is not finite leaves a gap. */
  readonly mean: number;
  /** Both ends of the interval, or neither. */
  readonly low?: number;
  readonly high?: number;
}

export interface PanelSeries {
  readonly name: string;
  /** In the order of x. */
  readonly points: readonly PanelPoint[];
  readonly dashed?: boolean;
  /** Name of an earlier series whose colour this one shares. */
  readonly like?: string;
}

/**
 * Whether a published value lies in our interval, or near our mean though not in it; uncertain: it could not be read off
 * the figure well enough to say.
 */
export type Verdict = 'inside' | 'near' | 'outside' | 'uncertain';

export interface PublishedPoint {
  /** Name of the series it belongs to. */
  readonly series: string;
  readonly x: number;
  readonly y: number;
  /** Half the width of the plausible interval. */
  readonly uncertainty?: number;
  readonly verdict: Verdict;
}

export interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly PanelSeries[];
  readonly published: readonly PublishedPoint[];
  /** Default linear. */
  readonly xScale?: 'linear' | 'log';
  /** Default: what the values take, and a little room. What lies outside is drawn at the edge. */
  readonly yDomain?: readonly [number, number];
  /** What the bands are, for the legend (default "interval"). */
  readonly bandLabel?: string;
}

const WIDTH = 480;
const HEIGHT = 260;

/** Symbols of our means, by series; the verdicts have others. */
const MARKERS = ['square', 'triangle', 'diamond', 'star', 'wye', 'hexagon'] as const;

const VERDICTS: Readonly<
  Record<Verdict, { readonly symbol: 'circle' | 'triangle' | 'times'; readonly hollow: boolean }>
> = {
  inside: { symbol: 'circle', hollow: false },
  near: { symbol: 'triangle', hollow: false },
  outside: { symbol: 'times', hollow: false },
  uncertain: { symbol: 'circle', hollow: true },
};

/** A panel as the text of an .svg file. @throws RangeError for points that are not on the axes, or of no series */
export function panelSvg(panel: Panel): string {
  return svgFile(panelFigure(panel));
}

/** A panel as an element. @throws RangeError as {@link panelSvg} */
export function panelFigure(panel: Panel): SVGElement {
  const { title, xLabel, yLabel, series, published, xScale = 'linear' } = panel;
  check(panel);
  const colours = colour(series);
  const ticks = xTicks(panel);
  const marks = [
    ...series.flatMap((one) => band(one, colours.get(one.name)!)),
    ...series.flatMap((one, at) => line(one, at, colours.get(one.name)!)),
    ...publishedMarks(published, colours),
  ];
  return figure({
    title,
    legend: legendOf(panel, colours),
    width: WIDTH,
    height: HEIGHT,
    x: { ...AXIS, label: xLabel, type: xScale, inset: 8 },
    y: { ...AXIS, label: yLabel, domain: yDomain(panel), clamp: true, grid: true },
    marks: [...(ticks ? [labelledAxis('x', ticks, xLabel)] : []), Plot.frame({ stroke: '#bbbbbb' }), ...marks],
  });
}

function check({ series, published, xScale }: Panel): void {
  const points = [...series.flatMap(({ points }) => points), ...published];
  for (const { x } of points) {
    if (!Number.isFinite(x) || (xScale === 'log' && !(x > 0))) {
      throw new RangeError(`x = ${x} has no place on a ${xScale ?? 'linear'} axis`);
    }
  }
  const names = new Set(series.map(({ name }) => name));
  if (names.size < series.length) throw new RangeError('two series of a panel have the same name');
  const stray = [...published.map((point) => point.series), ...series.flatMap(({ like }) => like ?? [])].find(
    (name) => !names.has(name),
  );
  if (stray !== undefined) throw new RangeError(`the panel has no series "${stray}"`);
}

function colour(series: readonly PanelSeries[]): Map<string, string> {
  const colours = new Map<string, string>();
  let used = 0;
  for (const { name, like } of series) colours.set(name, (like && colours.get(like)) ?? colourOf(used++));
  return colours;
}

const hasInterval = ({ low, high }: PanelPoint) => Number.isFinite(low) && Number.isFinite(high);

function band({ points }: PanelSeries, fill: string): Plot.Markish[] {
  if (!points.some(hasInterval)) return [];
  // A point without an interval must part the band, not be bridged.
  const ends = points.map((point) => (hasInterval(point) ? point : { ...point, low: Number.NaN, high: Number.NaN }));
  const alone = ends.filter((point, at) => hasInterval(point) && !near(ends, at));
  return [
    Plot.areaY(ends, { x: 'x', y1: 'low', y2: 'high', fill, fillOpacity: 0.2 }),
    // An area of one point has no width.
    Plot.ruleX(alone, { x: 'x', y1: 'low', y2: 'high', stroke: fill, strokeOpacity: 0.3, strokeWidth: 6 }),
  ];
}

const near = (points: readonly PanelPoint[], at: number) =>
  [points[at - 1], points[at + 1]].some((point) => point !== undefined && hasInterval(point));

function line({ points, dashed }: PanelSeries, at: number, stroke: string): Plot.Markish[] {
  const dashes = dashed ? { strokeDasharray: DASHES } : {};
  const symbol = MARKERS[at % MARKERS.length]!;
  return [
    Plot.lineY(points, { x: 'x', y: 'mean', stroke, strokeWidth: dashed ? 1.25 : 1.75, ...dashes }),
    Plot.dot(points, { x: 'x', y: 'mean', fill: stroke, symbol, r: 2.5 }),
  ];
}

function publishedMarks(published: readonly PublishedPoint[], colours: ReadonlyMap<string, string>): Plot.Markish[] {
  const stroke = ({ series }: PublishedPoint) => colours.get(series)!;
  const spread = published.filter(({ y, uncertainty = 0 }) => Number.isFinite(y) && uncertainty > 0);
  const bars = Plot.ruleX(spread, {
    x: 'x',
    y1: ({ y, uncertainty }: PublishedPoint) => y - uncertainty!,
    y2: ({ y, uncertainty }: PublishedPoint) => y + uncertainty!,
    stroke: { value: stroke, scale: null },
    strokeWidth: 1,
  });
  const dots = Object.entries(VERDICTS).flatMap(([verdict, { symbol, hollow }]) => {
    const points = published.filter((point) => point.verdict === verdict);
    if (points.length === 0) return [];
    const paint = { value: stroke, scale: null } as const;
    const look = hollow
      ? { fill: 'white', stroke: paint, strokeWidth: 1.5 }
      : symbol === 'times'
        ? { stroke: paint, strokeWidth: 2.5 }
        : { fill: paint, stroke: 'black', strokeWidth: 0.75 };
    return [Plot.dot(points, { x: 'x', y: 'y', symbol, r: 4.5, ...look, ariaLabel: () => `published, ${verdict}` })];
  });
  return spread.length > 0 ? [bars, ...dots] : dots;
}

function legendOf({ series, published, bandLabel = 'interval' }: Panel, colours: Map<string, string>): LegendItem[] {
  const dashes = (dashed: boolean | undefined) => (dashed ? { dash: DASHES } : {});
  const lines = series.map(({ name, dashed }): LegendItem => {
    return { label: name, mark: 'line', colour: colours.get(name)!, ...dashes(dashed) };
  });
  const bands = series.some(({ points }) => points.some(hasInterval));
  const verdicts = (Object.keys(VERDICTS) as Verdict[])
    .filter((verdict) => published.some((point) => point.verdict === verdict))
    .map((verdict): LegendItem => {
      const { symbol, hollow } = VERDICTS[verdict];
      return { label: `published, ${verdict}`, mark: symbol, colour: '#555555', hollow };
    });
  return [...lines, ...(bands ? [{ label: bandLabel, mark: 'band', colour: '#555555' } as const] : []), ...verdicts];
}

/** A logarithmic axis over little more than a decade would have hardly a label: it gets those of the points. */
function xTicks({ series, published, xScale }: Panel): number[] | undefined {
  if (xScale !== 'log') return undefined;
  const all = [...new Set([...series.flatMap(({ points }) => points), ...published].map(({ x }) => x))];
  const powers = new Set(all.map((x) => Math.floor(Math.log10(x))));
  return powers.size > 2 || all.length > 8 ? undefined : all;
}

function yDomain({ series, published, yDomain: given }: Panel): [number, number] {
  if (given) return [...given];
  const ours = series.flatMap(({ points }) => points.flatMap(({ mean, low = mean, high = mean }) => [mean, low, high]));
  const theirs = published.flatMap(({ y, uncertainty = 0 }) => [y - uncertainty, y + uncertainty]);
  const values = [...ours, ...theirs].filter(Number.isFinite);
  if (values.length === 0) return [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const pad = 0.05 * (high - low || 1);
  return [low - pad, high + pad];
}
