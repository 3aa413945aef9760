// weight_gradient_subgroup and weight_gradient_tiled, momentum_update, plateau.

import type { MatmulLayout, MatmulVariant, Tile } from '../../src/kernels/variant';
import {
  gradientPartLength,
  gradientQuads,
  gradientWords,
  momentumUpdate,
  plateau,
  plateauState,
  weightGradient,
} from '../../src/kernels/weight-gradient';
import {
  asHalves,
  Bench,
  Draws,
  expectClose,
  expectExact,
  expectSameBits,
  padRows,
  rowLength,
  runStep,
  U,
} from '../harness';
import { Plateau } from '../reference/training';
import { type Check, layoutOf, type Shape } from './case';

export interface WeightGradientCase {
  readonly shape: Shape;
  readonly variant: MatmulVariant;
  /** Tiled only. */
  readonly tile?: Tile;
  /** Inputs stored as halves: they are drawn as such, so nothing else changes. */
  readonly half?: boolean;
  readonly splits?: number;
  /** Samples of a part, where it is not an even share. */
  readonly step?: number;
  /** Samples of other blocks before this one. */
  readonly start?: number;
  /** Parts that other blocks wrote before this one. */
  readonly part?: number;
}

/** Where element (column c, neuron j) of a part lies: (quads / lanes, words, group, lanes) vectors of four columns. */
function slotOf(layout: MatmulLayout, c: number, j: number): number {
  const { lanes, group } = layout;
  const words = gradientWords(layout); // those of whole workgroups
  const quad = Math.floor(c / 4);
  const word = Math.floor(j / group);
  const row = (Math.floor(quad / lanes) * words + word) * group + (j % group);
  return (row * lanes + (quad % lanes)) * 4 + (c % 4);
}

export function checkWeightGradient(test: WeightGradientCase): Check {
  const { shape, variant, splits = 1, start = 0, part = 0 } = test;
  const [n, d, m] = shape;
  const { step = Math.ceil(n / splits) } = test;
  return async (gpu) => {
    const draws = new Draws(n * 1e6 + d * 1e3 + m + 7);
    const layout = { ...layoutOf(gpu, m, variant), ...(test.tile ? { tile: test.tile } : {}) };
    const { words, group } = layout;
    const X = test.half ? asHalves(draws.normal(n * d)) : draws.normal(n * d);
    const rows = padRows(X, d, rowLength(d));
    const s = draws.normal(start + n + 3);
    const bits = draws.bits(words * n);
    const quads = gradientQuads(d, layout);
    const partLength = gradientPartLength(d, layout);
    using bench = new Bench(gpu);
    const inputs = {
      x: test.half ? bench.halves('x', rows) : bench.input('x', rows),
      mask: bench.input('mask', bits),
      residual: bench.input('residual', s),
    };
    const from = part * partLength;
    const run = async () => {
      const gradient = bench.output('gradient', (part + splits) * partLength);
      const total = bench.output('total', (part + splits) * quads * 4);
      const sizes = { n, d, start, part, splits, ...(test.step ? { step } : {}), layout };
      await runStep(gpu, await weightGradient(gpu, { ...inputs, gradient, total, ...sizes }));
      return { gradient: await bench.floats(gradient, from), total: await bench.floats(total, part * quads * 4) };
    };
    const { gradient, total } = await run();

    const actual: number[] = [];
    const expected: number[] = [];
    const tolerance: number[] = [];
    const where: string[] = [];
    const expect = (place: string, value: number, sum: number, size: number, terms: number) => {
      actual.push(value);
      expected.push(sum);
      tolerance.push(terms * U * size); // one product and one addition a term, the first addition being to zero
      where.push(place);
    };
    const columns = new Float64Array(d + 1);
    const columnSizes = new Float64Array(d + 1);
    for (let z = 0; z < splits; z++) {
      const begin = Math.min(n, z * step);
      const end = Math.min(n, begin + step);
      const terms = end - begin;
      for (let j = -1; j < m; j++) {
        columns.fill(0);
        columnSizes.fill(0);
        for (let i = begin; i < end; i++) {
          if (j >= 0 && ((bits[Math.floor(j / group) * n + i]! >>> (j % group)) & 1) === 0) continue;
          for (let c = 0; c <= d; c++) {
            const term = s[start + i]! * (c === d ? 1 : X[i * d + c]!);
            columns[c]! += term;
            columnSizes[c]! += Math.abs(term);
          }
        }
        for (let c = 0; c <= d; c++) {
          const place = `part ${part + z}, column ${c}${j < 0 ? ', total' : `, neuron ${j}`}`;
          const value = j < 0 ? total[z * quads * 4 + c]! : gradient[z * partLength + slotOf(layout, c, j)]!;
          expect(place, value, columns[c]!, columnSizes[c]!, terms);
        }
      }
    }
    expectClose(
      'weight gradient',
      actual,
      expected,
      (e) => tolerance[e]!,
      (e) => where[e]!,
    );
    const again = await run();
    expectSameBits('gradient', again.gradient, gradient);
    expectSameBits('total', again.total, total);
  };
}

