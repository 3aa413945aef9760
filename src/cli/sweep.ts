// `perturb sweep`: many experiments from one grid. All that can be wrong with the input is found before the engine is
// loaded; every finished experiment is kept before the next is begun.

import { basename, dirname, join, relative, resolve } from 'node:path';
import { InputError } from '../data/input-error';
import { nodeReadFile } from '../data/node';
import { resultArtifacts, toJson } from '../experiment/artifacts';
import { applySets, setKeys } from '../experiment/config';
import { type Cell, expandSweep, type Sweep } from '../experiment/sweep';
import { type Grid, parseGrid } from '../experiment/sweep-grid';
import { type CellOutcome, divergenceOf, failureOf, type SweepSummary } from '../experiment/sweep-results';
import { runCells } from '../experiment/sweep-run';
import type { ExperimentResult } from '../experiment/types';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { sweepTable } from '../report/sweep-table';
import { commandLine, optionWords } from './command-line';
import { readDocument } from './config-file';
import { overLostDevices, withEngine } from './engine';
import { EXIT, IncompleteError, InterruptedError } from './failure';
import type { CliIo, Disposable, Services } from './io';
import type { StoredFile } from './store';
import { printPlan } from './sweep-dry-run';
import { createSweepReporter, TimeLeft } from './sweep-progress';
import { type KeptCells, readCells, SweepStore } from './sweep-store';
import { writeSweep } from './sweep-write';

export interface SweepArguments {
  readonly set: readonly string[];
  readonly out?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly device?: string;
  readonly quiet?: boolean;
  /** False with --no-tune. */
  readonly tune?: boolean;
}

/** A sweep, and what paths in its configurations are relative to. */
export interface ReadSweep {
  readonly sweep: Sweep;
  readonly baseDir: string;
  /** Kept beside the results: the grid with its base as it was used, a grid again. */
  readonly document: unknown;
}

/** Reads a grid, and the base that it may name. @throws InputError for anything wrong with them */
export async function readSweep(file: string, sets: readonly string[], cwd: string): Promise<ReadSweep> {
  const grid = parseGrid(await readDocument(file, cwd, 'sweep'), { file });
  refuseSetsOfAxes(grid, sets);
  const folder = dirname(resolve(cwd, file));
  const named = typeof grid.base === 'string' ? join(dirname(file), grid.base) : undefined;
  const written = named === undefined ? grid.base : await readDocument(named, cwd, 'base configuration');
  const base = applySets(written, sets);
  const source = { grid: { file }, base: { file: named ?? file, sets: setKeys(sets) } };
  const sweep = await expandSweep(grid, base, source);
  const { axes, seeds, bestOver } = grid;
  const vary = axes.map(({ keys, values }) =>
    keys.length === 1 ? { key: keys[0], values: values.map(([value]) => value) } : { keys, values },
  );
  const document = { base, vary, ...(seeds === undefined ? {} : { seeds }), bestOver };
  return { sweep, baseDir: named === undefined ? folder : dirname(resolve(cwd, named)), document };
}

/** The grid would silently win. */
function refuseSetsOfAxes({ axes, seeds }: Grid, sets: readonly string[]): void {
  const varied = [...axes.flatMap(({ keys }) => keys), ...(Array.isArray(seeds) ? ['seed'] : [])];
  for (const key of setKeys(sets)) {
    const axis = varied.find((one) => one === key || one.startsWith(`${key}.`) || key.startsWith(`${one}.`));
    if (axis === undefined) continue;
    throw new InputError(`--set ${key} has no effect: the grid varies ${axis}`, {
      file: '--set',
      key,
      remedy: `Leave it out, or take ${axis} out of the grid.`,
    });
  }
}

