// input_gradient, perturb_l2, perturb_linf, perturb_l0, span_coefficients.

import { inputGradient, perturbRows, spanCoefficients } from '../../src/kernels/perturbation';
import type { MatmulVariant } from '../../src/kernels/variant';
import { Bench, Draws, expectClose, expectExact, expectSameBits, padRows, rowLength, runStep, U } from '../harness';
import { type Norm, perturbation } from '../reference/network';
import { type Check, layoutOf, type Shape } from './case';

export interface InputGradientCase {
  readonly shape: Shape;
  readonly slope: number;
  readonly variant: MatmulVariant;
}

export function checkInputGradient({ shape: [n, d, m], slope, variant }: InputGradientCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 1e6 + d * 1e3 + m + 3);
    const layout = layoutOf(gpu, m, variant);
    const { words, group } = layout;
    const ld = rowLength(d);
    const W = draws.normal(m * d, 1 / Math.sqrt(d));
    const a = draws.normal(m);
    const bits = draws.bits(words * n); // bits past m may be anything
    using bench = new Bench(gpu);
    const inputs = {
      mask: bench.input('mask', bits),
      rows: bench.input('rows', padRows(W, d, ld)),
      readout: bench.input('readout', a),
    };
    const run = async () => {
      const gradient = bench.output('gradient', n * ld);
      await runStep(gpu, await inputGradient(gpu, { ...inputs, gradient, n, d, slope, layout }));
      return bench.floats(gradient);
    };
    const actual = await run();
    const expected = new Float64Array(n * ld);
    const tolerance = new Float64Array(n * ld);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        const on = (bits[Math.floor(j / group) * n + i]! >>> (j % group)) & 1;
        for (let c = 0; c < d; c++) {
          const term = a[j]! * W[j * d + c]!;
          expected[i * ld + c]! += on ? term : slope * term;
          // As the kernel writes it, (1 - slope) of the masked sum plus slope of the whole one: 2 |term| at most. A term
          // is rounded once and added once, two factors and a sum end it.
          tolerance[i * ld + c]! += (m + 4) * U * (on ? 1 : slope) * Math.abs(term);
        }
      }
    }
    expectClose(
      'input gradient',
      actual,
      expected,
      (e) => tolerance[e]!,
      (e) => `sample ${Math.floor(e / ld)}, column ${e % ld}`,
    );
    expectSameBits('input gradient', await run(), actual);
  };
}

export interface PerturbCase {
  readonly kind: Norm;
  readonly n: number;
  readonly d: number;
  readonly size: number;
  readonly k?: number;
  readonly start?: number;
  /** Gradients: normal of this scale, or small integers with many ties and zeros. */
  readonly scale?: number;
  readonly ties?: boolean;
}

