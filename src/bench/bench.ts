// The benchmark: every case in every variant, checked, timed in turns, and set against what the adapter can do at most.

import type { Engine } from '../engine';
import { GpuOutOfMemoryError } from '../gpu/errors';
import type { AdapterReport } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { type Candidate, type CandidateName, candidatesFor } from './candidates';
import {
  type BENCH_VARIANTS,
  type BenchCase,
  type BenchKernel,
  type BenchShape,
  benchCases,
  type CaseSelection,
  shapeName,
} from './cases';
import { type Ceilings, measureCeilings, multiplyAdds } from './ceilings';
import { median, type Timing, type TimingOptions, timeSteps } from './clock';
import { BenchProblem } from './problem';
import { makeSubject, type Subject } from './subjects';

export interface BenchRow extends Timing {
  readonly kernel: BenchKernel;
  readonly shape: BenchShape;
  readonly variant: CandidateName;
  /** Whether this variant is what runs by default. */
  readonly chosen: boolean;
  readonly flop: number;
  readonly bytes: number;
  readonly gflops: number;
  readonly gbs: number;
  /** GFLOP/s of multiply-adds between registers, rounds just before and just after: what the adapter could do at that moment. */
  readonly ceiling: readonly number[];
  /** Share of the median of that. */
  readonly ofFma: number;
  /** Share of the copies' ceiling. */
  readonly ofCopy: number;
  /** Share of the lower of the two ceilings at this kernel's ratio of operations to bytes. */
  readonly ofRoofline: number;
  /** max|difference| / max|reference| of sampled entries against float64; absent for the epoch. */
  readonly error?: number;
  readonly tolerance?: number;
}

/** What was not measured, and why. */
export interface BenchSkip {
  readonly kernel: BenchKernel;
  readonly shape: BenchShape;
  readonly variant: CandidateName | 'all';
  /** `absent`: cannot run here. `refused`: ran and was wrong, or did not compile: a fault. `memory`: does not fit. */
  readonly status: 'absent' | 'refused' | 'memory';
  readonly reason: string;
}

export interface BenchReport {
  readonly schemaVersion: 1;
  readonly date: string;
  /** Command and machine, where the command line measured. */
  readonly command?: string;
  readonly host?: { readonly platform: string; readonly arch: string; readonly cpu: string; readonly cores: number };
  readonly adapter: AdapterReport;
  readonly features: readonly string[];
  readonly toggles: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly ceilings: Ceilings;
  readonly rows: readonly BenchRow[];
  readonly skipped: readonly BenchSkip[];
  /** Cases done, of all, where the benchmark was ended before its end. */
  readonly partial?: { readonly done: number; readonly cases: number };
}

export interface BenchOptions extends CaseSelection, TimingOptions {
  /** Default `all`, with `quick` what runs by default. */
  readonly variants?: (typeof BENCH_VARIANTS)[number];
  readonly onProgress?: (progress: { readonly done: number; readonly cases: number; readonly text: string }) => void;
  /** Told of each row as soon as it is measured. */
  readonly onRow?: (row: BenchRow) => void;
  /** Given what there is of the report after each case, the last one left out, to keep when the rest never comes. */
  readonly onPartial?: (report: BenchReport) => void;
}

/**
 * Runs the benchmark. A case that does not fit the device, and a variant that is wrong, is a skip with its reason, not an
 * error.
 * @throws the signal's reason when aborted; GpuError when the device fails
 */
