// forward_subgroup and forward_tiled, output_residual, margin_summary.

import { forward, marginSummary, outputResidual, packedWeights } from '../../src/kernels/forward';
import type { MatmulVariant, Tile } from '../../src/kernels/variant';
import { asHalves, Bench, Draws, expectClose, expectExact, expectSameBits, runStep, TINY, U } from '../harness';
import { type Loss, lossOf, lossSlope } from '../reference/network';
import { type Check, layoutOf, type Shape } from './case';

export interface ForwardCase {
  readonly shape: Shape;
  readonly slope: number;
  readonly variant: MatmulVariant;
  /** Tiled only. */
  readonly tile?: Tile;
  /** Inputs and weights stored as halves: they are drawn as such, so nothing else changes. */
  readonly half?: boolean;
  /** Small integers: everything is exact in float32, so every bit must agree, those of h = 0 included. */
  readonly exact?: boolean;
}

export function checkForward({ shape: [n, d, m], slope, variant, exact = false, tile, half }: ForwardCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 1e6 + d * 1e3 + m);
    const stored = half ? asHalves : (values: Float32Array) => values;
    const X = stored(exact ? draws.integers(n * d, 2) : draws.normal(n * d));
    const W = stored(exact ? draws.integers(d * m, 1) : draws.normal(d * m, 1 / Math.sqrt(d))); // k-major: (d, m)
    const b = exact ? draws.integers(m, 1) : draws.normal(m);
    const a = exact ? draws.integers(m, 3) : draws.normal(m, 1 / Math.sqrt(m));
    const layout = { ...layoutOf(gpu, m, variant), ...(tile ? { tile } : {}) };
    const { words, group } = layout;
    using bench = new Bench(gpu);
    // Past the last sample of the last panel: NaN, which must stay there.
    const panels = new Float32Array(Math.ceil(n / 32) * 32 * d).fill(Number.NaN);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < d; k++) panels[(Math.floor(i / 32) * d + k) * 32 + (i % 32)] = X[i * d + k]!;
    }
    const weights = new Float32Array((d + 1) * m);
    weights.set(W);
    weights.set(b, d * m);
    const inputs = {
      panels: half ? bench.halves('panels', panels) : bench.input('panels', panels),
      ...(half ? { half: bench.halves('weights as halves', W) } : {}),
      weights: bench.input('weights', weights),
      readout: bench.input('readout', a),
    };
    const run = async () => {
      const mask = bench.output('mask', words * n, 'u32');
      const partial = bench.output('partial', words * n);
      const packed = packedWeights(gpu, d, layout);
      await runStep(gpu, await forward(gpu, { ...inputs, packed, mask, partial, n, d, slope, layout }));
      packed?.dispose();
      return { mask: await bench.words(mask), partial: await bench.floats(partial) };
    };
    const { mask, partial } = await run();

    let excluded = 0;
    const expected = new Float64Array(words * n);
    const tolerance = new Float64Array(words * n);
    const wrong: string[] = [];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        let h = b[j]!;
        let size = Math.abs(b[j]!);
        for (let k = 0; k < d; k++) {
          const term = W[k * m + j]! * X[i * d + k]!;
          h += term;
          size += Math.abs(term);
        }
        // d products of one rounding each and d additions.
        const uncertain = exact ? 0 : (d + 1) * U * size;
        const word = Math.floor(j / group) * n + i;
        const bit = (mask[word]! >>> (j % group)) & 1;
        if (!exact && Math.abs(h) <= uncertain) excluded++;
        else if (bit !== (h > 0 ? 1 : 0)) wrong.push(`sample ${i}, neuron ${j}: bit ${bit} for h = ${h}`);
        const term = a[j]! * (h > 0 ? h : slope * h);
        expected[word]! += term;
        // phi and a cost two roundings, the sum of the word one a neuron; phi passes on at most what h is off by.
        tolerance[word]! += Math.abs(a[j]!) * uncertain + (exact ? 0 : (group + 2) * U * Math.abs(term));
      }
    }
    if (wrong.length > 0) throw new Error(`mask: ${wrong.length} bits are wrong\n  ${wrong.slice(0, 5).join('\n  ')}`);
    if (excluded > 0.002 * n * m + 0.5) throw new Error(`${excluded} of ${n * m} bits were too close to call`);
    for (let w = 0; w < words; w++) {
      const used = Math.min(group, m - w * group);
      const past = used < 32 ? (0xffffffff << used) >>> 0 : 0;
      for (let i = 0; i < n; i++) {
        if ((mask[w * n + i]! & past) !== 0) throw new Error(`mask word ${w} of sample ${i} has bits past neuron ${m}`);
      }
    }
    const at = (e: number) => `word ${Math.floor(e / n)}, sample ${e % n}`;
    expectClose('partial outputs', partial, expected, (e) => tolerance[e]!, at);
    const again = await run();
    expectSameBits('mask', again.mask, mask);
    expectSameBits('partial outputs', again.partial, partial);
  };
}

