// The worker's side: one engine behind messages. Runs go one after another, because they share the device's memory; what
// is asked in between (a digit to classify, the memory) is answered at once.

import { tuningKey, withTuning } from '../bench/tuned-engine';
import { createEngine, type Engine } from '../engine';
import type { CheckpointKeeper } from '../experiment/checkpoint';
import { type RunOptions, runExperiment } from '../experiment/run';
import { predict } from '../network/predict';
import { holdLifeline, type LockScope } from './lifeline';
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
import { fromWire, toWire } from './wire-error';

/** What a worker's global scope has of what is needed here. */
export interface HostScope extends LockScope {
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
  #asked = 0;
  readonly #running = new Map<number, AbortController>();
  readonly #questions = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();

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
      case 'answer':
        this.#asker(message.number)?.resolve(message.answer as never);
        return;
      case 'refusal':
        this.#asker(message.number)?.reject(fromWire(message.error));
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
        return this.#start(message.id, message);
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

  async #start(id: number, { options, tunings }: Calls['start']['ask']): Promise<Calls['start']['answer']> {
    void holdLifeline(this.scope).then((lock) => lock && this.#post({ kind: 'alive', lock }));
    const made = await this.make(options);
    const { adapter, gpu } = made;
    const key = await tuningKey(gpu);
    const tuning = tunings ? await this.#question<'tuning'>(id, { question: 'tuning', adapter, key }) : {};
    this.#engine = withTuning(made, tuning);
    void gpu.lost.then((error) => this.#post({ kind: 'lost', error: toWire(error) }));
    const { startupSeconds = 0, versions = {} } = this.#engine.settings;
    return { adapter, startupSeconds, versions, tuningKey: key, tuning };
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
    const before = this.#line;
    const turn = async () => {
      await unlessAborted(before, signal);
      return await runExperiment(engine, ask.config, this.#options(id, ask, signal));
    };
    const result = turn().finally(() => this.#running.delete(id));
    // One that was cancelled in the line leaves it at once; whoever is behind it still waits for the one before.
    this.#line = Promise.allSettled([before, result]).then(() => undefined);
    return result;
  }

  #options(id: number, ask: Calls['run']['ask'], signal: AbortSignal): RunOptions {
    const { progress, watch, files, checkpointSeconds, from } = ask;
    const question = <Q extends QuestionName>(asked: Extract<Question, { question: Q }>) =>
      unlessAborted(this.#question<Q>(id, asked), signal);
    const keeper =
      checkpointSeconds === undefined
        ? undefined
        : keeperEvery(checkpointSeconds, (checkpoint) => question({ question: 'checkpoint', checkpoint }));
    return {
      signal,
      ...(progress ? { onProgress: (progress) => this.#post({ kind: 'progress', id, progress }) } : {}),
      ...(files ? { readFile: (path) => question({ question: 'file', path }) } : {}),
      ...(watch ? { watch: { ...watch, onSnapshot: (snapshot) => question({ question: 'snapshot', snapshot }) } } : {}),
      ...(keeper || from ? { checkpoint: { ...(keeper ? { keeper } : {}), ...(from ? { from } : {}) } } : {}),
    };
  }

  /** Asks the page, and waits for what it says. The arrays in the question are moved. */
  #question<Q extends QuestionName>(
    id: number,
    asked: Extract<Question, { question: Q }>,
  ): Promise<Questions[Q]['answer']> {
    const number = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#questions.set(number, { resolve, reject });
      this.#post({ kind: 'question', id, number, ...asked }, transferables(asked));
    });
  }

  #asker(number: number) {
    const waiting = this.#questions.get(number);
    this.#questions.delete(number);
    return waiting;
  }
}

/** Keeps a checkpoint every so many seconds, counted from the end of the last. */
function keeperEvery(seconds: number, keep: CheckpointKeeper['keep']): CheckpointKeeper {
  let last = performance.now();
  return {
    due: () => performance.now() - last >= 1000 * seconds,
    keep: async (checkpoint) => {
      await keep(checkpoint);
      last = performance.now();
    },
  };
}

/** What a promise gives, unless the signal comes first: then its reason. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
  });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
