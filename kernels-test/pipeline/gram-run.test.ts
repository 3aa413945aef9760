// Experiments in Gram space as a whole: the same twice, refused, short of memory, wide, aborted.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { Engine } from '../../src/engine';
import { runExperiment } from '../../src/experiment/run';
import type { ExperimentConfig } from '../../src/experiment/types';
import { Gpu } from '../../src/gpu/gpu';
import { gramLength } from '../../src/network/gram-matrix';
import { expectSameBits, normwise, useEngine } from '../helpers';
import { needsGram, numbersOf, smallConfig, withTrainer } from './helpers';

const bound = useEngine();

/** Shares the device; arrays of at most `length` elements. */
function limited(length: number): Engine {
  const { device, adapter } = bound.gpu;
  return new Engine(new Gpu(device, { adapter, ownsDevice: false, maxArrayLength: length }));
}

describe('the same run twice', () => {
  test.for(['gram', 'auto'] as const)('trainer %s: bit-identical', async (trainer, { skip }) => {
    needsGram(bound.gpu, skip);
    const config = smallConfig({
      data: { kind: 'shifted-gauss', n: 257, d: 40, shift: 0.3 },
      standard: { lr: 0.5, epochs: 200 },
      learning: { lr: 0.5, epochs: 200 },
      save: ['networks', 'perturbations', 'outputs'],
      trainer,
    });
    const first = await runExperiment(bound.engine, config);
    const second = await runExperiment(bound.engine, config);
    const again = numbersOf(second);
    for (const [name, values] of Object.entries(numbersOf(first))) expectSameBits(name, again[name]!, values);
    expect(second.trainer).toEqual(first.trainer);
    expect(second.metrics).toEqual(first.metrics);
    expect(second.loss).toEqual(first.loss);
  });
});

describe('K of the perturbed samples', () => {
  test.for(['l2', 'linf'] as const)('%s: lies where K of the samples did', async (kind, { skip }) => {
    const { engine, gpu } = bound;
    needsGram(gpu, skip);
    const [arrays, images] = [vi.spyOn(gpu, 'array'), vi.spyOn(gpu, 'image')];
    onTestFinished(() => {
      arrays.mockRestore();
      images.mockRestore();
    });
    const config = smallConfig({
      data: { kind: 'shifted-gauss', n: 257, d: 40, shift: 0.3 },
      perturbation: { kind, size: 0.3 },
      standard: { lr: 0.5, epochs: 100 },
      learning: { lr: 0.5, epochs: 100 },
      trainer: 'gram',
    });
    const { trainer } = await runExperiment(engine, config);
    for (const stage of ['standard', 'learning'] as const) expect(trainer.stages[stage].reason).toMatch(/\d flips/);
    // Beside that of the two samples of the warm-up.
    const all = [...arrays.mock.calls, ...images.mock.calls];
    expect(all.filter(([label, size]) => label === 'K' && size >= gramLength(257) / 4)).toHaveLength(1);
    expect(gpu.liveArrays).toBe(0);
  });
});

describe('what Gram training cannot do', () => {
  const failure = async (engine: Engine, config: ExperimentConfig) => {
    const error = await runExperiment(engine, withTrainer(config, 'gram')).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(engine.gpu.liveArrays).toBe(0);
    return error as InputError;
  };
  test('momentum 1 in the second stage only', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    const config = smallConfig();
    const error = await failure(bound.engine, { ...config, learning: { ...config.learning, momentum: 1 } });
    expect([error.key, error.message]).toEqual(['trainer', expect.stringMatching(/momentum/)]);
  });
  test('a K that does not fit: one element less than it needs is refused, naming the memory; auto takes direct', async ({
    skip,
  }) => {
    needsGram(bound.gpu, skip);
    const config = smallConfig({
      data: { kind: 'shifted-gauss', n: 333, d: 21, shift: 0.3 },
      network: { width: 3 },
    });
    // 352 rows in six pieces of 64.
    const needed = 64 * 352;
    {
      using engine = limited(needed);
      const fits = await runExperiment(engine, withTrainer(config, 'gram'));
      expect(fits.trainer.chosen).toBe('gram');
    }
    using engine = limited(needed - 1);
    const error = await failure(engine, config);
    expect(error.key).toBe('trainer');
    expect(error.message).toMatch(/484 KiB for the matrix X X\^T in at most 6 pieces; this adapter binds 88 KiB each/);
    const auto = await runExperiment(engine, withTrainer(config, 'auto'));
    expect(auto.trainer.chosen).toBe('direct');
    expect(auto.trainer.reason).toMatch(/matrix X X\^T/);
    expect(engine.gpu.liveArrays).toBe(0);
  });
  test('long runs of a small network: chunks do not outgrow the memory', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    // They hold everything but the losses of 20,000 epochs of 8 neurons in one chunk.
    using engine = limited(60_000);
    const config = smallConfig({
      data: { kind: 'shifted-gauss', n: 32, d: 5, shift: 0.3 },
      network: { width: 8 },
      standard: { lr: 1e-3, epochs: 20_000 },
      learning: { lr: 1e-3, epochs: 0 },
    });
    const result = await runExperiment(engine, withTrainer(config, 'gram'));
    expect(result.history.standardLoss).toHaveLength(20_000);
    expect(result.history.standardLoss.every(Number.isFinite)).toBe(true);
  });
});

// One workgroup a neuron, and no adapter has to take more than 65535 in one dimension.
test('70,000 neurons: trained in Gram space', async ({ skip }) => {
  needsGram(bound.gpu, skip);
  const config = smallConfig({
    data: { kind: 'shifted-gauss', n: 64, d: 60, shift: 0.3 },
    network: { width: 70_000 },
    standard: { lr: 1e-3, epochs: 20 },
    learning: { lr: 0.1, epochs: 0 },
    test: { n: 1 },
  });
  const gram = await runExperiment(bound.engine, withTrainer(config, 'gram'));
  const direct = await runExperiment(bound.engine, withTrainer(config, 'direct'));
  expect(gram.trainer.stages.standard.chosen).toBe('gram');
  expect(normwise(gram.history.standardLoss, direct.history.standardLoss)).toBeLessThan(1e-4);
  expect(bound.gpu.liveArrays).toBe(0);
}, 60_000);

describe('abort', () => {
  test.for(['standard', 'learning'] as const)('in stage %s, in the middle', async (stage, { skip }) => {
    needsGram(bound.gpu, skip);
    const epochs = 100_000;
    const config = smallConfig({
      standard: { lr: 0.1, epochs: stage === 'standard' ? epochs : 10 },
      learning: { lr: 0.1, epochs },
      trainer: 'gram',
    });
    const reason = new Error('enough');
    const controller = new AbortController();
    const seen: number[] = [];
    const run = runExperiment(bound.engine, config, {
      signal: controller.signal,
      onProgress: (event) => {
        if (event.stage !== stage || !event.epoch) return;
        seen.push(event.epoch);
        controller.abort(reason);
      },
    });
    await expect(run).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeLessThan(epochs);
    expect(bound.gpu.liveArrays).toBe(0);
    const whole = smallConfig({ trainer: 'gram', save: ['networks'] });
    const [first, second] = [await runExperiment(bound.engine, whole), await runExperiment(bound.engine, whole)];
    expectSameBits('g_W', second.arrays.g_W!.data, first.arrays.g_W!.data);
  });
});
