import { describe, expect, test } from 'vitest';
import * as shaders from '../../src/kernels/generated';
import { matmul, panelOperand, plainOperand } from '../../src/kernels/matmul';
import { matrixObstacle, subgroupLanes, TILES } from '../../src/kernels/variant';
import { checkMatmul, type MatmulCase } from '../checks/matmul';
import { Draws, NO_HALVES, useEngine } from '../helpers';

const bound = useEngine();
const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';

type Sizes = Omit<MatmulCase, 'variant'>;
const CASES: Sizes[] = [
  { steps: 1, rows: 1, columns: 4 },
  { steps: 1, rows: 31, columns: 32, bias: { first: 0, stride: 0 } },
  { steps: 31, rows: 32, columns: 28 },
  { steps: 32, rows: 33, columns: 36, scale: 0.1 },
  { steps: 33, rows: 101, columns: 132, outputFirst: 36 },
  { steps: 101, rows: 31, columns: 100, bias: { first: 5, stride: 0 }, scale: -3 },
  { steps: 784, rows: 33, columns: 64 },
  // Both operands panels of samples: K.
  { steps: 1, rows: 33, columns: 64, a: 'panels', b: 'panels', bias: { first: 0, stride: 0 } },
  { steps: 7, rows: 1, columns: 32, a: 'panels', b: 'panels', bias: { first: 0, stride: 0 } },
  { steps: 31, rows: 101, columns: 128, a: 'panels', b: 'panels', bias: { first: 0, stride: 0 } },
  { steps: 33, rows: 257, columns: 288, a: 'panels', b: 'panels', bias: { first: 1, stride: 0 } },
  // Weights and panels: pre-activations, anywhere in the state.
  { steps: 33, rows: 31, columns: 64, b: 'panels', outputFirst: 4096, scale: 10 },
  { steps: 5, rows: 33, columns: 36, b: 'panels', outputFirst: 4 },
  { steps: 101, rows: 1, columns: 128, b: 'panels' },
  // C transposed and rows of X: the change of W.
  { steps: 101, rows: 33, columns: 32, a: 'transposed', bias: { first: 0, stride: 0 } },
  { steps: 33, rows: 101, columns: 4, a: 'transposed' },
  { steps: 1, rows: 1, columns: 784, a: 'transposed', bias: { first: 0, stride: 0 } },
  { steps: 257, rows: 32, columns: 20, a: 'transposed', outputFirst: 128 },
  // Parts of operands into a part of the output.
  { steps: 31, rows: 33, columns: 64, a: 'panels', b: 'panels', firsts: [7, 8], outputFirst: 64, outputStride: 160 },
  { steps: 17, rows: 65, columns: 36, firsts: [33, 132], outputFirst: 4, outputStride: 40, accumulate: true },
  {
    steps: 33,
    rows: 31,
    columns: 20,
    a: 'transposed',
    firsts: [101, 4],
    outputStride: 24,
    scale: 0.5,
    accumulate: true,
  },
  // Upper halves: from the corner, from rows below it, from columns right of it, all above, all below.
  { steps: 3, rows: 257, columns: 288, a: 'panels', b: 'panels', triangle: { row: 0, column: 0 } },
  { steps: 3, rows: 128, columns: 320, triangle: { row: 96, column: 0 }, accumulate: true },
  { steps: 3, rows: 193, columns: 132, triangle: { row: 64, column: 32 }, outputStride: 136 },
  { steps: 3, rows: 65, columns: 68, triangle: { row: 0, column: 65 } },
  { steps: 3, rows: 65, columns: 132, triangle: { row: 1000, column: 64 } },
];
const EXACT: Sizes[] = [
  { steps: 33, rows: 101, columns: 36, outputFirst: 12, scale: 0.25 },
  { steps: 101, rows: 33, columns: 64, a: 'panels', b: 'panels', bias: { first: 3, stride: 0 } },
  { steps: 31, rows: 31, columns: 100, a: 'transposed', scale: -4 },
  { steps: 33, rows: 65, columns: 36, firsts: [1, 4], outputStride: 44, scale: -2, accumulate: true },
  { steps: 9, rows: 193, columns: 256, triangle: { row: 32, column: 0 }, accumulate: true },
];

const HIGH: Sizes[] = [
  ...EXACT.map((each) => ({ ...each, exact: true })),
  ...CASES.filter(({ rows, triangle, a }) => rows > 64 || triangle || (rows === 1 && a)),
];

