// Training in Gram space, from the schedule on the host to whole experiments.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { nodeReadFile } from '../../src/data/node';
import { encodeNpy, parseNpy } from '../../src/data/npy';
import { Engine } from '../../src/engine';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import type { ExperimentConfig, ExperimentResult } from '../../src/experiment/types';
import { Gpu } from '../../src/gpu/gpu';
import { matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { estimateCosts, gramObstacle, reviewFlips, type TrainingShape } from '../../src/network/choose';
import { REVIEW_EPOCHS, trainGramIdentity } from '../../src/network/gram';
import { gramLength, gramMatrix } from '../../src/network/gram-matrix';
import { Network } from '../../src/network/network';
import { PlateauReplay } from '../../src/network/plateau';
import { Panels, Samples } from '../../src/network/samples';
import { Draws, expectSameBits, normwise, U, useEngine } from '../helpers';
import { networkOf } from '../reference/network';
import { Plateau, type ReferenceSchedule, train } from '../reference/training';
import { distant, type Given, givenExperiment, numbersOf, smallConfig } from './helpers';

const bound = useEngine();
const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
const TOLERANCE = 1e-4;
const TORCH: ReferenceSchedule = { factor: 0.1, patience: 10, threshold: 1e-4 };
const TRAINERS = ['direct', 'gram'] as const;
type Trainer = (typeof TRAINERS)[number];
type Skip = (note: string) => void;

/** Skips, by name, what needs Gram training where it cannot run. */
function needsGram(skip: Skip): void {
  if (subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
}

/** Shares the device; arrays of at most `length` elements. */
function limited(length: number): Engine {
  const { device, adapter } = bound.gpu;
  return new Engine(new Gpu(device, { adapter, ownsDevice: false, maxArrayLength: length }));
}

const withTrainer = (config: ExperimentConfig, trainer: ExperimentConfig['trainer']) => ({ ...config, trainer });

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

describe('PlateauReplay against the float64 schedule', () => {
  /** Feeds chunks until all epochs are through, keeping what counts. */
  function replay(losses: Float32Array, lr: number, schedule: ReferenceSchedule | false, size: () => number): number[] {
    const plateau = new PlateauReplay(lr, schedule);
    const rates: number[] = [];
    while (rates.length < losses.length) {
      const now = plateau.lr;
      const count = Math.min(size(), losses.length - rates.length);
      const kept = plateau.advance(losses.subarray(rates.length, rates.length + count));
      expect(kept).toBeGreaterThan(0);
      expect(kept).toBeLessThanOrEqual(count);
      // Everything counts unless the rate moved.
      if (plateau.lr === now) expect(kept).toBe(count);
      for (let t = 0; t < kept; t++) rates.push(now);
    }
    return rates;
  }
  const sequences: Record<string, (draws: Draws) => Float32Array> = {
    'a noisy fall': (draws) => draws.normal(400, 0.1).map((value, t) => value + 2 / (1 + t / 20)),
    'noise around zero': (draws) => draws.normal(400),
    'a fall below zero': (draws) => draws.normal(400, 3).map((value, t) => value - t / 10),
    'negative and rising': (draws) => draws.normal(400, 0.5).map((value, t) => value - 40 + t / 10),
    'now and then not a number': (draws) => draws.normal(400).map((value) => (value > 1 ? Number.NaN : value - 1)),
    'not a number at first, infinite later': (draws) =>
      draws.normal(400).map((value, t) => (t < 15 ? Number.NaN : value < -1 ? Number.POSITIVE_INFINITY : value)),
    constant: () => new Float32Array(400),
  };
  for (const [what, make] of Object.entries(sequences)) {
    test(`${what}: in chunks of any size`, () => {
      for (const seed of [1, 2, 3]) {
        const draws = new Draws(seed);
        const losses = make(draws);
        for (const schedule of [TORCH, { factor: 0.5, patience: 0, threshold: 0 }, { ...TORCH, patience: 3 }]) {
          const reference = new Plateau(1, schedule);
          const expected = Array.from(losses, (loss) => {
            const now = reference.lr;
            reference.step(loss);
            return now;
          });
          const sizes = draws.bits(4000);
          let at = 0;
          const whole = replay(losses, 1, schedule, () => losses.length);
          for (let t = 0; t < losses.length; t++) {
            const drops = Math.round(Math.log(expected[t]!) / Math.log(schedule.factor));
            expect(Math.abs(whole[t]! / expected[t]! - 1)).toBeLessThanOrEqual((1 + 2 * drops) * U);
          }
          expect(replay(losses, 1, schedule, () => 1)).toEqual(whole);
          expect(replay(losses, 1, schedule, () => 1 + (sizes[at++ % sizes.length]! % 29))).toEqual(whole);
        }
        expect(replay(losses, 0.3, false, () => 7)).toEqual(new Array(400).fill(Math.fround(0.3)));
      }
    });
  }
  test('a change of 1e-8 or less is not made', () => {
    const schedule = { ...TORCH, patience: 0 };
    const drop = (lr: number) => {
      const plateau = new PlateauReplay(lr, schedule);
      plateau.advance(Float32Array.of(1, 1));
      return plateau.lr;
    };
    expect(drop(1.05e-8)).toBe(Math.fround(1.05e-8));
    expect(drop(1.2e-8)).toBeCloseTo(1.2e-9, 15);
  });
});

describe('the choice of a trainer', () => {
  const shape: TrainingShape = { n: 1000, d: 100, m: 100, epochs: 1000, loss: 'identity', momentum: 0.9, blocks: 1 };
  /** A stand-in for the parts of an adapter that decide. */
  const adapter = (subgroupSize: number | null, software = true, maxArrayLength = 2 ** 25) =>
    ({
      adapter: { ...bound.gpu.adapter, subgroupSize, software },
      maxArrayLength,
      limits: { maxComputeWorkgroupsPerDimension: 65535 },
      features: new Set(['subgroups']),
    }) as unknown as Gpu;
  const COUNTED = [
    { flips: 1000, events: 500 },
    { flips: 2000, events: 900 },
  ];

  test('costs: finite, the same every time, growing with every size', () => {
    for (const lanes of [4, 8]) {
      const gpu = adapter(lanes);
      const costs = estimateCosts(gpu, shape)!;
      expect(costs.direct).toBeGreaterThan(0);
      expect(costs.gram).toBeGreaterThan(0);
      expect(estimateCosts(gpu, shape)).toEqual(costs);
      for (const key of ['n', 'd', 'm', 'epochs'] as const) {
        const more = estimateCosts(gpu, { ...shape, [key]: 2 * shape[key] })!;
        expect(more.direct, key).toBeGreaterThan(costs.direct);
        expect(more.gram, key).toBeGreaterThan(costs.gram);
      }
    }
  });
  test('costs: many epochs speak for Gram, one epoch and many samples against it', () => {
    const long = estimateCosts(adapter(8), { ...shape, d: 1000, epochs: 5000 })!;
    expect(long.gram).toBeLessThan(long.direct);
    const short = estimateCosts(adapter(8), { ...shape, n: 5000, epochs: 1 })!;
    expect(short.gram).toBeGreaterThan(short.direct);
  });
  test('costs: under the logistic loss a dense epoch, which pays where samples are few against inputs', () => {
    for (const lanes of [4, 8]) {
      const wide = estimateCosts(adapter(lanes), { ...shape, d: 4000, epochs: 100, loss: 'logistic' })!;
      expect(wide.gram).toBeLessThan(wide.direct);
      for (const less of [{ epochs: 10 }, { d: 400 }]) {
        const costs = estimateCosts(adapter(lanes), { ...shape, d: 4000, epochs: 100, loss: 'logistic', ...less })!;
        expect(costs.gram).toBeGreaterThan(costs.direct);
      }
    }
  });
  test('no figures for an adapter that has not been measured', () => {
    expect(estimateCosts(adapter(32, false), shape)).toBeUndefined();
    expect(reviewFlips(adapter(32, false), shape, COUNTED)).toBeUndefined();
  });
  test('reviews: none before the second; the same counts give the same answer; once given up, more flips give up too', () => {
    const gpu = adapter(8);
    expect(reviewFlips(gpu, shape, [])).toBeUndefined();
    expect(reviewFlips(gpu, shape, COUNTED.slice(0, 1))).toBeUndefined();
    let givenUp = false;
    let crossings = 0;
    for (let flips = 1; flips < 1e9; flips *= 2) {
      const counted = [COUNTED[0]!, { flips, events: Math.min(flips, 100 * 64) }];
      const reason = reviewFlips(gpu, shape, counted);
      expect(reviewFlips(gpu, shape, counted)).toBe(reason);
      if ((reason !== undefined) !== givenUp) crossings++;
      givenUp = reason !== undefined;
      if (reason) expect(reason).toMatch(/% of the derivative bits flip in an epoch.*estimated at [\d.]+ s/);
    }
    expect([givenUp, crossings]).toEqual([true, 1]);
  });
  test('reviews: no flips at all is no reason to stop', () => {
    const none = { flips: 0, events: 0 };
    expect(reviewFlips(adapter(8), shape, [none, none])).toBeUndefined();
  });
  test('obstacles: each is named, and the memory is measured to the element', () => {
    expect(gramObstacle(adapter(8), shape)).toBeUndefined();
    expect(gramObstacle(adapter(8), { ...shape, momentum: 0.99 })).toBeUndefined();
    for (const momentum of [0.9901, 0.999, 1]) {
      expect(gramObstacle(adapter(8), { ...shape, momentum })).toMatch(new RegExp(`momentum.*not ${momentum}$`));
    }
    // The closed form and one workgroup a neuron are the identity loss's.
    const logistic = { ...shape, loss: 'logistic' } as const;
    const large = adapter(8, true, 2 ** 30);
    expect(gramObstacle(large, { ...logistic, momentum: 0.999, m: 65536 })).toBeUndefined();
    expect(gramObstacle(adapter(null), logistic)).toMatch(/subgroups/);
    expect(gramObstacle(adapter(8), { ...logistic, blocks: 2 })).toMatch(/matrix X X\^T/);
    expect(gramObstacle(large, { ...shape, m: 65535 })).toBeUndefined();
    expect(gramObstacle(large, { ...shape, m: 65536 })).toMatch(/65535 neurons.*not 65536/);
    expect(gramObstacle(adapter(null), shape)).toMatch(/subgroups/);
    expect(gramObstacle(adapter(8), { ...shape, blocks: 2 })).toMatch(/matrix X X\^T/);
    // K decides with few neurons, the state with many.
    for (const [loss, m, needed] of [
      ['identity', 1, gramLength(1000)],
      ['identity', 1000, (6 * 1000 + 32) * 1024],
      ['logistic', 1, gramLength(1000)],
      // The sums of K S: 63 words of 32 neurons, two words a workgroup, by 1024 columns.
      ['logistic', 2000, 2048 * 1024],
    ] as const) {
      const sized = { ...shape, loss, m };
      expect(gramObstacle(adapter(8, true, needed), sized)).toBeUndefined();
      expect(gramObstacle(adapter(8, true, needed - 1), sized)).toMatch(/MiB for the matrix.*in one piece/);
    }
  });
});

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
  test.for(CASES.sort())('%s', async (name, { skip }) => {
    needsGram(skip);
    const config = withTrainer(parseConfig(json(`${name}/config.json`)), 'gram');
    const result = await runExperiment(bound.engine, config, { readFile: nodeReadFile(`${GOLDEN}/${name}`) });
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
    needsGram(skip);
    const { config, readFile, reference } = givenExperiment(given);
    const result = await runExperiment(bound.engine, withTrainer(config, 'gram'), { readFile });
    const expected = reference();
    expect(distant(result, expected, TOLERANCE)).toEqual([]);
    expect(result.metrics).toEqual(expected.metrics);
    expectRates(result.history.standardLr, expected.history.standardLr);
    expect(bound.gpu.liveArrays).toBe(0);
  });
});

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
      if (trainer === 'gram') needsGram(skip);
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