export function checkPerturb(test: PerturbCase): Check {
  const { kind, n, d, k, start = 0, scale = 1, ties = false } = test;
  const size = Math.fround(test.size);
  return async (gpu) => {
    const draws = new Draws(n * 1e4 + d);
    const ld = rowLength(d);
    const g = ties ? draws.integers(n * d, 2) : draws.normal(n * d, scale);
    // Row 0 has no gradient; the last one a single entry, and it is the smallest normal number.
    g.fill(0, 0, d);
    if (n > 1) {
      g.fill(0, (n - 1) * d);
      g[n * d - 1] = -(2 ** -126);
    }
    const targets = draws.signs(start + n + 2);
    using bench = new Bench(gpu);
    const sides = bench.input('targets', targets);
    const run = async () => {
      const gradient = bench.inout('gradient', padRows(g, d, ld));
      const coefficient = kind === 'l2' ? bench.output('coefficient', start + n + 2) : undefined;
      const given = { targets: sides, gradient, ...(coefficient ? { coefficient } : {}) };
      await runStep(
        gpu,
        await perturbRows(gpu, { ...given, n, d, start, kind, size, ...(k === undefined ? {} : { k }) }),
      );
      return {
        actual: await bench.floats(gradient),
        factors: coefficient ? await bench.floats(coefficient, start, start + n) : new Float32Array(0),
      };
    };
    const { actual, factors } = await run();
    const expected = new Float64Array(n * ld);
    for (let i = 0; i < n; i++) {
      const row = g.subarray(i * d, (i + 1) * d);
      expected.set(perturbation(row, targets[start + i]!, { kind, size, ...(k === undefined ? {} : { k }) }), i * ld);
    }
    const at = (e: number) => `sample ${Math.floor(e / ld)}, column ${e % ld}`;
    if (kind === 'linf') {
      expectExact('perturbation', actual, expected, at);
    } else {
      // The squares: a division (5 roundings), squared and summed over d; halved by the root (8). Then two divisions and
      // three products. WGSL allows a division 2.5 units in the last place, a square root as much again.
      const roundings = (d + 10) / 2 + 8 + 13;
      expectClose('perturbation', actual, expected, (e) => roundings * U * Math.abs(expected[e]!), at);
      for (let i = 0; i < n; i++) {
        const row = actual.subarray(i * ld, (i + 1) * ld);
        const norm = Math.hypot(...row);
        const zero = expected.subarray(i * ld, (i + 1) * ld).every((value) => value === 0);
        if (zero ? norm !== 0 : !(Math.abs(norm / size - 1) <= 32 * U)) {
          throw new Error(`sample ${i}: the norm is ${norm}, the size ${size}`);
        }
        const kept = row.filter((value) => value !== 0).length;
        if (kind === 'l0' && kept > k!) throw new Error(`sample ${i}: ${kept} entries, k is ${k}`);
      }
    }
    if (kind === 'l2') {
      const wanted = Float64Array.from({ length: n }, (_, i) => {
        const norm = Math.hypot(...g.subarray(i * d, (i + 1) * d));
        return norm === 0 ? 0 : (size * targets[start + i]!) / norm;
      });
      // As the perturbation, which is this times the gradient.
      const roundings = (d + 10) / 2 + 8 + 13;
      expectClose('coefficient', factors, wanted, (i) => roundings * U * Math.abs(wanted[i]!));
    }
    const again = await run();
    expectSameBits('perturbation', again.actual, actual);
    expectSameBits('coefficient', again.factors, factors);
  };
}

export interface SpanCase {
  readonly n: number;
  readonly m: number;
  readonly slope: number;
  readonly variant: MatmulVariant;
  readonly first?: number;
  readonly start?: number;
  readonly count?: number;
  readonly ld?: number;
}

export function checkSpanCoefficients(test: SpanCase): Check {
  const { n, m, variant, first = 0, start = first, count = n - first, ld = Math.ceil(count / 32) * 32 } = test;
  return async (gpu) => {
    const slope = Math.fround(test.slope);
    const draws = new Draws(n * 1e3 + m);
    const layout = layoutOf(gpu, m, variant);
    const { words, group } = layout;
    const bits = draws.bits(words * n); // bits past m may be anything
    const a = draws.normal(m);
    const c = draws.normal(start + count + 1);
    using bench = new Bench(gpu);
    const inputs = {
      mask: bench.input('mask', bits),
      readout: bench.input('readout', a),
      coefficient: bench.input('coefficient', c),
    };
    const run = async () => {
      const matrix = bench.output('matrix', m * ld);
      await runStep(gpu, await spanCoefficients(gpu, { ...inputs, matrix, n, first, start, count, ld, slope, layout }));
      return bench.floats(matrix);
    };
    const actual = await run();
    const expected = new Float64Array(m * ld);
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < count; i++) {
        const on = (bits[Math.floor(j / group) * n + first + i]! >>> (j % group)) & 1;
        expected[j * ld + i] = c[start + i]! * a[j]! * (on ? 1 : slope);
      }
    }
    const at = (e: number) => `neuron ${Math.floor(e / ld)}, column ${e % ld}`;
    // Two products.
    expectClose('coefficients', actual, expected, (e) => 2.001 * U * Math.abs(expected[e]!), at);
    expectSameBits('coefficients', await run(), actual);
  };
}
