import { describe, expect, test } from 'vitest';
import { specialise } from '../../src/gpu/specialise';
import { gramIdentityWorkgroup } from '../../src/kernels/generated';
import { gramIdentity } from '../../src/kernels/gram-identity';
import { gramSamples } from '../../src/kernels/gram-limits';
import { type GramLoop, gramLoop, subgroupLanes } from '../../src/kernels/variant';
import { checkGramIdentity } from '../checks/gram-identity';
import type { GramCase, GramTraining } from '../checks/gram-identity-problem';
import { workgroupBytes } from '../contract';
import { useEngine } from '../helpers';

const bound = useEngine();
const ones = (count: number) => new Array<number>(count).fill(1);
/** 64 epochs at one rate: one by one, 16 and 48, by primes, all at once, with rests, with an end of its own. */
const epochs = (lr: number) => ({
  parts: [{ lr, chunks: [16, 48] }],
  recuts: [[ones(64)], [[64]], [[7, 1, 31, 2, 23]], [[5, 0, 59]], [[30, 34, 0]]],
});

const shapes: GramCase[] = [
  { n: 1, slope: 0, momentum: 0.9, ...epochs(0.1) },
  { n: 1, slope: 0.25, momentum: 0, ...epochs(0.3) },
  { n: 7, slope: 0.25, momentum: 0.9, ...epochs(0.03) },
  { n: 7, slope: 0, momentum: 0.5, ...epochs(0.3) },
  { n: 31, slope: 0, momentum: 0, flips: 20, ...epochs(0.1) },
  { n: 31, slope: 0.25, momentum: 0.9, flips: 20, ...epochs(0.03) },
  { n: 33, slope: 0, momentum: 0.9, flips: 20, ...epochs(0.1) },
  { n: 33, slope: 0.25, momentum: 0.5, flips: 20, ...epochs(0.3) },
  { n: 101, slope: 0, momentum: 0.9, flips: 50, ...epochs(0.1) },
  { n: 101, slope: 0.25, momentum: 0, flips: 50, ...epochs(0.3) },
  { n: 257, slope: 0.25, momentum: 0.9, flips: 100, ...epochs(0.03) },
  { n: 257, slope: 0, momentum: 0.5, flips: 100, ...epochs(0.1) },
];

/** Rates that change, which brings the neurons to that epoch. */
const rates = {
  parts: [
    { lr: 0.1, chunks: [16, 5] },
    { lr: 0.01, chunks: [11] },
    { lr: 0.3, chunks: [1] },
    { lr: 0.03, chunks: [40, 8] },
  ],
  recuts: [
    [[21], ones(11), [1], [1, 47]],
    [ones(21), [10, 1], [1], [48, 0]],
    [[21, 0], [0, 11, 0], [1], [48]],
  ],
};

/** Trainings of different lengths, rates, labels and beginnings; one rests while others go on. */
const beside: GramTraining[] = [
  { m: 2, slope: 0, momentum: 0.5, labels: 1, parts: [{ lr: 0.3, chunks: [3, 0, 9] }] },
  { m: 1, slope: 0.1, momentum: 0, labels: 2, start: 1000, parts: [{ lr: 0.05, chunks: [20, 1, 12, 4] }] },
  { m: 5, slope: 0.25, momentum: 0.9, labels: 1, start: 7, parts: rates.parts },
];

