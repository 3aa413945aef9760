// precision f16 from the configuration to the result: how far it is from float32, what it says, what it refuses.

import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine';
import { runExperiment, runExperiments } from '../../src/experiment/run';
import type { ExperimentConfig } from '../../src/experiment/types';
import { DivergenceError } from '../../src/network/divergence';
import { HalfRangeError } from '../../src/network/half-range';
import { NO_HALVES, normwise, useEngine, variants, withShaders } from '../helpers';
import { numbersOf, smallConfig } from './helpers';

const bound = useEngine();

/** Half the spacing of halves, relative: what storing an operand as one may change. */
const UNIT = 2 ** -11;

const config = (changes: Record<string, unknown> = {}) =>
  smallConfig({ precision: 'f16', trainer: 'direct', save: ['networks', 'data'], ...changes });

describe('precision f16', () => {
  for (const matmul of ['subgroup', 'tiled'] as const) {
    for (const loss of ['identity', 'logistic'] as const) {
      test(`${matmul} kernels, ${loss}: as far from float32 as halves are, the same in a second run`, async ({
        skip,
      }) => {
        if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
        if (!variants(bound.gpu).includes(matmul)) skip('the adapter has no subgroups of a fixed size');
        const engine = new Engine(bound.gpu, { matmul });
        const full = await runExperiment(engine, config({ loss, precision: 'f32' }));
        const half = await runExperiment(engine, config({ loss }));
        // Both operands of each product are rounded once; a bit that flips near a kink adds its own. Never as close as
        // float32 is to itself in another order, or halves were not used.
        const error = normwise(half.arrays.f_W!.data, full.arrays.f_W!.data);
        expect(error).toBeLessThan(10 * UNIT);
        expect(error).toBeGreaterThan(UNIT / 100);
        expect(half.trainer.kernels.operands).toMatch(/f16/);
        expect(full.trainer.kernels.operands).toBe('f32');
        expect(numbersOf(await runExperiment(engine, config({ loss })))).toEqual(numbersOf(half));
        expect(bound.gpu.liveArrays).toBe(0);
      });
    }
  }

  test('Gram training is not for halves: refused by name, passed over with a reason by auto', async ({ skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    await expect(runExperiment(bound.engine, config({ trainer: 'gram' }))).rejects.toThrow(
      /half precision is the direct/,
    );
    const { trainer } = await runExperiment(bound.engine, config({ trainer: 'auto' }));
    expect(trainer.chosen).toBe('direct');
    expect(trainer.reason).toMatch(/half precision/);
  });

  describe('weights that grow past the largest half', () => {
    const wild = (epochs: number, changes: Record<string, unknown> = {}) =>
      config({ standard: { lr: 1e4, epochs, plateau: false }, ...changes });
    const ended = (changed: ExperimentConfig) =>
      runExperiment(bound.engine, changed).then(
        () => undefined,
        (thrown: unknown) => thrown as DivergenceError,
      );

    test('end the run at that epoch, whatever the chunks, with what to do', async ({ skip }) => {
      if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
      const error = (await ended(wild(60)))!;
      expect(error).toBeInstanceOf(DivergenceError);
      expect(error).toMatchObject({ stage: 'standard', what: 'half weights', lr: 1e4 });
      expect(error.message).toMatch(/weights are past the largest half, 65504, at epoch \d+; .*learning rate/);
      expect(error.remedy).toBe(
        'Lower standard.lr, for example to 1000, or set precision to "f32": half precision ends at 65504.',
      );
      // The weights before that epoch's update do not fit, those before the one before do: a training that ends there
      // finds them at its end, a shorter one never.
      expect(error.epoch).toBeGreaterThan(3);
      expect(await ended(wild(error.epoch - 1))).toMatchObject({ epoch: error.epoch - 1, what: 'half weights' });
      expect(await ended(wild(error.epoch - 2))).toBeUndefined();
      expect(await ended(wild(60))).toMatchObject({ epoch: error.epoch });
      expect(bound.gpu.liveArrays).toBe(0);
    });

    test('leave the other experiments of a sweep, and shorter ones, as they are', async ({ skip }) => {
      if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
      const { epoch } = (await ended(wild(60)))!;
      const configs = [wild(60), wild(epoch - 2), config()];
      const diverged = new Map<number, DivergenceError>();
      const results = await runExperiments(bound.engine, configs, {
        onDivergence: (run, error) => void diverged.set(run, error),
      });
      expect([...diverged].map(([run, { what, epoch }]) => [run, what, epoch])).toEqual([[0, 'half weights', epoch]]);
      for (const run of [1, 2]) {
        expect(numbersOf(results[run]!)).toEqual(numbersOf(await runExperiment(bound.engine, configs[run]!)));
      }
    });
  });

  test('perturbations of which halves hold next to nothing are refused, not learned from', async ({ skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    const error = await runExperiment(bound.engine, config({ perturbation: { kind: 'l2', size: 1e-5 } })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(HalfRangeError);
    expect((error as HalfRangeError).message).toMatch(/all of the inputs are smaller/);
    expect((error as HalfRangeError).remedy).toMatch(/perturbation\.size up/);
    await expect(
      runExperiment(bound.engine, config({ perturbation: { kind: 'l2', size: 1e-3 } })),
    ).resolves.toBeDefined();
    expect(bound.gpu.liveArrays).toBe(0);
  });

  test('samples that are too large are refused before training', async ({ skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    const data = { kind: 'shifted-gauss', n: 40, d: 8, shift: 1e6 };
    await expect(runExperiment(bound.engine, config({ data }))).rejects.toThrow(/320 of the inputs are larger/);
    expect(bound.gpu.liveArrays).toBe(0);
  });

  test('an adapter without halves is told so, with the key', async () => {
    using gpu = withShaders(bound.gpu, ({ code }) => code);
    Object.defineProperty(gpu, 'features', { value: new Set(['subgroups']) });
    await expect(runExperiment(new Engine(gpu), config())).rejects.toMatchObject({
      name: 'InputError',
      key: 'precision',
      message: expect.stringContaining('shader-f16'),
    });
  });
});
