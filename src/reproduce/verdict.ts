// What the cells of a panel say beside what was published: like against like, so the maximum over the learning rates first.

import { type Statistics, statistics } from '../experiment/statistics';
import type { Cell, PanelPoint } from './cells';
import { plainRate } from './cells';
import type { Metric, PublishedPanel, PublishedSeries } from './published';

/** Metrics of one experiment; null where it has none (no test points), or none that is a number. */
export type Metrics = Readonly<Partial<Record<Metric, number | null>>>;

/** The outcome of a cell: metrics in the order of its runs. */
export type CellMetrics = readonly Metrics[];

/** How close to our mean a published value may lie without being inside the interval. */
export const NEAR = 0.05;

/**
 * `inside` the 95 % prediction interval of a single seed; else `near`, within {@link NEAR} of our mean; else `outside`.
 * `uncertain`: the published value could not be read with confidence.
 */
export const VERDICTS = ['inside', 'near', 'outside', 'uncertain'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface SeedPoint extends Statistics {
  readonly x: number;
  /** In the order of the seeds. */
  readonly values: readonly number[];
}

export interface PublishedPoint {
  readonly x: number;
  /** Null: below the axis. */
  readonly y: number | null;
  readonly halfWidth: number | null;
  /** From our mean; null below the axis. */
  readonly distance: number | null;
  readonly verdict: Verdict;
  /** Why the value is uncertain. */
  readonly note?: string;
}

export interface MetricCurves {
  readonly metric: Metric;
  /** Of each seed's maximum over the learning rates, as published. */
  readonly best: readonly SeedPoint[];
  /** Of each seed's value at the default learning rates. */
  readonly plain: readonly SeedPoint[];
  readonly published: readonly PublishedPoint[];
}

/** The largest value of a metric over the learning rates of a cell; undefined where no run has it. */
export function bestOf(metrics: CellMetrics, metric: Metric): number | undefined {
  const values = metrics.map((each) => each[metric]).filter((value) => typeof value === 'number');
  return values.length > 0 ? Math.max(...values) : undefined;
}

/** The value at the default learning rates, without a maximum. */
export function plainOf(cell: Cell, metrics: CellMetrics, metric: Metric): number | undefined {
  const rate = (side: 'standardLr' | 'learningLr') => plainRate(cell.runs.map((run) => run[side]));
  const [standardLr, learningLr] = [rate('standardLr'), rate('learningLr')];
  const at = cell.runs.findIndex((run) => run.standardLr === standardLr && run.learningLr === learningLr);
  return metrics[at]?.[metric] ?? undefined;
}

/** What to say of a published value, given our seeds at the same point. */
export function verdictOf(y: number | null, uncertain: boolean, { mean, prediction95 }: Statistics): Verdict {
  if (uncertain || y === null) return 'uncertain';
  if (prediction95 && prediction95[0] <= y && y <= prediction95[1]) return 'inside';
  return Math.abs(y - mean) <= NEAR ? 'near' : 'outside';
}

function publishedPoint({ y, halfWidth, uncertain }: PublishedSeries, index: number, ours: SeedPoint): PublishedPoint {
  const note = uncertain[index];
  const value = y[index] ?? null;
  return {
    x: ours.x,
    y: value,
    halfWidth: halfWidth[index] ?? null,
    distance: value === null ? null : value - ours.mean,
    verdict: verdictOf(value, note !== undefined, ours),
    ...(note === undefined ? {} : { note }),
  };
}

/**
 * The curves of a panel from the cells that are there. A point without any finished cell is left out, and so is a metric
 * that no experiment has.
 * @param outcomes by the id of a cell
 */
export function panelCurves(
  panel: PublishedPanel,
  points: readonly PanelPoint[],
  outcomes: ReadonlyMap<string, CellMetrics>,
): MetricCurves[] {
  return (Object.entries(panel.published) as [Metric, PublishedSeries][]).map(([metric, series]) => {
    const best: SeedPoint[] = [];
    const plain: SeedPoint[] = [];
    const published: PublishedPoint[] = [];
    for (const { index, x, cells } of points) {
      const done = cells.filter(({ id }) => outcomes.has(id));
      const gather = (value: (cell: Cell, metrics: CellMetrics) => number | undefined): SeedPoint | undefined => {
        const values = done.flatMap((cell) => value(cell, outcomes.get(cell.id)!) ?? []);
        return values.length > 0 ? { x, values, ...statistics(values) } : undefined;
      };
      const maximum = gather((_, metrics) => bestOf(metrics, metric));
      const unaided = gather((cell, metrics) => plainOf(cell, metrics, metric));
      if (unaided) plain.push(unaided);
      if (!maximum) continue;
      best.push(maximum);
      published.push(publishedPoint(series, index, maximum));
    }
    return { metric, best, plain, published };
  });
}

/** How many published points have each verdict. */
export function countVerdicts(points: readonly { readonly verdict: Verdict }[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { inside: 0, near: 0, outside: 0, uncertain: 0 };
  for (const { verdict } of points) counts[verdict]++;
  return counts;
}

/**
 * How many certain points lie within {@link NEAR} of our mean, whatever the interval says: where single seeds differ
 * much, the interval holds nearly every value.
 */
export const countClose = (points: readonly PublishedPoint[]): number =>
  points.filter(({ verdict, distance }) => verdict !== 'uncertain' && Math.abs(distance!) <= NEAR).length;