function loopTests(variant: GramLoop['variant']): void {
  const run = async (each: GramCase, skip: (why: string) => void) => {
    if (variant === 'subgroup' && subgroupLanes(bound.gpu) === null)
      skip('the adapter has no subgroups of a fixed size');
    await checkGramIdentity(each, variant)(bound.gpu);
  };
  test.for(
    shapes,
  )('float64 reference, however cut: n $n, slope $slope, momentum $momentum, lr $parts.0.lr', async (each, { skip }) =>
    run(each, skip));
  test.for([
    { n: 33, slope: 0, momentum: 0.9, m: 9 },
    { n: 101, slope: 0.25, momentum: 0.5, m: 7 },
  ])('goes on at another rate: n $n', async (each, { skip }) => run({ ...each, ...rates, flips: 30 }, skip));
  test.for([
    { n: 33, slope: 0.25, momentum: 0.9, m: 4 },
    { n: 101, slope: 0, momentum: 0.5, m: 3 },
  ])('begins at a later epoch, with a velocity: n $n', async (each, { skip }) =>
    run({ ...each, ...rates, start: 300, flips: 30 }, skip));
  test.for([
    { n: 33, slope: 0.25, momentum: 0.9, m: 3 },
    { n: 101, slope: 0, momentum: 0.9, m: 2 },
  ])('trainings side by side are what each is alone, however K is cut: n $n', async (each, { skip }) =>
    run({ ...each, ...epochs(0.05), recuts: [], beside, pieces: [2, 6], flips: 80 }, skip));
  test('labels past the first row of texels', async ({ skip }) => {
    // 16 quads a label vector, 8192 a row of texels.
    const last = [{ m: 2, slope: 0.25, momentum: 0.9, labels: 600, parts: [{ lr: 0.1, chunks: [20, 4] }] }];
    await run({ n: 33, slope: 0.25, momentum: 0.9, m: 1, ...epochs(0.05), recuts: [], beside: last }, skip);
  });
  test.for([
    { n: 33, slope: 0.25, momentum: 0.9, m: 3 },
    { n: 7, slope: 0, momentum: 0.5, m: 3 },
  ])('waits for K at the first flip: n $n', async (each, { skip }) =>
    run({ ...each, ...epochs(0.05), recuts: [], beside, missing: true }, skip));
  test.for([
    { n: 203, slope: 0, momentum: 0.9 },
    { n: 229, slope: 0.25, momentum: 0.5, seed: 3 },
  ])('whole classes flip in an epoch: %j', async (each, { skip }) => {
    const parts = [{ lr: 0.5, chunks: [30] }];
    await run({ ...each, m: 12, crowded: true, spread: 0.01, parts, recuts: [[[7, 23]]], pieces: [3], beside }, skip);
  });
  test('more flips in an epoch than it holds', async ({ skip }) =>
    run(
      {
        ...{ n: 101, slope: 0.25, momentum: 0.5, m: 3, crowded: true, pieces: [2, 6] },
        parts: [{ lr: 10, chunks: [12] }],
        recuts: [[ones(12)]],
      },
      skip,
    ));
}

describe('gram_identity_subgroup', () => {
  loopTests('subgroup');
  test.for([
    { n: 33, m: 4, slope: 0.25, momentum: 0.9, ...rates, beside, crowds: [1, 2, 3] },
    {
      n: 101,
      m: 3,
      slope: 0,
      momentum: 0,
      parts: [{ lr: 10, chunks: [12, 3] }],
      recuts: [[ones(15)]],
      crowds: [1, 30],
    },
    // More than are worth making A anew, and fewer.
    {
      ...{ n: 203, m: 6, slope: 0.1, momentum: 0.5, spread: 0.01, seed: 3, crowds: [20, 90] },
      ...{ parts: [{ lr: 0.5, chunks: [30] }], recuts: [[[7, 23]]] },
    },
  ] as GramCase[])('stops for crowds: n $n, crowds $crowds', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
    await checkGramIdentity(each, 'subgroup')(bound.gpu);
  });
});

describe('gram_identity_workgroup', () => {
  loopTests('workgroup');
  test.for([
    { n: 257, m: 2, lanes: 32, slope: 0.25, momentum: 0.5, flips: 100, ...epochs(0.1) },
    // More than eight quads a lane, marks of more than sixteen lanes.
    { n: 1153, m: 1, lanes: 32, slope: 0, momentum: 0.9, flips: 10, ...epochs(0.03) },
    { n: 1153, m: 1, slope: 0.25, momentum: 0.5, crowded: true, parts: [{ lr: 1, chunks: [8] }] },
  ])('several quads a lane: n $n, lanes $lanes', async (each) => {
    await checkGramIdentity(each, 'workgroup')(bound.gpu);
  });
  test('refuses more samples than workgroup memory marks', async () => {
    const most = gramSamples({ maxComputeWorkgroupStorageSize: 16384 } as GPUSupportedLimits);
    const bytes = (n: number) => workgroupBytes(specialise(gramIdentityWorkgroup.code, { NQ: Math.ceil(n / 1024) }));
    expect([bytes(most) <= 16384, bytes(most + 1) <= 16384]).toEqual([true, false]);
    using any = bound.gpu.array('any', 1);
    using neurons = bound.gpu.array('neurons', 1, 'u32');
    const arrays = { pieces: [], sources: any, vectors: 1, neurons, state: any, losses: any };
    const n = gramSamples(bound.gpu.limits) + 1;
    const args = { ...arrays, pieceRows: 1, pieceCount: 1, n, ld: n, m: 1, loop: gramLoop(bound.gpu, 'workgroup') };
    await expect(gramIdentity(bound.gpu, args)).rejects.toThrow(/workgroup memory holds the marks of \d+$/);
  });
});
