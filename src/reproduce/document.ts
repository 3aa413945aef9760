// A reproduced panel as documents: JSON with everything, CSV with a line a point, and the input of the figure.

import { axisKey } from './cells';
import type { Origin } from './origin';
import type { PublishedFigure, PublishedPanel } from './published';
import { countVerdicts, type MetricCurves, type SeedPoint, type Verdict } from './verdict';

/** In labels; accuracies, but for the last two. */
export const METRIC_NAMES = {
  standardAccuracy: 'f on its data',
  perturbationAccuracy: 'g on clean data',
  agreement: 'agreement of f and g',
  cosine: 'cosine with the prediction',
} as const;

/** What the maximum is, in every label: it is taken for each seed and each metric on its own. */
export const BEST = 'best over learning rates';
export const PLAIN = 'default rates';

export interface ReproducedPanel extends Origin {
  readonly figure: string;
  readonly title: string;
  /** Counted from 1, as --panel takes it. */
  readonly panel: number;
  readonly xLabel: string;
  readonly xLog: boolean;
  readonly xKey: string;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly metrics: readonly MetricCurves[];
}

/** The reproduced panel as plain data. */
export function panelDocument(
  figure: PublishedFigure,
  panel: PublishedPanel,
  metrics: readonly MetricCurves[],
  origin: Origin,
): ReproducedPanel {
  return {
    figure: figure.id,
    title: figure.title,
    panel: figure.panels.indexOf(panel) + 1,
    xLabel: panel.xLabel,
    xLog: panel.xLog,
    xKey: axisKey(panel),
    ...origin,
    verdicts: countVerdicts(metrics.flatMap(({ published }) => published)),
    metrics,
  };
}

/** Rows of a table, the first with the names of the columns. */
export function panelRows({ metrics, xKey }: ReproducedPanel): (string | number | null)[][] {
  const columns = (kind: string) => ['mean', 'predictionLow', 'predictionHigh'].map((name) => `${kind} ${name}`);
  const head = [
    'metric',
    xKey,
    'seeds',
    ...columns(BEST),
    ...columns(PLAIN),
    'published',
    'halfWidth',
    'verdict',
    'note',
  ];
  const interval = (point: SeedPoint | undefined) => [
    point?.mean ?? null,
    point?.prediction95?.[0] ?? null,
    point?.prediction95?.[1] ?? null,
  ];
  const rows = metrics.flatMap(({ metric, best, plain, published }) =>
    best.map((point, at) => {
      const { y, halfWidth, verdict, note } = published[at]!;
      const unaided = plain.find(({ x }) => x === point.x);
      const ours = [metric, point.x, point.count, ...interval(point), ...interval(unaided)];
      return [...ours, y, halfWidth, verdict, note ?? null];
    }),
  );
  return [head, ...rows];
}