describe('matmul_subgroup', () => {
  test.for(CASES)('float64 reference: %j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkMatmul({ ...each, variant: 'subgroup' })(bound.gpu);
  });
  test.for(EXACT)('every bit of small integers: %j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkMatmul({ ...each, variant: 'subgroup', exact: true })(bound.gpu);
  });
  // Small products hold 16 rows unless told otherwise.
  test.for(
    ([32, 64] as const).flatMap((height) => HIGH.map((each) => ({ ...each, height }))),
  )('other heights: %j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkMatmul({ ...each, variant: 'subgroup' })(bound.gpu);
  });
});

test('products of one batch that pack rows in panels of other heights do not share their scratch', async () => {
  const { gpu } = bound;
  const [steps, rows] = [784, 100];
  const draws = new Draws(1);
  using a = gpu.upload('a', draws.integers(steps * rows, 3));
  using zero = gpu.upload('zero', Float32Array.of(0));
  using b = gpu.upload('b', draws.integers(steps * 2048, 3));
  using small = gpu.array('small', 128 * 4);
  using large = gpu.array('large', 128 * 2048);
  const operands = { a: plainOperand(a, rows), b: plainOperand(b, 2048), bias: { array: zero, first: 0, stride: 0 } };
  const products = [
    await matmul(gpu, { ...operands, output: small, steps, rows, columns: 4 }),
    await matmul(gpu, { ...operands, output: large, steps, rows, columns: 2048 }),
  ];
  const batch = gpu.batch('both');
  for (const step of products) step(batch);
  await batch.submit();
  const together = await large.read(0, rows * 2048);
  const alone = gpu.batch('alone');
  products[1]!(alone);
  await alone.submit();
  expect(await large.read(0, rows * 2048)).toEqual(together);
  const [first, same] = [
    await small.read(0, rows * 4),
    Float32Array.from({ length: rows * 4 }, (_, e) => together[Math.floor(e / 4) * 2048 + (e % 4)]!),
  ];
  expect(first).toEqual(same);
});

test('a batch that is never sent gives back what it packed', async () => {
  const { gpu } = bound;
  using a = gpu.array('a', 64 * 64);
  using output = gpu.array('output', 64 * 64);
  const operand = plainOperand(a, 64);
  const bias = { array: a, first: 0, stride: 0 };
  const product = await matmul(gpu, { a: operand, b: operand, bias, output, steps: 64, rows: 64, columns: 64 });
  const before = gpu.liveArrays;
  {
    using batch = gpu.batch('never sent');
    product(batch);
  }
  expect(gpu.liveArrays).toBe(before);
});

describe('matmul_tiled', () => {
  test.for(CASES)('float64 reference: %j', async (each) => {
    await checkMatmul({ ...each, variant: 'tiled' })(bound.gpu);
  });
  test.for(EXACT)('every bit of small integers: %j', async (each) => {
    await checkMatmul({ ...each, variant: 'tiled', exact: true })(bound.gpu);
  });
});

// Around the edges of larger tiles, in rows, columns and steps, with every part of the contract once.
const LARGE: Sizes[] = [
  { steps: 15, rows: 65, columns: 68 },
  { steps: 16, rows: 127, columns: 124, scale: 0.5 },
  { steps: 17, rows: 128, columns: 128, a: 'panels', b: 'panels', firsts: [7, 8] },
  { steps: 33, rows: 129, columns: 132, outputFirst: 8, outputStride: 140, accumulate: true },
  { steps: 31, rows: 130, columns: 260, a: 'transposed' },
  { steps: 3, rows: 257, columns: 320, triangle: { row: 64, column: 0 } },
];

describe('matmul_tiled, larger tiles', () => {
  for (const tile of TILES.slice(0, 2)) {
    test.for(LARGE)(`${64 * tile.rows} x ${64 * tile.columns}: %j`, async (each) => {
      await checkMatmul({ ...each, variant: 'tiled', tile })(bound.gpu);
    });
  }
});

