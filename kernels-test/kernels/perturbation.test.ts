import { describe, expect, test } from 'vitest';
import { perturbRows } from '../../src/kernels/perturbation';
import { subgroupLanes } from '../../src/kernels/variant';
import { SHAPES } from '../checks/case';
import { checkInputGradient, checkPerturb, checkSpanCoefficients, type PerturbCase } from '../checks/perturbation';
import { useEngine } from '../helpers';

const bound = useEngine();

describe('input_gradient', () => {
  for (const variant of ['subgroup', 'tiled'] as const) {
    test.for(SHAPES)(`layout of ${variant}: %j`, async (shape, { skip }) => {
      if (variant === 'subgroup' && subgroupLanes(bound.gpu) === null)
        skip('the adapter has no subgroups of a fixed size');
      await checkInputGradient({ shape, slope: shape[0] % 2 === 0 ? 0 : 0.25, variant })(bound.gpu);
    });
  }
});

type Sizes = Omit<PerturbCase, 'kind' | 'k'>;
const CASES: Sizes[] = [
  { n: 1, d: 1, size: 1 },
  { n: 2, d: 3, size: 0.01 },
  { n: 63, d: 4, size: 0.14, start: 1 },
  { n: 64, d: 5, size: 2 },
  { n: 65, d: 31, size: 0.03, start: 101 },
  { n: 257, d: 101, size: 1 },
  { n: 31, d: 784, size: 0.14 },
  // The square of these is zero, and infinite, in float32.
  { n: 7, d: 31, size: 0.1, scale: 1e-30 },
  { n: 7, d: 31, size: 0.1, scale: 1e30 },
  { n: 65, d: 31, size: 0.5, ties: true },
];

describe('perturb_l2', () => {
  test.for(CASES)('%j', async (sizes) => {
    await checkPerturb({ ...sizes, kind: 'l2' })(bound.gpu);
  });
});

test('an l2 perturbation without an array for its coefficients is refused', async () => {
  using gradient = bound.gpu.array('gradient', 8);
  const args = { targets: gradient, gradient, n: 1, d: 5, start: 0, kind: 'l2', size: 1 } as const;
  await expect(perturbRows(bound.gpu, args)).rejects.toThrow(/coefficient/);
});

describe('span_coefficients', () => {
  for (const variant of ['subgroup', 'tiled'] as const) {
    test.for([
      { n: 1, m: 1, slope: 0 },
      { n: 31, m: 31, slope: 0.25 },
      { n: 33, m: 32, slope: 0 },
      { n: 64, m: 33, slope: 0.25, start: 96 },
      { n: 101, m: 100, slope: 0.1, first: 32, count: 64, start: 160 },
      { n: 257, m: 65, slope: 0.25, first: 64, ld: 224 },
      { n: 7, m: 257, slope: 0, ld: 7 },
    ])(`layout of ${variant}: %j`, async (each, { skip }) => {
      if (variant === 'subgroup' && subgroupLanes(bound.gpu) === null)
        skip('the adapter has no subgroups of a fixed size');
      await checkSpanCoefficients({ ...each, variant })(bound.gpu);
    });
  }
});

describe('perturb_linf', () => {
  test.for(CASES)('%j', async (sizes) => {
    await checkPerturb({ ...sizes, kind: 'linf' })(bound.gpu);
  });
});

describe('perturb_l0', () => {
  for (const which of ['1', '2', 'half', 'd - 1', 'd'] as const) {
    test.for(CASES)(`k = ${which}: %j`, async (sizes) => {
      const k = { 1: 1, 2: 2, half: Math.ceil(sizes.d / 2), 'd - 1': sizes.d - 1, d: sizes.d }[which];
      await checkPerturb({ ...sizes, kind: 'l0', k: Math.min(Math.max(k, 1), sizes.d) })(bound.gpu);
    });
  }
  test.for([0, 6, 2.5])('k = %d of 5 is refused', async (k) => {
    using gradient = bound.gpu.array('gradient', 8);
    const args = { targets: gradient, gradient, n: 1, d: 5, start: 0, kind: 'l0', size: 1, k } as const;
    await expect(perturbRows(bound.gpu, args)).rejects.toThrow(RangeError);
  });
});
