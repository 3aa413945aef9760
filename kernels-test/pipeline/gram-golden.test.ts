// Whole experiments in Gram space under the identity loss: the golden cases, and the float64 reference.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { nodeReadFile } from '../../src/data/node';
import { parseNpy } from '../../src/data/npy';
import { Engine } from '../../src/engine';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import { Gpu } from '../../src/gpu/gpu';
import { U, useEngine } from '../helpers';
import { distant, type Given, givenExperiment, needsGram, withTrainer } from './helpers';

const bound = useEngine();
const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
const TOLERANCE = 1e-4;

/** The same device, told that it is no adapter on the CPU. */
function likeGpu(): Engine {
  const { device, adapter } = bound.gpu;
  return new Engine(new Gpu(device, { adapter: { ...adapter, software: false }, ownsDevice: false }));
}

/** Fails unless every rate is the expected one up to the rounding of the first and of each drop, and drops are where they should be. */
function expectRates(actual: Float32Array, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length);
  for (let t = 0; t < expected.length; t++) {
    const drops = Math.round(Math.log10(expected[0]! / expected[t]!));
    const off = Math.abs(actual[t]! - expected[t]!) / expected[t]!;
    expect(off, `epoch ${t}: ${actual[t]} instead of ${expected[t]}`).toBeLessThanOrEqual((1 + 2 * drops) * U);
    if (t > 0) expect(actual[t] === actual[t - 1], `epoch ${t}`).toBe(expected[t] === expected[t - 1]);
  }
}

describe('golden cases with the identity loss, in Gram space', () => {
  const json = (file: string) => JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf8'));
  const CASES = readdirSync(GOLDEN).filter(
    (name) => /^p\d_/.test(name) && json(`${name}/config.json`).loss === 'identity',
  );
  const numbers = (file: string) =>
    Float64Array.from(parseNpy(readFileSync(`${GOLDEN}/${file}`), file).data as Float64Array);
  test('six of the eight', () => {
    expect(CASES.map((name) => name.slice(0, 2)).sort()).toEqual(['p1', 'p2', 'p4', 'p5', 'p7', 'p8']);
  });
  // As a real GPU would run them, but on this adapter: one workgroup a neuron, tiled products.
  const asGpu = ['p1', 'p2', 'p7'].map((start) => CASES.find((name) => name.startsWith(start))!);
  test.for([...CASES.sort().map((name) => [name, false]), ...asGpu.map((name) => [name, true])] as [
    string,
    boolean,
  ][])('%s, as on a GPU: %s', async ([name, gpu], { skip }) => {
    if (!gpu) needsGram(bound.gpu, skip);
    const engine = gpu ? likeGpu() : bound.engine;
    const config = withTrainer(parseConfig(json(`${name}/config.json`)), 'gram');
    const result = await runExperiment(engine, config, { readFile: nodeReadFile(`${GOLDEN}/${name}`) });
    expect(engine.gpu.liveArrays).toBe(0);
    expect(result.trainer.kernels.matmul === 'tiled').toBe(gpu || result.trainer.kernels.lanes === '16');
    expect(result.trainer.stages.standard.chosen).toBe('gram');
    expect(result.trainer.stages.learning.chosen).toBe('gram');
    const load = (names: readonly string[]) =>
      Object.fromEntries(names.map((each) => [each, numbers(`${name}/expected/${each}.npy`)]));
    const arrays = load(['f_W', 'f_b', 'g_W', 'g_b', 'R', 'f_X', 'g_X', 'f_test', 'g_test']);
    const history = load(['standardLoss', 'standardLr', 'learningLoss', 'learningLr']);
    expect(distant(result, { arrays, history }, TOLERANCE)).toEqual([]);
    expect(result.history.standardLr).toEqual(Float32Array.from(history.standardLr!));
    expect(result.history.learningLr).toEqual(Float32Array.from(history.learningLr!));
    const { metrics, loss } = json(`${name}/expected.json`);
    for (const key of ['standardAccuracy', 'perturbationAccuracy', 'agreement'] as const) {
      expect(result.metrics[key], key).toBeCloseTo(metrics[key], 12);
    }
    for (const stage of ['standard', 'learning'] as const) {
      expect(Math.abs(result.loss[stage] - loss[stage])).toBeLessThanOrEqual(TOLERANCE * Math.abs(loss[stage]));
    }
    expect(bound.gpu.liveArrays).toBe(0);
  });
});

describe('against the float64 reference', () => {
  test.for([
    { n: 2, d: 5, m: 4 },
    { n: 9, d: 4, m: 1, epochs: 70 },
    { n: 33, d: 3, m: 32, slope: 0.25 },
    { n: 65, d: 33, m: 47, epochs: 100 },
    { n: 300, d: 31, m: 33, epochs: 50, kind: 'linf', size: 0.03, slope: 0.25 },
    { n: 101, d: 7, m: 65, epochs: 65, onData: true },
    { n: 9, d: 5, m: 7, epochs: 0 },
    { n: 9, d: 5, m: 7, epochs: 1 },
  ] as Given[])('%j', async (given, { skip }) => {
    needsGram(bound.gpu, skip);
    const { config, readFile, reference } = givenExperiment(given);
    const result = await runExperiment(bound.engine, withTrainer(config, 'gram'), { readFile });
    const expected = reference();
    expect(distant(result, expected, TOLERANCE)).toEqual([]);
    expect(result.metrics).toEqual(expected.metrics);
    expectRates(result.history.standardLr, expected.history.standardLr);
    expect(bound.gpu.liveArrays).toBe(0);
  });
});
