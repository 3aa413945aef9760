// Experiments in Gram space and directly whose schedule fires, and long ones.

import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { encodeNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import type { ExperimentResult } from '../../src/experiment/types';
import { Draws, normwise, U, useEngine } from '../helpers';
import { networkOf } from '../reference/network';
import { type ReferenceSchedule, train } from '../reference/training';
import { distant, givenExperiment, needsGram, withTrainer } from './helpers';
import { TORCH } from './tasks';

const bound = useEngine();
const TOLERANCE = 1e-4;
const TRAINERS = ['direct', 'gram'] as const;
type Trainer = (typeof TRAINERS)[number];

describe('a schedule that fires', () => {
  interface Doomed {
    readonly b: number;
    readonly epochs: number;
    readonly lr: number;
    readonly plateau?: ReferenceSchedule;
  }
  /** f as it comes; g has bias b, a positive readout and targets all -1, so that its neurons die, or are dead to begin with. */
  function doomed({ b, epochs, lr, plateau = TORCH }: Doomed) {
    const [n, d, m] = [41, 9, 13];
    const { files, draws } = { files: {} as Record<string, Uint8Array>, draws: new Draws(11) };
    const X = draws.normal(n * d);
    const y = draws.signs(n);
    const init = { W: draws.normal(m * d, 1 / 3), b: draws.normal(m), a: draws.normal(m, 0.3) };
    const g0 = { W: draws.normal(m * d, 1 / 3), b: draws.normal(m).map((value) => value + b), a: init.a.map(Math.abs) };
    const down = new Float32Array(n).fill(-1);
    files.X = encodeNpy([n, d], X);
    files.y = encodeNpy([n], y);
    files.targets = encodeNpy([n], down);
    for (const [name, { W, b: bias, a }] of Object.entries({ f: init, g: g0 })) {
      files[`${name}W`] = encodeNpy([m, d], W);
      files[`${name}b`] = encodeNpy([m], bias);
      files[`${name}a`] = encodeNpy([m], a);
    }
    const stage = (name: string, more: object) => ({
      init: { W: `${name}W`, b: `${name}b`, a: `${name}a` },
      ...more,
    });
    const config = parseConfig({
      data: { kind: 'npy', x: 'X', y: 'y' },
      network: { width: m },
      standard: stage('f', { lr: 0.1, epochs: 0 }),
      // On x + 0: nothing between the two trainings adds an error of its own.
      perturbation: { kind: 'l2', size: 1e-6, onData: true, targets: 'targets' },
      learning: stage('g', { lr, epochs, plateau }),
      save: ['networks', 'perturbations'],
    });
    const learn = (R: ArrayLike<number>) => {
      const seen = Float64Array.from(R, (value, e) => Math.fround(value + X[e]!));
      return train(networkOf(g0, d, 0), seen, down, { loss: 'identity', lr, epochs, momentum: 0.9, plateau });
    };
    return { config, readFile: async (path: string) => files[path]!, learn };
  }
  const cases: Record<string, Doomed & { readonly drops: number }> = {
    'dead from the start': { b: -50, epochs: 200, lr: 1, drops: 8 },
    'dies on the way': { b: 0, epochs: 300, lr: 0.3, drops: 7 },
    'dies on the way, every bad epoch counts': {
      b: 1,
      epochs: 150,
      lr: 0.3,
      plateau: { factor: 0.5, patience: 0, threshold: 0 },
      drops: 20,
    },
  };
  for (const [what, { drops, ...given }] of Object.entries(cases)) {
    test.for(TRAINERS)(`${what}, trainer %s: the reference's rates, losses and weights`, async (trainer, { skip }) => {
      if (trainer === 'gram') needsGram(bound.gpu, skip);
      const { config, readFile, learn } = doomed(given);
      const result = await runExperiment(bound.engine, withTrainer(config, trainer), { readFile });
      expect(result.trainer.stages.learning.chosen).toBe(trainer);
      const expected = learn(result.arrays.R!.data);
      const factor = given.plateau?.factor ?? 0.1;
      const found = Math.round(Math.log(expected.lr.at(-1)! / given.lr) / Math.log(factor));
      expect(found).toBeGreaterThanOrEqual(drops);
      const rates = result.history.learningLr;
      for (const [t, wanted] of expected.lr.entries()) {
        expect(Math.abs(rates[t]! / wanted - 1), `epoch ${t}: rate ${rates[t]}, not ${wanted}`).toBeLessThan(100 * U);
      }
      // The loss ends at exactly nothing.
      expect(result.loss.learning).toBe(0);
      const history = { learningLoss: expected.loss };
      expect(distant(result, { arrays: { g_W: expected.net.W, g_b: expected.net.b }, history }, TOLERANCE)).toEqual([]);
    });
  }
});

describe('long runs', () => {
  // mu^p from exp2 and 1 - mu^p by a difference lose what 1 - mu is small by.
  test.for([0.5, 0.99, 0.999, 0.9999])('momentum %d: as accurate as the direct trainer, or refused', async (momentum, {
    skip,
  }) => {
    needsGram(bound.gpu, skip);
    const [d, epochs, lr] = [20, 500, 1 - momentum];
    const given = givenExperiment({ n: 100, d, m: 16, seed: 6 });
    const options = { loss: 'identity', lr, epochs, momentum, plateau: false } as const;
    const expected = train(networkOf(given.f0, d, 0), given.X, given.y, options);
    const config = {
      ...given.config,
      standard: { ...given.config.standard, lr, epochs, momentum, plateau: false as const },
      learning: { ...given.config.learning, epochs: 0 },
    };
    const errors: Partial<Record<Trainer, number>> = {};
    for (const trainer of TRAINERS) {
      const run = runExperiment(bound.engine, withTrainer(config, trainer), { readFile: given.readFile });
      const result = await run.catch((error: unknown) => error as Error);
      if (result instanceof InputError && trainer === 'gram') return expect(result.message).toMatch(/momentum/);
      if (result instanceof Error) throw result;
      errors[trainer] = normwise(result.arrays.f_W!.data, expected.net.W);
    }
    expect(errors.gram).toBeLessThan(Math.max(3 * errors.direct!, TOLERANCE));
  });
  // 500 epochs at a rate at which many bits flip: float32 must stay as near to float64 as the direct trainer does.
  test('shifted Gauss, n 200, d 20, m 16, 500 epochs: as accurate as the direct trainer', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    const { config, readFile, reference } = givenExperiment({ n: 200, d: 20, m: 16, epochs: 500, lr: 0.1, seed: 6 });
    const f = reference().arrays.f_W;
    const errors: Partial<Record<Trainer, number>> = {};
    for (const trainer of TRAINERS) {
      const result: ExperimentResult = await runExperiment(bound.engine, withTrainer(config, trainer), { readFile });
      errors[trainer] = normwise(result.arrays.f_W!.data, f);
    }
    // Measured on lavapipe: direct 5.5e-6, gram 5.1e-6.
    expect(errors.gram).toBeLessThan(Math.max(3 * errors.direct!, TOLERANCE));
  });
});
