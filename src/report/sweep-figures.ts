// Panels of a sweep: one a metric, over the axis with the most numbers, a line for each combination of the others; more
// lines than can be told apart are spread over several panels.

import type { Axis } from '../experiment/sweep-grid';
import type { SummaryPoint } from '../experiment/sweep-results';
import { groupBy } from './group-by';
import { metricName, valuesText, withinShare } from './metrics';
import type { Panel, PanelPoint, PanelSeries } from './panel';
import { PALETTE } from './style';

/** Lines of one panel that can still be told apart. */
const MOST_LINES = PALETTE.length;
/** Panels of a metric that are still looked at. */
const MOST_PANELS = 12;
/** A ratio of largest to smallest x from which a logarithmic axis shows more. */
const DECADE = 10;

/** What a sweep's panels are made of. */
interface Layout {
  readonly x: string;
  /** Keys that lines differ in. */
  readonly lines: readonly string[];
  /** Keys that panels differ in. */
  readonly panels: readonly string[];
}

/**
 * No panel when no axis has two numbers, or when it takes more than can be looked at.
 * @param axes of the grid; an axis that the points do not have, or that has one value, plays no part
 */
export function sweepPanels(points: readonly SummaryPoint[], axes: readonly Axis[]): Panel[] {
  const layout = layOut(points, axes);
  if (layout === undefined) return [];
  const xs = points.map(({ values }) => values[layout.x] as number);
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const xScale = low > 0 && high / low >= DECADE ? 'log' : 'linear';
  const facets = groupBy(points, ({ values }) => valuesText(pick(values, layout.panels)));
  return [...new Set(points.flatMap(({ metrics }) => Object.keys(metrics)))].flatMap((metric) =>
    [...facets].flatMap(([facet, within]): Panel[] => {
      const series = seriesOf(within, layout, metric);
      if (series.length === 0) return [];
      const title = [metricName(metric), facet].filter((part) => part !== '').join(': ');
      return [
        {
          title,
          xLabel: layout.x,
          yLabel: metric === 'cosine' ? 'mean |cos|' : 'share of samples',
          xScale,
          series,
          published: [],
          bandLabel: '95 % prediction interval of one seed',
        },
      ];
    }),
  );
}

function layOut(points: readonly SummaryPoint[], axes: readonly Axis[]): Layout | undefined {
  const count = (keys: readonly string[]) => new Set(points.map(({ values }) => valuesText(pick(values, keys)))).size;
  const varied = axes.map(({ keys }) => keys.filter((key) => count([key]) > 1)).filter((keys) => keys.length > 0);
  const numeric = (key: string) => points.every(({ values }) => Number.isFinite(values[key]));
  // Keys that go together share an axis: the first of them that tells all its values apart stands for it.
  const candidates = varied.flatMap((keys) => keys.find((key) => numeric(key) && count([key]) === count(keys)) ?? []);
  const x = candidates.sort((a, b) => count([b]) - count([a]))[0];
  if (x === undefined) return undefined;
  const others = varied.filter((keys) => !keys.includes(x));
  if (count(others.flat()) <= MOST_LINES) return { x, lines: others.flat(), panels: [] };
  const lines = others.filter((keys) => count(keys) <= MOST_LINES).sort((a, b) => count(b) - count(a))[0] ?? [];
  const panels = others.filter((keys) => keys !== lines).flat();
  return count(panels) <= MOST_PANELS ? { x, lines, panels } : undefined;
}

const pick = (values: SummaryPoint['values'], keys: readonly string[]) =>
  Object.fromEntries(keys.filter((key) => key in values).map((key) => [key, values[key]]));

function seriesOf(points: readonly SummaryPoint[], { x, lines }: Layout, metric: string): PanelSeries[] {
  const series = new Map<string, PanelPoint[]>();
  for (const { values, metrics } of points) {
    const measured = metrics[metric];
    if (!measured) continue;
    const name = valuesText(pick(values, lines)) || metricName(metric);
    const ends = measured.prediction95?.map(withinShare);
    const line = series.get(name) ?? [];
    line.push({ x: values[x] as number, mean: measured.mean, ...(ends ? { low: ends[0]!, high: ends[1]! } : {}) });
    series.set(name, line);
  }
  return [...series].map(([name, line]) => ({ name, points: line.sort((a, b) => a.x - b.x) }));
}
