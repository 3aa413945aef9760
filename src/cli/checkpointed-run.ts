// One run with its checkpoints: kept in memory, written every so often where there is a place for them, and taken up again
// on a new device when the device is lost.

import { ComputedFaultError, InputError } from '../data/input-error';
import { nodeReadFile } from '../data/node';
import { type Checkpoint, type CheckpointKeeper, StateMismatchError } from '../experiment/checkpoint';
import {
  checkpointBytes,
  type KeptRun,
  MOST_BYTES,
  type RunIdentity,
  watchedReader,
} from '../experiment/checkpoint-format';
import { placeOf } from '../experiment/checkpoint-place';
import { DivergenceError, HalfRangeError } from '../experiment/divergence';
import type { ExperimentConfig, ExperimentResult } from '../experiment/types';
import { bytes } from '../report/format';
import { type CheckpointStore, checkpointDirectory } from './checkpoint';
import { overLostDevices, withEngine } from './engine';
import { InterruptedError } from './failure';
import type { CliIo, Disposable, Services } from './io';
import type { Reporter } from './progress';

/** Failures that every repetition of the run ends in. */
const HOPELESS = [DivergenceError, HalfRangeError, ComputedFaultError];
/** Seconds between two checkpoints. */
export const CHECKPOINT_SECONDS = 60;

export interface CheckpointedRun {
  readonly config: ExperimentConfig;
  readonly baseDir: string;
  readonly device?: string | undefined;
  /** False: the default kernels, whatever has been tuned. */
  readonly tune?: boolean | undefined;
  /** Seconds between two checkpoints. */
  readonly interval: number;
  readonly from?: KeptRun | undefined;
  /** Where they are written; in memory they are kept in any case. */
  readonly store?: CheckpointStore | undefined;
  /** How the user names the directory to go on from. */
  readonly place?: string;
}

/** Keeps the newest checkpoint, and writes it when the time has come or the run is interrupted. */
class Keeper implements CheckpointKeeper {
  latest: Checkpoint | undefined;
  #unwritten = false;
  #last: number;
  #told = false;

  constructor(
    private readonly run: CheckpointedRun,
    private readonly io: CliIo,
    private readonly about: () => Omit<KeptRun, 'checkpoint' | 'config' | 'baseDir'>,
  ) {
    this.#last = io.now();
  }

  get written(): boolean {
    return this.latest !== undefined && !this.#unwritten;
  }

  due(): boolean {
    return this.io.signal.aborted || this.io.now() - this.#last >= 1000 * this.run.interval;
  }

  async keep(checkpoint: Checkpoint): Promise<void> {
    this.latest = checkpoint;
    this.#unwritten = true;
    if (!this.due()) return;
    await this.flush();
    this.#last = this.io.now();
  }

  /** Writes what is not written. */
  async flush(): Promise<void> {
    const { latest, run, io } = this;
    if (!latest || !this.#unwritten || !run.store) return;
    const size = checkpointBytes(latest);
    if (size > MOST_BYTES) {
      if (!this.#told) io.stderr.write(`warning: no checkpoint is written: it would take ${bytes(size)}\n`);
      this.#told = true;
      return;
    }
    await run.store.write({ config: run.config, baseDir: run.baseDir, ...this.about(), checkpoint: latest });
    this.#unwritten = false;
  }
}

/**
 * Runs an experiment to its end, from a checkpoint if there is one, over lost devices if need be.
 * @param onEngine told of every engine before it is used, to refuse it
 * @throws InterruptedError after an interruption that left a checkpoint; DeviceLostError when more devices were lost than
 * one run is given; else as the run does
 */
export async function runCheckpointed<E extends Disposable>(
  run: CheckpointedRun,
  { services, io, reporter }: { services: Services<E>; io: CliIo; reporter: Reporter },
  onEngine: (identity: RunIdentity) => void = () => {},
): Promise<ExperimentResult> {
  const inputs: Record<string, string> = {};
  const readFile = watchedReader(nodeReadFile(run.baseDir), inputs, run.from?.inputs);
  let identity: RunIdentity | undefined;
  const keeper = new Keeper(run, io, () => ({ ...identity!, inputs }));
  try {
    const from = () => keeper.latest ?? run.from?.checkpoint;
    const where = () => {
      const place = from();
      return place ? placeOf(place) : 'the beginning';
    };
    return await overLostDevices(io, where, (lost) => {
      const attempt = async (engine: E) => {
        identity = await services.identify(engine);
        onEngine(identity);
        const start = from();
        const result = await services.runExperiment(engine, run.config, {
          onProgress: (progress) => reporter.report(progress),
          signal: io.signal,
          readFile,
          checkpoint: { keeper, ...(start ? { from: start } : {}) },
        });
        io.signal.throwIfAborted();
        return result;
      };
      return withEngine(services, io, run, attempt, lost);
    });
  } catch (error) {
    if (!run.store) throw error;
    // Gone on with, it would end in the same way; and what should be changed could not be, with a checkpoint in the way.
    if (HOPELESS.some((kind) => error instanceof kind)) {
      await run.store.remove();
      throw error;
    }
    if (error instanceof StateMismatchError && run.from) throw notOfThisRun(error, run.place);
    await flushed(keeper, io);
    const latest = keeper.written ? keeper.latest : run.from?.checkpoint;
    if (!latest || !run.place) throw error;
    const kept = `${placeOf(latest)} is kept`;
    const remedy = `perturb run --resume ${run.place} goes on from there.`;
    if (io.signal.aborted) throw new InterruptedError(`interrupted; ${kept}`, remedy);
    io.stderr.write(`${kept}: ${remedy}\n`);
    throw error;
  } finally {
    reporter.stop();
  }
}

/** A checkpoint whose sums are right and whose arrays are those of another run. */
function notOfThisRun(cause: StateMismatchError, place = ''): InputError {
  const directory = checkpointDirectory(place);
  return new InputError(`the checkpoint is not of its own configuration: ${cause.message}`, {
    file: directory,
    key: '--resume',
    remedy: `Delete ${directory} and run from the beginning.`,
    cause,
  });
}

/** What ended the run is what is told; that the last state could not be written either is a line. */
async function flushed(keeper: Keeper, io: CliIo): Promise<void> {
  try {
    await keeper.flush();
  } catch (error) {
    io.stderr.write(`the last state could not be written: ${(error as Error).message}\n`);
  }
}
