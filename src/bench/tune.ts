// Which variant to run, chosen from measurements, and a report of why every other one does not.

import type { Engine } from '../engine';
import { shapeClass, type TunedChoice, type Tuning } from '../kernels/tuning';
import { type BenchOptions, type BenchReport, type BenchRow, runBench } from './bench';
import { type CandidateName, candidatesFor } from './candidates';
import { type BenchKernel, type BenchShape, shapeName } from './cases';
import { tuningKey } from './tuning';

/** The kernels of an epoch, which share their masks and so their variant. */
const TUNED = ['forward', 'weight-gradient'] as const satisfies readonly BenchKernel[];
/** A variant takes the default's place only when it is faster by more than this share, and in every round. */
const MARGIN = 0.05;

/** One operation, shape and variant: what became of it, and why. */
export interface KernelReport {
  readonly kernel: BenchKernel;
  readonly shape: BenchShape;
  readonly variant: CandidateName | 'all';
  /** `refused`: it ran and was wrong, or did not compile: a fault. */
  readonly status: 'chosen' | 'slower' | 'refused' | 'absent' | 'unasked';
  readonly reason: string;
  readonly seconds?: number;
}

export interface Tuned {
  readonly tuning: Tuning;
  readonly kernels: readonly KernelReport[];
  readonly report: BenchReport;
}

/** Measures the kernels of an epoch in all variants and chooses. Nothing is stored. @throws as {@link runBench} */
export async function tune(engine: Engine, options: Omit<BenchOptions, 'kernels' | 'variants'> = {}): Promise<Tuned> {
  return decide(engine, await runBench(engine, { ...options, kernels: TUNED, variants: 'all' }));
}

/** Chooses from what was measured on this engine. */
export async function decide(engine: Engine, report: BenchReport): Promise<Tuned> {
  const choices: Record<string, TunedChoice> = {};
  const kernels: KernelReport[] = [];
  for (const shape of new Map(report.rows.map((row) => [shapeName(row.shape), row.shape])).values()) {
    const rows = report.rows.filter((row) => shapeName(row.shape) === shapeName(shape));
    const { chosen, choice } = choose(engine, shape, rows);
    if (choice) choices[shapeClass(shape)] = choice;
    kernels.push(...rows.map((row) => verdict(row, chosen, rows)));
  }
  for (const { kernel, shape, variant, status, reason } of report.skipped) {
    kernels.push({ kernel, shape, variant, status: status === 'memory' ? 'absent' : status, reason });
  }
  return {
    tuning: { schemaVersion: 1, key: await tuningKey(engine.gpu), date: report.date, choices },
    kernels,
    report,
  };
}

/** Seconds of all kernels of an epoch together, slowest, median and fastest round; undefined when one is missing. */
function totalOf(rows: readonly BenchRow[], variant: CandidateName) {
  const own = TUNED.map((kernel) => rows.find((row) => row.kernel === kernel && row.variant === variant));
  if (own.includes(undefined)) return undefined;
  const sum = (key: 'min' | 'median' | 'max') => own.reduce((total, row) => total + row![key], 0);
  return { min: sum('min'), median: sum('median'), max: sum('max') };
}

const isHalf = (variant: CandidateName) => variant.endsWith('-f16');

function choose(engine: Engine, shape: BenchShape, rows: readonly BenchRow[]) {
  const { run, usual } = candidatesFor(engine.gpu, 'forward', shape, engine.settings.matmul);
  const standard = totalOf(rows, usual);
  let chosen = usual;
  let best = standard;
  for (const { name } of run) {
    const total = isHalf(name) ? undefined : totalOf(rows, name);
    if (!total || (best && total.median >= best.median)) continue;
    const clear = !standard || (total.median < (1 - MARGIN) * standard.median && total.max < standard.min);
    if (clear) [chosen, best] = [name, total];
  }
  if (chosen === usual) return { chosen, choice: undefined };
  const { variant, tile } = run.find(({ name }) => name === chosen)!.layout;
  const speedup = standard ? standard.median / best!.median : 1;
  const choice = { variant, ...(tile ? { tile } : {}), speedup, measuredAt: shapeName(shape) };
  return { chosen, choice };
}

function verdict(row: BenchRow, chosen: CandidateName, rows: readonly BenchRow[]): KernelReport {
  const { kernel, shape, variant, median: seconds } = row;
  const common = { kernel, shape, variant, seconds };
  if (variant === chosen) {
    const reason = row.chosen ? 'the default; no other is clearly faster' : 'faster than the default in every round';
    return { ...common, status: 'chosen', reason };
  }
  if (isHalf(variant))
    return { ...common, status: 'unasked', reason: 'precision is changed only by the configuration' };
  const taken = rows.find((other) => other.kernel === kernel && other.variant === chosen);
  const ratio = taken ? seconds / taken.median : Number.NaN;
  const reason =
    ratio >= 1
      ? `${ratio.toFixed(2)} times the time of ${chosen}`
      : `${ratio.toFixed(2)} times the time of ${chosen} here, but not clearly less for the whole epoch`;
  return { ...common, status: 'slower', reason };
}
