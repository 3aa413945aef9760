import { describe, expect, test } from 'vitest';
import { random } from '../../src/kernels/data';
import {
  checkAdd,
  checkHalve,
  checkNormalMoments,
  checkPackRows,
  checkPanels,
  checkRandom,
  checkRowCosine,
  checkShiftRows,
  checkSignAgreement,
  checkTranspose,
  checkUnpackBytes,
  type PackCase,
  type RandomCase,
} from '../checks/data';
import { Draws, NO_HALVES, useEngine } from '../helpers';

const bound = useEngine();

describe('philox_fill', () => {
  const streams: Omit<RandomCase, 'kind'>[] = [
    { rows: 1, cols: 1, seed: 0 },
    { rows: 63, cols: 1, seed: 1, stream: 0 },
    { rows: 1, cols: 257, seed: 2 ** 32 + 7, stream: 9 },
    { rows: 7, cols: 31, seed: 2 ** 53 - 1, stream: 2 ** 32 - 1 },
    // Rows with padding.
    { rows: 31, cols: 7, ld: 8, seed: 12345 },
    { rows: 5, cols: 101, ld: 104, seed: 3, stream: 2 },
    { rows: 3, cols: 4, ld: 12, seed: 3, stream: 2, offset: 2 },
    // Offsets inside a block, past 2^34 (where the block number passes 32 bits), and across that border.
    { rows: 1, cols: 65, seed: 4, offset: 1 },
    { rows: 2, cols: 33, ld: 36, seed: 4, offset: 1003 },
    { rows: 1, cols: 64, seed: 5, offset: 5 * 2 ** 34 + 7 },
    { rows: 3, cols: 21, ld: 24, seed: 2 ** 40 + 1, offset: 2 ** 34 - 18 },
  ];
  for (const kind of ['bits', 'sign', 'uniform', 'normal'] as const) {
    test.for(streams)(`${kind}: %j`, async (each) => {
      await checkRandom({ ...each, kind })(bound.gpu);
    });
  }
  test('normal: 20,000 with a factor', async () => {
    await checkRandom({ kind: 'normal', rows: 20, cols: 1000, seed: 8, scale: 0.125 })(bound.gpu);
  });
  test('normal: mean, variance and tails of 200,000', async () => {
    await checkNormalMoments(11, 200_000)(bound.gpu);
  });
  test('an element is the same number whatever it is drawn with', async () => {
    using whole = bound.gpu.array('whole', 100);
    using part = bound.gpu.array('part', 40);
    await bound.engine.kernels.random({ output: whole, rows: 1, cols: 100, kind: 'normal', seed: 6, stream: 4 });
    await bound.engine.kernels.random({
      output: part,
      rows: 4,
      cols: 10,
      kind: 'normal',
      seed: 6,
      stream: 4,
      offset: 37,
    });
    expect(await part.read()).toEqual(await whole.read(37, 40));
  });
  test.for([-1, 2 ** 53, 0.5])('a seed of %d is refused', async (seed) => {
    using output = bound.gpu.array('output', 4);
    await expect(random(bound.gpu, { output, rows: 1, cols: 4, kind: 'bits', seed, stream: 1 })).rejects.toThrow(
      RangeError,
    );
  });
});

describe('transpose', () => {
  test.for([
    { rows: 1, cols: 1 },
    { rows: 1, cols: 17 },
    { rows: 15, cols: 16 },
    { rows: 16, cols: 15 },
    { rows: 17, cols: 33 },
    { rows: 31, cols: 257, inputLd: 260 },
    { rows: 101, cols: 7, outputLd: 104 },
    { rows: 16, cols: 31, inputLd: 40, outputLd: 36 },
    { rows: 15, cols: 3, outputLd: 33 },
    { rows: 64, cols: 16 },
    { rows: 65, cols: 17, outputLd: 68 },
    { rows: 128, cols: 1, outputLd: 129 },
    { rows: 784, cols: 101, inputLd: 101, outputLd: 784 },
    // More workgroups than one dimension of a dispatch has.
    { rows: 2, cols: 1_048_581 },
  ])('%j', async (each) => {
    await checkTranspose(each)(bound.gpu);
  });
});