export interface OutputCase {
  readonly n: number;
  readonly words: number;
  readonly start: number;
  readonly loss: Loss;
  /** Typical |f|. */
  readonly size: number;
}

export function checkOutputResidual({ n, words, start, loss, size }: OutputCase): Check {
  return async (gpu) => {
    const draws = new Draws(n + 1000 * words);
    const total = start + n + 5;
    const labels = draws.signs(total);
    const partials = draws.normal(words * n, size / Math.sqrt(words));
    using bench = new Bench(gpu);
    const inputs = { partial: bench.input('partial', partials), labels: bench.input('labels', labels) };
    const run = async () => {
      const margin = bench.output('margin', total);
      const residual = bench.output('residual', total);
      await runStep(gpu, await outputResidual(gpu, { ...inputs, margin, residual, n, start, words, loss, total }));
      return {
        margin: await bench.floats(margin, start, start + n),
        residual: await bench.floats(residual, start, start + n),
      };
    };
    const { margin, residual } = await run();
    const sums = Array.from({ length: n }, (_, i) => {
      const terms = Array.from({ length: words }, (_, w) => partials[w * n + i]!);
      return {
        sum: labels[start + i]! * terms.reduce((x, y) => x + y, 0),
        size: terms.reduce((x, y) => x + Math.abs(y), 0),
      };
    });
    expectClose(
      'margins',
      margin,
      sums.map(({ sum }) => sum),
      (i) => words * U * sums[i]!.size,
    );
    // Of the margin as it came out: the sum before it is checked above. 1/N is rounded once and multiplied once; the
    // logistic slope has two exponential steps of 3 roundings, a division (2.5 units in the last place in WGSL) and a sum.
    const expected = Array.from(margin, (z, i) => (labels[start + i]! * lossSlope(loss, z)) / total);
    const roundings = loss === 'identity' ? 2 : 16;
    expectClose(
      'residuals',
      residual,
      expected,
      (i) => roundings * U * Math.abs(expected[i]!) + (loss === 'identity' ? 0 : TINY),
    );
    const again = await run();
    expectSameBits('margins', again.margin, margin);
    expectSameBits('residuals', again.residual, residual);
  };
}

/** Relative error allowed to one logistic loss: exponential, logarithm series and division, a few roundings each. */
const LOSS_ROUNDINGS = 16;

export function checkMarginSummary(margins: ArrayLike<number>, loss: Loss): Check {
  return async (gpu) => {
    const z = Float32Array.from(margins);
    const n = z.length;
    using bench = new Bench(gpu);
    const margin = bench.input('margin', z);
    const run = async (root: 8 | 16) => {
      const summary = bench.output('summary', 2);
      await runStep(gpu, await marginSummary(gpu, { margin, summary, n, loss, root }));
      return bench.floats(summary);
    };
    const losses = Array.from(z, (value) => lossOf(loss, value));
    const mean = losses.reduce((x, y) => x + y, 0) / n;
    const size = losses.reduce((x, y) => x + Math.abs(y), 0) / n;
    for (const root of [8, 16] as const) {
      const summary = await run(root);
      // The longest chain of additions: those of an invocation, then all their sums however they are added; one division.
      const lanes = root * root;
      const additions = Math.ceil(n / lanes) + Math.min(lanes - 1, n) + 3;
      const roundings = additions + (loss === 'logistic' ? LOSS_ROUNDINGS : 0);
      expectClose('mean loss', summary.subarray(0, 1), [mean], roundings * U * size + TINY);
      expectExact('number correct', summary.subarray(1), [Array.from(z).filter((value) => value > 0).length]);
      expectSameBits('summary', await run(root), summary);
    }
  };
}

/** A margin among others that is no number makes the mean loss none, whatever it would be worth. */
export function checkMarginFault(fault: number, loss: Loss): Check {
  return async (gpu) => {
    const z = new Draws(5).normal(300, 3);
    z[270] = fault;
    using bench = new Bench(gpu);
    const summary = bench.output('summary', 2);
    const margin = bench.input('margin', z);
    await runStep(gpu, await marginSummary(gpu, { margin, summary, n: z.length, loss }));
    const [mean] = await bench.floats(summary);
    if (Number.isFinite(mean)) throw new Error(`a margin of ${fault} gave the mean loss ${mean}`);
  };
}
