// Flips that go through X instead of rows of K: in crowds, or all of them while K is not worth it. When they do is scripted, for at
// these sizes K always is; what it costs is another test's affair.

import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Engine } from '../../src/engine';
import { runExperiment } from '../../src/experiment/run';
import { Gpu } from '../../src/gpu/gpu';
import type * as costs from '../../src/network/costs';
import type { Network } from '../../src/network/network';
import { train, trainAll } from '../../src/network/train';
import { expectSameBits, normwise, useEngine } from '../helpers';
import { needsGram, numbersOf, smallConfig, withTrainer } from './helpers';
import { reference, type Task, TaskData } from './tasks';

const bound = useEngine();

const NEVER = { least: Infinity, worth: 0 };
const script = vi.hoisted(() => ({ plan: undefined as costs.CrowdPlan | undefined }));
vi.mock('../../src/network/costs', async (original) => {
  const { withPlan } = await import('./scripted-costs');
  return withPlan(original, () => script.plan);
});

beforeEach(() => {
  script.plan = NEVER;
});
afterEach(() => expect(bound.gpu.liveArrays).toBe(0));

/** Counts the matrices K that are allocated, and the products of crowds. */
function watched(gpu: Gpu) {
  const spies = [vi.spyOn(gpu, 'array'), vi.spyOn(gpu, 'image'), vi.spyOn(gpu, 'batch')] as const;
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  const count = (label: string) =>
    spies.reduce((sum, { mock }) => sum + mock.calls.filter(([a]) => a === label).length, 0);
  return { kernels: () => count('K'), crowds: () => count('Gram crowds') };
}

async function trained(gpu: Gpu, task: Task) {
  using data = await TaskData.create(gpu, task);
  const problem = await data.problem(task);
  const outcome = await train(gpu, problem, 'gram');
  return { outcome, blocks: data.blocks, ...(await problem.network.read()) };
}

const ALL = 1e9;
const plans = [
  { name: 'crowds of 3', plan: { least: 3, worth: 0 }, kernel: true },
  { name: 'every flip, with K there', plan: { least: 1, worth: 0 }, kernel: false },
  { name: 'every flip, and no K', plan: { least: Infinity, worth: ALL }, kernel: false },
  { name: 'every flip up to a look', plan: { least: Infinity, worth: 200 }, kernel: true },
  { name: 'every flip up to a look, then crowds', plan: { least: 3, worth: 200 }, kernel: true },
];
const tasks: Task[] = [
  { n: 101, d: 20, m: 33, lr: 0.1, epochs: 90 },
  { n: 300, d: 3, m: 70, slope: 0.25, lr: 0.3, epochs: 60 },
  { n: 65, d: 131, m: 7, lr: 0.1, momentum: 0, epochs: 90 },
  // The rate drops, and what was run too far is run again.
  { n: 65, d: 8, m: 40, lr: 0.5, epochs: 60, doomed: true },
];

describe.each(plans)('$name', ({ plan, kernel }) => {
  test.for(tasks)('float64: %j', async (task, { skip }) => {
    needsGram(bound.gpu, skip);
    script.plan = plan;
    const seen = watched(bound.gpu);
    const { outcome, W, b } = await trained(bound.gpu, task);
    const expected = reference(task);
    // As far as Gram training may be from float64 in train-auto.test.ts.
    expect(normwise(W, expected.net.W)).toBeLessThan(1e-4);
    expect(normwise(b, expected.net.b)).toBeLessThan(1e-4);
    expect(normwise(outcome.loss, expected.loss)).toBeLessThan(1e-4);
    expect([...outcome.lr]).toEqual([...Float32Array.from(expected.lr)]);
    expect(seen.crowds()).toBeGreaterThan(1);
    if (task.n > 65) expect(seen.kernels() > 0).toBe(kernel);
  });
});

test('all trainings side by side are what each is alone, though their crowds are multiplied together', async ({
  skip,
}) => {
  const { gpu } = bound;
  needsGram(gpu, skip);
  const common = { n: 101, d: 20, lr: 0.1, epochs: 60 };
  const all: Task[] = [
    { ...common, m: 60 },
    { ...common, m: 33, networkSeed: 5, lr: 0.3 },
    { ...common, m: 50, networkSeed: 6, epochs: 41 },
  ];
  for (const plan of [
    { least: Infinity, worth: ALL },
    { least: 2, worth: 0 },
    { least: 4, worth: 700 },
  ]) {
    script.plan = plan;
    using data = await TaskData.create(gpu, common as Task);
    const problems = await Promise.all(all.map((task) => data.problem(task)));
    const outcomes = await trainAll(
      gpu,
      problems.map((problem) => ({ problem, wanted: 'gram' })),
    );
    for (const [k, task] of all.entries()) {
      const alone = await trained(gpu, task);
      expectSameBits(`loss of ${k}`, outcomes[k]!.loss, alone.outcome.loss);
      expectSameBits(`W of ${k}`, (await problems[k]!.network.read()).W, alone.W);
      expect(outcomes[k]!.reason).toBe(alone.outcome.reason);
    }
  }
});

