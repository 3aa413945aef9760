// The page's side: the engine's functions, each a message and its answer.

import type { RunOptions as EngineRunOptions } from '../experiment/run';
import type { ExperimentConfig, ExperimentResult } from '../experiment/types';
import { DisposedError } from '../gpu/errors';
import type { AdapterReport } from '../gpu/gpu';
import type { PlainNetwork } from '../network/predict';
import {
  type CallName,
  type Calls,
  type HostOptions,
  type MemoryReport,
  type ToPage,
  type ToWorker,
  transferables,
} from './protocol';
import { fromWire, toWire, WorkerError } from './wire-error';

/** As for an engine of one's own; checkpoints do not cross to the worker. */
export type RunOptions = Omit<EngineRunOptions, 'checkpoint'>;

export interface WorkerEngineOptions extends HostOptions {
  /** A worker to use instead of a new one; it must run this package's host and belongs to the engine from here on. */
  readonly worker?: Worker;
  /** Where the host script is (default: worker-host.js beside this module). */
  readonly url?: string | URL;
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
  readonly options?: RunOptions;
}

/**
 * Starts an engine in a worker.
 * @throws WorkerError when the worker's script does not start; GpuUnavailableError when it finds no WebGPU or no adapter
 */
export async function createWorkerEngine(options: WorkerEngineOptions = {}): Promise<WorkerEngine> {
  const { worker = startWorker(options.url), url: _, ...settings } = options;
  return await WorkerEngine.start(worker, settings);
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

/** An engine in a worker. Arrays that it answers with were moved here, not copied. */
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
  static async start(worker: Worker, options: HostOptions): Promise<WorkerEngine> {
    const engine = new WorkerEngine(worker);
    try {
      engine.#report = await engine.#call('start', { options });
      return engine;
    } catch (error) {
      engine.dispose();
      throw error;
    }
  }

  get adapter(): AdapterReport {
    return this.#report!.adapter;
  }

  /** Seconds it took to find the adapter and make the device. */
  get startupSeconds(): number {
    return this.#report!.startupSeconds;
  }

  /** As the function of the same name; runs that are asked for while one goes on wait for it. */
  runExperiment(config: ExperimentConfig, options: RunOptions = {}): Promise<ExperimentResult> {
    const { signal, onProgress, readFile, watch } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { onSnapshot: _, ...looks } = watch ?? {};
    const ask = {
      config,
      progress: onProgress !== undefined,
      files: readFile !== undefined,
      watch: watch ? looks : undefined,
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

  /** Outputs of a network on the rows of X; see the function of the same name. Answered while a run goes on, too. */
  predict(network: PlainNetwork, X: Float32Array): Promise<Float32Array> {
    return this.#call('predict', { network, X });
  }

  /** Device memory of the engine. */
  memory(): Promise<MemoryReport> {
    return this.#call('memory', {});
  }

  /** Holds the run before its next piece of work. */
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

  #call<C extends CallName>(call: C, ask: Calls[C]['ask'], options?: RunOptions): Promise<Calls[C]['answer']> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, ...(options ? { options } : {}) });
      this.#post({ kind: 'call', id, call, ...ask } as ToWorker);
    });
  }

  #receive(message: ToPage): void {
    if (message.kind === 'lost') {
      this.#end(fromWire(message.error));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    const { options } = pending;
    switch (message.kind) {
      case 'done':
        this.#pending.delete(message.id);
        pending.resolve(message.answer as never);
        return;
      case 'failed':
        this.#pending.delete(message.id);
        pending.reject(fromWire(message.error));
        return;
      case 'progress':
        options?.onProgress?.(message.progress);
        return;
      case 'snapshot':
        void options?.watch?.onSnapshot(message.snapshot);
        return;
      case 'read':
        void this.#sendFile(message.read, message.path, options);
    }
  }

  async #sendFile(read: number, path: string, options: RunOptions | undefined): Promise<void> {
    try {
      const bytes = await options!.readFile!(path);
      this.#post({ kind: 'file', read, bytes }, transferables(bytes));
    } catch (error) {
      this.#post({ kind: 'noFile', read, error: toWire(error) });
    }
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.worker.terminate();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    if (!(error instanceof DisposedError)) this.#onLost(error);
  }
}
