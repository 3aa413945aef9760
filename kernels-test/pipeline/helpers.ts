// Experiments whose every random input is given, so that the engine and the float64 reference compute the same thing.

import { expect } from 'vitest';
import type { ReadFile } from '../../src/data/dataset';
import { encodeNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import type { ExperimentConfig, ExperimentResult } from '../../src/experiment/types';
import type { Gpu } from '../../src/gpu/gpu';
import { subgroupLanes } from '../../src/kernels/variant';
import { type Block, Panels, Samples, writeRows } from '../../src/network/samples';
import { Draws, expectSameBits, normwise } from '../harness';
import { accuracy, agreement, type Loss, type Norm, networkOf, outputs, perturbations } from '../reference/network';
import { train } from '../reference/training';

/** Skips, by name, what needs Gram training where the adapter cannot run it. */
export function needsGram(gpu: Gpu, skip: (note: string) => void): void {
  if (subgroupLanes(gpu) === null) skip('the adapter has no subgroups of a fixed size');
}

export const withTrainer = (config: ExperimentConfig, trainer: ExperimentConfig['trainer']) => ({ ...config, trainer });

export interface Given {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  readonly slope?: number;
  readonly loss?: Loss;
  readonly lr?: number;
  readonly epochs?: number;
  readonly kind?: Norm;
  readonly size?: number;
  readonly k?: number;
  readonly onData?: boolean;
  readonly testRows?: number;
  readonly seed?: number;
}

/** A configuration, the files it names, and the same numbers for the reference. */
export function givenExperiment(given: Given) {
  const {
    n,
    d,
    m,
    slope = 0,
    loss = 'identity',
    lr = 0.1,
    epochs = 20,
    kind = 'l2',
    size = 0.1,
    k,
    onData = false,
  } = given;
  const { testRows = 33, seed = 1 } = given;
  const draws = new Draws(seed);
  const y = Float32Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : -1));
  const X = draws.normal(n * d).map((value, e) => value + 0.3 * y[Math.floor(e / d)]!);
  const testX = draws.normal(testRows * d);
  const targets = draws.signs(n);
  const init = () => ({
    W: draws.normal(m * d, 1 / Math.sqrt(d)),
    b: draws.normal(m),
    a: draws.normal(m, 1 / Math.sqrt(m)),
  });
  const f0 = init();
  const g0 = init();
  const files: Record<string, Uint8Array> = {
    X: encodeNpy([n, d], X),
    y: encodeNpy([n], y),
    testX: encodeNpy([testRows, d], testX),
    targets: encodeNpy([n], targets),
  };
  for (const [name, { W, b, a }] of Object.entries({ f: f0, g: g0 })) {
    files[`${name}W`] = encodeNpy([m, d], W);
    files[`${name}b`] = encodeNpy([m], b);
    files[`${name}a`] = encodeNpy([m], a);
  }
  const stage = (name: string) => ({ lr, epochs, init: { W: `${name}W`, b: `${name}b`, a: `${name}a` } });
  const config = parseConfig({
    data: { kind: 'npy', x: 'X', y: 'y', testX: 'testX' },
    network: { width: m, slope },
    loss,
    standard: stage('f'),
    perturbation: { kind, size, onData, targets: 'targets', ...(kind === 'l0' ? { k: k ?? 1 } : {}) },
    learning: stage('g'),
    save: ['networks', 'perturbations', 'outputs'],
  });
  const readFile: ReadFile = async (path) => files[path]!;

  const reference = () => {
    const options = { loss, lr, epochs, momentum: 0.9, plateau: { factor: 0.1, patience: 10, threshold: 1e-4 } };
    const standard = train(networkOf(f0, d, slope), X, y, options);
    const R = perturbations(standard.net, X, targets, { kind, size, ...(kind === 'l0' ? { k: k ?? 1 } : {}) });
    const seen = onData ? R.map((value, e) => value + X[e]!) : R;
    const learning = train(networkOf(g0, d, slope), seen, targets, options);
    const on = (points: ArrayLike<number>) => [outputs(standard.net, points), outputs(learning.net, points)] as const;
    const [f_X, g_X] = on(X);
    const [f_test, g_test] = on(testX);
    const arrays = {
      f_W: standard.net.W,
      f_b: standard.net.b,
      g_W: learning.net.W,
      g_b: learning.net.b,
      R,
      f_X,
      g_X,
      f_test,
      g_test,
    };
    const history = {
      standardLoss: standard.loss,
      standardLr: standard.lr,
      learningLoss: learning.loss,
      learningLr: learning.lr,
    };
    const metrics = {
      standardAccuracy: accuracy(f_X, y),
      perturbationAccuracy: accuracy(g_X, y),
      agreement: agreement(f_test, g_test),
    };
    return { arrays, history, metrics };
  };
  return { config, readFile, reference, X, y, f0, g0, targets };
}

