// The tables of a sweep: a line a point, with mean and standard deviation over the seeds; a line a cell of what would run.

import Table from 'cli-table3';
import type { Statistics } from '../experiment/statistics';
import type { SummaryPoint, SweepSummary } from '../experiment/sweep-results';
import { valuesText, valueText } from './metrics';

const SHOWN_ROWS = 5;
const SHOWN_POINTS = 40;

const COLUMNS: Readonly<Record<string, string>> = {
  standardAccuracy: 'f right on its data',
  perturbationAccuracy: 'g right on clean data',
  agreement: 'f and g agree',
  cosine: 'cosine',
};

/** Mean and standard deviation: shares in percent, as everywhere else. */
function text(name: string, statistics: Statistics | undefined): string {
  if (!statistics) return '';
  const { mean, standardDeviation } = statistics;
  const share = name !== 'cosine';
  const number = (value: number) => (share ? (100 * value).toFixed(2) : value.toFixed(4));
  const spread = standardDeviation === null ? '' : ` ± ${number(standardDeviation)}`;
  return `${number(mean)}${spread}${share ? ' %' : ''}`;
}

/** A table without colour codes, its columns as wide as what they hold. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

function pointsTable(points: readonly SummaryPoint[]): string {
  const shown = points.slice(0, SHOWN_POINTS);
  const keys = Object.keys(points[0]!.values);
  const metrics = Object.keys(COLUMNS).filter((name) => points.some((point) => point.metrics[name]));
  const counts = shown.map(({ metrics: { standardAccuracy } }) => String(standardAccuracy?.count ?? 0));
  const rows = shown.map(({ values, metrics: measured }, at) => [
    ...keys.map((key) => valueText(values[key])),
    counts[at]!,
    ...metrics.map((name) => text(name, measured[name])),
  ]);
  const table = plainTable([...keys, 'seeds', ...metrics.map((name) => COLUMNS[name]!)], rows);
  const more = points.length - shown.length;
  return more > 0 ? `${table}\n... and ${more} more points in summary.json` : table;
}

/** The summary in words; the files have every number. */
export function sweepTable(summary: SweepSummary): string {
  const { points, bestOver, failures, diverged } = summary;
  const parts: string[] = [];
  if (points.length > 0) {
    const several = points.some(({ metrics }) => Object.values(metrics).some(({ count }) => count > 1));
    parts.push(several ? `Mean ± standard deviation over the seeds\n${pointsTable(points)}` : pointsTable(points));
  }
  if (bestOver && bestOver.points.length > 0) {
    const title = `Best over ${bestOver.keys.join(', ')}: for each seed the maximum of ${bestOver.over}, each metric on its own`;
    parts.push(`${title}\n${pointsTable(bestOver.points)}`);
  }
  if (bestOver && bestOver.incomplete.length > 0) {
    parts.push(`${bestOver.incomplete.length} of these maxima are over fewer, because experiments failed or diverged.`);
  }
  if (diverged.length > 0) {
    const lines = listed(diverged, ({ at }) => at.message);
    parts.push(
      [`Diverged, and in none of these numbers: ${diverged.length} of ${summary.cells.total}`, ...lines].join('\n'),
    );
  }
  if (failures.length > 0) {
    parts.push(['Without a result:', ...listed(failures, ({ error }) => error.message)].join('\n'));
  }
  if (summary.devices.length > 1 || summary.versions.length > 1) {
    const what = [...summary.devices, ...summary.versions.map((version) => JSON.stringify(version))].join('; ');
    parts.push(`Not all from one device and version: ${what}. Only on the same ones are results equal to the bit.`);
  }
  return parts.join('\n\n');
}

/** The first few experiments, each with what is to be said of it. */
function listed<T extends { readonly values: Readonly<Record<string, unknown>>; readonly seed: number }>(
  all: readonly T[],
  say: (each: T) => string,
): string[] {
  const shown = all.slice(0, SHOWN_ROWS).map((each) => {
    return `  ${valuesText({ ...each.values, seed: each.seed })}: ${say(each)}`;
  });
  return all.length > shown.length ? [...shown, `  ... and ${all.length - shown.length} more in results.csv`] : shown;
}
