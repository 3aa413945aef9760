import { describe, test } from 'vitest';
import { subgroupLanes } from '../../src/kernels/variant';
import {
  checkGramIdentity,
  checkSignMask,
  checkSums,
  type GramCase,
  type SignMaskCase,
  type SumsCase,
} from '../checks/gram';
import { useEngine } from '../helpers';

const bound = useEngine();
const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';

describe('sign_mask', () => {
  test.for([
    { n: 1, m: 1, ld: 32, group: 1 },
    { n: 7, m: 31, ld: 32, group: 31 },
    { n: 31, m: 32, ld: 32, group: 32 },
    { n: 32, m: 33, ld: 32, group: 17 },
    { n: 33, m: 33, ld: 64, group: 32 },
    { n: 101, m: 100, ld: 128, group: 25 },
    { n: 257, m: 101, ld: 288, group: 26, first: 5 },
    { n: 64, m: 3, ld: 65, group: 2, first: 100 },
    { n: 784, m: 65, ld: 800, group: 22, first: 784 },
  ] as SignMaskCase[])('every bit, zeros being off: %j', async (each) => {
    await checkSignMask(each)(bound.gpu);
  });
});

describe('strided_sums', () => {
  const cases: SumsCase[] = [
    { rows: 1, cols: 1, of: 'rows' },
    { rows: 31, cols: 101, of: 'rows', ld: 104 },
    { rows: 64, cols: 33, of: 'rows', outputFirst: 17 },
    { rows: 65, cols: 7, of: 'rows', first: 13, accumulate: true },
    { rows: 257, cols: 32, of: 'rows', ld: 40, first: 9, outputFirst: 64, accumulate: true },
    { rows: 1, cols: 65, of: 'columns' },
    { rows: 101, cols: 31, of: 'columns', ld: 32 },
    { rows: 33, cols: 64, of: 'columns', outputFirst: 5, accumulate: true },
    { rows: 100, cols: 257, of: 'columns', ld: 300, first: 3, outputFirst: 1, accumulate: true },
  ];
  test.for(cases)('float64 reference: %j', async (each) => {
    await checkSums(each)(bound.gpu);
  });
});

describe('gram_identity_subgroup', () => {
  const ones = (count: number) => new Array<number>(count).fill(1);
  /** 64 epochs at one rate: one by one, 16 and 48, by primes, all at once. */
  const epochs = (lr: number) => ({
    parts: [{ lr, chunks: [16, 48] }],
    recuts: [[ones(64)], [[64]], [[7, 1, 31, 2, 23]]],
  });
  const cases: GramCase[] = [
    { n: 1, slope: 0, momentum: 0.9, ...epochs(0.1) },
    { n: 1, slope: 0.25, momentum: 0, ...epochs(0.3) },
    { n: 7, slope: 0.25, momentum: 0.9, ...epochs(0.03) },
    { n: 7, slope: 0, momentum: 0.5, ...epochs(0.3) },
    { n: 31, slope: 0, momentum: 0, flips: 20, ...epochs(0.1) },
    { n: 31, slope: 0.25, momentum: 0.9, flips: 20, ...epochs(0.03) },
    { n: 33, slope: 0, momentum: 0.9, flips: 20, ...epochs(0.1) },
    { n: 33, slope: 0.25, momentum: 0.5, flips: 20, ...epochs(0.3) },
    { n: 101, slope: 0, momentum: 0.9, flips: 50, leftovers: [0, 1, 2, 3], ...epochs(0.1) },
    { n: 101, slope: 0.25, momentum: 0, flips: 50, leftovers: [0, 1, 2, 3], ...epochs(0.3) },
    { n: 257, slope: 0.25, momentum: 0.9, flips: 100, leftovers: [0, 1, 2, 3], ...epochs(0.03) },
    { n: 257, slope: 0, momentum: 0.5, flips: 100, leftovers: [0, 1, 2, 3], ...epochs(0.1) },
  ];
  test.for(
    cases,
  )('float64 reference, however cut: n $n, slope $slope, momentum $momentum, lr $parts.0.lr', async (each, {
    skip,
  }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkGramIdentity(each)(bound.gpu);
  });
  test.for([
    { n: 33, slope: 0, momentum: 0.9, m: 9 },
    { n: 101, slope: 0.25, momentum: 0.5, m: 7 },
  ])('goes on at another rate: n $n', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const parts = [
      { lr: 0.1, chunks: [16, 5] },
      { lr: 0.01, chunks: [11] },
      { lr: 0.3, chunks: [1] },
      { lr: 0.03, chunks: [40, 8] },
    ];
    const recuts = [
      [[21], ones(11), [1], [1, 47]],
      [ones(21), [10, 1], [1], [48]],
    ];
    await checkGramIdentity({ ...each, parts, recuts, flips: 30 })(bound.gpu);
  });
});
