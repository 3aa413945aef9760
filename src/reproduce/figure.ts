// A reproduced panel as the input of its figure: for each metric our best curve with its interval, our plain curve dashed in
// the same colour, and the published points on top.

import { withinShare } from '../report/metrics';
import type { Panel, PanelPoint, PanelSeries } from '../report/panel';
import { BEST, METRIC_NAMES, PLAIN, type ReproducedPanel } from './document';
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

/** Published values below the axis have no place in the figure. */
export function panelPlot(panel: ReproducedPanel): Panel {
  const { title, xLabel, xLog, scale, setting, metrics, seeds } = panel;
  const how = scale === 'paper' ? `${seeds} seeds` : `${seeds} seeds, ${scale} scale, ${setting.split(':')[0]}`;
  return {
    title: `${title} (${how})`,
    xLabel,
    yLabel: BEST,
    xScale: xLog ? 'log' : 'linear',
    yDomain: [0, 1.02],
    bandLabel: '95 % prediction interval of a single seed',
    series: metrics.flatMap(seriesOf),
    published: metrics.flatMap(({ metric, published }) =>
      published.flatMap(({ x, y, halfWidth, verdict }) =>
        y === null
          ? []
          : [
              {
                series: METRIC_NAMES[metric],
                x,
                y,
                verdict,
                ...(halfWidth === null ? {} : { uncertainty: halfWidth }),
              },
            ],
      ),
    ),
  };
}