describe('matmul_matrix', () => {
  const cases: Sizes[] = [
    { steps: 16, rows: 16, columns: 16 },
    { steps: 33, rows: 127, columns: 132, scale: 3, outputFirst: 8 },
    { steps: 65, rows: 129, columns: 260, a: 'panels', b: 'panels', firsts: [8, 4], accumulate: true },
    { steps: 3, rows: 257, columns: 320, triangle: { row: 64, column: 0 }, tile: TILES[0]! },
  ];
  test.for(cases)('float64 reference: %j', async (each, { skip }) => {
    const obstacle = matrixObstacle(bound.gpu);
    if (obstacle) skip(obstacle);
    await checkMatmul({ ...each, variant: 'tiled', matrix: true, half: true })(bound.gpu);
  });
  // No adapter here compiles the matrices themselves; with floats in their place all the text around them is checked.
  test('compiles with floats for matrices', async ({ skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    const standIns = `
fn load(tile: ptr<workgroup, array<f16, 4352>>, at: u32, row: u32) -> f32 { return f32((*tile)[at + row]); }
fn store(table: ptr<workgroup, array<f32, 1280>>, at: u32, value: f32, row: u32) { (*table)[at + row] = value; }
`;
    const code = shaders.matmulMatrix.code
      .replace('enable chromium_experimental_subgroup_matrix;', '')
      .replace(/subgroup_matrix_(result|left|right)<f\d+, 16, 16>/g, 'f32')
      .replace(/subgroupMatrixLoad<f32, (row|col)_major>\(/g, 'load(')
      .replace(/subgroupMatrixMultiplyAccumulate\(/g, 'fma(')
      .replace(/subgroupMatrixStore<row_major>\(/g, 'store(');
    const plain = { ...shaders.matmulMatrix, features: ['shader-f16'], code: `${code}${standIns}` };
    for (const ACC of [0, 1]) expect((await bound.gpu.kernel(plain, { ACC })).shader.name).toBe('matmul_matrix');
  });
  test('is refused where it cannot run', async ({ skip }) => {
    if (matrixObstacle(bound.gpu) === undefined) skip('the adapter has subgroup matrices');
    await expect(checkMatmul({ ...cases[0]!, variant: 'tiled', matrix: true })(bound.gpu)).rejects.toThrow(
      /matri|halves/,
    );
  });
});

describe('operands of halves', () => {
  const cases: MatmulCase[] = [
    { variant: 'subgroup', steps: 33, rows: 33, columns: 36, scale: 3 },
    { variant: 'subgroup', steps: 17, rows: 65, columns: 64, a: 'panels', b: 'panels', firsts: [7, 8] },
    { variant: 'subgroup', steps: 31, rows: 9, columns: 20, a: 'transposed', accumulate: true },
    { variant: 'tiled', steps: 33, rows: 33, columns: 36, scale: 3 },
    { variant: 'tiled', steps: 17, rows: 65, columns: 64, a: 'panels', b: 'panels', firsts: [7, 8] },
    { variant: 'tiled', steps: 31, rows: 129, columns: 132, a: 'transposed', tile: TILES[0]!, accumulate: true },
  ];
  test.for(cases)('%j', async (each, { skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    if (each.variant === 'subgroup' && subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkMatmul({ ...each, half: true })(bound.gpu);
  });
  test('both or neither', async ({ skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    using halves = bound.gpu.array('halves', 64, 'f16');
    using floats = bound.gpu.array('floats', 64);
    const args = { bias: { array: floats, first: 0, stride: 0 }, output: floats, steps: 1, rows: 4, columns: 4 };
    const [a, b] = [plainOperand(halves, 4), plainOperand(floats, 4)];
    await expect(matmul(bound.gpu, { ...args, a, b })).rejects.toThrow(/halves/);
    await expect(matmul(bound.gpu, { ...args, a: b, b: a })).rejects.toThrow(/halves/);
  });
});

describe('arguments of matmul', () => {
  test('what the kernels cannot address is refused by name', async () => {
    using array = bound.gpu.array('all', 4096);
    const plain = plainOperand(array, 32);
    const args = { a: plain, b: plain, bias: { array, first: 0, stride: 0 }, output: array, steps: 4, rows: 8 };
    const refused = async (change: object, what: RegExp) =>
      expect(matmul(bound.gpu, { ...args, columns: 32, ...change })).rejects.toThrow(what);
    await refused({ steps: 0 }, /steps = 0/);
    await refused({ rows: 1.5 }, /rows = 1.5/);
    await refused({ columns: 30 }, /columns = 30/);
    await refused({ outputFirst: 2 }, /outputFirst = 2/);
    await refused({ outputStride: 28 }, /outputStride = 28/);
    await refused({ outputStride: 34 }, /outputStride = 34/);
    await refused({ b: { ...plain, first: 3 } }, /b.first = 3/);
    await refused({ b: { ...plain, stride: 33 } }, /b.stride = 33/);
    expect(() => panelOperand(array, 4, 16)).toThrow(/start = 16/);
  });
});
