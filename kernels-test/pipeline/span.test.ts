// K of l2 perturbations from their span, against float64 and against the plain product of the perturbed samples.

import { describe, expect, test } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import { add } from '../../src/kernels/data';
import { type MatmulVariant, matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { gramMatrix } from '../../src/network/gram-make';
import { Network } from '../../src/network/network';
import { Panels, Samples } from '../../src/network/samples';
import { perturb } from '../../src/perturbation/perturb';
import { PerturbationSpan, spanGram, spanGramOnto } from '../../src/perturbation/span';
import { readGram } from '../gram';
import { Draws, expectClose, expectExact, expectSameBits, runStep, U, useEngine } from '../helpers';

const bound = useEngine();

/** Shares the device; arrays of at most `length` elements. */
function limited(length: number): Gpu {
  const { device, adapter } = bound.gpu;
  return new Gpu(device, { adapter, ownsDevice: false, maxArrayLength: length });
}

interface SpanCase {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  readonly slope: number;
  readonly variant: MatmulVariant;
}

async function panelsOf(gpu: Gpu, samples: Samples): Promise<Panels> {
  const panels = Panels.allocate(gpu, samples.blocks, samples.d);
  await panels.fill(gpu, samples);
  return panels;
}

/** Perturbs seeded samples; the Gram matrices of both scenarios from the span, made on `products`, and all that went in. */
async function spanned({ n, d, m, slope, variant }: SpanCase, gpu: Gpu, products: Gpu) {
  const draws = new Draws(n * 1e4 + d * 100 + m);
  const layout = matmulLayout(gpu, m, variant);
  const X = draws.normal(n * d);
  if (n > 3) X.fill(0, 3 * d, 4 * d);
  using x = Samples.fromArray(gpu, 'X', X, d, layout.words);
  using panels = await panelsOf(gpu, x);
  using targets = gpu.upload('targets', draws.signs(n));
  // Biases far below zero for some: where no bit is on and the slope is 0, gradients are zero.
  const b = draws.normal(m).map((value, j) => (m < 4 || j % 5 === 0 ? value - 2 : value));
  using network = await Network.create(gpu, { d, m, slope }, { b }, 7, { W: 1, b: 2, a: 3 });
  using span = PerturbationSpan.allocate(gpu, x.blocks, layout);
  using r = await perturb(gpu, network, panels, targets, layout, { kind: 'l2', size: 0.7 }, span);
  using without = await perturb(gpu, network, panels, targets, layout, { kind: 'l2', size: 0.7 });
  expectSameBits('perturbation, its span kept', await r.read(), await without.read());

  using alone = await spanGram(products, network, span);
  const before = await gramMatrix(products, panels, { layout });
  using ofR = await panelsOf(gpu, r);
  using plainAlone = await gramMatrix(bound.gpu, ofR, { layout });
  for (const [at, { rows }] of x.blocks.entries()) {
    await runStep(gpu, await add(gpu, { a: r.arrays[at]!, b: x.arrays[at]!, count: rows * x.ld }));
  }
  using ofU = await panelsOf(gpu, x);
  using onto = await spanGramOnto(products, network, span, ofU, before);
  expect(onto).toBe(before);
  using plainOnto = await gramMatrix(bound.gpu, ofU, { layout });
  return {
    X,
    blocks: x.blocks,
    layout,
    arrays: await network.read(),
    masks: await Promise.all(span.masks.map((mask) => mask.readUint())),
    c: await span.coefficient.read(),
    ld: alone.ld,
    pieces: [alone.pieces.length, onto.pieces.length],
    alone: await readGram(products, alone),
    onto: await readGram(products, onto),
    plainAlone: await readGram(bound.gpu, plainAlone),
    plainOnto: await readGram(bound.gpu, plainOnto),
  };
}

for (const variant of ['subgroup', 'tiled'] as const) {
  describe(`the span of W, ${variant}`, () => {
    const needs = (skip: (note: string) => void) => {
      if (variant === 'subgroup' && subgroupLanes(bound.gpu) === null)
        skip('the adapter has no subgroups of a fixed size');
    };

    test.for([
      { n: 1, d: 1, m: 1, slope: 0 },
      { n: 33, d: 7, m: 3, slope: 0 },
      { n: 31, d: 101, m: 33, slope: 0.25 },
      { n: 101, d: 33, m: 32, slope: 0 },
      { n: 65, d: 20, m: 70, slope: 0.1 },
    ])('float64, and the plain products: %j', async (each, { skip }) => {
      needs(skip);
      const { gpu } = bound;
      const { n, d, m } = each;
      const slope = Math.fround(each.slope);
      const made = await spanned({ ...each, variant }, gpu, gpu);
      const { X, arrays, masks, c, ld, layout, blocks } = made;
      expect(blocks).toHaveLength(1);
      const { W, a } = arrays;
      // r_i, and the sum of the magnitudes of its terms.
      const R = new Float64Array(n * d);
      const sizes = new Float64Array(n * d);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < m; j++) {
          const word = masks[0]![Math.floor(j / layout.group) * n + i]!;
          const factor = c[i]! * a[j]! * ((word >>> (j % layout.group)) & 1 ? 1 : slope);
          for (let k = 0; k < d; k++) {
            R[i * d + k]! += factor * W[j * d + k]!;
            sizes[i * d + k]! += Math.abs(factor * W[j * d + k]!);
          }
        }
      }
      const at = (e: number) => `row ${Math.floor(e / ld)}, column ${e % ld}`;
      const check = (what: string, actual: Float32Array, plain: Float32Array, x: Float32Array | undefined) => {
        const value = (i: number, k: number) => (x ? x[i * d + k]! : 0) + R[i * d + k]!;
        const size = (i: number, k: number) => (x ? Math.abs(x[i * d + k]!) : 0) + sizes[i * d + k]!;
        const expected = new Float64Array(ld * ld).fill(1);
        const magnitude = new Float64Array(ld * ld).fill(1);
        for (let i = 0; i < n; i++) {
          for (let l = 0; l < n; l++) {
            for (let k = 0; k < d; k++) {
              expected[i * ld + l]! += value(i, k) * value(l, k);
              magnitude[i * ld + l]! += size(i, k) * size(l, k);
            }
          }
        }
        // The longest way of a term: W W^T (d products and sums), times M (m, halved, added to W X^T), times M (2 m, added
        // to K); each M twice rounded; and what fills the last rounds of steps.
        const ours = d + 2 + (m + 4) + 4 + (2 * m + 4);
        // The plain way: a gradient (m), divided and multiplied (11 with the division's 2.5 units in the last place, and as
        // much in c), added to x; twice; then d products and sums and the constant.
        const theirs = 2 * (m + 4 + 11 + 1) + d + 3;
        expectClose(`${what} from the span`, actual, expected, (e) => ours * U * magnitude[e]!, at);
        expectClose(`${what}, plain`, plain, actual, (e) => (ours + theirs) * U * magnitude[e]!, at);
        const turned = actual.map((_, e) => actual[(e % ld) * ld + Math.floor(e / ld)]!);
        expectExact(`${what} transposed`, turned, actual, at);
      };
      check('K of r', made.alone, made.plainAlone, undefined);
      check('K of x + r', made.onto, made.plainOnto, X);
    });

    // Pieces of a panel of rows, parts of some panels (array length / m, or / (3 m)), blocks of a few.
    test.for([
      [32 * 288, 257 * 8],
      [2 * 32 * 288, 96 * 8],
      [3 * 32 * 288 - 1, 64 * 8],
    ])('in arrays of %d, samples in arrays of %d: every bit', async ([most, mostSamples], { skip }) => {
      needs(skip);
      const shape = { n: 257, d: 7, m: 33, slope: 0.25, variant };
      const whole = await spanned(shape, bound.gpu, bound.gpu);
      expect(whole.pieces).toEqual([1, 1]);
      using small = limited(mostSamples!);
      using medium = limited(most!);
      const parts = await spanned(shape, small, medium);
      expect(parts.pieces[0]).toBeGreaterThan(2);
      if (mostSamples! < 257 * 8) expect(parts.blocks.length).toBeGreaterThan(2);
      expectSameBits('K of r', parts.alone, whole.alone);
      expectSameBits('K of x + r', parts.onto, whole.onto);
    });
  });
}

