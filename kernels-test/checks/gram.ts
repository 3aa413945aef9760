// sign_mask, strided_sums, gram_identity_subgroup.

import { gramIdentity, signMask, stridedSums } from '../../src/kernels/gram';
import { Bench, Draws, expectClose, expectExact, expectSameBits, runStep, U } from '../helpers';
import { type NeuronRun, simulateNeuron } from '../reference/gram';
import type { Check } from './case';

export interface SignMaskCase {
  readonly n: number;
  readonly m: number;
  readonly ld: number;
  readonly group: number;
  readonly first?: number;
}

export function checkSignMask({ n, m, ld, group, first = 0 }: SignMaskCase): Check {
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
      const mask = bench.output('mask', words * n, 'u32');
      await runStep(gpu, await signMask(gpu, { h: input, mask, n, m, ld, group, words, first }));
      return bench.words(mask);
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
  };
}

export interface GramCase {
  readonly n: number;
  /** Inputs behind K. */
  readonly d?: number;
  readonly m?: number;
  readonly slope: number;
  readonly momentum: number;
  readonly seed?: number;
  /** Epochs at one learning rate after another, each brought to its end, and the chunks it is cut into. */
  readonly parts: readonly { readonly lr: number; readonly chunks: readonly number[] }[];
  /** Other cuts of each part, whose results must be the same bits. */
  readonly recuts?: readonly (readonly (readonly number[])[])[];
  /** At least so many flips: the case is worth running. */
  readonly flips?: number;
  /** Flips at one event left over by fours: each of these must occur. */
  readonly leftovers?: readonly number[];
}

/** Junk that is finite: padding takes part in sums with weight zero. */
const PADDING = 3.25;
/** Second-order terms, which the bounds leave out. */
const SECOND_ORDER = 1.001;
/** A neuron that comes closer to a kink than float32 can tell is replaced, so many times at most. */
const TRIES = 60;

/** Inputs of a case, and what the reference makes of them; the neurons stay away from kinks. */
export function gramProblem({ n, d = 5, m = 3, slope, momentum, seed = 1, parts }: GramCase) {
  const draws = new Draws(seed * 1e4 + n);
  const y = draws.signs(n);
  const X = draws.normal(n * d).map((value, e) => value + 0.3 * y[Math.floor(e / d)]!);
  const K = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      let sum = 1;
      for (let c = 0; c < d; c++) sum += X[i * d + c]! * X[k * d + c]!;
      K[i * n + k] = sum;
    }
  }
  const s = y.map((value) => -value / n);
  const rates = parts.flatMap(({ lr, chunks }) => chunks.flatMap((count) => new Array<number>(count).fill(lr)));
  const runs: NeuronRun[] = [];
  const h = new Float32Array(m * n);
  const a = new Float32Array(m);
  let tries = 0;
  while (runs.length < m) {
    if (++tries > TRIES) throw new Error(`${TRIES} neurons in a row come too close to a kink: choose another case`);
    const w = draws.normal(d + 1);
    const own = Float32Array.from({ length: n }, (_, i) => {
      let sum = w[d]!;
      for (let c = 0; c < d; c++) sum += (w[c]! * X[i * d + c]!) / Math.sqrt(d);
      return sum;
    });
    const readout = draws.normal(1, 1 / Math.sqrt(m))[0]!;
    const run = simulateNeuron({ K, s, a: readout, h: own, momentum, slope, rates });
    if (run.margin <= SECOND_ORDER) continue;
    h.set(own, runs.length * n);
    a[runs.length] = readout;
    runs.push(run);
    tries = 0;
  }
  return { K, s, a, h, rates, runs };
}

