// crowd_gradient_subgroup.

import { crowdGradient, crowdRow } from '../../src/kernels/crowd';
import { crowdGradientSubgroup } from '../../src/kernels/generated';
import { packNeurons } from '../../src/kernels/gram-identity';
import { inOrder, type Step } from '../../src/kernels/step';
import { subgroupLanes } from '../../src/kernels/variant';
import { Bench, Draws, expectClose, expectSameBits, padRows, rowLength, runStep, U } from '../harness';
import { type Check, heldAtOnce } from './case';

export interface CrowdCase {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  /** Neurons that stopped, in the order in which they are named. */
  readonly chosen: readonly number[];
  /** Samples of neuron 0 that flipped in its epoch; each neuron has one fewer than the one before. */
  readonly flips: number;
  /** Samples [from, to) of which none flipped. */
  readonly quiet?: readonly [from: number, to: number];
  readonly ground?: boolean;
  /** Samples at which further blocks begin; the bits must be those of one block. */
  readonly cuts?: readonly number[];
  /** Some neuron has flips for at least so many passes: the case is worth running. */
  readonly passes?: number;
}

/** Label vectors. */
const VECTORS = 2;

/** A neuron's record: the rates and the epoch where it stands differ from one to the next, in every combination. */
const orderOf = (j: number, readout: number) => ({
  clock: 40 + 7 * j,
  slope: [0.25, 0, 0.1][j % 3]!,
  momentum: [0.9, 0][j % 2]!,
  source: Math.floor(j / 2 + 1) % VECTORS,
  readout,
  // What the shader has no use for.
  ...{ start: 11 * j, epochs: 5, sync: j % 2 === 0, lossesFirst: 3 * j, lr: 0.3, crowd: Number.POSITIVE_INFINITY },
});

/** Samples that flipped, ascending: so many, drawn from those outside of a range. */
function flippedOf(count: number, n: number, [from, to]: readonly [number, number], draws: Draws): number[] {
  const keys = draws.bits(n);
  return Array.from({ length: n }, (_, i) => i)
    .filter((i) => i < from || i >= to)
    .sort((a, b) => keys[a]! - keys[b]!)
    .slice(0, Math.max(0, count))
    .sort((a, b) => a - b);
}

export function checkCrowdGradient(test: CrowdCase): Check {
  const { n, d, m, chosen, flips, quiet = [0, 0], ground = false, cuts = [], passes = 0 } = test;
  return async (gpu) => {
    const lanes = subgroupLanes(gpu)!;
    const draws = new Draws(n * 1e6 + d * 1e3 + m);
    const ld = Math.ceil(n / 32) * 32;
    const width = rowLength(d);
    const X = draws.normal(n * d);
    const readout = draws.normal(m);
    const orders = Array.from(readout, (a, j) => orderOf(j, a));
    const flipped = orders.map((_, j) => flippedOf(flips - j, n, quiet, draws));
    const most = Math.max(...chosen.map((j) => flipped[j]!.length));
    const held = heldAtOnce(crowdGradientSubgroup.code);
    if (most <= (passes - 1) * held)
      throw new Error(`at most ${most} flips, the kernel holds ${held} at once: no case`);

    const labels = Array.from({ length: VECTORS }, () => draws.signs(n).map((value) => -value / n));
    // Behind the label vectors lies more, of which no number may be used.
    const sources = new Float32Array(3 * VECTORS * ld).fill(Number.NaN, VECTORS * ld);
    for (const [at, values] of labels.entries()) sources.set(values, at * ld);
    // Nor of the planes between H and the last changes.
    const state = new Float32Array(6 * m * ld).fill(Number.NaN);
    const H = draws.normal(m * ld);
    state.set(H);
    const others = draws.bits(m * n);
    for (const [j, { clock }] of orders.entries()) {
      const last = state.subarray((5 * m + j) * ld, (5 * m + j + 1) * ld);
      const elsewhere = [clock - 1, clock + 1, 0, clock + 7];
      // Padding past n says that it flipped.
      last.fill(clock);
      for (let i = 0; i < n; i++) last[i] = elsewhere[others[j * n + i]! % elsewhere.length]!;
      for (const i of flipped[j]!) last[i] = clock;
    }
    const g = new Float32Array(width);
    if (ground) g.set(draws.normal(d));

    using bench = new Bench(gpu);
    const arrays = {
      sources: bench.input('sources', sources),
      neurons: bench.input('neurons', packNeurons(orders)),
      state: bench.input('state', state),
      chosen: bench.input('chosen', Uint32Array.from(chosen)),
      ground: bench.input('ground', g),
    };
    const count = chosen.length;
    const row = crowdRow(d);
    const run = async (further: readonly number[]) => {
      const output = bench.output('output', count * row);
      const steps: Step[] = [];
      for (const [k, start] of [0, ...further].entries()) {
        const end = further[k] ?? n;
        const x = bench.input('samples', padRows(X.subarray(start * d, end * d), d, width));
        const block = { x, start, rows: end - start, closes: end === n };
        steps.push(await crowdGradient(gpu, { ...arrays, ...block, output, count, m, ld, d, lanes }));
      }
      await runStep(gpu, inOrder(steps));
      return bench.floats(output);
    };
    const actual = await run(cuts);

    const expected = new Float64Array(count * row);
    const tolerance = new Float64Array(count * row);
    for (const [r, j] of chosen.entries()) {
      const order = orders[j]!;
      const slope = Math.fround(order.slope);
      const still = 1 - Math.fround(order.momentum);
      const of = flipped[j]!;
      const sizes = new Float64Array(width);
      const at = r * row;
      let size = 0;
      for (const i of of) {
        const change = H[j * ld + i]! > 0 ? 1 - slope : slope - 1;
        const step = (readout[j]! * labels[order.source]![i]! * change) / still;
        for (let c = 0; c < d; c++) {
          const term = step * X[i * d + c]!;
          expected[at + c]! += term;
          sizes[c]! += Math.abs(term);
        }
        expected[at + width]! += step;
        size += Math.abs(step);
      }
      // A step: the difference of derivatives, its product with the source, 1 - mu, the division by it (2.5 units in the last
      // place, each 2 U) and the product with that. Then a product with x, and an addition a flip but for the first.
      const OF_STEP = 9;
      const additions = Math.max(0, of.length - 1);
      for (let c = 0; c < d; c++) tolerance[at + c] = (OF_STEP + 1 + additions) * U * sizes[c]!;
      // Of the ground a product an entry of the sums, and an addition but for the first; then the addition of both. That of
      // the steps alone has fewer.
      let ofGround = 0;
      for (let c = 0; c < d; c++) {
        expected[at + width]! += g[c]! * expected[at + c]!;
        ofGround += Math.abs(g[c]!) * sizes[c]!;
      }
      tolerance[at + width] = (OF_STEP + additions) * U * size;
      if (ground) tolerance[at + width] = (OF_STEP + 2 + additions + width) * U * (size + ofGround);
      expected[at + width + 1] = j;
    }
    const at = (e: number) => `neuron ${chosen[Math.floor(e / row)]}, column ${e % row} of ${d} and ${row - width}`;
    // Padding, the numbers of neurons, and what had no flip allow nothing.
    expectClose('gradients of crowds', actual, expected, (e) => tolerance[e]!, at);
    expectSameBits('gradients of crowds', await run(cuts), actual);
    if (cuts.length > 0) expectSameBits('gradients of crowds, in one block', await run([]), actual);
  };
}
