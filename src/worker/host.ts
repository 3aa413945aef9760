// The worker's side: one engine behind messages. Runs go one after another, because they share the device's memory; what
// is asked in between (a digit to classify, the memory) is answered at once.

import { createEngine, type Engine } from '../engine';
import { runExperiment } from '../experiment/run';
import { predict } from '../network/predict';
import {
  type CallName,
  type Calls,
  type HostOptions,
  type MemoryReport,
  type ToPage,
  type ToWorker,
  transferables,
} from './protocol';
import { fromWire, toWire } from './wire-error';

/** What a worker's global scope has of what is needed here. */
export interface HostScope {
  postMessage(message: ToPage, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
}

/** Serves an engine to whoever started this worker. @param make another way to make the engine, on a device of your own */
export function serveEngine(
  scope: HostScope,
  make: (options: HostOptions) => Promise<Engine> = (options) => createEngine(options),
): void {
  const host = new Host(scope, make);
  scope.addEventListener('message', ({ data }) => host.receive(data));
}

class Host {
  #engine: Engine | undefined;
  #line: Promise<unknown> = Promise.resolve();
  #reads = 0;
  readonly #running = new Map<number, AbortController>();
  readonly #files = new Map<number, { resolve(bytes: Uint8Array): void; reject(error: Error): void }>();

  constructor(
    private readonly scope: HostScope,
    private readonly make: (options: HostOptions) => Promise<Engine>,
  ) {}

  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'call':
        void this.#answer(message);
        return;
      case 'abort':
        this.#running.get(message.id)?.abort();
        return;
      case 'pause':
        this.#engine?.pause();
        return;
      case 'resume':
        this.#engine?.resume();
        return;
      case 'file':
        this.#takeFile(message.read)?.resolve(message.bytes);
        return;
      case 'noFile':
        this.#takeFile(message.read)?.reject(fromWire(message.error));
    }
  }

  #post(message: ToPage, transfer: Transferable[] = []): void {
    this.scope.postMessage(message, transfer);
  }

  async #answer(message: Extract<ToWorker, { kind: 'call' }>): Promise<void> {
    const { id } = message;
    try {
      const answer = await this.#do(message);
      this.#post({ kind: 'done', id, answer }, transferables(answer));
    } catch (error) {
      this.#post({ kind: 'failed', id, error: toWire(error) });
    }
  }

  #do(message: Extract<ToWorker, { kind: 'call' }>): Promise<Calls[CallName]['answer']> {
    switch (message.call) {
      case 'start':
        return this.#start(message.options);
      case 'run':
        return this.#run(message.id, message);
      case 'predict':
        return predict(this.#ready.gpu, message.network, message.X);
      case 'memory':
        return Promise.resolve(this.#memory());
    }
  }

  get #ready(): Engine {
    if (!this.#engine) throw new Error('the engine has not been started');
    return this.#engine;
  }

  async #start(options: HostOptions): Promise<Calls['start']['answer']> {
    const engine = await this.make(options);
    this.#engine = engine;
    void engine.gpu.lost.then((error) => this.#post({ kind: 'lost', error: toWire(error) }));
    return { adapter: engine.adapter, startupSeconds: engine.settings.startupSeconds ?? 0 };
  }

  #memory(): MemoryReport {
    const { currentBytes, peakBytes } = this.#ready.gpu;
    return { currentBytes, peakBytes };
  }

  #run(id: number, ask: Calls['run']['ask']): Promise<Calls['run']['answer']> {
    const engine = this.#ready;
    const controller = new AbortController();
    this.#running.set(id, controller);
    const { signal } = controller;
    const { config, progress, watch, files } = ask;
    const result = this.#line.then(() => {
      signal.throwIfAborted();
      return runExperiment(engine, config, {
        signal,
        ...(progress ? { onProgress: (progress) => this.#post({ kind: 'progress', id, progress }) } : {}),
        ...(files ? { readFile: (path) => this.#readFile(id, path) } : {}),
        ...(watch
          ? {
              watch: {
                ...watch,
                onSnapshot: (snapshot) => this.#post({ kind: 'snapshot', id, snapshot }, transferables(snapshot)),
              },
            }
          : {}),
      });
    });
    this.#line = result.catch(() => undefined).finally(() => this.#running.delete(id));
    return result;
  }

  #readFile(id: number, path: string): Promise<Uint8Array> {
    const read = this.#reads++;
    return new Promise((resolve, reject) => {
      this.#files.set(read, { resolve, reject });
      this.#post({ kind: 'read', id, read, path });
    });
  }

  #takeFile(read: number) {
    const waiting = this.#files.get(read);
    this.#files.delete(read);
    return waiting;
  }
}
