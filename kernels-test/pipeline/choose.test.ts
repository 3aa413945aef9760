// The choice of a trainer: functions of an adapter's class, a training's sizes and counts, tried on made-up ones.

import { describe, expect, test } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import type { MatmulLayout, MatmulVariant } from '../../src/kernels/variant';
import {
  chooseAtProbe,
  chooseStart,
  gramBytes,
  gramObstacle,
  PROBES,
  reviewGram,
  type TrainingShape,
} from '../../src/network/choose';
import { type CostShape, estimateCosts, flipSeconds } from '../../src/network/costs';
import { crowdPlan, nextLook } from '../../src/network/crowds';
import { train } from '../../src/network/train';
import { useEngine } from '../helpers';
import { TaskData } from './tasks';

const bound = useEngine();
const shape: TrainingShape = { n: 1000, d: 100, m: 100, epochs: 1000, loss: 'identity', momentum: 0.9 };
const logistic = { ...shape, loss: 'logistic' } as const;

/** A stand-in for the parts of an adapter that decide. */
function adapter({
  lanes = 8 as number | null,
  software = true,
  length = 2 ** 25,
  buffers = 10,
  image = false,
} = {}): Gpu {
  return {
    adapter: { name: 'made up', subgroupSize: lanes, software },
    maxArrayLength: length,
    imageFits: () => image,
    limits: { maxComputeWorkgroupsPerDimension: 65535, maxStorageBuffersPerShaderStage: buffers },
    features: new Set(['subgroups']),
  } as unknown as Gpu;
}

const ESTIMATE = /estimated [\d.e+-]+ s in Gram space, [\d.e+-]+ s directly/;

describe('costs', () => {
  test('positive, the same every time, growing with every size they depend on', () => {
    for (const lanes of [4, 8]) {
      const gpu = adapter({ lanes });
      const costs = estimateCosts(gpu, shape)!;
      const { crowds: _, ...seconds } = costs;
      for (const value of Object.values(seconds)) expect(value).toBeGreaterThan(0);
      expect(estimateCosts(gpu, shape)).toEqual(costs);
      const grows = { n: ['directEpoch', 'ends', 'flip', 'event', 'denseEpoch'], d: ['directEpoch', 'ends'] };
      for (const [key, names] of Object.entries({ ...grows, m: ['directEpoch', 'ends', 'denseEpoch'] })) {
        const more = estimateCosts(gpu, { ...shape, [key]: 2 * shape[key as 'n' | 'd' | 'm'] })!;
        for (const name of names as (keyof typeof seconds)[]) expect(more[name], key).toBeGreaterThan(costs[name]);
      }
    }
  });
  test('none for an adapter that has not been measured, which trains directly and says so', () => {
    const gpu = adapter({ lanes: 32, software: false });
    expect(estimateCosts(gpu, shape)).toBeUndefined();
    expect(chooseStart(gpu, shape)).toEqual({ trainer: 'direct', reason: expect.stringMatching(/not been measured/) });
  });
});

describe('the start', () => {
  test.for([
    // Flips would have to be many times what they ever were.
    ['gram', { ...shape, d: 2000, epochs: 5000 }],
    ['probe', { ...shape, epochs: 100 }],
    // Less than both ends of Gram training cost.
    ['direct', { ...shape, epochs: 4 }],
    ['gram', { ...logistic, d: 4000, epochs: 100 }],
    // K is not paid back in a few epochs, nor an epoch in Gram space by few inputs.
    ['direct', { ...logistic, d: 4000, epochs: 3 }],
    ['direct', { ...logistic, d: 400, epochs: 100 }],
  ] as [string, TrainingShape][])('%s: %j', ([trainer, given]) => {
    for (const lanes of [4, 8]) {
      const choice = chooseStart(adapter({ lanes }), given);
      expect(choice.trainer).toBe(trainer);
      expect(choice.reason).toMatch(ESTIMATE);
    }
  });
  test('a memory limit refuses, to the byte, naming both', () => {
    for (const given of [
      { ...shape, d: 2000, epochs: 5000 },
      { ...logistic, d: 4000, epochs: 100 },
    ]) {
      const gpu = adapter();
      const bytes = gramBytes(gpu, given);
      expect(chooseStart(gpu, given, bytes).trainer).toBe('gram');
      const refused = chooseStart(gpu, given, bytes - 1);
      expect(refused.trainer).toBe('direct');
      expect(refused.reason).toMatch(/would take [\d.]+ MiB, past the limit of [\d.]+ MiB/);
    }
  });
  test('an obstacle goes before all estimates', () => {
    for (const gpu of [adapter({ length: 1000 }), adapter({ length: 1000, software: false })]) {
      expect(chooseStart(gpu, shape)).toEqual({ trainer: 'direct', reason: gramObstacle(gpu, shape) });
    }
  });
});