export interface SweepJob extends ReadSweep {
  /** Absolute. */
  readonly directory: string;
  /** The command as it was given. */
  readonly command: string;
  readonly device?: string | undefined;
  readonly tune?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/**
 * Runs what is not finished of a sweep and writes its results.
 * @throws InputError when the directory cannot be used; InterruptedError after an interruption; GpuError when the device
 * fails. What was finished before stays.
 */
export async function runSweep<E extends Disposable>(
  job: SweepJob,
  services: Services<E>,
  io: CliIo,
): Promise<SweepSummary> {
  const { sweep, directory, document, quiet = false } = job;
  const store = await SweepStore.open(directory);
  const say = (text: string) => {
    if (!quiet) io.stderr.write(`${text}\n`);
  };
  if (store.takenFrom !== undefined)
    say(`process ${store.takenFrom} was killed while it worked here; going on from there`);
  let done = 0;
  try {
    await store.writeGrid(document);
    const kept = await readCells(directory, sweep.cells);
    for (const { file, reason } of kept.bad) io.stderr.write(`${file} is computed again: ${reason}\n`);
    const { outcomes, left } = toCompute(sweep.cells, kept);
    done = outcomes.size;
    if (done > 0) say(`${done} of ${sweep.cells.length} experiments were finished before`);
    io.signal.throwIfAborted();
    if (left.length > 0) {
      say(`${left.length} experiments to compute`);
      try {
        const work = { job, store, services, io, onDone: () => void done++ };
        const where = () => `${done} of ${sweep.cells.length} experiments`;
        await overLostDevices(io, where, (lost) =>
          compute(
            left.filter(({ hash }) => !outcomes.has(hash)),
            outcomes,
            { ...work, lost },
          ),
        );
      } catch (error) {
        if (outcomes.size > 0) await writeUnfinished(job, store, outcomes, io);
        throw error;
      }
    }
    return await writeSweep(store, job, outcomes);
  } catch (error) {
    const state = `${done} of ${sweep.cells.length} experiments are kept in ${relative(io.cwd, directory) || '.'}`;
    if (io.signal.aborted) throw new InterruptedError(`interrupted; ${state}`, 'The same command goes on from there.');
    io.stderr.write(`${state}; the same command goes on from there\n`);
    throw error;
  } finally {
    await store.close();
  }
}

/** What went wrong before is what is told; that this failed too is a line. */
async function writeUnfinished(
  job: SweepJob,
  store: SweepStore,
  outcomes: ReadonlyMap<string, CellOutcome>,
  io: CliIo,
): Promise<void> {
  try {
    await writeSweep(store, job, outcomes);
  } catch (error) {
    io.stderr.write(`the results so far could not be written: ${(error as Error).message}\n`);
  }
}

/** What failed before is tried again: files may be there now, or memory. */
function toCompute(cells: readonly Cell[], kept: KeptCells) {
  const outcomes = new Map([...kept.outcomes].filter(([, { error }]) => !error));
  return { outcomes, left: cells.filter(({ hash }) => !outcomes.has(hash)) };
}

interface Work<E extends Disposable> {
  readonly job: SweepJob;
  readonly store: SweepStore;
  readonly services: Services<E>;
  readonly io: CliIo;
  readonly onDone: () => void;
  /** Devices lost before. */
  readonly lost: number;
}

async function compute<E extends Disposable>(
  cells: readonly Cell[],
  outcomes: Map<string, CellOutcome>,
  { job, store, services, io, onDone, lost }: Work<E>,
): Promise<void> {
  const configs = cells.map(({ config }) => config);
  const readFile = nodeReadFile(job.baseDir);
  const computeOn = async (engine: E) => {
    const plan = await services.planSweep(engine, configs, readFile);
    const work = new Map([...plan.shares].map(([at, share]) => [cells[at]!.hash, share]));
    const left = new TimeLeft(
      io.now,
      [...work.values()].reduce((sum, share) => sum + share, 0),
    );
    const display = { total: job.sweep.cells.length, done: outcomes.size, left };
    const reporter = createSweepReporter(io, display, job.quiet ?? false);
    const settle = (cell: Cell, outcome: CellOutcome) => {
      outcomes.set(cell.hash, outcome);
      left.finished(work.get(cell.hash) ?? 0);
      reporter.finished();
    };
    try {
      for (const [at, error] of plan.failed) settle(cells[at]!, await store.fail(cells[at]!, failureOf(error)));
      await runCells(
        plan.batches.map(({ runs }) => runs.map((at) => cells[at]!)),
        (together, onResult, onDivergence) =>
          services.runExperiments(engine, together, {
            onProgress: (progress) => {
              left.start();
              reporter.report(progress);
            },
            onResult,
            onDivergence,
            signal: io.signal,
            readFile,
          }),
        {
          onResult: async (cell, result) => {
            const outcome = await store.keep(cell, result, await filesOf(result));
            onDone();
            settle(cell, outcome);
          },
          onDivergence: async (cell, error) => {
            const outcome = await store.diverged(cell, divergenceOf(error));
            onDone();
            settle(cell, outcome);
          },
          onFailure: async (cell, error) => settle(cell, await store.fail(cell, failureOf(error))),
        },
      );
      io.signal.throwIfAborted();
    } finally {
      reporter.stop();
    }
  };
  await withEngine(services, io, job, computeOn, lost);
}

/** A cell has a result directory of its own when its configuration asks for arrays. */
async function filesOf(result: ExperimentResult): Promise<readonly StoredFile[]> {
  if (result.config.save.length === 0) return [];
  const { pictures } = await import('../report/pictures');
  return [...resultArtifacts(result), ...pictures(result)];
}

export async function sweepCommand<E extends Disposable>(
  file: string,
  args: SweepArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  const read = await readSweep(file, args.set, io.cwd);
  const directory = resolve(io.cwd, args.out ?? join('runs', basename(file).replace(/\.json$/i, '')));
  const words = ['npx', 'perturb', 'sweep', file, ...args.set.flatMap((set) => ['--set', set])];
  const writtenTo = relative(io.cwd, directory) || '.';
  const { device, tune, quiet } = args;
  const command = commandLine([...words, ...optionWords({ device, tune, out: writtenTo })]);
  const job = { ...read, directory, command, device, tune, quiet };
  if (args.dryRun) {
    await printPlan(job, args.json ?? false, services, io);
    return;
  }
  const summary = await runSweep(job, services, io);
  if (args.json) io.stdout.write(toJson({ directory, ...summary }));
  else {
    const files = 'report.html, results.csv, results.jsonl, summary.json, cells/';
    io.stdout.write(`${sweepTable(summary)}\n\nwritten to ${writtenTo}: ${files}\n`);
  }
  refuseIncomplete(summary, writtenTo);
}

/** The exit code tells scripts that something is missing. */
function refuseIncomplete({ cells: { total, failed }, failures }: SweepSummary, directory: string): void {
  if (failed === 0) return;
  const memory = failures.every(({ error }) => error.kind === GpuOutOfMemoryError.name);
  throw new IncompleteError(
    `${failed} of ${total} combinations have no result; the first: ${failures[0]!.error.message}`,
    `${failures[0]!.error.remedy} All are in ${join(directory, 'results.csv')}.`,
    memory ? EXIT.outOfMemory : EXIT.input,
  );
}
