// A reproduced panel as the input of its figure: for each metric our best curve with its interval, our plain curve dashed in
// the same colour, and the published points on top.

import { withinShare } from '../report/metrics';
import type { Panel, PanelPoint, PanelSeries, PublishedPoint } from '../report/panel';
import { BEST, METRIC_NAMES, PLAIN, type ReproducedPanel } from './document';
import { seedsText } from './scale';
import type { MetricCurves, SeedPoint } from './verdict';

function best({ x, mean, prediction95 }: SeedPoint): PanelPoint {
  return {
    x,
    mean,
    ...(prediction95 ? { low: withinShare(prediction95[0]), high: withinShare(prediction95[1]) } : {}),
  };
}

const seriesOf = ({ metric, best: maximum, plain }: MetricCurves): PanelSeries[] => {
  const name = METRIC_NAMES[metric];
  return [
    { name, points: maximum.map(best) },
    { name: `${name}, ${PLAIN}`, points: plain.map(({ x, mean }) => ({ x, mean })), dashed: true, like: name },
  ];
};

const BAND = '95 % prediction interval of a single seed';

const publishedOf = ({ published }: MetricCurves, series: string): PublishedPoint[] =>
  published.flatMap(({ x, y, halfWidth, verdict }) =>
    y === null ? [] : [{ series, x, y, verdict, ...(halfWidth === null ? {} : { uncertainty: halfWidth }) }],
  );

/** All metrics in one plot, as published. Published values below the axis have no place in it. */
export function panelPlot(panel: ReproducedPanel): Panel {
  const { title, scale, setting, metrics, seeds } = panel;
  const how = scale === 'paper' ? seedsText(seeds) : `${seedsText(seeds)}, ${scale} scale, ${setting.split(':')[0]}`;
  return {
    ...axesOf(panel),
    title: `${title} (${how})`,
    yLabel: BEST,
    series: metrics.flatMap(seriesOf),
    published: metrics.flatMap((curves) => publishedOf(curves, METRIC_NAMES[curves.metric])),
  };
}

/** A plot for each metric: intervals of several hide one another. */
export const metricPlots = (panel: ReproducedPanel): Panel[] =>
  panel.metrics.map((curves) => ({
    ...axesOf(panel),
    title: METRIC_NAMES[curves.metric],
    yLabel: curves.metric === 'cosine' ? 'mean |cos|' : 'share of samples',
    series: [
      { name: `mean, ${BEST}`, points: curves.best.map(best) },
      { name: `mean, ${PLAIN}`, points: curves.plain.map(({ x, mean }) => ({ x, mean })), dashed: true },
    ],
    published: publishedOf(curves, `mean, ${BEST}`),
  }));

const axesOf = ({ xLabel, xLog }: ReproducedPanel) =>
  ({ xLabel, xScale: xLog ? 'log' : 'linear', yDomain: [0, 1.02], bandLabel: BAND }) as const;
