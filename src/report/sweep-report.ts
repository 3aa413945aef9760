// The report of a sweep: what was varied, what came of it over the seeds, what has no result, and how it ran.

import type { Combination } from '../experiment/sweep';
import type { SummaryPoint, SweepRow, SweepSummary } from '../experiment/sweep-results';
import { bytes, deviceText, seconds } from './format';
import { metricName, valuesText, valueText } from './metrics';
import {
  compactJson,
  details,
  facts,
  figures,
  type Html,
  page,
  paragraph,
  row,
  type Section,
  svgFigure,
  table,
  verbatim,
} from './page';
import { panelSvg } from './panel';
import { tick } from './style';
import { sweepPanels } from './sweep-figures';
import { distinct, pairs, stageTimes, trainerUse, usedFacts } from './used';

export interface SweepReport {
  readonly title: string;
  readonly summary: SweepSummary;
  /** A row for each combination whose outcome is known. */
  readonly rows: readonly SweepRow[];
  /** Combinations that are not computed yet. */
  readonly missing: readonly Pick<Combination, 'values' | 'seed'>[];
  /** Base and grid, as a grid document. */
  readonly document: unknown;
  readonly again: {
    /** Where the command is to be given. */
    readonly where: string;
    readonly command: string;
  };
}

/** Rows that a table of a page shows of many; results.csv and summary.json have them all. */
const MOST_ROWS = 300;

/** report.html of a sweep, a finished or an unfinished one. */
export function sweepReport(sweep: SweepReport): string {
  const { title, summary, missing, document, again } = sweep;
  const { bestOver, failures, points, seeds } = summary;
  const sections: Section[] = [
    { title: 'What was varied', body: [axesTable(summary.axes), paragraph(`Seeds: ${shortList(seeds)}.`)] },
    stateSection(summary, missing),
    ...(bestOver ? [bestSection(summary, bestOver)] : []),
    ...(points.length === 0 ? [] : [{ title: 'Over the seeds', body: statisticsBody(summary, points) }]),
    ...(failures.length === 0 ? [] : [failuresSection(failures)]),
    ...(missing.length === 0 ? [] : [missingSection(missing)]),
    { title: 'How it ran', body: [facts(sweepFacts(sweep))] },
    { title: 'Run it again', body: [paragraph(again.where), verbatim(again.command)] },
    {
      title: 'Base and grid',
      body: [
        paragraph('As kept in sweep.json; what the base leaves out is as it is by default.'),
        verbatim(compactJson(document)),
      ],
    },
  ];
  return page({ title, lead: leadOf(summary, missing.length), sections });
}

const experiments = (count: number) => `${count} ${count === 1 ? 'experiment' : 'experiments'}`;

function leadOf({ cells, points }: SweepSummary, missing: number): string {
  const what = `A sweep of ${experiments(cells.total)} over ${points.length} ${points.length === 1 ? 'point' : 'points'}.`;
  if (missing > 0)
    return `${what} It is unfinished: ${missing} are not computed yet, and every statistic is of the others.`;
  return cells.failed > 0 ? `${what} ${cells.failed} have no result.` : what;
}

function axesTable(axes: SweepSummary['axes']): Html {
  const lines = axes.map(({ keys, values }): [string, string] => [
    keys.join(', '),
    values.map((each) => each.map(valueText).join(', ')).join(keys.length > 1 ? '; ' : ', '),
  ]);
  return lines.length === 0 ? paragraph('Nothing but the seed.') : facts(lines);
}

/** Numbers, of many the first and the last. */
function shortList(numbers: readonly number[]): string {
  return numbers.length <= 20 ? numbers.join(', ') : `${numbers.slice(0, 8).join(', ')}, … ${numbers.at(-1)}`;
}

function stateSection({ cells, computedSeconds }: SweepSummary, missing: SweepReport['missing']): Section {
  const parts = [
    {
      value: cells.finished,
      name: 'finished',
      meaning: `Of ${experiments(cells.total)}, each seed of a point counted.`,
    },
    { value: cells.failed, name: 'without a result', meaning: 'They were tried and could not be computed.' },
    {
      value: missing.length,
      name: 'not computed yet',
      meaning: 'The sweep was interrupted; the same command goes on.',
    },
  ];
  const shown = parts.filter(({ value }, at) => at === 0 || value > 0);
  const time = { value: seconds(computedSeconds), name: 'computing', meaning: 'Of all experiments, without start-up.' };
  return { title: 'State', body: [figures([...shown.map((part) => ({ ...part, value: String(part.value) })), time])] };
}

