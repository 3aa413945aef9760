// sign_mask, strided_sums, label_sums.

import { labelSums, signMask, stridedSums } from '../../src/kernels/gram';
import { Bench, Draws, expectClose, expectExact, expectSameBits, runStep, U } from '../harness';
import type { Check } from './case';

export interface SignMaskCase {
  readonly n: number;
  readonly m: number;
  readonly ld: number;
  readonly group: number;
  readonly first?: number;
  readonly maskFirst?: number;
}

export function checkSignMask({ n, m, ld, group, first = 0, maskFirst = 0 }: SignMaskCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 1e3 + m + group);
    // A third are zero, of either sign; what lies past n and past m is positive and must not count.
    const values = draws.integers(m * n, 1).map((value, e) => (value === 0 && e % 2 === 0 ? -0 : value / 3));
    const h = new Float32Array(first + (m + group) * ld).fill(5);
    for (let j = 0; j < m; j++) h.set(values.subarray(j * n, (j + 1) * n), first + j * ld);
    const words = Math.ceil(m / group);
    using bench = new Bench(gpu);
    const input = bench.input('h', h);
    const run = async () => {
      const mask = bench.output('mask', maskFirst + words * n, 'u32');
      await runStep(gpu, await signMask(gpu, { h: input, mask, n, m, ld, group, words, first, maskFirst }));
      return bench.words(mask, maskFirst);
    };
    const mask = await run();
    const expected = new Array<number>(words * n).fill(0);
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < n; i++) {
        if (values[j * n + i]! > 0) expected[Math.floor(j / group) * n + i]! += 2 ** (j % group);
      }
    }
    expectExact('mask', mask, expected, (e) => `word ${Math.floor(e / n)}, sample ${e % n}`);
    expectSameBits('mask', await run(), mask);
  };
}

export interface SumsCase {
  readonly rows: number;
  readonly cols: number;
  /** Of each row, or of each column. */
  readonly of: 'rows' | 'columns';
  readonly ld?: number;
  readonly first?: number;
  readonly outputFirst?: number;
  readonly accumulate?: boolean;
}

export function checkSums(test: SumsCase): Check {
  const { rows, cols, of, ld = cols, first = 0, outputFirst = 0, accumulate = false } = test;
  return async (gpu) => {
    const draws = new Draws(rows * 1e3 + cols);
    const values = draws.normal(rows * cols);
    const matrix = new Float32Array(first + rows * ld).fill(Number.NaN);
    for (let i = 0; i < rows; i++) matrix.set(values.subarray(i * cols, (i + 1) * cols), first + i * ld);
    const [count, steps] = of === 'rows' ? [rows, cols] : [cols, rows];
    const [outer, inner] = of === 'rows' ? [ld, 1] : [1, ld];
    const before = draws.normal(outputFirst + count);
    using bench = new Bench(gpu);
    const input = bench.input('input', matrix);
    const run = async () => {
      const output = accumulate ? bench.inout('output', before) : bench.output('output', outputFirst + count);
      const args = { input, output, count, steps, first, outer, inner, outputFirst, accumulate };
      await runStep(gpu, await stridedSums(gpu, args));
      return bench.floats(output, outputFirst);
    };
    const output = await run();
    const expected = new Float64Array(count);
    const sizes = new Float64Array(count);
    for (let e = 0; e < count; e++) {
      for (let k = 0; k < steps; k++) {
        const value = of === 'rows' ? values[e * cols + k]! : values[k * cols + e]!;
        expected[e]! += value;
        sizes[e]! += Math.abs(value);
      }
      if (!accumulate) continue;
      expected[e]! += before[outputFirst + e]!;
      sizes[e]! += Math.abs(before[outputFirst + e]!);
    }
    // Additions; the first, to zero, is exact.
    expectClose('sums', output, expected, (e) => steps * U * sizes[e]!);
    expectSameBits('sums', await run(), output);
    if (steps < 2) return;
    // The terms in two calls, the second going on where the first ended.
    const half = Math.floor(steps / 2);
    const rest = accumulate ? bench.inout('output', before) : bench.output('output', outputFirst + count);
    const same = { input, output: rest, count, outer, inner, outputFirst };
    await runStep(gpu, await stridedSums(gpu, { ...same, steps: half, first, accumulate }));
    const second = { steps: steps - half, first: first + half * inner, accumulate: true };
    await runStep(gpu, await stridedSums(gpu, { ...same, ...second }));
    expectSameBits('sums in two calls', await bench.floats(rest, outputFirst), output);
  };
}

export interface LabelSumsCase {
  readonly n: number;
  /** Label vectors, of which each gets its sums. */
  readonly vectors?: number;
  /** Pieces that K comes in; the sums must be the bits of one piece. */
  readonly pieces?: number;
  /** Also of K as an image: the same bits. */
  readonly image?: boolean;
}

export function checkLabelSums({ n, vectors = 1, pieces = 1, image = false }: LabelSumsCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 10 + vectors);
    const ld = Math.ceil(n / 32) * 32;
    // Rows and columns past n hold what must not count.
    const K = new Float32Array(ld * ld).fill(7);
    for (let i = 0; i < n; i++) K.set(draws.normal(n), i * ld);
    const labels = Array.from({ length: vectors }, () => draws.signs(n).map((y) => -y / n));
    const sources = new Float32Array(3 * vectors * ld).fill(Number.NaN);
    for (const [at, s] of labels.entries()) sources.fill(0, at * ld, (at + 1) * ld).set(s, at * ld);
    using bench = new Bench(gpu);
    const run = async (count: number, asImage = false) => {
      const rows = Math.ceil(ld / count / 4) * 4;
      const array = bench.inout('sources', sources);
      for (let vector = 0; vector < vectors; vector++) {
        for (let start = 0; start < ld; start += rows) {
          const here = Math.min(rows, ld - start);
          const part = K.subarray(start * ld, (start + here) * ld);
          const kernel = asImage ? bench.image('K', part, ld / 4) : bench.input('rows of K', part);
          const where = { ld, start, rows: here, vector, output: vectors + 2 * vector, accumulate: start > 0 };
          await runStep(gpu, await labelSums(gpu, { kernel, sources: array, ...where }));
        }
      }
      return bench.floats(array);
    };
    const result = await run(1);
    if (image) expectSameBits('sums of an image', await run(1, true), result);
    expectExact('label vectors', result.subarray(0, vectors * ld), sources.subarray(0, vectors * ld));
    for (const [at, s] of labels.entries()) {
      for (const [c, sign] of [-1, 1].entries()) {
        const expected = new Float64Array(n);
        const sizes = new Float64Array(n);
        for (let k = 0; k < n; k++) {
          if (Math.sign(s[k]!) !== sign) continue;
          for (let i = 0; i < n; i++) {
            expected[i]! += s[k]! * K[k * ld + i]!;
            sizes[i]! += Math.abs(s[k]! * K[k * ld + i]!);
          }
        }
        const first = (vectors + 2 * at + c) * ld;
        // A product and an addition a term.
        const bound = (i: number) => (n + 1) * U * sizes[i]!;
        expectClose(`sums of class ${c}`, result.subarray(first, first + n), expected, bound);
      }
    }
    expectSameBits('sums', await run(1), result);
    if (pieces > 1) expectSameBits(`K in ${pieces} pieces`, await run(pieces), result);
  };
}
