// Training in Gram space with the logistic loss, from the trainer on arrays to whole experiments.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nodeReadFile } from '../../src/data/node';
import { parseNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import type { ExperimentConfig } from '../../src/experiment/types';
import type { GpuArray } from '../../src/gpu/array';
import { Scope } from '../../src/gpu/scope';
import { type MatmulVariant, matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { trainDirect } from '../../src/network/direct';
import { gramMatrix } from '../../src/network/gram';
import { type GramPieces, partRows, trainGramLogistic } from '../../src/network/gram-logistic';
import { Network, type NetworkArrays } from '../../src/network/network';
import { Panels, Samples } from '../../src/network/samples';
import type { TrainingHistory, TrainingOptions, TrainingProblem } from '../../src/network/trainer';
import { Draws, expectSameBits, normwise, U, useEngine, variants } from '../helpers';
import { networkOf } from '../reference/network';
import { type ReferenceSchedule, train } from '../reference/training';
import { distant, type Given, givenExperiment, smallConfig } from './helpers';

const bound = useEngine();
const GOLDEN = fileURLToPath(new URL('../golden/p3_gauss_a_logistic', import.meta.url));
const TOLERANCE = 1e-4;
const TORCH: ReferenceSchedule = { factor: 0.1, patience: 10, threshold: 1e-4 };
type Skip = (note: string) => void;

/** Skips, by name, what needs Gram training where it cannot run. */
function needsGram(skip: Skip): void {
  if (subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
}

const inGram = (config: ExperimentConfig) => ({ ...config, trainer: 'gram' as const });

interface Task {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  readonly slope?: number;
  readonly lr?: number;
  readonly epochs?: number;
  readonly momentum?: number;
  readonly plateau?: ReferenceSchedule | false;
  readonly seed?: number;
  readonly variant?: MatmulVariant;
  /** Cuts K into pieces of so many rows. */
  readonly rows?: number;
}

interface Trained {
  readonly history: TrainingHistory;
  readonly after: NetworkArrays;
}

/** The host side of a task: samples, labels, initial weights. */
function drawTask({ n, d, m, seed = 1 }: Task) {
  const draws = new Draws(seed);
  const y = draws.signs(n);
  const X = draws.normal(n * d).map((value, e) => value + 0.3 * y[Math.floor(e / d)]!);
  const init = {
    W: draws.normal(m * d, 1 / Math.sqrt(d)),
    b: draws.normal(m),
    a: draws.normal(m, 1 / Math.sqrt(m)),
  };
  return { X, y, init };
}

/** The same in float64. */
function reference(task: Task) {
  const { d, slope = 0, lr = 0.5, epochs = 30, momentum = 0.9, plateau = TORCH } = task;
  const { X, y, init } = drawTask(task);
  return train(networkOf(init, d, slope), X, y, { loss: 'logistic', lr, epochs, momentum, plateau });
}

/** K of one piece, cut into pieces of `rows` rows. */
function cut(whole: GpuArray, n: number, rows: number, scope: Scope): GramPieces {
  const ld = Math.ceil(n / 32) * 32;
  const pieces: GpuArray[] = [];
  const batch = bound.gpu.batch('pieces');
  for (let start = 0; start < n; start += rows) {
    const length = Math.min(rows, n - start) * ld;
    const piece = scope.use(bound.gpu.array('piece of K', length));
    batch.copy(whole, start * ld, piece, 0, length);
    pieces.push(piece);
  }
  batch.send();
  return { n, ld, rows, pieces };
}

/** Trains on the device, by Gram or directly, and reads everything back. */
async function run(task: Task, trainer: 'gram' | 'direct', options: TrainingOptions = {}): Promise<Trained> {
  const { n, d, m, slope = 0, lr = 0.5, epochs = 30, momentum = 0.9, plateau = TORCH, variant, rows = n } = task;
  const { gpu } = bound;
  const { X, y, init } = drawTask(task);
  const layout = matmulLayout(gpu, m, variant);
  const scope = new Scope();
  try {
    const samples = scope.use(Samples.fromArray(gpu, 'X', X, d, layout.words));
    const panels = scope.use(Panels.allocate(gpu, samples.blocks, d));
    await panels.fill(gpu, samples);
    const labels = scope.use(gpu.upload('labels', y));
    const network = scope.use(await Network.create(gpu, { d, m, slope }, init, 0, { W: 0, b: 0, a: 0 }));
    const shared = { samples, panels, labels, network, layout, loss: 'logistic' } as const;
    const problem: TrainingProblem = { ...shared, lr, epochs, momentum, plateau };
    if (trainer === 'direct') {
      const history = await trainDirect(gpu, problem, options);
      return { history, after: await network.read() };
    }
    const kernel = cut(scope.use(await gramMatrix(gpu, problem)), n, rows, scope);
    const held = gpu.liveArrays;
    const outcome = trainGramLogistic(gpu, problem, kernel, options).finally(() => expect(gpu.liveArrays).toBe(held));
    return { history: await outcome, after: await network.read() };
  } finally {
    scope.dispose();
  }
}

function expectSameRun(what: string, first: Trained, second: Trained): void {
  for (const key of ['W', 'b'] as const) expectSameBits(`${what}: ${key}`, second.after[key], first.after[key]);
  for (const key of ['loss', 'lr', 'accuracy'] as const) {
    expectSameBits(`${what}: ${key}`, second.history[key]!, first.history[key]!);
  }
}

test('golden case p3, both stages in Gram space', async ({ skip }) => {
  needsGram(skip);
  const json = (file: string) => JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf8'));
  const load = (names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => {
        const file = `${GOLDEN}/expected/${name}.npy`;
        return [name, Float64Array.from(parseNpy(readFileSync(file), file).data as Float64Array)];
      }),
    );
  const config = inGram(parseConfig(json('config.json')));
  const result = await runExperiment(bound.engine, config, { readFile: nodeReadFile(GOLDEN) });
  for (const stage of ['standard', 'learning'] as const) {
    expect(result.trainer.stages[stage]).toEqual({ chosen: 'gram', reason: 'asked for' });
  }
  const arrays = load(['f_W', 'f_b', 'g_W', 'g_b', 'R', 'f_X', 'g_X', 'f_test', 'g_test']);
  const history = load(['standardLoss', 'standardLr', 'learningLoss', 'learningLr']);
  expect(distant(result, { arrays, history }, TOLERANCE)).toEqual([]);
  expect(result.history.standardLr).toEqual(Float32Array.from(history.standardLr!));
  expect(result.history.learningLr).toEqual(Float32Array.from(history.learningLr!));
  const { metrics } = json('expected.json');
  for (const key of ['standardAccuracy', 'perturbationAccuracy', 'agreement'] as const) {
    expect(result.metrics[key], key).toBeCloseTo(metrics[key], 12);
  }
  expect(bound.gpu.liveArrays).toBe(0);
});

describe('whole experiments against the float64 reference', () => {
  test.for([
    { n: 2, d: 5, m: 4 },
    { n: 9, d: 4, m: 1, epochs: 70 },
    { n: 32, d: 40, m: 32, slope: 0.25 },
    { n: 33, d: 70, m: 31, epochs: 50, kind: 'linf', size: 0.03 },
    { n: 64, d: 3, m: 33, slope: 0.25, onData: true },
    { n: 101, d: 7, m: 65, epochs: 65, onData: true, seed: 2 },
    { n: 300, d: 31, m: 100, epochs: 50, seed: 3 },
    { n: 9, d: 5, m: 7, epochs: 0 },
    { n: 9, d: 5, m: 7, epochs: 1 },
  ] as Given[])('%j', async (given, { skip }) => {
    needsGram(skip);
    const { config, readFile, reference } = givenExperiment({ ...given, loss: 'logistic' });
    const result = await runExperiment(bound.engine, inGram(config), { readFile });
    const expected = reference();
    expect(distant(result, expected, TOLERANCE)).toEqual([]);
    expect(result.metrics).toEqual(expected.metrics);
    expect(bound.gpu.liveArrays).toBe(0);
  });
});

// H is rounded once an epoch, by at most U of its size; direct training makes H anew from weights that are rounded.
describe('against float64, as close as the direct trainer and the roundings of H', () => {
  test.for([
    { n: 31, d: 40, m: 7, epochs: 300, seed: 1 },
    { n: 96, d: 60, m: 47, slope: 0.25, epochs: 200, seed: 2 },
    { n: 200, d: 150, m: 16, epochs: 200, seed: 3 },
    { n: 100, d: 64, m: 33, lr: 0.05, epochs: 200, momentum: 0.99, seed: 4 },
    { n: 65, d: 50, m: 33, epochs: 100, momentum: 0, seed: 5 },
    // More samples than inputs: K has null directions, in which errors stay.
    { n: 200, d: 20, m: 16, lr: 0.1, epochs: 200, seed: 6 },
  ] as Task[])('%j', async (task, { skip }) => {
    needsGram(skip);
    const expected = reference(task);
    for (const variant of variants(bound.gpu)) {
      const [gram, direct] = [await run({ ...task, variant }, 'gram'), await run({ ...task, variant }, 'direct')];
      for (const key of ['W', 'b'] as const) {
        const error = normwise(gram.after[key], expected.net[key]);
        expect(error, key).toBeLessThan(normwise(direct.after[key], expected.net[key]) + expected.loss.length * U);
      }
      expect(normwise(gram.history.loss, expected.loss)).toBeLessThan(expected.loss.length * U);
      expect(Array.from(gram.history.lr)).toEqual(Array.from(expected.lr, Math.fround));
      // A sample whose output is nothing but rounding may fall on either side.
      for (const [t, share] of expected.accuracy.entries()) {
        expect(Math.abs(gram.history.accuracy![t]! - share), `epoch ${t}`).toBeLessThan(1.5 / task.n);
      }
    }
  });
});

describe('a schedule that fires', () => {
  test.for([
    { n: 41, d: 9, m: 13, lr: 0.3, epochs: 200, plateau: { factor: 0.1, patience: 4, threshold: 0.1 } },
    { n: 64, d: 20, m: 33, lr: 0.3, epochs: 120, plateau: { factor: 0.5, patience: 2, threshold: 0.05 } },
    // Every epoch whose loss goes up.
    { n: 90, d: 4, m: 9, lr: 5, epochs: 60, plateau: { factor: 0.5, patience: 0, threshold: 0 } },
  ] as Task[])("the reference's rates: %j", async (task, { skip }) => {
    needsGram(skip);
    const expected = reference(task);
    const { factor } = task.plateau as ReferenceSchedule;
    const { history, after } = await run(task, 'gram');
    expect(new Set(expected.lr).size).toBeGreaterThan(3);
    for (const [t, rate] of expected.lr.entries()) {
      const drops = Math.round(Math.log(rate / task.lr!) / Math.log(factor));
      const off = Math.abs(history.lr[t]! / rate - 1);
      expect(off, `epoch ${t}: ${history.lr[t]}, not ${rate}`).toBeLessThanOrEqual((1 + 2 * drops) * U);
    }
    expect(normwise(after.W, expected.net.W)).toBeLessThan(TOLERANCE);
    expect(normwise(history.loss, expected.loss)).toBeLessThan(TOLERANCE);
  });
});

test('outputs of thousands: saturated, finite, and those of the reference', async ({ skip }) => {
  needsGram(skip);
  const task: Task = { n: 50, d: 10, m: 17, lr: 1e6, epochs: 20, plateau: false };
  const expected = reference(task);
  const { history, after } = await run(task, 'gram');
  expect(Math.max(...expected.loss)).toBeGreaterThan(1e3);
  expect(after.W.every(Number.isFinite)).toBe(true);
  expect(normwise(history.loss, expected.loss)).toBeLessThan(TOLERANCE);
  expect(normwise(after.W, expected.net.W)).toBeLessThan(TOLERANCE);
});

describe('K in pieces', () => {
  test('of whole parts: the bits of one piece', async ({ skip }) => {
    needsGram(skip);
    const task: Task = { n: 2100, d: 8, m: 33, epochs: 5, lr: 1 };
    const step = partRows(task.n, matmulLayout(bound.gpu, task.m));
    // Three parts or more, the last one short.
    expect(step).toBeLessThanOrEqual(task.n / 2);
    const whole = await run(task, 'gram');
    expectSameRun('a piece a part', whole, await run({ ...task, rows: step }, 'gram'));
    expectSameRun('two parts', whole, await run({ ...task, rows: 2 * step }, 'gram'));
  });
  test.for([1, 32, 64, 96, 100, 101])('of %d rows: as close to float64 as one', async (rows, { skip }) => {
    needsGram(skip);
    const task: Task = { n: 101, d: 20, m: 33, slope: 0.25 };
    const expected = reference(task);
    const { history, after } = await run({ ...task, rows }, 'gram');
    expect(normwise(after.W, expected.net.W)).toBeLessThan(1e-6);
    expect(normwise(history.loss, expected.loss)).toBeLessThan(1e-6);
  });
  test('of other samples: refused', async ({ skip }) => {
    needsGram(skip);
    const { gpu } = bound;
    using network = await Network.create(gpu, { d: 2, m: 3, slope: 0 }, {}, 0, { W: 1, b: 2, a: 3 });
    using samples = Samples.fromArray(gpu, 'X', new Float32Array(80), 2);
    using panels = Panels.allocate(gpu, samples.blocks, 2);
    using labels = gpu.upload('labels', new Float32Array(40).fill(1));
    using kernel = gpu.array('K', 33 * 64);
    const problem = { samples, panels, labels, network, layout: matmulLayout(gpu, 3), loss: 'logistic' } as const;
    const training = { ...problem, lr: 1, epochs: 1, momentum: 0, plateau: false } as const;
    const other = { n: 33, ld: 64, rows: 33, pieces: [kernel] };
    await expect(trainGramLogistic(gpu, training, other)).rejects.toThrow(/33 samples.*for 40 samples/);
  });
});

describe('chunks of epochs', () => {
  afterEach(() => void vi.restoreAllMocks());
  test('cut one by one or growing: the same bits', async ({ skip }) => {
    needsGram(skip);
    const task: Task = { n: 101, d: 20, m: 33, epochs: 60 };
    const seen: number[][] = [];
    const runs: Trained[] = [];
    // A clock on which each chunk takes a second, then one that stands still.
    for (const tick of [1000, 0]) {
      let now = 0;
      vi.spyOn(performance, 'now').mockImplementation(() => (now += tick));
      const epochs: number[] = [];
      runs.push(await run(task, 'gram', { onEpoch: ({ epoch }) => epochs.push(epoch) }));
      seen.push(epochs);
    }
    expect(seen[0]).toEqual(Array.from({ length: 60 }, (_, t) => t + 1));
    expect(seen[1]).toEqual([1, 5, 21, 60]);
    expectSameRun('chunks', runs[0]!, runs[1]!);
  });
  test('a report has the numbers of the history', async ({ skip }) => {
    needsGram(skip);
    const reports: { epoch: number; loss: number; lr: number; accuracy?: number }[] = [];
    const task: Task = { n: 40, d: 6, m: 5, epochs: 12 };
    const { history } = await run(task, 'gram', { onEpoch: (report) => reports.push(report) });
    expect(reports.at(-1)!.epoch).toBe(12);
    for (const { epoch, loss, lr, accuracy } of reports) {
      expect([loss, lr]).toEqual([history.loss[epoch - 1], history.lr[epoch - 1]]);
      expect(accuracy).toBeCloseTo(history.accuracy![epoch - 1]!, 6);
    }
  });
  test('abort in the middle: the reason, nothing left behind, the engine usable', async ({ skip }) => {
    needsGram(skip);
    const reason = new Error('enough');
    const controller = new AbortController();
    const epochs = 100_000;
    const seen: number[] = [];
    const config = smallConfig({ loss: 'logistic', trainer: 'gram', standard: { lr: 0.1, epochs } });
    const aborted = runExperiment(bound.engine, config, {
      signal: controller.signal,
      onProgress: ({ epoch }) => {
        if (!epoch) return;
        seen.push(epoch);
        controller.abort(reason);
      },
    });
    await expect(aborted).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
    expect(bound.gpu.liveArrays).toBe(0);
    const whole = smallConfig({ loss: 'logistic', trainer: 'gram' });
    expect((await runExperiment(bound.engine, whole)).trainer.chosen).toBe('gram');
  });
});
