// What the tests do inside the page, as a page would: with the library's entries, as packed. Bundled by site.ts, which
// lets the imports below stand for /lib/*.js.

import {
  type Checkpoint,
  createEngine,
  type Engine,
  type ExperimentConfig,
  type ExperimentResult,
  runExperiment,
} from '../../src/index';
import { createWorkerEngine, type WorkerEngine } from '../../src/worker';

/** What a run gives back: plain JSON, with float arrays as the base64 of their bytes. */
export interface Sent {
  readonly metrics: ExperimentResult['metrics'];
  readonly arrays: Readonly<Record<string, string>>;
  readonly adapter: Engine['adapter'];
  readonly kernel: string;
}

export interface Asked {
  readonly config: ExperimentConfig;
  /** Path that the configuration's files are under. */
  readonly files: string;
}

function base64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}

function numbersIn(result: ExperimentResult): Record<string, string> {
  const arrays = Object.entries(result.arrays).map(([name, { data }]) => [name, base64(data)]);
  const history = Object.entries(result.history).map(([name, data]) => [name, base64(data)]);
  return Object.fromEntries([...arrays, ...history]);
}

/** Runs experiments one after the other on one engine, in the page or in a worker. */
export async function runAll(where: 'page' | 'worker', all: readonly Asked[]): Promise<Sent[]> {
  const engine: Engine | WorkerEngine = where === 'page' ? await createEngine() : await createWorkerEngine();
  const sent: Sent[] = [];
  for (const { config, files } of all) {
    const readFile = async (path: string) => new Uint8Array(await (await fetch(`${files}/${path}`)).arrayBuffer());
    const result = await ('gpu' in engine
      ? runExperiment(engine, config, { readFile })
      : engine.runExperiment(config, { readFile }));
    const kernel = result.trainer.kernels.matmul!;
    sent.push({ metrics: result.metrics, arrays: numbersIn(result), adapter: engine.adapter, kernel });
  }
  engine.dispose();
  return sent;
}

/** What an action throws, as a page sees it. */
async function thrown(action: () => Promise<unknown>) {
  try {
    await action();
    return undefined;
  } catch (error) {
    const { name, message, remedy, file, key, resumeFrom } = error as Error & Record<string, unknown>;
    return { name, message, remedy, file, key, resumeFrom };
  }
}

const errors = await import('../../src/index');
const isOf = (error: unknown, name: 'InputError' | 'DeviceLostError') => error instanceof errors[name];

/** A device of the page's own: an engine on it, ended, and the device used afterwards; then lost while a run goes on. */
export async function sharedDevice(short: ExperimentConfig, long: ExperimentConfig) {
  const adapter = await navigator.gpu.requestAdapter();
  // No raised limit: whatever a renderer happens to have asked for must do.
  const device = await adapter!.requestDevice({ requiredFeatures: ['subgroups'] });
  const engine = await createEngine({ device });
  const { metrics } = await runExperiment(engine, short);
  engine.dispose();
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, Uint32Array.of(7));
  await buffer.mapAsync(GPUMapMode.READ);
  const [value] = new Uint32Array(buffer.getMappedRange());
  buffer.unmap();

  const second = await createEngine({ device });
  let seen: unknown;
  const lost = await thrown(() =>
    runExperiment(second, long, {
      onProgress: ({ stage, epoch = 0 }) => stage === 'standard' && epoch > 0 && device.destroy(),
    }).catch((error) => {
      seen = error;
      throw error;
    }),
  );
  return { metrics, value, lost, isDeviceLost: isOf(seen, 'DeviceLostError') };
}

