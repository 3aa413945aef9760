// The report of a sweep, or of anything else that has statistics over seeds at points of a grid. Plain data in.

import { details, facts, type Html, page, paragraph, row, type Section, svgFigure, table, verbatim } from './page';
import { panelSvg } from './panel';
import { tick } from './style';
import { type Interval, metricName, type SweepPoint, sweepPanels, valueText } from './sweep-figures';

export interface SweepReport {
  readonly title: string;
  readonly lead?: string;
  readonly seeds: readonly number[];
  /** Axes of the grid: keys that go together, and the values they take. */
  readonly axes: readonly { readonly keys: readonly string[]; readonly values: readonly (readonly unknown[])[] }[];
  /** Statistics over the seeds at every point. */
  readonly points: readonly SweepPoint[];
  /** For each seed the maximum over some axes, each metric on its own; then statistics. */
  readonly bestOver?: { readonly keys: readonly string[]; readonly points: readonly SweepPoint[] };
  readonly failures: readonly {
    readonly values: Readonly<Record<string, unknown>>;
    readonly seed: number;
    readonly error: { readonly message: string };
  }[];
  /** Drawn already, shown before those made of the points. */
  readonly figures?: readonly { readonly svg: string; readonly description: string; readonly caption?: string }[];
  /** Devices, versions, times: names and what they are. */
  readonly facts: readonly (readonly [string, string])[];
  /** What was asked for, as JSON text. */
  readonly document: string;
  /** What gives the same again. */
  readonly command: string;
}

/** report.html of a sweep. */
export function sweepReport(sweep: SweepReport): string {
  const { title, lead, axes, seeds, points, bestOver, failures, document, command } = sweep;
  const drawn = (sweep.figures ?? []).map(({ svg, description, caption }) => svgFigure(svg, description, caption));
  const sections: Section[] = [
    { title: 'What was varied', body: [axesTable(axes), paragraph(`Seeds: ${seeds.join(', ')}.`)] },
    ...(drawn.length === 0 ? [] : [{ title: 'Figures', body: drawn }]),
    ...statisticsSections('Over the seeds', points),
    ...(bestOver ? statisticsSections(`Maximum over ${bestOver.keys.join(', ')}`, bestOver.points) : []),
    ...(failures.length === 0 ? [] : [failuresSection(failures)]),
    { title: 'How it ran', body: [facts(sweep.facts)] },
    { title: 'Run it again', body: [verbatim(command), verbatim(document)] },
  ];
  return page({ title, sections, ...(lead === undefined ? {} : { lead }) });
}

function axesTable(axes: SweepReport['axes']): Html {
  const lines = axes.map(({ keys, values }): [string, string] => [
    keys.join(', '),
    values.map((each) => each.map(valueText).join(', ')).join(keys.length > 1 ? '; ' : ', '),
  ]);
  return facts(lines);
}

function statisticsSections(title: string, points: readonly SweepPoint[]): Section[] {
  if (points.length === 0) return [];
  const panels = sweepPanels(points).map((panel) => svgFigure(panelSvg(panel), `${panel.title} over ${panel.xLabel}`));
  const numbers = details('All numbers', [statisticsTable(points)]);
  const meaning =
    'The confidence interval is about the mean of all seeds; the prediction interval is about one more seed, and is the band in the figures.';
  return [{ title, body: [row(panels), paragraph(meaning), panels.length > 0 ? numbers : statisticsTable(points)] }];
}

/** A row for every point and metric. */
export function statisticsTable(points: readonly SweepPoint[]): Html {
  const keys = [...new Set(points.flatMap(({ values }) => Object.keys(values)))];
  const head = [...keys, 'metric', 'seeds', 'mean', 'sd', '95 % confidence', '95 % prediction'];
  const interval = (ends: Interval | null) => (ends ? ends.map(tick).join(' to ') : '–');
  const rows = points.flatMap(({ values, metrics }) =>
    Object.entries(metrics).map(([name, { count, mean, standardDeviation, confidence95, prediction95 }]) => [
      ...keys.map((key) => valueText(values[key])),
      metricName(name),
      count,
      tick(mean),
      standardDeviation === null ? '–' : tick(standardDeviation),
      interval(confidence95),
      interval(prediction95),
    ]),
  );
  return table(head, rows);
}

function failuresSection(failures: SweepReport['failures']): Section {
  const rows = failures.map(({ values, seed, error }) => [
    Object.entries(values)
      .map(([key, value]) => `${key} = ${valueText(value)}`)
      .join(', '),
    seed,
    error.message,
  ]);
  return { title: 'Not computed', body: [table(['point', 'seed', 'why'], rows)] };
}