describe('panels', () => {
  test.for([
    [1, 1],
    [31, 7],
    [32, 4],
    [33, 5],
    [64, 31],
    [101, 101],
    [65, 784],
  ] as [number, number][])('%i samples of %i inputs', async ([n, d]) => {
    await checkPanels(n, d)(bound.gpu);
  });
});

describe('pack_rows', () => {
  test.for([
    { steps: 1, rows: 1, height: 1 },
    { steps: 7, rows: 33, height: 32 },
    { steps: 31, rows: 100, height: 50, first: 3 },
    { steps: 5, rows: 101, height: 26, how: 'transposed', first: 1 },
    { steps: 9, rows: 70, height: 32, how: 'panels', first: 32 },
    { steps: 3, rows: 65, height: 9, around: [1, 2] },
  ] as PackCase[])('%j', async (each) => {
    await checkPackRows(each)(bound.gpu);
  });
  test('halves', async (context) => {
    if (!bound.gpu.features.has('shader-f16')) context.skip(NO_HALVES);
    await checkPackRows({ steps: 17, rows: 33, height: 32, half: true })(bound.gpu);
  });
});

describe('unpack_bytes', () => {
  test.for([
    { rows: 1, cols: 1, ld: 4, scale: 1, subtract: 0 },
    { rows: 7, cols: 31, ld: 32, scale: 1 / 255, subtract: 0.1307 },
    { rows: 33, cols: 101, ld: 104, scale: 1 / 255, subtract: 0.286 },
    { rows: 65, cols: 64, ld: 64, scale: 2, subtract: -3 },
    { rows: 5, cols: 784, ld: 784, scale: 1 / 255, subtract: 0.1307 },
  ])('%j', async (each) => {
    await checkUnpackBytes(each)(bound.gpu);
  });
});

describe('shift_rows', () => {
  test.for([
    { n: 1, d: 1, ld: 4, start: 0, shift: 0.3 },
    { n: 31, d: 7, ld: 8, start: 33, shift: 0.3 },
    { n: 16, d: 4, ld: 4, start: 1, shift: -2 },
    { n: 101, d: 65, ld: 68, start: 0, shift: 0.03 },
  ])('%j', async (each) => {
    await checkShiftRows(each)(bound.gpu);
  });
});

/** Halves and numbers between them, of all sizes, and what does not fit. */
const ODD = [
  65504,
  65505,
  -65504,
  -7e4,
  1e9,
  Infinity,
  -Infinity,
  NaN,
  0,
  -0,
  1,
  1.0004883,
  2 ** -14,
  1e-4,
  3e-8,
  1 / 3,
];

describe('halve', () => {
  test.for([1, 3, 4, 5, 255, 257])('%i normals', async (count, { skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    await checkHalve(new Draws(count).normal(count, 100))(bound.gpu);
  });
  test('odd values', async ({ skip }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    await checkHalve(Float32Array.from(ODD))(bound.gpu);
  });
  test.for([[2 ** -14, 0], [2 ** -14 - 2 ** -38, 0], [0, -0], [-1e-9], [1e-40, 0, 3]])('marks of %o', async (values, {
    skip,
  }) => {
    if (!bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    await checkHalve(Float32Array.from(values))(bound.gpu);
  });
});

describe('add', () => {
  test.for([1, 63, 64, 65, 257, 10_007])('%i elements', async (count) => {
    await checkAdd(count)(bound.gpu);
  });
  test.for([-0.5, 4, 0])('scaled by %f', async (scale) => {
    await checkAdd(65, scale)(bound.gpu);
  });
});

describe('sign_agreement', () => {
  test.for([
    [1, 0],
    [31, 5],
    [255, 0],
    [256, 1],
    [257, 0],
    [5003, 1000],
  ] as [number, number][])('%i points added to %i', async ([n, before]) => {
    await checkSignAgreement(n, before)(bound.gpu);
  });
});

describe('row_cosine', () => {
  test.for([
    { n: 1, d: 1, scale: 1 },
    { n: 31, d: 7, scale: 1 },
    { n: 64, d: 4, scale: 1e-30 },
    { n: 65, d: 101, scale: 1e30 },
    { n: 7, d: 784, scale: 0.01 },
  ])('%j', async (each) => {
    await checkRowCosine(each)(bound.gpu);
  });
});