/** Names of arrays and histories that are more than `tolerance` away from the expected, normwise, and how far. */
export function distant(
  result: ExperimentResult,
  expected: {
    readonly arrays: Readonly<Record<string, ArrayLike<number>>>;
    readonly history: Readonly<Record<string, ArrayLike<number>>>;
  },
  tolerance: number,
): string[] {
  const far: string[] = [];
  const compare = (name: string, actual: ArrayLike<number> | undefined, wanted: ArrayLike<number>) => {
    const distance = actual ? normwise(actual, wanted) : Number.NaN;
    if (!(distance <= tolerance)) far.push(`${name}: ${distance}`);
  };
  for (const [name, wanted] of Object.entries(expected.arrays)) compare(name, result.arrays[name]?.data, wanted);
  for (const [name, wanted] of Object.entries(expected.history)) {
    compare(name, result.history[name as keyof ExperimentResult['history']], wanted);
  }
  return far;
}

/** A short synthetic run, with changes. */
export function smallConfig(changes: Record<string, unknown> = {}): ExperimentConfig {
  return parseConfig({
    seed: 3,
    data: { kind: 'shifted-gauss', n: 100, d: 20, shift: 0.3 },
    network: { width: 33 },
    standard: { lr: 0.5, epochs: 15 },
    learning: { lr: 0.5, epochs: 15 },
    test: { n: 70 },
    ...changes,
  });
}

/** Every number of two results that must be bit-equal, by name. */
export function numbersOf(result: ExperimentResult): Record<string, Float32Array> {
  const arrays = Object.fromEntries(Object.entries(result.arrays).map(([name, { data }]) => [name, data]));
  return { ...arrays, ...result.history };
}

/** Two results of one experiment on one adapter, equal to the bit. */
export function expectSameResult(actual: ExperimentResult, expected: ExperimentResult): void {
  const numbers = numbersOf(actual);
  expect(Object.keys(numbers)).toEqual(Object.keys(numbersOf(expected)));
  for (const [name, values] of Object.entries(numbersOf(expected))) expectSameBits(name, numbers[name]!, values);
  expect(actual.metrics).toEqual(expected.metrics);
  expect(actual.loss).toEqual(expected.loss);
  expect(actual.trainer).toEqual(expected.trainer);
}

/** Samples (n, d) with labels, panels, and what a second network learns from, on the device in blocks of `block` rows. */
export async function placeOnDevice(
  gpu: Gpu,
  X: Float32Array,
  learned: Float32Array,
  y: Float32Array,
  block = Infinity,
) {
  const n = y.length;
  const d = X.length / n;
  const blocks: Block[] = [];
  for (let start = 0; start < n; start += block) blocks.push({ start, rows: Math.min(block, n - start) });
  const fill = (values: Float32Array) => {
    const samples = Samples.allocate(gpu, 'samples', blocks, d);
    for (const [at, { start, rows }] of blocks.entries()) {
      writeRows(samples.arrays[at]!, values.subarray(start * d, (start + rows) * d), d);
    }
    return samples;
  };
  const samples = fill(X);
  const second = fill(learned);
  const panels = Panels.allocate(gpu, blocks, d);
  await panels.fill(gpu, samples);
  const labels = gpu.upload('labels', y);
  const dispose = () => {
    for (const each of [samples, second, panels, labels]) each.dispose();
  };
  return { samples, learned: second, panels, labels, dispose };
}
