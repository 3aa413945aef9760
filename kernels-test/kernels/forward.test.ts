import { describe, test } from 'vitest';
import { subgroupLanes, TILES } from '../../src/kernels/variant';
import { SHAPES, type Shape } from '../checks/case';
import {
  checkForward,
  checkMarginFault,
  checkMarginSummary,
  checkOutputResidual,
  type ForwardCase,
} from '../checks/forward';
import { Draws, NO_HALVES, useEngine } from '../helpers';

const bound = useEngine();

// Slope 0 and 0.25 in turn, and the largest mask words with both.
const CASES: { shape: Shape; slope: number }[] = [
  ...SHAPES.map((shape, at) => ({ shape, slope: at % 2 === 0 ? 0 : 0.25 })),
  { shape: [33, 17, 64], slope: 0.25 },
];

describe('forward_subgroup', () => {
  test.for(CASES)('float64 reference: $shape, slope $slope', async ({ shape, slope }, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
    await checkForward({ shape, slope, variant: 'subgroup' })(bound.gpu);
  });
  test.for([
    [65, 17, 33],
    [33, 64, 101],
  ] as Shape[])('every bit of small integers, h = 0 included: %j', async (shape, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
    await checkForward({ shape, slope: 0.25, variant: 'subgroup', exact: true })(bound.gpu);
  });
});

describe('forward_tiled', () => {
  test.for(CASES)('float64 reference: $shape, slope $slope', async ({ shape, slope }) => {
    await checkForward({ shape, slope, variant: 'tiled' })(bound.gpu);
  });
  test.for([
    [65, 17, 33],
    [33, 64, 101],
  ] as Shape[])('every bit of small integers, h = 0 included: %j', async (shape) => {
    await checkForward({ shape, slope: 0.25, variant: 'tiled', exact: true })(bound.gpu);
  });
});

describe('forward_tiled, larger tiles', () => {
  for (const tile of TILES.slice(0, 2)) {
    test.for([
      [127, 17, 129],
      [130, 15, 65],
      [65, 33, 96],
    ] as Shape[])(`${64 * tile.rows} neurons x ${64 * tile.columns} samples: %j`, async (shape) => {
      await checkForward({ shape, slope: 0.25, variant: 'tiled', tile })(bound.gpu);
    });
  }
});

describe('inputs and weights of halves', () => {
  const cases: ForwardCase[] = [
    { shape: [33, 17, 33], slope: 0.25, variant: 'subgroup' },
    { shape: [65, 64, 101], slope: 0, variant: 'subgroup' },
    { shape: [65, 64, 101], slope: 0.25, variant: 'subgroup', exact: true },
    { shape: [33, 17, 33], slope: 0.25, variant: 'tiled' },
    { shape: [130, 17, 129], slope: 0, variant: 'tiled', tile: TILES[0]! },
  ];
  test.for(cases)('%j', async (each, { skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    if (each.variant === 'subgroup' && subgroupLanes(bound.gpu) === null) skip('the adapter has no fixed subgroups');
    await checkForward({ ...each, half: true })(bound.gpu);
  });
});

describe('output_residual', () => {
  const cases = [
    { n: 1, words: 1, start: 0, size: 1 },
    { n: 63, words: 2, start: 1, size: 1 },
    { n: 64, words: 9, start: 0, size: 8 },
    { n: 65, words: 4, start: 31, size: 40 },
    { n: 257, words: 7, start: 101, size: 1e4 },
  ];
  for (const loss of ['identity', 'logistic'] as const) {
    test.for(cases)(`${loss}: $n samples from $start, $words words, f of size $size`, async (each) => {
      await checkOutputResidual({ ...each, loss })(bound.gpu);
    });
  }
});

describe('margin_summary', () => {
  for (const loss of ['identity', 'logistic'] as const) {
    test.for([1, 7, 255, 256, 257, 784, 5003])(`${loss}: %i margins`, async (n) => {
      await checkMarginSummary(new Draws(n).normal(n, 3), loss)(bound.gpu);
    });
    test(`${loss}: margins of +-1e4 and 0`, async () => {
      await checkMarginSummary([1e4, -1e4, 0, -0, 1e4, 88, -88, 87, 104, -104], loss)(bound.gpu);
    });
  }
  test.for([
    ['identity', Number.NaN],
    ['identity', Infinity],
    ['logistic', Number.NaN],
    ['logistic', Infinity],
    ['logistic', -Infinity],
  ] as const)('%s: a margin of %d among others is not lost', async ([loss, fault]) => {
    await checkMarginFault(fault, loss)(bound.gpu);
  });
  // A loss of 3e-7 must keep its digits: the schedule compares losses to 1e-4 of themselves.
  test.for([1e-3, 0.35, 1, 8, 15, 16, 17, 30, 60, 85])('logistic: the loss of a single margin of %d', async (z) => {
    await checkMarginSummary([z], 'logistic')(bound.gpu);
    await checkMarginSummary([-z], 'logistic')(bound.gpu);
  });
  test('logistic: 1000 well-classified samples', async () => {
    await checkMarginSummary(
      Float32Array.from({ length: 1000 }, (_, i) => 15 + (i % 7) / 4),
      'logistic',
    )(bound.gpu);
  });
});