test('abort: nothing is left behind, and a K taken over is freed', async () => {
  const [n, d, m] = [64, 5, 9];
  using gpu = limited(bound.gpu.maxArrayLength);
  const layout = matmulLayout(gpu, m);
  using x = Samples.fromArray(gpu, 'X', new Draws(1).normal(n * d), d);
  using panels = await panelsOf(gpu, x);
  using network = await Network.create(gpu, { d, m, slope: 0 }, {}, 7, { W: 1, b: 2, a: 3 });
  using span = PerturbationSpan.allocate(gpu, x.blocks, layout);
  using targets = gpu.upload('targets', new Draws(2).signs(n));
  using r = await perturb(gpu, network, panels, targets, layout, { kind: 'l2', size: 1 }, span);
  expect(r.n).toBe(span.n);
  const held = gpu.liveArrays;
  const stop = AbortSignal.abort(new Error('enough'));
  await expect(spanGram(gpu, network, span, stop)).rejects.toThrow('enough');
  expect(gpu.liveArrays).toBe(held);
  const matrix = await gramMatrix(gpu, panels, { layout });
  await expect(spanGramOnto(gpu, network, span, panels, matrix, stop)).rejects.toThrow('enough');
  expect(gpu.liveArrays).toBe(held);
  const linf = perturb(gpu, network, panels, targets, layout, { kind: 'linf', size: 1 }, span);
  await expect(linf).rejects.toThrow(/linf perturbations do not lie in the span/);
  expect(gpu.liveArrays).toBe(held);
});
