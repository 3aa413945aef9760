// A reproduced panel as the input of its figure: for each metric our best curve with its interval, our plain curve dashed in
// the same colour, and the published points on top.

import { BEST, METRIC_NAMES, PLAIN, type ReproducedPanel } from './document';
import type { MetricCurves, SeedPoint, Verdict } from './verdict';

interface FigurePoint {
  readonly x: number;
  readonly mean: number;
  readonly low?: number;
  readonly high?: number;
}

interface FigureSeries {
  readonly name: string;
  readonly points: readonly FigurePoint[];
  readonly dashed?: boolean;
  /** The series whose colour this one has. */
  readonly like?: string;
}

/** What a panel's figure is drawn from. */
export interface PanelFigure {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale: 'linear' | 'log';
  readonly yDomain: readonly [number, number];
  readonly bandLabel: string;
  readonly series: readonly FigureSeries[];
  readonly published: readonly {
    readonly series: string;
    readonly x: number;
    readonly y: number;
    readonly uncertainty?: number;
    readonly verdict: Verdict;
  }[];
}

/** Every metric is a share or a cosine's absolute value; an interval beyond says nothing more. */
const cut = (value: number) => Math.min(1, Math.max(0, value));

function best({ x, mean, prediction95 }: SeedPoint): FigurePoint {
  return { x, mean, ...(prediction95 ? { low: cut(prediction95[0]), high: cut(prediction95[1]) } : {}) };
}

const seriesOf = ({ metric, best: maximum, plain }: MetricCurves): FigureSeries[] => {
  const name = METRIC_NAMES[metric];
  return [
    { name, points: maximum.map(best) },
    { name: `${name}, ${PLAIN}`, points: plain.map(({ x, mean }) => ({ x, mean })), dashed: true, like: name },
  ];
};

/** Published values below the axis have no place in the figure. */
export function panelFigure(panel: ReproducedPanel): PanelFigure {
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
