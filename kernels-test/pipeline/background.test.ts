// Whole experiments on samples with a background, which is otherwise looked for in large data only.

import { expect, onTestFinished, test, vi } from 'vitest';
import { runExperiment } from '../../src/experiment/run';
import { matmulVariant } from '../../src/kernels/variant';
import * as background from '../../src/network/background';
import type * as costs from '../../src/network/costs';
import { normwise, useEngine } from '../helpers';
import { needsGram, numbersOf, smallConfig, withTrainer } from './helpers';

const bound = useEngine();

const script = vi.hoisted(() => ({ plan: undefined as costs.CrowdPlan | undefined }));
vi.mock('../../src/network/costs', async (original) => {
  const { withPlan } = await import('./scripted-costs');
  return withPlan(original, () => script.plan);
});

vi.mock('../../src/network/background', async (original) => {
  const real = await original<typeof background>();
  return {
    ...real,
    findBackground: vi.fn<typeof real.findBackground>(async (_gpu, { arrays, d }) =>
      real.backgroundOf(await arrays[0]!.read(0, 64 * d), d),
    ),
  };
});

test('K of the samples leaves it out, looked for once; the run is the direct one', async ({ skip }) => {
  const { engine, gpu } = bound;
  needsGram(gpu, skip);
  if (matmulVariant(gpu).variant !== 'subgroup') skip('matmul_tiled leaves nothing out');
  const batch = vi.spyOn(gpu, 'batch');
  onTestFinished(() => batch.mockRestore());
  const config = smallConfig({
    data: { kind: 'glyphs', n: 130, size: 12 },
    standard: { lr: 0.1, epochs: 60 },
    learning: { lr: 0.1, epochs: 60 },
    save: ['networks'],
  });
  const gram = await runExperiment(engine, withTrainer(config, 'gram'));
  expect(gram.trainer.stages.standard.reason).toMatch(/\d flips/);
  expect(background.findBackground).toHaveBeenCalledOnce();
  expect(await vi.mocked(background.findBackground).mock.results[0]!.value).toBeInstanceOf(Float32Array);
  // Of the samples alone: perturbed ones have none.
  expect(batch.mock.calls.filter(([label]) => label === 'background')).toHaveLength(1);
  const direct = numbersOf(await runExperiment(engine, withTrainer(config, 'direct')));
  for (const [name, values] of Object.entries(numbersOf(gram))) {
    // As far as a small experiment may be from float64 in doctor.ts: neither is the truth.
    expect(normwise(values, direct[name]!), name).toBeLessThan(1e-4);
  }
  expect(gpu.liveArrays).toBe(0);
});

test('so do products with the samples where flips go through them', async ({ skip }) => {
  const { engine, gpu } = bound;
  needsGram(gpu, skip);
  if (matmulVariant(gpu).variant !== 'subgroup') skip('matmul_tiled leaves nothing out');
  const batch = vi.spyOn(gpu, 'batch');
  onTestFinished(() => {
    batch.mockRestore();
    script.plan = undefined;
  });
  script.plan = { least: Infinity, worth: 1e9 };
  for (const onData of [false, true]) {
    const config = smallConfig({
      data: { kind: 'glyphs', n: 130, size: 12 },
      perturbation: { kind: 'l2', size: 0.3, onData },
      standard: { lr: 0.1, epochs: 60 },
      learning: { lr: 0.5, epochs: 60 },
      save: ['networks'],
    });
    batch.mockClear();
    const gram = await runExperiment(engine, withTrainer(config, 'gram'));
    for (const stage of ['standard', 'learning'] as const) {
      expect(gram.trainer.stages[stage].reason).toMatch(/\d flips, without X X\^T$/);
    }
    // Of the samples, and of what g learns from.
    const packed = batch.mock.calls.filter(([label]) => label === 'live columns');
    expect(packed).toHaveLength(2);
    const direct = numbersOf(await runExperiment(engine, withTrainer(config, 'direct')));
    for (const [name, values] of Object.entries(numbersOf(gram))) {
      expect(normwise(values, direct[name]!), name).toBeLessThan(1e-4);
    }
  }
  expect(gpu.liveArrays).toBe(0);
});
