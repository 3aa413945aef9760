// K = X X^T + 1 in any number of pieces and blocks.

import { describe, expect, test } from 'vitest';
import { GpuOutOfMemoryError } from '../../src/gpu/errors';
import { Gpu } from '../../src/gpu/gpu';
import { matmul, panelOperand } from '../../src/kernels/matmul';
import { type MatmulVariant, matmulLayout, subgroupLanes } from '../../src/kernels/variant';
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
      using matrix = await gramMatrix(gpu, panels, matmulLayout(gpu, 1, variant));
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
      using reference = await gramMatrix(bound.gpu, whole, layout);
      expect([reference.pieces.length, whole.blocks.length]).toEqual([1, 1]);
      using small = limited(mostSamples!);
      using medium = limited(most!);
      using parts = await panelsOf(small, X, d!);
      expect(parts.blocks.length).toBeGreaterThan(1);
      for (const panels of [parts, whole]) {
        using cut = await gramMatrix(medium, panels, layout);
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
      using matrix = await gramMatrix(counting, panels, matmulLayout(gpu, 1, variant));
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

test('abort: before, and between two submits; nothing is left behind', async () => {
  const [n, d] = [257, 5];
  using panels = await panelsOf(bound.gpu, new Draws(1).normal(n * d), d);
  using gpu = limited(32 * 288);
  await expect(gramMatrix(gpu, panels, undefined, AbortSignal.abort(new Error('never')))).rejects.toThrow('never');
  const controller = new AbortController();
  let submits = 0;
  const batch = gpu.batch.bind(gpu);
  gpu.batch = (label) => {
    if (++submits === 5) controller.abort(new Error('enough'));
    return batch(label);
  };
  await expect(gramMatrix(gpu, panels, undefined, controller.signal)).rejects.toThrow('enough');
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