describe('a probe', () => {
  const gpu = adapter();
  test('no flips: to Gram space; ever more flips: once across, on to the next probe', () => {
    const choices = [0, ...Array.from({ length: 30 }, (_, e) => 2 ** e)].map((flips) =>
      chooseAtProbe(gpu, shape, 2, flips),
    );
    const way = choices.map(({ trainer }) => trainer);
    expect(way[0]).toBe('gram');
    expect(way.at(-1)).toBe('probe');
    expect(way.filter((trainer, at) => at > 0 && trainer !== way[at - 1])).toHaveLength(1);
    for (const [at, { reason }] of choices.entries()) {
      expect(reason).toMatch(
        new RegExp(`^${at === 0 ? 0 : 2 ** (at - 1)} derivative bits flipped in epoch 2: the rest ${ESTIMATE.source}$`),
      );
    }
  });
  test('the last one before the end decides for good', () => {
    for (const probe of PROBES.filter((epoch) => epoch < shape.epochs)) {
      const last = !PROBES.some((epoch) => epoch > probe && epoch < shape.epochs);
      expect(chooseAtProbe(gpu, shape, probe, 1e9).trainer).toBe(last ? 'direct' : 'probe');
    }
  });
});

describe('a review', () => {
  const gpu = adapter();
  test('no flips: stays; ever more: leaves, once and for all; the same counts, the same answer', () => {
    const reviews = [0, ...Array.from({ length: 30 }, (_, e) => 2 ** e)].map((flips) => {
      const since = { epochs: 48, flips, events: Math.min(flips, 100 * 48) };
      const review = reviewGram(gpu, shape, 64, since);
      expect(reviewGram(gpu, shape, 64, since)).toEqual(review);
      expect(review.reason).toMatch(
        /^[\d.e+-]+ % of the derivative bits flipped in an epoch up to epoch 64: the rest estimated/,
      );
      return review.stay;
    });
    expect([reviews[0], reviews.at(-1)]).toEqual([true, false]);
    expect(reviews.filter((stay, at) => at > 0 && stay !== reviews[at - 1])).toHaveLength(1);
  });
});

// Counted in runs (n 1000, d 100, m 100): shifted Gauss flips 11,215 bits in epoch 2, 185 in epoch 16; pure noise 744 in each.
describe('flips that fall off, and flips that last', () => {
  const gpu = adapter();
  const short = { ...shape, epochs: 100 };
  test('many early flips are taken to fall off', () => {
    expect(chooseAtProbe(gpu, short, 2, 11_215).trainer).toBe('gram');
    expect(chooseAtProbe(gpu, short, 2, 60_000).trainer).not.toBe('gram');
    const { epochs } = short;
    const since = { epochs: 14, flips: 3000 * 14, events: 1400 };
    expect(reviewGram(gpu, short, 16, since).stay).toBe(true);
    // Of a mean that would be too much if it lasted.
    expect(reviewGram(gpu, short, 16, { epochs: 14, flips: 8000 * 14, events: 1400 }).stay).toBe(true);
    expect(reviewGram(gpu, short, 16, { epochs: 14, flips: 30_000 * 14, events: 1400 }).stay).toBe(false);
    expect(reviewGram(gpu, short, 16, { epochs: 16, flips: 40_000 * 16, events: 1600 }).stay).toBe(false);
    // The same mean from a start in Gram space.
    expect(reviewGram(gpu, { ...shape, epochs }, 16, { epochs: 16, flips: 45_000, events: 1600 }).stay).toBe(true);
  });
  test('late ones are taken to last: as many as early ones would send the training back', () => {
    const often = { epochs: 48, flips: 3000 * 48, events: 4800 };
    expect(reviewGram(gpu, { ...shape, epochs: 200 }, 64, often).stay).toBe(false);
    expect(reviewGram(gpu, { ...shape, epochs: 200 }, 64, { epochs: 48, flips: 744 * 48, events: 4800 }).stay).toBe(
      true,
    );
  });
  test('a training of 0.07 s in Gram space is not looked at first', () => {
    expect(chooseStart(gpu, { ...shape, epochs: 300 }).trainer).toBe('gram');
  });
  test('the estimate is one function of the epoch: it does not jump where the fall is over', () => {
    const gram = (epoch: number) => {
      const { reason } = chooseAtProbe(gpu, { ...shape, epochs: 100_000 }, epoch, 100_000);
      return Number(/estimated ([\d.e+-]+) s/.exec(reason)![1]);
    };
    const [before, at, after] = [gram(60), gram(64), gram(68)];
    expect(Math.abs(before! / at! - 1)).toBeLessThan(0.1);
    expect(Math.abs(after! / at! - 1)).toBeLessThan(0.1);
  });
});

