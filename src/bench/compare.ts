// Two benchmark reports, and what differs between them by more than either one's own spread.

import type { BenchReport, BenchRow } from './bench';
import { shapeName } from './cases';

/** A change of the median below this share is not told, however steady the samples are. */
const MARGIN = 0.03;

export interface ChangedRow {
  readonly kernel: string;
  readonly shape: string;
  readonly variant: string;
  /** Median seconds. */
  readonly before: number;
  readonly after: number;
  /** after / before: below 1 is faster. */
  readonly ratio: number;
  /**
   * faster or slower: the medians differ by more than 3 % and the samples' ranges do not overlap, which two equal speeds do
   * by chance once in 126 times at five rounds each; same: neither.
   */
  readonly verdict: 'faster' | 'slower' | 'same';
}

export interface BenchComparison {
  readonly rows: readonly ChangedRow[];
  /** Rows of only one of the reports. */
  readonly gone: readonly string[];
  readonly added: readonly string[];
  /** What else differs, and so may explain the rest: adapter, versions, toggles, ceilings. */
  readonly differences: readonly string[];
}

const nameOf = ({ kernel, shape, variant }: BenchRow) => `${kernel} ${shapeName(shape)} ${variant}`;

/** Compares two reports row by row. */
export function compareBenches(before: BenchReport, after: BenchReport): BenchComparison {
  const old = new Map(before.rows.map((row) => [nameOf(row), row]));
  const now = new Map(after.rows.map((row) => [nameOf(row), row]));
  const rows = after.rows.flatMap((row): ChangedRow[] => {
    const was = old.get(nameOf(row));
    if (!was) return [];
    const ratio = row.median / was.median;
    const apart = row.min > was.max || row.max < was.min;
    const verdict = !apart || Math.abs(ratio - 1) <= MARGIN ? 'same' : ratio < 1 ? 'faster' : 'slower';
    const { kernel, shape, variant } = row;
    return [{ kernel, shape: shapeName(shape), variant, before: was.median, after: row.median, ratio, verdict }];
  });
  return {
    rows,
    gone: [...old.keys()].filter((name) => !now.has(name)),
    added: [...now.keys()].filter((name) => !old.has(name)),
    differences: differencesOf(before, after),
  };
}

function differencesOf(before: BenchReport, after: BenchReport): string[] {
  const found: string[] = [];
  const differ = (what: string, a: unknown, b: unknown) => {
    if (JSON.stringify(a) !== JSON.stringify(b)) found.push(`${what}: ${say(a)} before, ${say(b)} after`);
  };
  differ('adapter', before.adapter.name, after.adapter.name);
  differ('driver', before.adapter.description, after.adapter.description);
  const extent = ({ partial }: BenchReport) => (partial ? `${partial.done} of ${partial.cases} cases` : 'whole');
  differ('report', extent(before), extent(after));
  differ('toggles', before.toggles, after.toggles);
  for (const name of new Set([...Object.keys(before.versions), ...Object.keys(after.versions)])) {
    differ(name, before.versions[name], after.versions[name]);
  }
  for (const [what, key, unit] of [
    ['multiply-add ceiling', 'gflops', 'GFLOP/s'],
    ['copy ceiling', 'gbs', 'GB/s'],
  ] as const) {
    const [a, b] = [before.ceilings[key], after.ceilings[key]];
    if (Math.abs(b / a - 1) > 0.1)
      found.push(`${what}: ${a.toPrecision(3)} ${unit} before, ${b.toPrecision(3)} ${unit} after`);
  }
  return found;
}

const say = (value: unknown) => (Array.isArray(value) ? value.join(' ') || 'none' : String(value ?? 'absent'));
