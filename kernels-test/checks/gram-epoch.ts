// gram_outputs and gram_coefficients.

import { gramCoefficients, gramOutputs } from '../../src/kernels/gram-epoch';
import type { MatmulVariant } from '../../src/kernels/variant';
import { Bench, Draws, expectClose, expectExact, expectSameBits, runStep, U } from '../harness';
import { type Check, layoutOf } from './case';

export interface GramOutputsCase {
  readonly n: number;
  readonly m: number;
  readonly slope: number;
  /** How neurons are grouped into mask words. */
  readonly variant: MatmulVariant;
  /** Samples of other blocks before this one. */
  readonly start?: number;
}

export function checkGramOutputs({ n, m, slope, variant, start = 0 }: GramOutputsCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 1e3 + m + start);
    const layout = layoutOf(gpu, m, variant);
    const { words, group } = layout;
    // A third are zero, of either sign. What belongs to other blocks is NaN.
    const values = draws.integers(n * m, 1).map((value, e) => (value === 0 && e % 2 === 0 ? -0 : value / 3));
    const bias = start + n + 1;
    const h = new Float32Array((start + n + 3) * m).fill(Number.NaN);
    h.set(values, start * m);
    // Halves: the sums are exact, and no sign is in doubt.
    const biases = draws.integers(m, 1).map((value) => value / 2);
    h.set(biases, bias * m);
    const a = draws.normal(m, 1 / Math.sqrt(m));
    using bench = new Bench(gpu);
    const inputs = { h: bench.input('h', h), readout: bench.input('readout', a) };
    const run = async () => {
      const mask = bench.output('mask', words * n, 'u32');
      const partial = bench.output('partial', words * n);
      await runStep(gpu, await gramOutputs(gpu, { ...inputs, mask, partial, n, start, bias, slope, layout }));
      return { mask: await bench.words(mask), partial: await bench.floats(partial) };
    };
    const { mask, partial } = await run();
    const bits = new Float64Array(words * n);
    const outputs = new Float64Array(words * n);
    const tolerance = new Float64Array(words * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        const value = Math.fround(values[i * m + j]! + biases[j]!);
        const word = Math.floor(j / group) * n + i;
        if (value > 0) bits[word]! += 2 ** (j % group);
        const term = a[j]! * (value > 0 ? value : slope * value);
        outputs[word]! += term;
        // phi and a cost two roundings, the sum of the word one a neuron.
        tolerance[word]! += (group + 2) * U * Math.abs(term);
      }
    }
    const at = (e: number) => `word ${Math.floor(e / n)}, sample ${e % n}`;
    expectExact('mask', mask, bits, at);
    expectClose('partial outputs', partial, outputs, (e) => tolerance[e]!, at);
    const again = await run();
    expectSameBits('mask', again.mask, mask);
    expectSameBits('partial outputs', again.partial, partial);
  };
}

export interface GramCoefficientsCase {
  readonly n: number;
  readonly m: number;
  readonly slope: number;
  readonly variant: MatmulVariant;
  readonly start?: number;
  readonly momentum?: number;
  readonly lr?: number;
}

export function checkGramCoefficients(test: GramCoefficientsCase): Check {
  const { n, m, slope, variant, start = 0, momentum = 0.9, lr = 0.3 } = test;
  return async (gpu) => {
    const draws = new Draws(n * 1e3 + m + start + 1);
    const layout = layoutOf(gpu, m, variant);
    const { words, group } = layout;
    const ld = Math.ceil((start + n) / 32) * 32 + 32;
    const bits = draws.bits(words * n);
    const s = draws.normal(start + n);
    const a = draws.normal(m);
    const v0 = draws.normal(m * ld);
    const c0 = draws.normal(m * ld);
    // What belongs to other blocks is not to be read.
    s.fill(Number.NaN, 0, start);
    using bench = new Bench(gpu);
    const inputs = {
      mask: bench.input('mask', bits),
      residual: bench.input('residual', s),
      readout: bench.input('readout', a),
      // Only element 0 is the rate of this epoch; element 1, that of the next, must not be taken.
      state: bench.input('state', Float32Array.of(lr, 7 * lr, 1, 2, 3, 4, 5, 6)),
    };
    const run = async () => {
      const velocity = bench.inout('velocity', v0);
      const coefficients = bench.inout('coefficients', c0);
      const args = { ...inputs, velocity, coefficients, n, start, ld, slope, momentum, layout };
      await runStep(gpu, await gramCoefficients(gpu, args));
      return { velocity: await bench.floats(velocity), coefficients: await bench.floats(coefficients) };
    };
    const { velocity, coefficients } = await run();
    const rate = Math.fround(lr);
    // Columns of other blocks and the padding stay as they are, to the bit.
    const v = Float64Array.from(v0);
    const c = Float64Array.from(c0);
    const vTolerance = new Float64Array(m * ld);
    const cTolerance = new Float64Array(m * ld);
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < n; i++) {
        const e = j * ld + start + i;
        const bit = (bits[Math.floor(j / group) * n + i]! >>> (j % group)) & 1;
        const step = a[j]! * s[start + i]! * (bit === 1 ? 1 : slope);
        v[e] = momentum * v0[e]! + step;
        // Constants rounded once each, one product with the momentum, two of the step, and their sum.
        vTolerance[e] = 4 * U * (Math.abs(momentum * v0[e]!) + Math.abs(step));
        c[e] = c0[e]! - rate * v[e]!;
        cTolerance[e] = rate * vTolerance[e]! + 2 * U * (Math.abs(c0[e]!) + rate * Math.abs(v[e]!));
      }
    }
    const at = (e: number) => `neuron ${Math.floor(e / ld)}, column ${e % ld}`;
    expectClose('velocity', velocity, v, (e) => vTolerance[e]!, at);
    expectClose('coefficients', coefficients, c, (e) => cTolerance[e]!, at);
    const again = await run();
    expectSameBits('velocity', again.velocity, velocity);
    expectSameBits('coefficients', again.coefficients, coefficients);
  };
}