export async function runBench(engine: Engine, options: BenchOptions = {}): Promise<BenchReport> {
  const { gpu, settings } = engine;
  const { onProgress, onPartial, quick = false, signal } = options;
  const { variants = quick ? 'default' : 'all' } = options;
  const timing: TimingOptions = {
    rounds: options.rounds ?? (quick ? 3 : 5),
    seconds: options.seconds ?? (quick ? 0.05 : 0.1),
    ...(signal ? { signal } : {}),
  };
  const cases = benchCases(options);
  onProgress?.({ done: 0, cases: cases.length, text: 'ceilings' });
  const ceilings = await measureCeilings(gpu, { quick, ...timing });
  const rows: BenchRow[] = [];
  const skipped: BenchSkip[] = [];
  const report: BenchReport = {
    schemaVersion: 1,
    date: new Date().toISOString(),
    adapter: { ...engine.adapter },
    features: [...gpu.features].sort(),
    toggles: settings.toggles ?? [],
    versions: { ...settings.versions },
    rounds: timing.rounds!,
    ceilings,
    rows,
    skipped,
  };
  let problem: BenchProblem | undefined;
  try {
    for (const [done, each] of cases.entries()) {
      const { kernel, shape } = each;
      if (done > 0) {
        const soFar = { rows: [...rows], skipped: [...skipped], partial: { done, cases: cases.length } };
        onPartial?.({ ...report, ...soFar });
      }
      onProgress?.({ done, cases: cases.length, text: `${kernel} ${shapeName(shape)}` });
      try {
        if (!problem || shapeName(problem.shape) !== shapeName(shape)) {
          problem?.dispose();
          problem = undefined;
          problem = await BenchProblem.create(gpu, shape);
        }
        await benchCase(engine, problem, each, ceilings, { ...options, ...timing, variants }, rows, skipped);
      } catch (error) {
        if (!(error instanceof GpuOutOfMemoryError)) throw error;
        skipped.push({ kernel, shape, variant: 'all', status: 'memory', reason: error.message });
      }
    }
  } finally {
    problem?.dispose();
  }
  return report;
}

/** Variants of a case: those to run, the others with the reason. */
function variantsOf(engine: Engine, { kernel, shape }: BenchCase, wanted: BenchOptions['variants'] = 'all') {
  const { run, absent, usual } = candidatesFor(engine.gpu, kernel, shape, engine.settings.matmul);
  const asked = (name: CandidateName) => wanted === 'all' || name === (wanted === 'default' ? usual : wanted);
  const skips = absent
    .filter(({ name }) => asked(name))
    .map(({ name, reason }): BenchSkip => ({ kernel, shape, variant: name, status: 'absent', reason }));
  return { run: run.filter(({ name }): boolean => asked(name)) as Candidate[], absent: skips, usual };
}

async function benchCase(
  engine: Engine,
  problem: BenchProblem,
  each: BenchCase,
  ceilings: Ceilings,
  options: BenchOptions,
  rows: BenchRow[],
  skipped: BenchSkip[],
): Promise<void> {
  const { gpu } = engine;
  const { kernel, shape } = each;
  const { run, absent, usual } = variantsOf(engine, each, options.variants);
  skipped.push(...absent);
  const scope = new Scope();
  try {
    const accepted: { variant: CandidateName; subject: Subject; verdict: Awaited<ReturnType<Subject['check']>> }[] = [];
    for (const candidate of run) {
      options.signal?.throwIfAborted();
      const subject = await makeSubject(problem, kernel, candidate, scope);
      const variant = candidate.name;
      const verdict = await subject.check();
      if (verdict && !(verdict.error <= verdict.tolerance)) {
        const reason = `off by ${verdict.error.toExponential(1)} of the largest entry, allowed ${verdict.tolerance.toExponential(1)}`;
        skipped.push({ kernel, shape, variant, status: 'refused', reason });
      } else {
        accepted.push({ variant, subject, verdict });
      }
    }
    if (accepted.length === 0) return;
    const chain = await multiplyAdds(gpu, ceilings.blocking, scope);
    // Not in turns with the kernels: those then read 4 % slower on an Intel Xeon, as after any heavy vector work.
    const beside = async () => {
      const [timing] = await timeSteps(gpu, [chain.steps], options);
      return timing!.samples.map((seconds) => chain.flop / seconds / 1e9);
    };
    const before = await beside();
    const timings = await timeSteps(
      gpu,
      accepted.map(({ subject }) => subject.steps),
      options,
    );
    const ceiling = [...before, ...(await beside())];
    for (const [at, { variant, subject, verdict }] of accepted.entries()) {
      const { flop, bytes } = subject;
      const timing = timings[at]!;
      const gflops = flop / timing.median / 1e9;
      const gbs = bytes / timing.median / 1e9;
      const ofFma = gflops / median(ceiling);
      const ofCopy = gbs / ceilings.gbs;
      const row: BenchRow = {
        kernel,
        shape,
        variant,
        chosen: variant === usual,
        ...timing,
        flop,
        bytes,
        gflops,
        gbs,
        ceiling,
        ofFma,
        ofCopy,
        ofRoofline: Math.max(ofFma, ofCopy),
        ...verdict,
      };
      rows.push(row);
      options.onRow?.(row);
    }
  } finally {
    scope.dispose();
  }
}