describe('the same run twice', () => {
  test.for(['gram', 'auto'] as const)('trainer %s: bit-identical', async (trainer, { skip }) => {
    needsGram(skip);
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

describe('reviews on the way', () => {
  test('are asked at their epochs with the same counts every time; a reason ends the training, the network untouched', async ({
    skip,
  }) => {
    needsGram(skip);
    const { gpu } = bound;
    const [n, d, m] = [257, 20, 33];
    const layout = matmulLayout(gpu, m);
    const draws = new Draws(4);
    using samples = Samples.fromArray(gpu, 'X', draws.normal(n * d), d, layout.words);
    using panels = Panels.allocate(gpu, samples.blocks, d);
    await panels.fill(gpu, samples);
    using labels = gpu.upload('labels', draws.signs(n));
    using network = await Network.create(gpu, { d, m, slope: 0 }, {}, 1, { W: 1, b: 2, a: 3 });
    using kernel = await gramMatrix(gpu, panels);
    const before = await network.read();
    const held = gpu.liveArrays;
    const seen: string[] = [];
    const asked: { at: number; counted: unknown[] }[] = [];
    for (let run = 0; run < 2; run++) {
      const problem = { samples, panels, labels, network, layout, loss: 'identity' as const, lr: 0.3, epochs: 500 };
      const outcome = await trainGramIdentity(gpu, { ...problem, momentum: 0.9, plateau: TORCH }, kernel.pieces[0]!, {
        review: (counted) => {
          asked.push({ at: counted.length, counted: [...counted] });
          return counted.length === REVIEW_EPOCHS.length ? 'enough' : undefined;
        },
      });
      expect(outcome).toEqual({ abandoned: 'enough' });
      seen.push(JSON.stringify(asked.splice(0)));
      expect(gpu.liveArrays).toBe(held);
      const after = await network.read();
      for (const name of ['W', 'b', 'a'] as const) expectSameBits(name, after[name], before[name]);
    }
    expect(seen[1]).toBe(seen[0]);
    const asks = JSON.parse(seen[0]!) as { at: number; counted: { flips: number; events: number }[] }[];
    expect(asks.map(({ at }) => at)).toEqual([1, 2]);
    const [early, late] = asks[1]!.counted as [{ flips: number; events: number }, { flips: number; events: number }];
    expect(early.flips).toBeGreaterThan(0);
    expect(late.flips).toBeGreaterThan(early.flips);
    expect(late.events).toBeGreaterThan(early.events);
    // An event has a flip; bringing a neuron to a chunk's end may add one.
    expect(late.events).toBeLessThanOrEqual(late.flips + m);
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
    needsGram(skip);
    const config = smallConfig();
    const error = await failure(bound.engine, { ...config, learning: { ...config.learning, momentum: 1 } });
    expect([error.key, error.message]).toEqual(['trainer', expect.stringMatching(/momentum/)]);
  });
  test('a K that does not fit: one element less than it needs is refused, naming the memory; auto takes direct', async ({
    skip,
  }) => {
    needsGram(skip);
    const config = smallConfig({
      data: { kind: 'shifted-gauss', n: 333, d: 21, shift: 0.3 },
      network: { width: 7 },
    });
    {
      using engine = limited(gramLength(333));
      const fits = await runExperiment(engine, withTrainer(config, 'gram'));
      expect(fits.trainer.chosen).toBe('gram');
    }
    using engine = limited(gramLength(333) - 1);
    const error = await failure(engine, config);
    expect(error.key).toBe('trainer');
    expect(error.message).toMatch(/484 KiB for the matrix X X\^T.*binds 484 KiB|[\d.]+ KiB for the matrix X X\^T/);
    const auto = await runExperiment(engine, withTrainer(config, 'auto'));
    expect(auto.trainer.chosen).toBe('direct');
    expect(auto.trainer.reason).toMatch(/matrix X X\^T/);
    expect(engine.gpu.liveArrays).toBe(0);
  });
  test('long runs of a small network: chunks do not outgrow the memory', async ({ skip }) => {
    needsGram(skip);
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

describe('wide networks', () => {
  // One workgroup a neuron, and no adapter has to take more than 65535 in one dimension.
  for (const trainer of ['gram', 'auto'] as const) {
    test(`70,000 neurons, trainer ${trainer}: trained, or refused before anything runs`, async ({ skip }) => {
      needsGram(skip);
      const config = smallConfig({
        data: { kind: 'shifted-gauss', n: 64, d: 60, shift: 0.3 },
        network: { width: 70_000 },
        standard: { lr: 1e-3, epochs: 200 },
        learning: { lr: 0.1, epochs: 0 },
        test: { n: 1 },
        trainer,
      });
      const outcome = await runExperiment(bound.engine, config).catch((error: unknown) => error);
      if (trainer === 'gram' && outcome instanceof InputError) expect(outcome.key).toBe('trainer');
      else if (outcome instanceof Error) throw outcome;
      expect(bound.gpu.liveArrays).toBe(0);
    }, 300_000);
  }
});

describe('abort', () => {
  test.for(['standard', 'learning'] as const)('in stage %s, in the middle', async (stage, { skip }) => {
    needsGram(skip);
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

describe('long runs', () => {
  // mu^p from exp2 and 1 - mu^p by a difference lose what 1 - mu is small by.
  test.for([0.5, 0.99, 0.999, 0.9999])('momentum %d: as accurate as the direct trainer, or refused', async (momentum, {
    skip,
  }) => {
    needsGram(skip);
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
    needsGram(skip);
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
