// Panels of a sweep: one a metric, over the axis with the most numbers, a line for each combination of the others.

import type { Panel, PanelPoint, PanelSeries } from './panel';
import { PALETTE } from './style';

/** A closed interval, [low, high]. */
export type Interval = readonly [number, number];

/** Of the seeds at one point; what one value cannot say is null. */
export interface PointStatistics {
  readonly count: number;
  readonly mean: number;
  readonly standardDeviation: number | null;
  readonly confidence95: Interval | null;
  readonly prediction95: Interval | null;
}

export interface SweepPoint {
  /** Of every axis, by dotted key. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, PointStatistics>>;
}

const METRICS: Readonly<Record<string, string>> = {
  standardAccuracy: 'standard accuracy',
  perturbationAccuracy: 'perturbation accuracy',
  agreement: 'agreement',
  cosine: 'cosine with the theory',
};

/** A metric in words. */
export const metricName = (metric: string): string => METRICS[metric] ?? metric;

/** A configuration value as text. */
export const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '–');

/** Lines of one panel that can still be told apart. */
const MOST_LINES = PALETTE.length;
/** A ratio of largest to smallest x from which a logarithmic axis shows more. */
const DECADE = 10;

/** No panel when no axis has two numbers, or when there would be too many lines. */
export function sweepPanels(points: readonly SweepPoint[]): Panel[] {
  const key = mainAxis(points);
  if (key === undefined) return [];
  const metrics = [...new Set(points.flatMap(({ metrics }) => Object.keys(metrics)))];
  return metrics.flatMap((metric) => {
    const series = seriesOf(points, key, metric);
    if (series.length > MOST_LINES) return [];
    const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
    const [low, high] = [Math.min(...xs), Math.max(...xs)];
    return [
      {
        title: metricName(metric),
        xLabel: key,
        yLabel: metric === 'cosine' ? 'mean |cos|' : 'share of samples',
        xScale: low > 0 && high / low >= DECADE ? ('log' as const) : ('linear' as const),
        series,
        published: [],
        bandLabel: '95 % prediction interval of one seed',
      },
    ];
  });
}

/** The key with the most different numbers, the first of them where several have as many. */
function mainAxis(points: readonly SweepPoint[]): string | undefined {
  const keys = [...new Set(points.flatMap(({ values }) => Object.keys(values)))];
  const numeric = keys
    .filter((key) => points.every(({ values }) => Number.isFinite(values[key])))
    .map((key) => ({ key, count: new Set(points.map(({ values }) => values[key])).size }))
    .filter(({ count }) => count > 1);
  return numeric.sort((a, b) => b.count - a.count)[0]?.key;
}

/** Every metric is a share or the size of a cosine; what an interval says beyond means nothing. */
const cut = (value: number) => Math.min(1, Math.max(0, value));

function seriesOf(points: readonly SweepPoint[], key: string, metric: string): PanelSeries[] {
  const series = new Map<string, PanelPoint[]>();
  for (const { values, metrics } of points) {
    const measured = metrics[metric];
    if (!measured) continue;
    const others = Object.entries(values).filter(([other]) => other !== key);
    const name = others.map(([other, value]) => `${other} ${valueText(value)}`).join(', ') || metricName(metric);
    const ends = measured.prediction95?.map(cut);
    const line = series.get(name) ?? [];
    line.push({ x: values[key] as number, mean: measured.mean, ...(ends ? { low: ends[0]!, high: ends[1]! } : {}) });
    series.set(name, line);
  }
  return [...series].map(([name, line]) => ({ name, points: line.sort((a, b) => a.x - b.x) }));
}