function bestSection(summary: SweepSummary, { keys, over, points, incomplete }: NonNullable<SweepSummary['bestOver']>) {
  const meaning = `For each seed the largest of the ${over} values that differ in ${keys.join(', ')} alone, each metric on its own, then the statistics over the seeds. A maximum is higher than what any single setting gives.`;
  const some =
    incomplete.length > 0
      ? [paragraph(`Maxima over fewer values, because the others have no result: ${incomplete.length}.`)]
      : [];
  return {
    title: `Best over ${keys.join(', ')}`,
    body: [paragraph(meaning), ...some, ...statisticsBody(summary, points, 'best ')],
  };
}

/** Panels and numbers. @param what goes before the names of the metrics */
function statisticsBody({ axes }: SweepSummary, points: readonly SummaryPoint[], what = ''): Html[] {
  const panels = sweepPanels(points, axes).map((panel) => ({ ...panel, title: `${what}${panel.title}` }));
  const drawn = panels.map((panel) => svgFigure(panelSvg(panel), `${panel.title} over ${panel.xLabel}`));
  const several = points.some(({ metrics }) => Object.values(metrics).some(({ count }) => count > 1));
  const meaning = several
    ? 'The confidence interval is about the mean of all seeds; the prediction interval is about one more seed, and is the band in the figures.'
    : 'One seed has neither a standard deviation nor an interval.';
  const numbers = statisticsTable(points, what);
  return [
    ...(drawn.length === 0 ? [] : [row(drawn)]),
    paragraph(meaning),
    ...(drawn.length === 0 ? numbers : [details('All numbers', numbers)]),
  ];
}

/** A row for every point and metric. */
function statisticsTable(points: readonly SummaryPoint[], what: string): Html[] {
  const keys = [...new Set(points.flatMap(({ values }) => Object.keys(values)))];
  const head = [...keys, 'metric', 'seeds', 'mean', 'standard deviation', '95 % confidence', '95 % prediction'];
  const interval = (ends: readonly [number, number] | null) => (ends ? ends.map(tick).join(' to ') : '–');
  const rows = points.flatMap(({ values, metrics }) =>
    Object.entries(metrics).map(([name, { count, mean, standardDeviation, confidence95, prediction95 }]) => [
      ...keys.map((key) => valueText(values[key])),
      `${what}${metricName(name)}`,
      count,
      tick(mean),
      standardDeviation === null ? '–' : tick(standardDeviation),
      interval(confidence95),
      interval(prediction95),
    ]),
  );
  return shownRows(head, rows, 'summary.json');
}

/** As many rows as a page bears, and how many more there are, in `file` when there is one. */
function shownRows(head: readonly string[], rows: readonly (readonly (string | number)[])[], file?: string): Html[] {
  const more = rows.length - MOST_ROWS;
  const rest = file === undefined ? `And ${more} more.` : `And ${more} more, in ${file}.`;
  return [table(head, rows.slice(0, MOST_ROWS)), ...(more > 0 ? [paragraph(rest)] : [])];
}

function failuresSection(failures: SweepSummary['failures']): Section {
  const rows = failures.map(({ values, seed, error }) => [valuesText(values), seed, error.message]);
  return { title: 'Without a result', body: shownRows(['point', 'seed', 'why'], rows, 'results.csv') };
}

function missingSection(missing: SweepReport['missing']): Section {
  const rows = missing.map(({ values, seed }) => [valuesText(values), seed]);
  const how = paragraph('The command below computes these, and keeps the others.');
  return { title: 'Not computed yet', body: [how, ...shownRows(['point', 'seed'], rows)] };
}

function sweepFacts({ rows, summary }: SweepReport): [string, string][] {
  // Combinations may share an experiment.
  const results = [...new Map(rows.flatMap(({ cell, result }) => (result ? [[cell, result] as const] : []))).values()];
  if (results.length === 0) return [['time', 'nothing has been computed']];
  const devices = distinct(results.map((result) => deviceText(result)));
  const mixed = devices.length > 1 || summary.versions.length > 1;
  const warning = 'Results are equal to the bit only on one device and version.';
  return [
    ...usedFacts(results.map(({ trainer }) => trainerUse(trainer))),
    [
      'time',
      [
        `${seconds(summary.computedSeconds)} for ${experiments(results.length)}`,
        ...stageTimes(results.map(({ timing }) => timing)),
      ].join('\n'),
    ],
    ['peak device memory', bytes(Math.max(...results.map(({ memory }) => memory.peakDeviceBytes)))],
    [devices.length > 1 ? 'devices' : 'device', devices.join('\n')],
    ['versions', [...summary.versions.map(pairs), ...(mixed ? [warning] : [])].join('\n')],
  ];
}