describe('obstacles', () => {
  test('momentum, epochs and bindings, of the identity loss alone', () => {
    const gpu = adapter();
    expect(gramObstacle(gpu, { ...shape, momentum: 0.99 })).toBeUndefined();
    for (const momentum of [0.9901, 0.999, 1]) {
      expect(gramObstacle(gpu, { ...shape, momentum })).toMatch(new RegExp(`momentum.*not ${momentum}$`));
      expect(gramObstacle(gpu, { ...logistic, momentum })).toBeUndefined();
    }
    expect(gramObstacle(gpu, { ...shape, epochs: 2 ** 22 })).toBeUndefined();
    expect(gramObstacle(gpu, { ...shape, epochs: 2 ** 22 + 1 })).toMatch(/4194304 epochs, not 4194305/);
    expect(gramObstacle(adapter({ buffers: 9 }), shape)).toMatch(/binds 10 arrays; this adapter takes 9/);
    expect(gramObstacle(adapter({ buffers: 9 }), logistic)).toBeUndefined();
    // Neurons are cut into groups: no width is too large.
    expect(gramObstacle(gpu, { ...shape, d: 20, m: 1_000_000 })).toBeUndefined();
  });
  test('memory: measured to the element, named in bytes', () => {
    for (const [given, needed, what] of [
      // Six pieces of 192 rows of 1024.
      [
        { ...shape, m: 1 },
        192 * 1024,
        /^Gram training needs 4.0 MiB for the matrix X X\^T in at most 6 pieces; this adapter binds 768 KiB each$/,
      ],
      // Six rows for each of 25 neurons of a word.
      [{ ...shape, n: 500 }, 6 * 25 * 512, /^Gram training needs 300 KiB in one piece for the state.*binds 300 KiB$/],
      // The sums of K S: 63 words of 32 neurons, two words a workgroup, by 1024 columns.
      [
        { ...logistic, m: 2000 },
        2048 * 1024,
        /^Gram training under the logistic loss needs 8.0 MiB in one piece beside the matrix X X\^T of 4.0 MiB/,
      ],
    ] as const) {
      expect(gramObstacle(adapter({ length: needed }), given)).toBeUndefined();
      expect(gramObstacle(adapter({ length: needed - 1 }), given)).toMatch(what);
    }
    // An image takes the place of the pieces, of the identity loss alone and where subgroups read it.
    const few = { length: 192 * 1024 - 1, image: true };
    expect(gramObstacle(adapter(few), { ...shape, m: 1 })).toBeUndefined();
    expect(gramObstacle(adapter({ ...few, lanes: 4 }), { ...shape, m: 1 })).toMatch(/at most 6 pieces/);
  });
  test('asked for by name where it is impossible: a RangeError, and nothing left behind', async () => {
    const { device, adapter: report } = bound.gpu;
    const gpu = new Gpu(device, { adapter: report, ownsDevice: false, maxArrayLength: 4000 });
    using data = await TaskData.create(gpu, { n: 333, d: 8 });
    for (const loss of ['identity', 'logistic'] as const) {
      const problem = await data.problem({ n: 333, d: 8, m: 5, loss });
      const held = gpu.liveArrays;
      await expect(train(gpu, problem, 'gram')).rejects.toThrow(RangeError);
      expect(gpu.liveArrays).toBe(held);
      const auto = await train(gpu, problem, 'auto');
      expect([auto.chosen, auto.reason]).toEqual(['direct', expect.stringMatching(/KiB/)]);
    }
  });
});