export function checkGramIdentity(test: GramCase): Check {
  const { n, m = 3, slope, momentum, parts, recuts = [], flips: least = 0, leftovers = [] } = test;
  return async (gpu) => {
    const { K, s, a, h, rates, runs } = gramProblem(test);
    const total = rates.length;
    const ld = Math.ceil(n / 32) * 32;
    const plane = m * ld;
    const kernel = new Float32Array(n * ld).fill(PADDING);
    for (let i = 0; i < n; i++) kernel.set(K.subarray(i * n, (i + 1) * n), i * ld);
    const scaled = new Float32Array(ld);
    scaled.set(s);
    const start = new Float32Array(6 * plane).fill(PADDING);
    for (let j = 0; j < m; j++) {
      const phi = Float64Array.from({ length: n }, (_, i) => (h[j * n + i]! > 0 ? 1 : slope));
      for (let i = 0; i < n; i++) {
        let q = 0;
        for (let k = 0; k < n; k++) q += K[i * n + k]! * s[k]! * phi[k]!;
        const drift = (a[j]! * q) / (1 - Math.fround(momentum));
        for (const [p, value] of [h[j * n + i]!, 0, drift, 0, 0, 0].entries()) start[p * plane + j * ld + i] = value;
      }
    }
    using bench = new Bench(gpu);
    const inputs = {
      kernel: bench.input('kernel', kernel),
      scaled: bench.input('scaled', scaled),
      readout: bench.input('readout', a),
    };
    /** All parts, each cut as told, from the start. */
    const run = async (cuts: readonly (readonly number[])[]) => {
      const state = bench.inout('state', start);
      const clock = bench.inout('clock', new Uint32Array(m), 'u32');
      const losses = new Float32Array(m * total);
      const counted = { events: 0, flips: new Array<number>(m).fill(0) };
      let done = 0;
      for (const [part, chunks] of cuts.entries()) {
        for (const [at, count] of chunks.entries()) {
          const loss = bench.output('losses', m * count);
          const counts = bench.output('counts', m * 2, 'u32');
          const scalars = { n, ld, m, start: done, epochs: count, total, lr: parts[part]!.lr, momentum, slope };
          const sync = at === chunks.length - 1;
          const arrays = { ...inputs, state, clock, losses: loss, counts };
          await runStep(gpu, await gramIdentity(gpu, { ...arrays, ...scalars, sync }));
          const values = await bench.floats(loss);
          const pairs = await bench.words(counts);
          for (let j = 0; j < m; j++) {
            losses.set(values.subarray(j * count, (j + 1) * count), j * total + done);
            counted.events += pairs[2 * j]!;
            counted.flips[j]! += pairs[2 * j + 1]!;
          }
          done += count;
          if (sync) {
            const times = await bench.words(clock);
            expectExact('clocks', times, new Array<number>(m).fill(done));
          }
        }
      }
      return { state: await bench.floats(state), losses, ...counted };
    };
    const result = await run(parts.map(({ chunks }) => chunks));

    const crowds = runs.flatMap((each) => each.crowds);
    const flips = crowds.reduce((sum, crowd) => sum + crowd, 0);
    if (flips < least) throw new Error(`the reference has ${flips} flips, fewer than ${least}: choose another case`);
    const seen = new Set(crowds.map((crowd) => crowd % 4));
    if (!leftovers.every((each) => seen.has(each))) throw new Error(`flips by fours leave only ${[...seen]} over`);
    expectExact(
      'flips',
      result.flips,
      runs.map((each) => each.flips),
      (j) => `neuron ${j}`,
    );
    expectExact('events', [result.events], [runs.reduce((sum, each) => sum + each.events, 0)]);
    for (const [j, reference] of runs.entries()) {
      const at = (i: number) => `neuron ${j}, sample ${i}`;
      for (const [p, name] of (['H', 'U', 'A', 'C', 'V'] as const).entries()) {
        const { value, bound } = reference[name];
        const actual = result.state.subarray(p * plane + j * ld, p * plane + j * ld + n);
        expectClose(name, actual, value, (i) => SECOND_ORDER * bound[i]!, at);
      }
      const changes = result.state.subarray(5 * plane + j * ld, 5 * plane + j * ld + n);
      expectExact('epoch of the last change', changes, new Array<number>(n).fill(total), at);
      const { value, bound } = reference.loss;
      const losses = result.losses.subarray(j * total, (j + 1) * total);
      expectClose(
        'loss',
        losses,
        value,
        (t) => SECOND_ORDER * bound[t]!,
        (t) => `neuron ${j}, epoch ${t}`,
      );
    }
    for (let row = 0; row < 6 * m; row++) {
      const padding = result.state.subarray(row * ld + n, (row + 1) * ld);
      expectExact('padding', padding, new Array<number>(ld - n).fill(PADDING), (i) => `row ${row}, column ${n + i}`);
    }
    for (const cuts of [parts.map(({ chunks }) => chunks), ...recuts]) {
      const again = await run(cuts);
      const what = `cut into ${JSON.stringify(cuts)}`;
      expectSameBits(`${what}: state`, again.state, result.state);
      expectSameBits(`${what}: losses`, again.losses, result.losses);
      expectExact(`${what}: flips`, again.flips, result.flips);
    }
  };
}