/** Cancels a run in the worker, pauses the next, and gets its result all the same. */
export async function steer(short: ExperimentConfig, long: ExperimentConfig) {
  using engine = await createWorkerEngine();
  const controller = new AbortController();
  const reason = new Error('enough');
  const began = performance.now();
  const cancelled = await thrown(() =>
    engine.runExperiment(long, {
      signal: controller.signal,
      onProgress: ({ stage, epoch = 0 }) => stage === 'standard' && epoch > 0 && controller.abort(reason),
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const left = await engine.memory();
  let told = 0;
  let pausedAt: number | undefined;
  const run = engine.runExperiment(short, {
    onProgress: ({ stage }) => {
      told++;
      if (stage === 'learning' && pausedAt === undefined) {
        pausedAt = performance.now();
        engine.pause();
      }
    },
  });
  while (pausedAt === undefined) await sleep(5);
  await sleep(150);
  const before = told;
  await sleep(300);
  const during = told - before;
  engine.resume();
  const { metrics } = await run;
  // Two that are asked for at once run one after the other.
  const both = await Promise.all([engine.runExperiment(short), engine.runExperiment(short)]);
  const again = both.map((result) => result.metrics);
  return { again, cancelled, seconds, bytesLeft: left.currentBytes, during, metrics };
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Errors of the worker, as the page gets them. */
export async function failures(bad: ExperimentConfig, wild: ExperimentConfig, long: ExperimentConfig) {
  const engine = await createWorkerEngine();
  let input: unknown;
  const wrong = await thrown(() =>
    engine.runExperiment(bad).catch((error) => {
      input = error;
      throw error;
    }),
  );
  const missing = await thrown(() =>
    engine.runExperiment(bad, {
      readFile: () => Promise.reject(new errors.InputError('gone', { file: 'X', remedy: 'r' })),
    }),
  );
  let divergence: unknown;
  await engine.runExperiment(wild).catch((error) => {
    divergence = error;
  });
  const diverged = divergence instanceof errors.DivergenceError && { ...divergence };
  const running = thrown(() => engine.runExperiment(long));
  engine.dispose();
  const disposed = await running;
  const after = await thrown(() => engine.memory());
  const noScript = await thrown(() => createWorkerEngine({ url: '/nowhere.js' }));
  const elsewhere = await thrown(() => createWorkerEngine({ url: 'https://elsewhere.example/worker.js' }));
  return { wrong, isInputError: isOf(input, 'InputError'), missing, diverged, disposed, after, noScript, elsewhere };
}

/** A worker of one's own whose device is destroyed under way; a new engine then goes on from the last checkpoint. */
export async function loseInWorker(config: ExperimentConfig) {
  const worker = new Worker('/losing-worker.js', { type: 'module' });
  const engine = await createWorkerEngine({ worker });
  let latest: Checkpoint | undefined;
  const keep = (checkpoint: Checkpoint) => {
    latest = checkpoint;
    if (checkpoint.epoch > 0) worker.postMessage('lose');
  };
  const failed = await thrown(() => engine.runExperiment(config, { checkpoint: { keeper: { seconds: 0, keep } } }));
  const told = (await engine.lost).name;
  const after = await thrown(() => engine.runExperiment(config));
  using next = await createWorkerEngine();
  const resumed = await next.runExperiment(config, { checkpoint: { from: latest } });
  const whole = await next.runExperiment(config);
  const { stage, epoch } = latest!;
  return { failed, told, after, place: { stage, epoch }, resumed: numbersIn(resumed), whole: numbersIn(whole) };
}

/** A watched run with the main thread's long tasks counted. */
export async function watch(config: ExperimentConfig) {
  using engine = await createWorkerEngine();
  const long: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) long.push(duration);
  });
  observer.observe({ type: 'longtask' });
  const kinds: string[] = [];
  let agreement: number | undefined;
  const result = await engine.runExperiment(config, {
    onProgress: () => {},
    watch: {
      snapshots: 5,
      map: { resolution: 24, limits: [-7, 7] },
      onSnapshot: (snapshot) => {
        kinds.push(snapshot.kind);
        if (snapshot.kind === 'training') agreement = snapshot.agreement;
      },
    },
  });
  await sleep(50);
  observer.disconnect();
  const { arrays } = result;
  const network = { W: arrays.f_W!.data, b: arrays.f_b!.data, a: arrays.f_a!.data, slope: config.network.slope };
  const outputs = await engine.predict(network, arrays.X!.data);
  const same = outputs.every((value, i) => value === arrays.f_X!.data[i]);
  return { kinds, agreement, metrics: result.metrics, long, same };
}
