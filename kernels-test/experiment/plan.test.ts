import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import { canonical, contentHash, planRuns, runsOf } from '../../src/experiment/plan';
import type { ExperimentConfig } from '../../src/experiment/types';

const config = (changes: Record<string, unknown> = {}): ExperimentConfig =>
  parseConfig({ data: { n: 40, d: 6 }, network: { width: 8 }, ...changes });
const training = (lr: number, epochs = 10) => ({ lr, epochs });
const plan = (...configs: ExperimentConfig[]) => planRuns(configs, () => 0);
/** Trainings of f, perturbations, trainings of g. */
const count = (...configs: ExperimentConfig[]) => {
  const stages = plan(...configs);
  const firsts = stages.flatMap(({ trainings }) => trainings);
  const perturbations = firsts.flatMap(({ ends }) => ends.flatMap((end) => end.perturbations));
  const seconds = perturbations.flatMap(({ trainings }) => trainings);
  expect(stages.flatMap(runsOf.data).sort((a, b) => a - b)).toEqual(configs.map((_, run) => run));
  return [stages.length, firsts.length, perturbations.length, seconds.length];
};

describe('planRuns', () => {
  test('one experiment: one of each', () => {
    expect(count(config())).toEqual([1, 1, 1, 1]);
  });
  test('the same twice is one, with two results', () => {
    const [stage] = plan(config(), config());
    expect(count(config(), config())).toEqual([1, 1, 1, 1]);
    expect(stage!.trainings[0]!.ends[0]!.perturbations[0]!.trainings[0]!.ends[0]!.runs).toEqual([0, 1]);
  });
  test('a grid of learning rates shares samples, and each f its perturbations', () => {
    const grid = [0.1, 1, 10].flatMap((f) =>
      [0.1, 1].map((g) => config({ standard: training(f), learning: training(g) })),
    );
    expect(count(...grid)).toEqual([1, 3, 3, 6]);
  });
  test('lengths are snapshots of one training, ascending', () => {
    const configs = [30, 10, 20].map((epochs) => config({ standard: training(1, epochs) }));
    expect(count(...configs)).toEqual([1, 1, 3, 3]);
    expect(plan(...configs)[0]!.trainings[0]!.ends.map(({ epochs }) => epochs)).toEqual([10, 20, 30]);
    const second = [7, 3].map((epochs) => config({ learning: training(1, epochs) }));
    expect(count(...second)).toEqual([1, 1, 1, 1]);
    const { ends } = plan(...second)[0]!.trainings[0]!.ends[0]!.perturbations[0]!.trainings[0]!;
    expect(ends).toEqual([
      { epochs: 3, runs: [1] },
      { epochs: 7, runs: [0] },
    ]);
  });
  test('perturbations of several sizes share f', () => {
    const configs = [0.1, 0.2].map((size) => config({ perturbation: { size } }));
    expect(count(...configs)).toEqual([1, 1, 2, 2]);
  });
  test('drawn samples differ by seed, files do not', () => {
    expect(count(config({ seed: 1 }), config({ seed: 2 }))).toEqual([2, 2, 2, 2]);
    const file = (seed: number) => config({ seed, data: { kind: 'npy', x: 'x.npy', y: 'y.npy' } });
    expect(count(file(1), file(2))).toEqual([1, 2, 2, 2]);
  });
  test.for([
    ['width', { network: { width: 9 } }, 1, 2],
    ['slope', { network: { width: 8, slope: 0.5 } }, 1, 2],
    ['loss', { loss: 'logistic' }, 1, 2],
    ['trainer', { trainer: 'direct' }, 1, 2],
    ['momentum', { standard: { lr: 1, epochs: 10, momentum: 0.5 } }, 1, 2],
    ['plateau', { standard: { lr: 1, epochs: 10, plateau: false } }, 1, 2],
    ['init', { standard: { lr: 1, epochs: 10, init: { W: 'w.npy' } } }, 1, 2],
    ['n', { data: { n: 41, d: 6 } }, 2, 2],
    ['test points', { test: { n: 3 } }, 2, 2],
  ] as [string, Record<string, unknown>, number, number][])('%s is not shared', ([, change, stages, firsts]) => {
    const base = { standard: training(1) };
    expect(count(config(base), config({ ...base, ...change })).slice(0, 2)).toEqual([stages, firsts]);
  });
  test('samples that lie otherwise on the device are not shared', () => {
    expect(planRuns([config(), config()], (run) => run)).toHaveLength(2);
  });
  test('what is saved does not matter, except directions of the theory', () => {
    expect(count(config(), config({ save: ['networks', 'outputs'] }))).toEqual([1, 1, 1, 1]);
    expect(count(config(), config({ save: ['theory'] }))).toEqual([1, 1, 2, 2]);
  });
});

describe('content', () => {
  test('the order of keys and absent values do not matter, the order of lists does', () => {
    expect(canonical({ b: [1, { d: 2, c: 'x' }], a: null, e: undefined })).toBe('{"a":null,"b":[1,{"c":"x","d":2}]}');
    expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
  });
  test('is hashed with SHA-256 of its canonical JSON', async () => {
    // echo -n '{"a":1}' | sha256sum
    expect(await contentHash({ a: 1 })).toBe('015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862');
    expect(await contentHash({ a: 2 })).not.toBe(await contentHash({ a: 1 }));
  });
});
