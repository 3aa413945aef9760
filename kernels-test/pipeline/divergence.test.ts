// Training that leaves the numbers of float32 ends at that epoch, told as what it is, and takes no other with it.

import { afterEach, describe, expect, test } from 'vitest';
import { encodeNpy } from '../../src/data/npy';
import { Engine } from '../../src/engine';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment, runExperiments } from '../../src/experiment/run';
import { DivergenceError } from '../../src/network/divergence';
import { Draws, expectSameBits, useEngine, withShaders } from '../helpers';
import { givenExperiment, needsGram, numbersOf, smallConfig } from './helpers';

const bound = useEngine();

afterEach(() => expect(bound.gpu.liveArrays).toBe(0));

const divergence = async (promise: Promise<unknown>): Promise<DivergenceError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DivergenceError);
  return error as DivergenceError;
};

describe.each(['direct', 'gram', 'auto'] as const)('%s training', (trainer) => {
  test.for(['identity', 'logistic'] as const)('of the %s loss ends where its loss is not finite', async (loss, {
    skip,
  }) => {
    if (trainer === 'gram') needsGram(bound.gpu, skip);
    const plateau = false;
    const data = { kind: 'gauss', n: 101, d: 20 };
    const config = smallConfig({ trainer, loss, data, standard: { lr: 3e38, epochs: 300, plateau } });
    const error = await divergence(runExperiment(bound.engine, config));
    expect(error).toMatchObject({ stage: 'standard', lr: Math.fround(3e38) });
    expect(error.epoch).toBeGreaterThan(1);
    expect(error.epoch).toBeLessThan(300);
    expect(error.message).toMatch(/^the training of f diverged: \w+ (is|are) not finite at epoch \d+; .*learning rate/);
    expect(error.remedy).toBe('Lower standard.lr, for example to 3e+37.');
    // The same again, whatever the chunks of epochs.
    const again = await divergence(runExperiment(bound.engine, config));
    expect([again.epoch, again.what]).toEqual([error.epoch, error.what]);
  });
});

test('the second training is told apart from the first', async () => {
  const config = smallConfig({ learning: { lr: 3e38, epochs: 200, plateau: false } });
  const error = await divergence(runExperiment(bound.engine, config));
  expect(error.stage).toBe('learning');
  expect(error.remedy).toMatch(/^Lower learning\.lr/);
});

test('data that overflow before the first update are told as such', async () => {
  const { config, readFile } = givenExperiment({ n: 20, d: 8, m: 5 });
  const X = encodeNpy([20, 8], new Draws(4).normal(160, 1e38));
  const error = await divergence(
    runExperiment(bound.engine, config, { readFile: async (path) => (path === 'X' ? X : readFile(path)) }),
  );
  expect(error).toMatchObject({ stage: 'standard' });
  expect(error.message).toContain('the data or the initial weights are too large');
});

test('test points that overflow are told as such, not counted as disagreement', async () => {
  const { config, readFile } = givenExperiment({ n: 20, d: 8, m: 5, testRows: 30 });
  const testX = encodeNpy(
    [30, 8],
    new Draws(4).signs(240).map((sign) => 3.3e38 * sign),
  );
  const error = await divergence(
    runExperiment(bound.engine, config, { readFile: async (path) => (path === 'testX' ? testX : readFile(path)) }),
  );
  expect(error).toMatchObject({ stage: 'standard', what: 'test outputs' });
  expect(error.message).toMatch(/outputs on the test points are not finite .* the test points are too large/);
});

test.for(['l2', 'linf'] as const)('%s perturbations that are not finite are never learned from', async (kind) => {
  // No weights are known that give them, with finite outputs: so a kernel that is broken stands in.
  using gpu = withShaders(bound.gpu, ({ name, code }) =>
    name === `perturb_${kind}`
      ? code.replace(/gradient\[(first \+ q|at)\] = /, '$&bitcast<f32>(0x7f800000u + params.n) + ')
      : code,
  );
  const error = await divergence(runExperiment(new Engine(gpu), smallConfig({ perturbation: { kind, size: 0.1 } })));
  expect(error).toMatchObject({ stage: 'standard', what: 'perturbations', epoch: 15 });
  expect(gpu.liveArrays).toBe(0);
});

test('one that diverges takes no other with it, and shorter ones before it stay', async () => {
  const wild = { lr: 1e36, plateau: false };
  const trainer = 'direct';
  const diverging = smallConfig({ trainer, standard: { ...wild, epochs: 300 } });
  const { epoch } = await divergence(runExperiment(bound.engine, diverging));
  const before = Math.floor(epoch / 2);
  const configs = [
    smallConfig({ trainer, save: ['networks'] }),
    diverging,
    smallConfig({ trainer, standard: { ...wild, epochs: before }, save: ['networks'] }),
    smallConfig({ trainer, learning: { lr: 3e38, epochs: 200, plateau: false } }),
  ];
  const diverged = new Map<number, DivergenceError>();
  const results = await runExperiments(bound.engine, configs, {
    onDivergence: (run, error) => void diverged.set(run, error),
  });
  expect([...diverged].map(([run, { stage, epoch }]) => [run, stage, epoch])).toEqual([
    [1, 'standard', epoch],
    [3, 'learning', expect.any(Number)],
  ]);
  for (const run of [0, 2]) {
    const alone = numbersOf(await runExperiment(bound.engine, configs[run]!));
    for (const [name, values] of Object.entries(numbersOf(results[run]!))) expectSameBits(name, values, alone[name]!);
  }
  await expect(runExperiments(bound.engine, configs)).rejects.toThrow(DivergenceError);
});

test('the learning rates of the published figures do not diverge', async () => {
  for (const lr of [0.01, 100]) {
    const stage = { lr, epochs: 30 };
    const config = parseConfig({ data: { n: 100, d: 100 }, standard: stage, learning: stage });
    await expect(runExperiment(bound.engine, config)).resolves.toHaveProperty('metrics.agreement');
  }
});