export interface MomentumCase {
  readonly d: number;
  readonly m: number;
  readonly parts: number;
  readonly slope: number;
  readonly variant: MatmulVariant;
  readonly momentum?: number;
  readonly lr?: number;
}

export function checkMomentumUpdate(test: MomentumCase): Check {
  const { d, m, parts, slope, variant, momentum = 0.9, lr = 0.3 } = test;
  return async (gpu) => {
    const draws = new Draws(d * 1e3 + m + parts);
    const layout = layoutOf(gpu, m, variant);
    const quads = gradientQuads(d, layout);
    const partLength = gradientPartLength(d, layout);
    const count = (d + 1) * m;
    const values = draws.normal(parts * count);
    const totals = draws.normal(parts * (d + 1));
    // What lies between the elements is not to be used: NaN.
    const gradient = new Float32Array(parts * partLength).fill(Number.NaN);
    const total = new Float32Array(parts * quads * 4).fill(Number.NaN);
    for (let p = 0; p < parts; p++) {
      for (let c = 0; c <= d; c++) {
        total[p * quads * 4 + c] = totals[p * (d + 1) + c]!;
        for (let j = 0; j < m; j++) gradient[p * partLength + slotOf(layout, c, j)] = values[p * count + c * m + j]!;
      }
    }
    const a = draws.normal(m);
    const v0 = draws.normal(count);
    const w0 = draws.normal(count);
    using bench = new Bench(gpu);
    const inputs = {
      gradient: bench.input('gradient', gradient),
      total: bench.input('total', total),
      readout: bench.input('readout', a),
      // Only element 0 is the rate of this epoch; element 1, that of the next, must not be taken.
      state: bench.input('state', Float32Array.of(lr, 7 * lr, 1, 2, 3, 4, 5, 6)),
    };
    const run = async () => {
      const velocity = bench.inout('velocity', v0);
      const weights = bench.inout('weights', w0);
      const args = { ...inputs, velocity, weights, d, parts, slope, momentum, layout };
      await runStep(gpu, await momentumUpdate(gpu, args));
      return { velocity: await bench.floats(velocity), weights: await bench.floats(weights) };
    };
    const { velocity, weights } = await run();
    const rate = Math.fround(lr);
    const v = new Float64Array(count);
    const vTolerance = new Float64Array(count);
    const w = new Float64Array(count);
    const wTolerance = new Float64Array(count);
    for (let c = 0; c <= d; c++) {
      for (let j = 0; j < m; j++) {
        const e = c * m + j;
        let masked = 0;
        let whole = 0;
        let maskedSize = 0;
        let wholeSize = 0;
        for (let p = 0; p < parts; p++) {
          masked += values[p * count + e]!;
          maskedSize += Math.abs(values[p * count + e]!);
          whole += totals[p * (d + 1) + c]!;
          wholeSize += Math.abs(totals[p * (d + 1) + c]!);
        }
        v[e] = momentum * v0[e]! + a[j]! * ((1 - slope) * masked + slope * whole);
        const size = Math.abs(momentum * v0[e]!) + Math.abs(a[j]!) * ((1 - slope) * maskedSize + slope * wholeSize);
        // parts additions; two factors, their sum, the readout, the sum with the velocity; the constants are rounded too.
        vTolerance[e] = (parts + 7) * U * size;
        w[e] = w0[e]! - rate * v[e]!;
        wTolerance[e] = rate * vTolerance[e]! + 2 * U * (Math.abs(w0[e]!) + rate * Math.abs(v[e]!));
      }
    }
    const at = (e: number) => `column ${Math.floor(e / m)}, neuron ${e % m}`;
    expectClose('velocity', velocity, v, (e) => vTolerance[e]!, at);
    expectClose('weights', weights, w, (e) => wTolerance[e]!, at);
    const again = await run();
    expectSameBits('velocity', again.velocity, velocity);
    expectSameBits('weights', again.weights, weights);
  };
}