describe('flips through X', () => {
  const mnist = { n: 12700, d: 784, m: 100 };
  const plan = (gpu: Gpu, given: CostShape) => estimateCosts(gpu, given)!.crowds;
  test('crowds of about d / 8 flips, and K after as many events as half the samples', () => {
    const { least, worth } = plan(adapter(), mnist);
    expect(least / 784).toBeGreaterThan(0.1);
    expect(least / 784).toBeLessThan(0.16);
    expect(worth / 12700).toBeGreaterThan(0.5);
    expect(worth / 12700).toBeLessThan(1);
    // Of few multiply-adds an entry K is worth it sooner, and not for the width.
    expect(plan(adapter(), { ...mnist, inner: 100 }).worth).toBeLessThan(worth / 2);
    expect(plan(adapter(), { ...mnist, m: 1000 })).toEqual({ least, worth });
  });
  test('not where a product is nothing beside its submits, where rows of K are shorter, or K is cheap', () => {
    expect(plan(adapter(), { n: 1000, d: 100, m: 100 })).toEqual({ least: Infinity, worth: 0 });
    expect(plan(adapter(), { n: 2000, d: 4000, m: 10 }).least).toBe(Infinity);
    expect(plan(adapter(), { n: 1200, d: 2400, m: 10 }).worth).toBe(0);
  });
  test('on SwiftShader, whose products are dearer beside K, from the same size on but later', () => {
    const slow = adapter({ lanes: 4 });
    // The drawn digits that the page opens with: kernels for crowds would take longer to compile than the run.
    expect(plan(slow, { n: 500, d: 400, m: 100 })).toEqual({ least: Infinity, worth: 0 });
    const { least, worth } = plan(slow, { n: 6000, d: 1000, m: 100 });
    expect(least).toBeGreaterThan(1000 / 8);
    expect(worth).toBeGreaterThan(0);
    expect(worth).toBeLessThan(plan(adapter(), { n: 6000, d: 1000, m: 100 }).worth);
  });
  test('K at once where every neuron flipping once would be worth it', () => {
    const of = { n: 6000, d: 1000, inner: 100 };
    const { worth } = plan(adapter({ lanes: 4 }), { ...of, m: 100 });
    expect(worth).toBeGreaterThan(100);
    expect(plan(adapter({ lanes: 4 }), { ...of, m: worth }).worth).toBe(worth);
    expect(plan(adapter({ lanes: 4 }), { ...of, m: worth + 1 }).worth).toBe(0);
  });
  test('not with kernels that cannot, nor on a GPU', () => {
    const of = (variant: MatmulVariant) => crowdPlan(adapter(), { ...mnist, layout: { variant } as MatmulLayout });
    expect(of('tiled')).toEqual({ least: Infinity, worth: 0 });
    expect(of('subgroup')).toEqual(plan(adapter(), mnist));
    expect(plan(adapter({ lanes: 16 }), mnist)).toEqual({ least: Infinity, worth: 0 });
    expect(estimateCosts(adapter({ software: false }), mnist)).toBeUndefined();
  });
  test('their cost is the cheaper way, K counted where it is still to be made', () => {
    const costs = estimateCosts(adapter(), mnist)!;
    const { flip, gather, product, event, gramMatrix } = costs;
    expect(flipSeconds(costs, 0, 0)).toBe(0);
    expect(flipSeconds(costs, 10, 10)).toBeCloseTo(10 * (flip + event), 9);
    expect(flipSeconds(costs, 1e4, 10)).toBeCloseTo(10 * (product + event) + 1e4 * gather, 9);
    expect(flipSeconds(costs, 10, 10, gramMatrix)).toBeCloseTo(10 * (product + event + gather), 9);
    expect(flipSeconds(costs, 1e5, 1e5, gramMatrix)).toBeCloseTo(gramMatrix + 1e5 * (flip + event), 6);
    const small = estimateCosts(adapter(), { n: 1000, d: 100, m: 100 })!;
    expect(flipSeconds(small, 10, 10, 1)).toBeCloseTo(1 + 10 * (small.flip + small.event), 9);
  });
  test('looks come before there can be too many events, and not too often', () => {
    const crowds = { least: 100, worth: 8000 };
    // No earlier than every neuron can have had its share of them.
    expect(nextLook(crowds, 0, 0, 100)).toBe(80);
    expect(nextLook(crowds, 80, 6000, 100)).toBe(100);
    for (const m of [1, 100, 1000, 100_000]) {
      let epoch = 0;
      let looks = 0;
      while (epoch < 10_000) {
        const next = nextLook(crowds, epoch, 7999, m);
        expect((next - epoch) * m).toBeLessThanOrEqual(Math.max(m, 8000 / 4 + m));
        expect(next).toBeGreaterThan(epoch);
        epoch = next;
        looks++;
      }
      if (m === 1) expect(looks).toBeLessThan(100);
    }
  });
});
