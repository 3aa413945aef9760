// The page's side: the engine's functions, each a message and its answer.

import type { LoadedTuning, TuningStorage } from '../bench/tuning';
import type { Checkpoint } from '../experiment/checkpoint';
import type { RunIdentity } from '../experiment/checkpoint-format';
import { placeOf, type Resumable, type RunPlace } from '../experiment/checkpoint-place';
import type { RunOptions as EngineRunOptions } from '../experiment/run';
import type { ExperimentConfig, ExperimentResult } from '../experiment/types';
import { DeviceLostError, DisposedError } from '../gpu/errors';
import type { AdapterReport } from '../gpu/gpu';
import type { PlainNetwork } from '../network/predict';
import { whenCut } from './lifeline';
import {
  type CallName,
  type Calls,
  type HostOptions,
  type MemoryReport,
  type Question,
  type QuestionName,
  type Questions,
  type ToPage,
  type ToWorker,
  transferables,
} from './protocol';
import { fromWire, toWire, WorkerError } from './wire-error';

/** Where the checkpoints of a run in a worker go. */
export interface WorkerCheckpointKeeper {
  /** Seconds between two checkpoints, counted from the end of the last (default 60); 0: at every chunk of epochs. */
  readonly seconds?: number;
  /**
   * Given a checkpoint when it is time, and when f is trained. Awaited: the run goes on afterwards, and fails with what this
   * throws. The arrays were moved here: they may be kept, moved on or stored as they are (they are plain data, which
   * IndexedDB takes).
   */
  keep(checkpoint: Checkpoint): Promise<void> | void;
}

/** As for an engine of one's own, but for the pace of checkpoints, which is not asked for across the worker. */
export interface RunOptions extends Omit<EngineRunOptions, 'checkpoint'> {
  /** Where checkpoints go, and the one it goes on from, to the same bits; that one is copied, not moved. */
  readonly checkpoint?: { readonly keeper?: WorkerCheckpointKeeper; readonly from?: Checkpoint | undefined };
}

const CHECKPOINT_SECONDS = 60;

/** Where the tunings are that an engine asks for. */
type Tunings = Pick<TuningStorage, 'getItem'>;

export interface WorkerEngineOptions extends HostOptions {
  /** A worker to use instead of a new one; it must run this package's host and belongs to the engine from here on. */
  readonly worker?: Worker;
  /** Where the host script is (default: worker-host.js beside this module). */
  readonly url?: string | URL;
  /** Where tunings are kept, such as localStorage: runs take the one of the adapter. Without it they take the defaults. */
  readonly tunings?: Tunings;
}

type CallOptions = RunOptions & Pick<WorkerEngineOptions, 'tunings'>;

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
  readonly options: CallOptions;
  /** Of a run: where the checkpoint stands that it can go on from. */
  kept: RunPlace | undefined;
}

/**
 * Starts an engine in a worker.
 * @throws WorkerError when the worker's script does not start; GpuUnavailableError when it finds no WebGPU or no adapter
 */
export async function createWorkerEngine(options: WorkerEngineOptions = {}): Promise<WorkerEngine> {
  const { worker = startWorker(options.url), url: _, tunings, ...settings } = options;
  return await WorkerEngine.start(worker, settings, tunings);
}

function startWorker(url: string | URL | undefined): Worker {
  try {
    // Bundlers find the script by this form.
    if (url === undefined) return new Worker(new URL('./worker-host.js', import.meta.url), { type: 'module' });
    return new Worker(url, { type: 'module' });
  } catch (cause) {
    throw new WorkerError(
      `The engine's worker did not start: ${(cause as Error).message}`,
      "Serve worker-host.js from the page's own origin, and name it with the option url.",
      cause,
    );
  }
}

/** An engine in a worker. Arrays that it answers with were moved here; those that it is given are copied and stay whole. */
export class WorkerEngine {
  #next = 0;
  #ended: Error | undefined;
  #onLost: (error: Error) => void = () => {};
  readonly #pending = new Map<number, Pending>();
  #report: Calls['start']['answer'] | undefined;

  /** Resolves, with what happened, when this engine can do no more; make a new one to go on. */
  readonly lost: Promise<Error>;

  private constructor(private readonly worker: Worker) {
    this.lost = new Promise((resolve) => {
      this.#onLost = resolve;
    });
    worker.addEventListener('message', ({ data }: MessageEvent<ToPage>) => this.#receive(data));
    worker.addEventListener('error', (event) => {
      const what = event.message
        ? `The engine's worker failed: ${event.message}`
        : "The engine's worker did not start.";
      this.#end(
        new WorkerError(what, 'Start the engine anew; if it fails again, check that its script can be loaded.'),
      );
    });
    worker.addEventListener('messageerror', () => {
      this.#end(new WorkerError('A message of the worker could not be read.', 'Start the engine anew.'));
    });
  }

  /** @internal Use {@link createWorkerEngine}. */
  static async start(worker: Worker, options: HostOptions, tunings?: Tunings): Promise<WorkerEngine> {
    const engine = new WorkerEngine(worker);
    try {
      const ask = { options, tunings: tunings !== undefined };
      engine.#report = await engine.#call('start', ask, tunings ? { tunings } : {});
      return engine;
    } catch (error) {
      engine.dispose();
      throw error;
    }
  }

  get adapter(): AdapterReport {
    return this.#report!.adapter;
  }