export interface PlateauCase {
  readonly losses: readonly number[];
  readonly lr?: number;
  readonly schedule?: { readonly factor: number; readonly patience: number; readonly threshold: number } | false;
  /** Rate of every epoch, where the case says more than the reference. */
  readonly expected?: readonly number[];
}

export const TORCH = { factor: 0.1, patience: 10, threshold: 1e-4 } as const;

/** Feeds the losses to the schedule one epoch at a time and compares every epoch's rate and record. */
export function checkPlateau({ losses, lr = 1, schedule = TORCH, expected }: PlateauCase): Check {
  return async (gpu) => {
    using bench = new Bench(gpu);
    const epochs = losses.length;
    const records = Float32Array.from(losses.flatMap((loss, t) => [loss, t % 5]));
    const feed = gpu.upload('losses', records);
    const run = async () => {
      const summary = bench.output('summary', 2);
      const state = bench.inout('state', plateauState({ lr }));
      const history = bench.output('history', epochs * 3);
      const rates = bench.output('rates used by the step', epochs);
      const step = await plateau(gpu, { summary, state, history, schedule });
      const batch = gpu.batch('epochs');
      for (let t = 0; t < epochs; t++) {
        batch.copy(feed, 2 * t, summary, 0, 2);
        step(batch);
        batch.copy(state, 0, rates, t, 1);
      }
      await batch.submit();
      return { history: await bench.floats(history), rates: await bench.floats(rates) };
    };
    try {
      const { history, rates } = await run();
      const reference = schedule ? new Plateau(lr, schedule) : { lr, step: () => undefined };
      const wanted = losses.map((loss) => {
        const now = reference.lr;
        reference.step(Math.fround(loss));
        return now;
      });
      if (expected) expectClose('the reference itself', wanted, expected, (t) => 1e-12 * expected[t]!);
      const column = (at: number) => Array.from({ length: epochs }, (_, t) => history[t * 3 + at]!);
      const epoch = (t: number) => `epoch ${t}`;
      // The first rate is rounded once; each drop is a product with a rounded factor.
      const drops = (t: number) => (schedule ? Math.round(Math.log(wanted[t]! / lr) / Math.log(schedule.factor)) : 0);
      expectClose('learning rate', column(1), wanted, (t) => (1 + 2 * drops(t)) * U * wanted[t]!, epoch);
      expectExact('rate the step uses', rates, column(1), epoch);
      const seen = losses.map((loss) => Math.fround(loss));
      const same = seen.every((loss, t) => Object.is(loss, column(0)[t]) || loss === column(0)[t]);
      if (!same) throw new Error(`recorded losses: ${column(0)} instead of ${seen}`);
      expectExact(
        'number correct',
        column(2),
        losses.map((_, t) => t % 5),
        epoch,
      );
      expectSameBits('history', (await run()).history, history);
    } finally {
      feed.dispose();
    }
  };
}