test('a snapshot is what a training of its length leaves: no look knows how long a training is', async ({ skip }) => {
  const { gpu } = bound;
  needsGram(gpu, skip);
  const task: Task = { n: 101, d: 20, m: 33, lr: 0.1, epochs: 80 };
  script.plan = { least: 4, worth: 400 };
  using data = await TaskData.create(gpu, task);
  const taken = new Map<number, Float32Array>();
  const onSnapshot = async (epoch: number, network: Network) => {
    taken.set(epoch, (await network.read()).W);
    network.dispose();
  };
  const outcome = await train(gpu, await data.problem(task), 'gram', { snapshots: [7, 29, 80], onSnapshot });
  expect(outcome.usedGram).toBe(true);
  for (const [epochs, W] of taken) expectSameBits(`${epochs}`, (await trained(gpu, { ...task, epochs })).W, W);
  expect([...taken.keys()]).toEqual([7, 29, 80]);
});

test.for([
  { least: Infinity, worth: ALL },
  { least: 3, worth: 0 },
])('samples in several blocks, K in pieces: float64, %j', async (plan, { skip }) => {
  const { gpu } = bound;
  needsGram(gpu, skip);
  script.plan = plan;
  const task: Task = { n: 333, d: 131, m: 12, lr: 0.1, epochs: 60 };
  // 256 samples of 132.
  using small = new Gpu(gpu.device, { adapter: gpu.adapter, ownsDevice: false, maxArrayLength: 96 * 352 });
  const { outcome, blocks, W } = await trained(small, task);
  expect(blocks).toBe(2);
  const expected = reference(task);
  expect(normwise(W, expected.net.W)).toBeLessThan(1e-4);
  expect(normwise(outcome.loss, expected.loss)).toBeLessThan(1e-4);
  expect(small.liveArrays).toBe(0);
});

test('a whole experiment without K: the result says so, and is the direct one', async ({ skip }) => {
  const { engine, gpu } = bound;
  needsGram(gpu, skip);
  script.plan = { least: Infinity, worth: ALL };
  const seen = watched(gpu);
  for (const onData of [false, true]) {
    const config = smallConfig({
      data: { kind: 'shifted-gauss', n: 257, d: 40, shift: 0.3 },
      perturbation: { kind: 'l2', size: 0.3, onData },
      standard: { lr: 0.5, epochs: 60 },
      learning: { lr: 0.5, epochs: 60 },
      save: ['networks'],
    });
    const gram = await runExperiment(engine, withTrainer(config, 'gram'));
    for (const stage of ['standard', 'learning'] as const) {
      expect(gram.trainer.stages[stage].reason).toMatch(/^asked for; \d+ flips, without X X\^T$/);
    }
    const direct = numbersOf(await runExperiment(engine, withTrainer(config, 'direct')));
    for (const [name, values] of Object.entries(numbersOf(gram))) {
      expect(normwise(values, direct[name]!), name).toBeLessThan(1e-4);
    }
  }
  // Those of the warm-up alone.
  expect(seen.kernels()).toBeLessThanOrEqual(1);
});

test('kernels that cannot are not asked to: forced tiled ones train with K', async ({ skip }) => {
  const { gpu } = bound;
  needsGram(gpu, skip);
  script.plan = undefined;
  if (gpu.adapter.subgroupSize !== 8) skip('slow');
  const engine = new Engine(gpu, { matmul: 'tiled' });
  const config = smallConfig({
    ...{ data: { kind: 'gauss', n: 3000, d: 900 }, network: { width: 4 }, test: { n: 10 } },
    ...{ standard: { lr: 0.5, epochs: 3 }, learning: { lr: 0.5, epochs: 1 } },
  });
  const { trainer } = await runExperiment(engine, withTrainer(config, 'gram'));
  expect(trainer.stages.standard.reason).toMatch(/^asked for; \d+ flips$/);
});
