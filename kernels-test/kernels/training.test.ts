import { describe, expect, test } from 'vitest';
import { matmulLayout, subgroupLanes, TILES } from '../../src/kernels/variant';
import { gradientPartLength, gradientSplits } from '../../src/kernels/weight-gradient';
import { SHAPES } from '../checks/case';
import {
  checkMomentumUpdate,
  checkPlateau,
  checkWeightGradient,
  TORCH,
  type WeightGradientCase,
} from '../checks/training';
import { NO_HALVES, useEngine } from '../helpers';

const bound = useEngine();

const GRADIENTS: Omit<WeightGradientCase, 'variant'>[] = [
  ...SHAPES.map((shape) => ({ shape })),
  // Columns: the bias alone in its quad, and around the 16 quads of a workgroup.
  { shape: [17, 4, 33] },
  { shape: [17, 62, 33] },
  { shape: [17, 252, 33] },
  // Splits: even, uneven, the last one short, and more than there are samples for.
  { shape: [64, 31, 33], splits: 2 },
  { shape: [257, 31, 33], splits: 3 },
  { shape: [33, 7, 33], splits: 4 },
  { shape: [5, 7, 33], splits: 4 },
  { shape: [101, 7, 33], splits: 4, step: 32 },
  { shape: [33, 7, 33], splits: 1, step: 64 },
  // Later blocks: parts of others before, samples of others before.
  { shape: [33, 7, 33], splits: 2, start: 64, part: 3 },
  { shape: [101, 31, 64], start: 31, part: 1 },
];

describe('weight_gradient_subgroup', () => {
  test.for(GRADIENTS)('float64 reference: %j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
    await checkWeightGradient({ ...each, variant: 'subgroup' })(bound.gpu);
  });
});

describe('pieces of samples', () => {
  test('as many as fill the adapter, and where rows are pairs of pages as many as the caches like', ({ skip }) => {
    const { gpu } = bound;
    const lanes = subgroupLanes(gpu);
    if (lanes === null) skip('the adapter has no subgroups of a fixed size');
    const splits = (n: number, d: number, m: number) =>
      gradientSplits(n, d, matmulLayout(gpu, m, 'subgroup', n * d * m));
    // A tile for each 4 S inputs and each workgroup of words: one tile alone is split in eight, of at least 256 samples.
    expect(splits(10_000, 4 * lanes! - 1, 32)).toBe(8);
    expect(splits(600, 4 * lanes! - 1, 32)).toBe(2);
    expect(splits(10_000, 3000, 100)).toBe(1);
    const cached = (pieces: number) => (lanes === 4 ? 1 : pieces);
    expect(splits(4096, 2048, 256)).toBe(cached(4));
    expect(splits(4096, 4096, 128)).toBe(cached(4));
    expect(splits(2047, 2048, 256)).toBe(1);
    for (const d of [1024, 2044, 2052, 3072, 8192]) expect(splits(4096, d, 256), `d ${d}`).toBe(1);
    // All pieces together: 64 MiB.
    expect(splits(4096, 4096, 1024)).toBe(cached(3));
    expect(3 * gradientPartLength(4096, matmulLayout(gpu, 1024, 'subgroup', 2 ** 34))).toBeLessThanOrEqual(2 ** 24);
    expect(splits(4096, 4096, 8192)).toBe(1);
  });
});

describe('weight_gradient_tiled', () => {
  test.for(GRADIENTS)('float64 reference: %j', async (each) => {
    await checkWeightGradient({ ...each, variant: 'tiled' })(bound.gpu);
  });
});

describe('weight_gradient_tiled, larger tiles', () => {
  const cases: Omit<WeightGradientCase, 'variant'>[] = [
    { shape: [33, 127, 129] },
    { shape: [17, 64, 65], splits: 2, start: 3, part: 1 },
    { shape: [101, 200, 100], splits: 4, step: 32 },
  ];
  for (const tile of TILES.slice(0, 2)) {
    test.for(cases)(`${64 * tile.rows} neurons x ${64 * tile.columns} columns: %j`, async (each) => {
      await checkWeightGradient({ ...each, variant: 'tiled', tile })(bound.gpu);
    });
  }
});

