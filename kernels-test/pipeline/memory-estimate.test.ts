// What a run is foretold to take, against what it takes: never less, and not much more, or runs that fit are refused.

import { expect, onTestFinished, test } from 'vitest';
import { Engine } from '../../src/engine';
import { estimateStage } from '../../src/experiment/estimate';
import { crowdBytes, withLayout } from '../../src/experiment/memory';
import { planRuns } from '../../src/experiment/plan';
import { runExperiment, runExperiments } from '../../src/experiment/run';
import { planSweep } from '../../src/experiment/sweep-plan';
import { Gpu } from '../../src/gpu/gpu';
import { shapeClass, type TunedChoice } from '../../src/kernels/tuning';
import { crowdPlan } from '../../src/network/crowds';
import { NO_HALVES, testEngine, useEngine } from '../helpers';
import { needsGram, smallConfig } from './helpers';

const bound = useEngine();

/** More samples than inputs; wide; more inputs than samples. */
const SHAPES = { tall: [3000, 300, 64], wide: [1500, 100, 1000], flat: [200, 1500, 500] } as const;

interface Case {
  readonly shape: keyof typeof SHAPES;
  readonly trainer: 'direct' | 'gram';
  readonly kind?: 'linf';
  readonly onData?: boolean;
  readonly loss?: 'logistic';
  readonly precision?: 'f16';
  /** Elements that one array may have. */
  readonly most?: number;
  /** Forced kernels, or those that were measured to be the fastest. */
  readonly kernels?: 'tiled' | 'tuned';
}

const CASES: Case[] = [
  { shape: 'tall', trainer: 'direct' },
  { shape: 'tall', trainer: 'direct', onData: true, loss: 'logistic' },
  { shape: 'tall', trainer: 'direct', precision: 'f16' },
  { shape: 'tall', trainer: 'direct', most: 200_000 },
  { shape: 'tall', trainer: 'direct', kernels: 'tiled' },
  { shape: 'tall', trainer: 'direct', kernels: 'tuned' },
  { shape: 'wide', trainer: 'direct', onData: true },
  { shape: 'flat', trainer: 'direct' },
  { shape: 'flat', trainer: 'direct', precision: 'f16', onData: true },
  { shape: 'flat', trainer: 'direct', most: 200_000 },
  { shape: 'tall', trainer: 'gram' },
  { shape: 'tall', trainer: 'gram', onData: true },
  { shape: 'tall', trainer: 'gram', loss: 'logistic' },
  { shape: 'wide', trainer: 'gram', onData: true },
  { shape: 'wide', trainer: 'gram', loss: 'logistic' },
  { shape: 'flat', trainer: 'gram' },
  { shape: 'flat', trainer: 'gram', loss: 'logistic', onData: true },
  { shape: 'flat', trainer: 'gram', kind: 'linf' },
];

/** Settings under which other kernels run than the adapter's own. */
function settingsFor(kernels: Case['kernels'], n: number, d: number, m: number) {
  if (kernels !== 'tuned') return kernels ? { matmul: kernels } : {};
  const tile = { rows: 1, columns: 2 } as const;
  const date = '2026-11-22T00:00:00Z';
  const choice: TunedChoice = { variant: 'tiled', tile, speedup: 2, measuredAt: [n, d, m].join('/'), date };
  return { tuning: { schemaVersion: 1, key: 'abc', date, choices: { [shapeClass({ n, d, m })]: choice } } } as const;
}

