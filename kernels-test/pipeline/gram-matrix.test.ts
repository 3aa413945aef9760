// K = X X^T + 1 in any number of pieces and blocks.

import { describe, expect, test } from 'vitest';
import { GpuOutOfMemoryError } from '../../src/gpu/errors';
import { Gpu } from '../../src/gpu/gpu';
import { imageStride } from '../../src/gpu/image';
import { matmul, panelOperand } from '../../src/kernels/matmul';
import { paddedRow } from '../../src/kernels/step';
import { type MatmulVariant, matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { backgroundOf, findBackground } from '../../src/network/background';
import { gramMatrix } from '../../src/network/gram-make';
import { type GramMatrix, gramLength, gramPanel, gramPieces, gramRow } from '../../src/network/gram-matrix';
import { Panels, Samples } from '../../src/network/samples';
import { symmetricProduct } from '../../src/network/symmetric-product';
import { readGram } from '../gram';
import { Draws, expectClose, expectExact, expectSameBits, runStep, U, useEngine } from '../helpers';

const bound = useEngine();
const VARIANTS: MatmulVariant[] = ['subgroup', 'tiled'];

/** Shares the device; arrays of at most `length` elements. */
function limited(length: number): Gpu {
  const { device, adapter } = bound.gpu;
  return new Gpu(device, { adapter, ownsDevice: false, maxArrayLength: length });
}

function needs(variant: MatmulVariant, skip: (note: string) => void): void {
  if (variant === 'subgroup' && subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
}

/** All of a matrix, (ld, ld), after checking how it lies in its pieces. */
async function readAll(gpu: Gpu, matrix: GramMatrix): Promise<Float32Array> {
  const { ld, rows, image, bytes } = matrix;
  for (const [at, piece] of (image ? [] : matrix.arrays).entries()) {
    expect(piece.length).toBe((at < matrix.pieces.length - 1 ? rows : ld - at * rows) * ld);
  }
  expect(rows % 32).toBe(0);
  expect(bytes).toBe(4 * ld * ld);
  return readGram(gpu, matrix);
}

async function panelsOf(gpu: Gpu, X: Float32Array, d: number): Promise<Panels> {
  using samples = Samples.fromArray(gpu, 'X', X, d);
  const panels = Panels.allocate(gpu, samples.blocks, d);
  await panels.fill(gpu, samples);
  return panels;
}

for (const variant of VARIANTS) {
  describe(`gramMatrix, ${variant}`, () => {
    test.for([
      [1, 1],
      [31, 7],
      [32, 1],
      [33, 101],
      [101, 31],
      [257, 20],
    ])('n %d, d %d: float64, symmetric, its padding 1', async ([n, d], { skip }) => {
      needs(variant, skip);
      const { gpu } = bound;
      const X = new Draws(n! * 1e3 + d!).normal(n! * d!);
      using panels = await panelsOf(gpu, X, d!);
      using matrix = await gramMatrix(gpu, panels, { layout: matmulLayout(gpu, 1, variant) });
      expect([matrix.n, matrix.ld, matrix.pieces.length]).toEqual([n, gramRow(n!), 1]);
      const actual = await readAll(bound.gpu, matrix);
      const expected = new Float64Array(matrix.ld ** 2).fill(1);
      const sizes = new Float64Array(matrix.ld ** 2).fill(1);
      for (let i = 0; i < n!; i++) {
        for (let j = 0; j < n!; j++) {
          for (let k = 0; k < d!; k++) {
            const term = X[i * d! + k]! * X[j * d! + k]!;
            expected[i * matrix.ld + j]! += term;
            sizes[i * matrix.ld + j]! += Math.abs(term);
          }
        }
      }
      const at = (e: number) => `row ${Math.floor(e / matrix.ld)}, column ${e % matrix.ld}`;
      // A product and an addition a step, and the addition of nothing that fills the last round of steps.
      expectClose('K', actual, expected, (e) => (d! + 2) * U * sizes[e]!, at);
      const turned = actual.map((_, e) => actual[(e % matrix.ld) * matrix.ld + Math.floor(e / matrix.ld)]!);
      expectExact('K transposed', actual, turned, at);
    });

    // Pieces of one panel, of several, and the whole; blocks of as few samples as they can have, of several, and all.
    test.for([
      [333, 3, 32 * 352, 32 * 4],
      [333, 3, 32 * 352 * 2 + 17, 96 * 4],
      [333, 7, 352 * 160, 224 * 8],
      [257, 40, 32 * 288, 64 * 40],
      [257, 40, gramLength(257) - 1, 257 * 40 - 1],
    ])('n %d, d %d in arrays of %d, samples in arrays of %d: every bit', async ([n, d, most, mostSamples], {
      skip,
    }) => {
      needs(variant, skip);
      const layout = matmulLayout(bound.gpu, 1, variant);
      const X = new Draws(n! + d!).normal(n! * d!);
      using whole = await panelsOf(bound.gpu, X, d!);
      using reference = await gramMatrix(bound.gpu, whole, { layout });
      expect([reference.pieces.length, whole.blocks.length]).toEqual([1, 1]);
      using small = limited(mostSamples!);
      using medium = limited(most!);
      using parts = await panelsOf(small, X, d!);
      expect(parts.blocks.length).toBeGreaterThan(1);
      for (const panels of [parts, whole]) {
        using cut = await gramMatrix(medium, panels, { layout });
        expect(cut.pieces.length).toBeGreaterThan(1);
        expectSameBits('K in pieces', await readAll(medium, cut), await readAll(bound.gpu, reference));
      }
    });

    test('work of many submits: the bits of one product, however long each took', async ({ skip }) => {
      needs(variant, skip);
      if (variant === 'tiled' && bound.gpu.adapter.software) skip('seconds of work on adapters it is not for');
      const { gpu } = bound;
      const [n, d] = [600, 8192];
      const X = new Draws(5).normal(n * d);
      using panels = await panelsOf(gpu, X, d);
      using counting = limited(gpu.maxArrayLength);
      let submits = 0;
      const batch = counting.batch.bind(counting);
      counting.batch = (label) => {
        submits++;
        return batch(label);
      };
      using matrix = await gramMatrix(counting, panels, { layout: matmulLayout(gpu, 1, variant) });
      expect(submits).toBeGreaterThan(3);
      const { ld } = matrix;
      using output = gpu.array('all at once', ld * ld);
      using one = gpu.upload('one', Float32Array.of(1));
      const x = panelOperand(panels.arrays[0]!, d);
      const bias = { array: one, first: 0, stride: 0 };
      await runStep(gpu, await matmul(gpu, { a: x, b: x, bias, output, steps: d, rows: ld, columns: ld, variant }));
      expectSameBits('K', await readAll(bound.gpu, matrix), await output.read());
    });
  });
}

describe('an image in panels of rows', () => {
  // Elements of an array and of the image, so that panels of 64 and of 128 rows are what fits.
  test.for([
    [70, 5, 9216],
    [96, 3, 9216],
    [150, 7, 25_600],
  ])('n %d, d %d in arrays of %d: every bit of one panel, added to once more and copied', async ([n, d, most], {
    skip,
  }) => {
    const { gpu } = bound;
    if (!gramPieces(gpu, n!, 1).image) skip('this adapter reads K from arrays');
    using small = limited(most!);
    expect(gramPieces(small, n!, 1).image).toBe(true);
    expect(gramPanel(small, n!)).toBeLessThan(gramRow(n!));
    expect(gramPanel(gpu, n!)).toBe(gramRow(n!));
    using panels = await panelsOf(gpu, new Draws(n!).normal(n! * d!), d!);
    using whole = await gramMatrix(gpu, panels);
    using cut = await gramMatrix(small, panels);
    expectSameBits('K', await readGram(small, cut), await readGram(gpu, whole));
    const from = (sample: number) => panelOperand(panels.arrays[0]!, d!, sample);
    const factor = [{ start: 0, rows: gramRow(n!), from }];
    const product = { a: factor, b: factor, steps: d!, accumulate: true };
    await symmetricProduct(gpu, whole, product);
    await symmetricProduct(small, cut, product);
    const twice = await readGram(gpu, whole);
    expectSameBits('K, added to', await readGram(small, cut), twice);
    using copied = await cut.copy(small);
    expectSameBits('K, copied', await readGram(small, copied), twice);
    const { ld } = whole;
    const turned = twice.map((_, e) => twice[(e % ld) * ld + Math.floor(e / ld)]!);
    expectSameBits('K, turned', turned, twice);
  });
});

/** Images in two kinds: dark but for strokes of which every sample has some; of each input a value of its own for dark. */
function strokes(n: number, d: number): Float32Array {
  const draws = new Draws(n + d);
  const [dark, light, place] = [draws.normal(d), draws.normal(n * d), draws.normal(n * d)];
  return Float32Array.from({ length: n * d }, (_, at) => {
    const [i, k] = [Math.floor(at / d), at % d];
    const drawn = k % 3 === i % 2 && Math.abs(place[at]!) > 0.7;
    return drawn ? light[at]! : dark[k]!;
  });
}

describe('samples with a background', () => {
  const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';

  test('the value that most samples share; none where they share too little, or where one is not finite', () => {
    const d = 100;
    const panels = (X: Float32Array) => {
      const out = new Float32Array(64 * d);
      for (let i = 0; i < 64; i++) {
        for (let k = 0; k < d; k++) out[(Math.floor(i / 32) * d + k) * 32 + (i % 32)] = X[i * d + k]!;
      }
      return out;
    };
    const X = strokes(64, d);
    const found = backgroundOf(panels(X), d)!;
    for (let k = 0; k < d; k++) {
      const shared = X.filter((value, at) => at % d === k && value === found[k]).length;
      expect(shared).toBeGreaterThan(32);
    }
    expect(backgroundOf(panels(new Draws(1).normal(64 * d)), d)).toBeUndefined();
    // One input in four must be background alone.
    const share = (count: number) => X.map((value, at) => (at % d < count ? at : value));
    expect(backgroundOf(panels(share(0)), d)).toBeDefined();
    expect(backgroundOf(panels(share(d)), d)).toBeUndefined();
    expect(backgroundOf(panels(X.map((value, at) => (at === 77 ? Infinity : value))), d)).toBeUndefined();
  });

  test('is looked for where K is work enough, by the first samples', async ({ skip }) => {
    const { gpu } = bound;
    if (subgroupLanes(gpu) === null) skip(NO_SUBGROUPS);
    const d = 256;
    const [subgroup, tiled] = [matmulLayout(gpu, 1, 'subgroup'), matmulLayout(gpu, 1, 'tiled')];
    using panels = await panelsOf(gpu, strokes(64, d), d);
    // As if there were more of them: 64 are read.
    const many = (n: number) => new Panels([{ start: 0, rows: n }], panels.arrays, d);
    const found = await findBackground(gpu, many(2 ** 14), subgroup);
    expect(found).toEqual(backgroundOf(await panels.arrays[0]!.read(), d));
    expect(await findBackground(gpu, many(2 ** 14 - 1), subgroup)).toBeUndefined();
    expect(await findBackground(gpu, many(2 ** 14), tiled)).toBeUndefined();
    // Too few in the first block, or more inputs than can be told apart.
    const split = [
      { start: 0, rows: 32 },
      { start: 32, rows: 2 ** 14 - 32 },
    ];
    expect(await findBackground(gpu, new Panels(split, panels.arrays, d), subgroup)).toBeUndefined();
    const wide = new Panels([{ start: 0, rows: 2 ** 14 }], panels.arrays, 2 ** 24 + 1);
    expect(await findBackground(gpu, wide, subgroup)).toBeUndefined();
    await panels.arrays[0]!.write(new Draws(3).normal(64 * d));
    expect(await findBackground(gpu, many(2 ** 14), subgroup)).toBeUndefined();
  });

  test.for([
    [33, 101],
    [150, 60],
    [257, 20],
    [400, 33],
  ])('n %d, d %d: float64, symmetric, its padding 1; pieces and blocks change no bit', async ([n, d], { skip }) => {
    const { gpu } = bound;
    if (subgroupLanes(gpu) === null) skip(NO_SUBGROUPS);
    const layout = matmulLayout(gpu, 1, 'subgroup');
    const X = strokes(n!, d!);
    const background = Float32Array.from({ length: d! }, (_, k) => X[k]!);
    using panels = await panelsOf(gpu, X, d!);
    using matrix = await gramMatrix(gpu, panels, { layout, background });
    const actual = await readAll(gpu, matrix);
    const { ld } = matrix;
    const expected = new Float64Array(ld ** 2);
    const tolerance = new Float64Array(ld ** 2);
    const x = (i: number, k: number) => (i < n! ? X[i * d! + k]! : 0);
    const squared = background.reduce((sum, value) => sum + value * value, 0);
    /** Sum of the sizes of the terms of u. */
    const shares = Float64Array.from({ length: ld }, (_, i) =>
      background.reduce((sum, g, k) => sum + Math.abs(x(i, k) * g), Math.abs(1 - squared) / 2),
    );
    for (let i = 0; i < ld; i++) {
      for (let j = 0; j < ld; j++) {
        let sum = 1;
        let size = shares[i]! + shares[j]!;
        for (let k = 0; k < d!; k++) {
          sum += x(i, k) * x(j, k);
          size += Math.abs((x(i, k) - background[k]!) * (x(j, k) - background[k]!));
        }
        expected[i * ld + j] = sum;
        // Of a share: its offset rounded, a product and an addition a step. Of the whole: two differences, a product and an
        // addition a step, the two shares added, and the addition of nothing that fills the last round of steps.
        tolerance[i * ld + j] = (2 * d! + 6) * U * size;
      }
    }
    const at = (e: number) => `row ${Math.floor(e / ld)}, column ${e % ld}`;
    expectClose('K', actual, expected, (e) => tolerance[e]!, at);
    const turned = actual.map((_, e) => actual[(e % ld) * ld + Math.floor(e / ld)]!);
    expectExact('K transposed', actual, turned, at);

    using small = limited(96 * paddedRow(d!));
    // Of K some panels, and all that is packed of two of them.
    using medium = limited(Math.max(96 * ld, 32 * imageStride(ld), 96 * d!));
    using parts = await panelsOf(small, X, d!);
    for (const of of [parts, panels]) {
      using cut = await gramMatrix(medium, of, { layout, background });
      expectSameBits('K in parts', await readAll(medium, cut), actual);
    }
  });

  test('without the 1 of the bias', async ({ skip }) => {
    const { gpu } = bound;
    if (subgroupLanes(gpu) === null) skip(NO_SUBGROUPS);
    const layout = matmulLayout(gpu, 1, 'subgroup');
    const [n, d] = [40, 9];
    const X = Float32Array.from(new Draws(2).integers(n * d, 5));
    using panels = await panelsOf(gpu, X, d);
    // Small integers and halves of them: every sum is exact, so 1 apart and as without a background.
    const background = new Float32Array(d).fill(2);
    using bare = await gramMatrix(gpu, panels, { layout, background, constant: 0 });
    using plain = await gramMatrix(gpu, panels, { layout, constant: 0 });
    using one = await gramMatrix(gpu, panels, { layout, background });
    const values = await readAll(gpu, bare);
    expectExact('K', values, await readAll(gpu, plain));
    expectExact(
      'K + 1',
      await readAll(gpu, one),
      values.map((value) => value + 1),
    );
  });
});

describe('memory that is taken over', () => {
  test('holds the bits of a new matrix; of another kind it is freed', async () => {
    const { gpu } = bound;
    const [n, d] = [150, 7];
    using panels = await panelsOf(gpu, new Draws(4).normal(n * d), d);
    using other = await panelsOf(gpu, new Draws(5).normal(n * d), d);
    using expected = await gramMatrix(gpu, panels);
    const old = await gramMatrix(gpu, other);
    const before = gpu.liveArrays;
    using again = await gramMatrix(gpu, panels, { spare: old });
    expect(again).toBe(old);
    expect(gpu.liveArrays).toBe(before);
    expectSameBits('K', await readGram(gpu, again), await readGram(gpu, expected));
    const spare = await gramMatrix(gpu, other);
    using bare = await gramMatrix(gpu, panels, { spare, constant: 0 });
    expect(bare).not.toBe(spare);
    expect(gpu.liveArrays).toBe(before + bare.pieces.length);
  });
});

test('abort: before, and between two submits; nothing is left behind', async () => {
  const [n, d] = [257, 5];
  using panels = await panelsOf(bound.gpu, new Draws(1).normal(n * d), d);
  using gpu = limited(32 * 288);
  await expect(gramMatrix(gpu, panels, { signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow('never');
  const controller = new AbortController();
  let submits = 0;
  const batch = gpu.batch.bind(gpu);
  gpu.batch = (label) => {
    if (++submits === 5) controller.abort(new Error('enough'));
    return batch(label);
  };
  await expect(gramMatrix(gpu, panels, { signal: controller.signal })).rejects.toThrow('enough');
  expect(submits).toBe(5);
  expect(gpu.liveArrays).toBe(0);
});

test('a row too long for an array: an error that says so', async () => {
  using panels = await panelsOf(bound.gpu, new Draws(1).normal(257), 1);
  using gpu = limited(32 * 288 - 1);
  const error: Error = await gramMatrix(gpu, panels).then(
    () => expect.fail('it did not throw'),
    (thrown: Error) => thrown,
  );
  expect(error).toBeInstanceOf(GpuOutOfMemoryError);
  expect(error.message).toMatch(/257 samples need .* in one piece; this adapter binds at most/);
  expect(gpu.liveArrays).toBe(0);
});