describe('weight gradient of halves', () => {
  const cases: WeightGradientCase[] = [
    { shape: [33, 7, 33], variant: 'subgroup', splits: 2 },
    { shape: [33, 7, 33], variant: 'tiled', splits: 2 },
    { shape: [33, 100, 101], variant: 'tiled', tile: TILES[0]! },
  ];
  test.for(cases)('%j', async (each, { skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    if (each.variant === 'subgroup' && subgroupLanes(bound.gpu) === null) skip('the adapter has no fixed subgroups');
    await checkWeightGradient({ ...each, half: true })(bound.gpu);
  });
});

describe('momentum_update', () => {
  const cases = [
    { d: 1, m: 1, parts: 1, slope: 0 },
    { d: 7, m: 31, parts: 1, slope: 0.25 },
    { d: 31, m: 33, parts: 3, slope: 0 },
    { d: 63, m: 64, parts: 2, slope: 0.25 },
    { d: 64, m: 65, parts: 7, slope: 0.25 },
    { d: 101, m: 101, parts: 2, slope: 0 },
    { d: 784, m: 7, parts: 4, slope: 0.25 },
    { d: 5, m: 4, parts: 1, slope: 0, momentum: 0 },
  ];
  for (const variant of ['subgroup', 'tiled'] as const) {
    test.for(cases)(`layout of ${variant}: %j`, async (each, { skip }) => {
      if (variant === 'subgroup' && subgroupLanes(bound.gpu) === null)
        skip('the adapter has no subgroups of a fixed size');
      await checkMomentumUpdate({ ...each, variant })(bound.gpu);
    });
  }
  test('is the whole gradient, not its masked part, at slope 1', async () => {
    await checkMomentumUpdate({ d: 7, m: 5, parts: 2, slope: 1, variant: 'tiled' })(bound.gpu);
  });
});

describe('plateau', () => {
  const flat = (count: number, loss = 1) => new Array<number>(count).fill(loss);
  const rates = (...runs: [number, number][]) => runs.flatMap(([count, rate]) => flat(count, rate));

  test('patience N: ten bad epochs keep the rate', async () => {
    // Epoch 0 sets the best; epochs 1 to 10 are ten bad ones.
    const losses = [...flat(11), 0.5, ...flat(10, 0.5)];
    await checkPlateau({ losses, expected: rates([22, 1]) })(bound.gpu);
  });
  test('patience N + 1: the eleventh bad epoch lowers the rate of the next', async () => {
    await checkPlateau({ losses: flat(13), expected: rates([12, 1], [1, 0.1]) })(bound.gpu);
  });
  test('the count restarts after a drop and after an improvement', async () => {
    const losses = [...flat(12), ...flat(11), ...flat(6), 0.9, ...flat(12, 0.9)];
    await checkPlateau({ losses, expected: rates([12, 1], [11, 0.1], [18, 0.01], [1, 0.001]) })(bound.gpu);
  });
  test('patience 0 drops at every bad epoch', async () => {
    const schedule = { factor: 0.5, patience: 0, threshold: 0 };
    await checkPlateau({ losses: [1, 1, 2, 0.5, 0.5, 0.25], schedule, expected: [1, 1, 0.5, 0.25, 0.25, 0.125] })(
      bound.gpu,
    );
  });
  test('a relative improvement must exceed the threshold, not equal it', async () => {
    const schedule = { factor: 0.5, patience: 0, threshold: 0.5 };
    const below = 1 - 2 ** -24;
    await checkPlateau({ losses: [2, 1, 1], schedule, expected: [1, 1, 0.5] })(bound.gpu);
    await checkPlateau({ losses: [2, below, 1], schedule, expected: [1, 1, 1] })(bound.gpu);
  });
  test('threshold 1e-4 of positive losses: 0.9998 improves, 0.99995 does not', async () => {
    const schedule = { ...TORCH, patience: 0 };
    await checkPlateau({ losses: [1, 0.9998, 0.99975, 0.9], schedule, expected: rates([3, 1], [1, 0.1]) })(bound.gpu);
  });
  test('negative losses literally: one that is slightly worse still counts as better', async () => {
    const schedule = { ...TORCH, patience: 0 };
    // -9.9995 < -10 (1 - 1e-4) = -9.999: improved, and the best becomes -9.9995. -9.99 is not below -9.9985.
    const losses = [-10, -9.9995, -9.9987, -9.99, -10, -10];
    await checkPlateau({ losses, schedule, expected: [1, 1, 1, 1, 0.1, 0.1] })(bound.gpu);
  });
  test('a change of 1e-8 or less is not made, one above is', async () => {
    const schedule = { ...TORCH, patience: 0 };
    await checkPlateau({ losses: flat(4), lr: 1.05e-8, schedule, expected: flat(4, 1.05e-8) })(bound.gpu);
    await checkPlateau({ losses: flat(4), lr: 1.2e-8, schedule, expected: [1.2e-8, 1.2e-8, 1.2e-9, 1.2e-9] })(
      bound.gpu,
    );
  });
  test('down from 1 until nothing changes any more', async () => {
    const losses = flat(1 + 11 * 12);
    const lr = Array.from({ length: 8 }, (_, drop) => 10 ** -drop);
    const expected = lr.flatMap((rate, drop) => flat(drop === 0 ? 12 : 11, rate));
    await checkPlateau({ losses, expected: [...expected, ...flat(losses.length - expected.length, 1e-8)] })(bound.gpu);
  });
  test('a loss that is not a number is a bad epoch', async () => {
    const schedule = { ...TORCH, patience: 1 };
    const losses = [1, Number.NaN, 0.5, Number.NaN, Number.NaN, 0.25, Number.POSITIVE_INFINITY, 0.1];
    await checkPlateau({ losses, schedule, expected: rates([5, 1], [3, 0.1]) })(bound.gpu);
  });
  test('a first loss that is not a number is a bad epoch too', async () => {
    const schedule = { ...TORCH, patience: 1 };
    await checkPlateau({ losses: [Number.NaN, 1, 0.5, 0.25, 0.2], schedule, expected: flat(5) })(bound.gpu);
  });
  test('400 noisy epochs around a slow fall', async () => {
    const losses = Array.from({ length: 400 }, (_, t) => 2 / (1 + t / 20) + 0.05 * Math.sin(t * t) - 0.3);
    await checkPlateau({ losses })(bound.gpu);
  });
  test('without a schedule the rate never moves', async () => {
    await checkPlateau({ losses: flat(30), schedule: false, expected: flat(30) })(bound.gpu);
  });
});
