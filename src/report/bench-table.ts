// A benchmark as text: a table a shape, what was left out and why, and what changed between two of them.

import Table from 'cli-table3';
import type { BenchReport, BenchRow } from '../bench/bench';
import { shapeName } from '../bench/cases';
import type { BenchComparison } from '../bench/compare';
import type { KernelReport } from '../bench/tune';

const STYLE = { style: { head: [], border: [] } };

/** 0.00012 -> "120 us". */
export function duration(seconds: number): string {
  const [unit, factor] = seconds >= 1 ? ['s', 1] : seconds >= 1e-3 ? ['ms', 1e3] : ['us', 1e6];
  return `${(seconds * factor).toPrecision(3)} ${unit}`;
}

const share = (value: number) => `${(100 * value).toFixed(0)} %`;
const range = ({ min, max }: BenchRow) => `${duration(min)} to ${duration(max)}`;

/** What was measured, shape by shape. */
export function benchTable(report: BenchReport): string {
  const { adapter, ceilings, rows, skipped, rounds } = report;
  const lines = [
    `${adapter.name}${adapter.description && adapter.description !== adapter.name ? ` (${adapter.description})` : ''}`,
    `ceilings measured on it: ${ceilings.gflops.toPrecision(3)} GFLOP/s of multiply-adds, ${ceilings.gbs.toPrecision(3)} GB/s of copying`,
  ];
  if (report.partial) lines.push(`ended early: ${report.partial.done} of ${report.partial.cases} cases`);
  for (const shape of new Set(rows.map((row) => shapeName(row.shape)))) {
    const table = new Table({
      ...STYLE,
      head: ['kernel', 'variant', 'median', `of ${rounds} rounds`, 'GFLOP/s', 'GB/s', 'of FMA', 'of roofline', 'error'],
      colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    });
    for (const row of rows.filter((each) => shapeName(each.shape) === shape)) {
      table.push([
        row.kernel,
        `${row.variant}${row.chosen ? ' *' : ''}`,
        duration(row.median),
        range(row),
        row.gflops.toPrecision(3),
        row.gbs.toPrecision(3),
        share(row.ofFma),
        share(row.ofRoofline),
        row.error === undefined ? '' : row.error.toExponential(1),
      ]);
    }
    lines.push('', `n/d/m = ${shape}`, table.toString());
  }
  lines.push(
    '* runs by default; of FMA: of multiply-adds between registers measured just before and after it',
    'error: largest, of sampled entries, against float64, over the largest entry',
  );
  const wall = rows.filter(({ clock }) => clock === 'wall').length;
  if (wall > 0) lines.push(`${wall} of ${rows.length} rows are wall times: the adapter gave no timestamps`);
  const reasons = new Map<string, string[]>();
  for (const { kernel, shape, variant, status, reason } of skipped) {
    const text = `${status}: ${reason}`;
    reasons.set(text, [...(reasons.get(text) ?? []), `${kernel} ${variant} ${shapeName(shape)}`]);
  }
  for (const [text, cases] of reasons) lines.push('', text, `  ${cases.join(', ')}`);
  return lines.join('\n');
}

/** Of the variants that were measured, which runs and why the others do not; {@link benchTable} tells of the rest. */
export function kernelTable(kernels: readonly KernelReport[]): string {
  const table = new Table({ ...STYLE, head: ['kernel', 'n/d/m', 'variant', '', 'time', 'why'] });
  for (const { kernel, shape, variant, status, seconds, reason } of kernels) {
    if (seconds === undefined) continue;
    table.push([kernel, shapeName(shape), variant, status, duration(seconds), reason]);
  }
  return table.toString();
}

/** What changed between two reports. */
export function comparisonTable({ rows, gone, added, differences }: BenchComparison): string {
  const changed = rows.filter(({ verdict }) => verdict !== 'same');
  const lines: string[] = [];
  if (changed.length > 0) {
    const table = new Table({
      ...STYLE,
      head: ['kernel', 'n/d/m', 'variant', 'before', 'after', 'change'],
      colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
    });
    for (const { kernel, shape, variant, before, after, ratio, verdict } of changed) {
      const factor = verdict === 'faster' ? 1 / ratio : ratio;
      table.push([kernel, shape, variant, duration(before), duration(after), `${factor.toFixed(2)} times ${verdict}`]);
    }
    lines.push(table.toString());
  }
  lines.push(`${changed.length} of ${rows.length} measurements changed beyond their own spread`);
  if (gone.length > 0) lines.push(`only before: ${gone.join(', ')}`);
  if (added.length > 0) lines.push(`only after: ${added.join(', ')}`);
  if (differences.length > 0) lines.push('what else differs:', ...differences.map((text) => `  ${text}`));
  return lines.join('\n');
}