  /**
   * Adapter and version of the package, for encodeCheckpoint of perturb-gpu/files. Another browser, driver or set of the
   * device's features can give other bits under the same identity: whoever keeps checkpoints across those must add them.
   */
  get identity(): RunIdentity {
    return { device: this.adapter.name, versions: this.#report!.versions };
  }

  /** What a tuning for this engine is kept under: `loadTuning` of perturb-gpu/bench reads what there is. */
  get tuningKey(): string {
    return this.#report!.tuningKey;
  }

  /** The tuning that runs take, or why the one that is kept is not taken; nothing where none is. */
  get tuning(): LoadedTuning {
    return this.#report!.tuning;
  }

  /** Seconds it took to find the adapter and make the device. */
  get startupSeconds(): number {
    return this.#report!.startupSeconds;
  }

  /**
   * As the function of the same name; runs that are asked for while one goes on wait for it, and can be cancelled there.
   * @throws as the function does; and when the engine goes away (DeviceLostError, WorkerError), the error is {@link Resumable}
   * if there is a checkpoint that a new engine goes on from
   */
  runExperiment(config: ExperimentConfig, options: RunOptions = {}): Promise<ExperimentResult> {
    const { signal, onProgress, readFile, watch, checkpoint } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { onSnapshot: _, ...looks } = watch ?? {};
    const ask = {
      config,
      progress: onProgress !== undefined,
      files: readFile !== undefined,
      watch: watch ? looks : undefined,
      checkpointSeconds: checkpoint?.keeper && (checkpoint.keeper.seconds ?? CHECKPOINT_SECONDS),
      from: checkpoint?.from,
    };
    const id = this.#next;
    const result = this.#call('run', ask, options);
    if (!signal) return result;
    const abort = () => this.#post({ kind: 'abort', id });
    signal.addEventListener('abort', abort, { once: true });
    return result
      .catch((error) => {
        // The reason itself does not travel.
        throw signal.aborted && (error as Error).name === 'AbortError' ? signal.reason : error;
      })
      .finally(() => signal.removeEventListener('abort', abort));
  }

  /**
   * Outputs of a network on the rows of X; see the function of the same name. Answered while a run goes on, too; while the
   * engine is paused, once it goes on.
   */
  predict(network: PlainNetwork, X: Float32Array): Promise<Float32Array> {
    return this.#call('predict', { network, X });
  }

  /** Device memory of the engine. */
  memory(): Promise<MemoryReport> {
    return this.#call('memory', {});
  }

  /** Holds whatever runs before its next piece of work; {@link predict} waits with it. */
  pause(): void {
    this.#post({ kind: 'pause' });
  }

  resume(): void {
    this.#post({ kind: 'resume' });
  }

  /** Ends the worker and with it whatever it does; calls that wait for an answer throw a DisposedError. */
  dispose(): void {
    this.#end(new DisposedError('The engine'));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    if (!this.#ended) this.worker.postMessage(message, transfer);
  }

  #call<C extends CallName>(call: C, ask: Calls[C]['ask'], options: CallOptions = {}): Promise<Calls[C]['answer']> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      // First, because it throws what cannot be sent.
      this.#post({ kind: 'call', id, call, ...ask } as ToWorker);
      const { from } = options.checkpoint ?? {};
      this.#pending.set(id, { resolve, reject, options, kept: from && { stage: from.stage, epoch: from.epoch } });
    });
  }

  #receive(message: ToPage): void {
    if (message.kind === 'lost') {
      this.#end(fromWire(message.error));
      return;
    }
    if (message.kind === 'alive') {
      whenCut(message.lock, () => this.#end(endedByBrowser()));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    switch (message.kind) {
      case 'done':
        this.#pending.delete(message.id);
        pending.resolve(message.answer as never);
        return;
      case 'failed':
        this.#pending.delete(message.id);
        pending.reject(resumable(fromWire(message.error), pending));
        return;
      case 'progress':
        pending.options.onProgress?.(message.progress);
        return;
      case 'question':
        void this.#answer(message.number, message, pending);
    }
  }

  async #answer(number: number, question: Question, pending: Pending): Promise<void> {
    try {
      const answer = await answerTo(question, pending);
      this.#post({ kind: 'answer', number, answer }, transferables(answer));
    } catch (error) {
      this.#post({ kind: 'refusal', number, error: toWire(error) });
    }
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.worker.terminate();
    for (const pending of this.#pending.values()) pending.reject(resumable(error, pending));
    this.#pending.clear();
    if (!(error instanceof DisposedError)) this.#onLost(error);
  }
}

const endedByBrowser = () =>
  new WorkerError(
    "The engine's worker is gone: the browser has ended it, most likely for want of memory.",
    'Start the engine anew; if it happens again, make the run smaller or close other pages.',
  );

/** What the page says to what a call asks. */
async function answerTo(question: Question, pending: Pending): Promise<Questions[QuestionName]['answer']> {
  const { readFile, watch, checkpoint, tunings } = pending.options;
  switch (question.question) {
    case 'file':
      // A copy, which is moved: the caller may want to give the same bytes again.
      return (await readFile!(question.path)).slice();
    case 'snapshot':
      await watch!.onSnapshot(question.snapshot);
      return undefined;
    case 'checkpoint': {
      const { stage, epoch } = question.checkpoint;
      await checkpoint!.keeper!.keep(question.checkpoint);
      pending.kept = { stage, epoch };
      return undefined;
    }
    case 'tuning':
      return (await import('../bench/tuning')).loadTuning(tunings!, question.adapter, question.key);
  }
}

/** The same error, with where the run can go on, when the engine went away under one that left a checkpoint. */
function resumable(error: Error, { kept }: Pending): Error {
  if (!kept || !(error instanceof DeviceLostError || error instanceof WorkerError)) return error;
  const place: Resumable = { resumeFrom: kept };
  const remedy = `Make a new engine and go on from the last checkpoint, at ${placeOf(kept)}.`;
  return Object.assign(fromWire(toWire(error)), place, { remedy });
}
