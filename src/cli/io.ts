// What the command line needs from outside, as values: the streams and the engine. Tests put others in their place, and
// nothing here imports the engine, so that --help and bad input never load Dawn.

import type { BenchOptions, BenchReport } from '../bench/bench';
import type { Tuned } from '../bench/tune';
import type { ReadFile } from '../data/dataset';
import type { Checkpoint, CheckpointKeeper } from '../experiment/checkpoint';
import type { RunIdentity } from '../experiment/checkpoint-format';
import type { DivergenceError } from '../experiment/divergence';
import type { SweepPlan } from '../experiment/sweep-plan';
import type { ExperimentConfig, ExperimentResult, Progress } from '../experiment/types';
import type { AdapterListing } from '../gpu/listing';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface CliIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Milliseconds, for the pace of progress lines. */
  readonly now: () => number;
}

export interface Disposable {
  dispose(): void | Promise<void>;
}

export interface EngineOptions {
  readonly adapter?: string;
  /** False: the defaults, whatever has been tuned on this machine. */
  readonly tune?: false;
}

export interface RunOptions {
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  readonly readFile: ReadFile;
  /** Where checkpoints go, and the one to go on from. */
  readonly checkpoint?: { readonly keeper?: CheckpointKeeper; readonly from?: Checkpoint };
}

export interface RunsOptions extends Omit<RunOptions, 'onProgress' | 'checkpoint'> {
  readonly onProgress: (progress: Progress & { readonly run: number }) => void;
  readonly onResult: (run: number, result: ExperimentResult) => Promise<void>;
  /** Of an experiment whose training diverged, in place of a result. */
  readonly onDivergence: (run: number, error: DivergenceError) => Promise<void>;
}

export type { AdapterListing };

/** What came of one check of `perturb doctor`. */
export interface Finding {
  readonly subject: string;
  readonly status: 'right' | 'wrong' | 'skipped';
  readonly detail: string;
  readonly seconds: number;
}

/** The engine as the command line sees it: made once, run, disposed. */
export interface Services<E extends Disposable = Disposable> {
  createEngine(options: EngineOptions): Promise<E>;
  /** What the user should know of an engine before it is used. */
  noticesOf(engine: E): readonly string[];
  /** What results depend on to the bit, besides the configuration. */
  identify(engine: E): RunIdentity | Promise<RunIdentity>;
  runExperiment(engine: E, config: ExperimentConfig, options: RunOptions): Promise<ExperimentResult>;
  runExperiments(engine: E, configs: readonly ExperimentConfig[], options: RunsOptions): Promise<unknown>;
  /** Without an engine, what can be said without one. */
  planSweep(engine: E | undefined, configs: readonly ExperimentConfig[], readFile: ReadFile): Promise<SweepPlan>;
  runBench(engine: E, options: BenchOptions): Promise<BenchReport>;
  /** Measures, chooses, and stores the choice for later runs; returns the folder it went to. */
  tune(engine: E, options: Omit<BenchOptions, 'kernels' | 'variants'>): Promise<Tuned & { readonly folder: string }>;
  listAdapters(): Promise<readonly AdapterListing[]>;
  /** What is known of the adapter, by name. */
  adapterOf(engine: E): Readonly<Record<string, unknown>>;
  /** Every kernel and trainer against float64, one after another. */
  examine(engine: E, signal: AbortSignal): AsyncIterable<Finding>;
}
