// precision f16 from the configuration to the result: how far it is from float32, what it says, what it refuses.

import { describe, expect, test } from 'vitest';
import { Engine } from '../../src/engine';
import { runExperiment } from '../../src/experiment/run';
import { HalfRangeError } from '../../src/gpu/errors';
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

  test('weights that grow past the largest half end the run with what to do, not with NaN', async ({ skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    const wild = config({ standard: { lr: 1e7, epochs: 20, plateau: false } });
    const error = await runExperiment(bound.engine, wild).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HalfRangeError);
    expect((error as HalfRangeError).message).toMatch(/65504; \d+ of the weights/);
    expect((error as HalfRangeError).remedy).toMatch(/precision to "f32"/);
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