test.for(CASES)('%j', async ({ shape, trainer, onData = false, loss = 'identity', ...rest }, { skip }) => {
  const { precision = 'f32', most, kernels, kind = 'l2' } = rest;
  if (trainer === 'gram') needsGram(bound.gpu, skip);
  if (precision === 'f16' && !bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
  const { device, adapter } = bound.gpu;
  using gpu = new Gpu(device, { adapter, ownsDevice: false, ...(most ? { maxArrayLength: most } : {}) });
  const [n, d, width] = SHAPES[shape];
  const stage = { lr: 0.1, epochs: 5 };
  const config = smallConfig({
    ...{ data: { kind: 'shifted-gauss', n, d, shift: 0.3 }, network: { width }, loss, trainer, precision },
    ...{ perturbation: { kind, size: 0.1, onData }, standard: stage, learning: stage, test: { n: 300 } },
  });
  const [plan] = planRuns([config], () => 0);
  const settings = settingsFor(kernels, n, d, width);
  const { bytes } = estimateStage(gpu, plan!, [config], { n, d }, settings);
  const { memory, trainer: used } = await runExperiment(new Engine(gpu, settings), config);
  expect(used.chosen).toBe(trainer);
  const ratio = bytes / memory.peakDeviceBytes;
  if (process.env.PERTURB_LARGE) process.stdout.write(`${ratio.toFixed(3)}\n`);
  expect(ratio).toBeGreaterThanOrEqual(1);
  expect(ratio).toBeLessThan(1.25);
});

// Without K, for which there must be room should it be worth it, and with it after all.
test.for([
  [40, / flips, without X X\^T/],
  [150, / flips$/],
] as const)('flips through X: %j', async ([epochs, reason], { skip }) => {
  const { gpu, engine } = bound;
  needsGram(gpu, skip);
  if (gpu.adapter.subgroupSize !== 8) skip('slow');
  const [n, d, width] = [3000, 900, 16];
  const config = smallConfig({
    ...{ data: { kind: 'gauss', n, d }, network: { width }, trainer: 'gram' },
    ...{ standard: { lr: 0.5, epochs }, learning: { lr: 0.1, epochs: 1 }, test: { n: 300 } },
  });
  const [plan] = planRuns([config], () => 0);
  const { bytes } = estimateStage(gpu, plan!, [config], { n, d });
  const { memory, trainer } = await runExperiment(engine, config);
  expect(trainer.stages.standard.reason).toMatch(reason);
  const ratio = bytes / memory.peakDeviceBytes;
  if (process.env.PERTURB_LARGE) process.stdout.write(`${ratio.toFixed(3)}\n`);
  expect(ratio).toBeGreaterThanOrEqual(1);
  if (epochs === 150) expect(ratio).toBeLessThan(1.25);
});

// Over the same samples, one after the other: K of the samples waits for the g that comes next, if that takes its memory.
test.for([
  [
    { width: 500, trainer: 'direct' },
    { width: 8, trainer: 'gram' },
  ],
  [
    { width: 8, trainer: 'gram' },
    { width: 500, trainer: 'direct' },
  ],
  [
    { width: 8, trainer: 'gram' },
    { width: 8, trainer: 'gram', loss: 'logistic' },
  ],
] as const)('side by side: %j', async (kinds, { skip }) => {
  const { gpu } = bound;
  needsGram(gpu, skip);
  const [n, d] = [1500, 600];
  const stage = { lr: 0.1, epochs: 5 };
  const configs = kinds.map(({ width, ...rest }) =>
    smallConfig({
      ...{ data: { kind: 'shifted-gauss', n, d, shift: 0.3 }, network: { width }, ...rest },
      ...{ perturbation: { kind: 'linf', size: 0.1 }, standard: stage, learning: stage, test: { n: 300 } },
    }),
  );
  const plans = planRuns(configs, () => 0);
  expect(plans).toHaveLength(1);
  const { bytes } = estimateStage(gpu, plans[0]!, configs, { n, d });
  const results = await runExperiments(new Engine(gpu), configs);
  const ratio = bytes / Math.max(...results.map(({ memory }) => memory.peakDeviceBytes));
  if (process.env.PERTURB_LARGE) process.stdout.write(`${ratio.toFixed(3)}\n`);
  expect(ratio).toBeGreaterThanOrEqual(1);
  expect(ratio).toBeLessThan(1.25);
});

test('crowds are counted for the narrowest network, the only one that may wait for K', ({ skip }) => {
  const { gpu } = bound;
  needsGram(gpu, skip);
  const shape = (m: number) => withLayout(gpu, { n: 4500, d: 4500, m }, {});
  const { worth } = crowdPlan(gpu, shape(100));
  if (worth === 0) skip('no adapter with crowds');
  expect(crowdBytes(gpu, shape(worth + 1), worth + 1)).toBe(0);
  expect(crowdBytes(gpu, shape(worth + 1), 100)).toBeGreaterThan(2 ** 20);
});

test('the warm-up of a wide network of few inputs takes no more than the run', async () => {
  const [n, d] = [2, 1];
  const stage = { lr: 0.1, epochs: 1 };
  const config = smallConfig({
    ...{ data: { kind: 'gauss', n, d }, network: { width: 100_000 }, trainer: 'direct' },
    ...{ perturbation: { kind: 'l2', size: 0.1 }, standard: stage, learning: stage, test: { n: 2 } },
  });
  const engine = await testEngine();
  onTestFinished(() => engine.dispose());
  const [plan] = planRuns([config], () => 0);
  const { bytes } = estimateStage(engine.gpu, plan!, [config], { n, d });
  const { memory } = await runExperiment(engine, config);
  expect(bytes / memory.peakDeviceBytes).toBeGreaterThanOrEqual(1);
});

test('the plan of a sweep is of the kernels that will run', async () => {
  const [n, d, width] = SHAPES.tall;
  const config = smallConfig({ data: { kind: 'shifted-gauss', n, d }, network: { width } });
  const [stage] = planRuns([config], () => 0);
  const settings = { matmul: 'tiled' } as const;
  const { batches } = await planSweep(bound.gpu, [config], () => Promise.reject(new Error('no file')), settings);
  expect(batches[0]!.estimate.bytes).toBe(estimateStage(bound.gpu, stage!, [config], { n, d }, settings).bytes);
});

test('a run that fits only when trained directly is told so', async ({ skip }) => {
  needsGram(bound.gpu, skip);
  const config = smallConfig({ data: { kind: 'gauss', n: 4000, d: 20 }, trainer: 'gram' });
  const engine = new Engine(bound.gpu, { availableMemory: () => 16 * 2 ** 20 });
  await expect(runExperiment(engine, config)).rejects.toThrow(
    /^the run needs about \d+ MiB of device memory; 16 MiB are free; with trainer "direct" it needs \d\.\d MiB\.$/,
  );
});
