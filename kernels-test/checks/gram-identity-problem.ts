// What the checks of the neuron loop compute on: trainings that stay away from kinks, and every epoch of them in float64.

import { Draws } from '../harness';
import { type NeuronRun, simulateNeuron } from '../reference/gram';
import { UndecidedCase } from './case';

/** Epochs at one learning rate after another, each brought to its end, and the chunks it is cut into. */
export interface GramPart {
  readonly lr: number;
  /** In a chunk of 0 the neurons rest; the last one of a part brings them to the part's end, and so has work. */
  readonly chunks: readonly number[];
}

/** One training: a few neurons. */
export interface GramTraining {
  readonly m?: number;
  readonly slope: number;
  readonly momentum: number;
  /** Which draw of labels. */
  readonly labels?: number;
  /** Epochs done before in another way: it begins there, with a velocity. */
  readonly start?: number;
  readonly parts: readonly GramPart[];
}

export interface GramCase extends GramTraining {
  readonly n: number;
  /** Inputs behind K. */
  readonly d?: number;
  readonly seed?: number;
  /** Trainings in the same calls; each must give the bits that it gives alone. */
  readonly beside?: readonly GramTraining[];
  /** Other cuts of each part, whose results must be the same bits. */
  readonly recuts?: readonly (readonly (readonly number[])[])[];
  /** Other numbers of pieces that K comes in, likewise. */
  readonly pieces?: readonly number[];
  /** Once more with K missing in the first call of each chunk, likewise. */
  readonly missing?: boolean;
  /**
   * Once more for each of these numbers, by gram_identity_subgroup: so many flips of an epoch are left to the host. With 1 there is
   * no K.
   */
  readonly crowds?: readonly number[];
  /** At least so many flips: the case is worth running. */
  readonly flips?: number;
  /** Some epoch has more flips than the kernel holds at once. */
  readonly crowded?: boolean;
  /** Samples so close together (this much of their distance from zero) that whole classes flip in an epoch. */
  readonly spread?: number;
  /** Lanes of the workgroup variant at most (default: its own choice). */
  readonly lanes?: number;
}

/** Junk that is finite: padding takes part in sums with weight zero. */
export const PADDING = 3.25;
/** Second-order terms, which the bounds leave out. */
export const SECOND_ORDER = 1.001;
/** A neuron that comes closer to a kink than float32 can tell is replaced, so many times at most. */
const TRIES = 60;

/** A training's inputs, and what the reference makes of them. */
export interface Prepared extends GramTraining {
  readonly m: number;
  readonly first: number;
  readonly epochs: number;
  /** Row of the label vectors. */
  readonly source: number;
  readonly readout: Float32Array;
  /** (6, m, ld) */
  readonly state: Float32Array;
  readonly runs: readonly NeuronRun[];
}

export interface Problem {
  readonly n: number;
  readonly ld: number;
  /** (n, ld) */
  readonly K: Float32Array;
  /** (3 label vectors, ld) */
  readonly sources: Float32Array;
  readonly trainings: readonly Prepared[];
}

/** Inputs of a case, and what the reference makes of them; the neurons stay away from kinks. */
export function gramProblem({ n, d = 5, seed = 1, spread, beside = [], ...own }: GramCase): Problem {
  const draws = new Draws(seed * 1e4 + n);
  const all = [own, ...beside];
  const ld = Math.ceil(n / 32) * 32;
  const y = Array.from({ length: 1 + Math.max(...all.map(({ labels = 0 }) => labels)) }, () => draws.signs(n));
  const X = draws.normal(n * d).map((value, e) => {
    const label = y[0]![Math.floor(e / d)]!;
    return spread === undefined ? value + 0.3 * label : (e % d === 0 ? label : 0) + spread * value;
  });
  const K = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      let sum = 1;
      for (let c = 0; c < d; c++) sum += X[i * d + c]! * X[k * d + c]!;
      K[i * n + k] = sum;
    }
  }
  const s = y.map((labels) => labels.map((value) => -value / n));
  const sources = new Float32Array(3 * y.length * ld);
  for (const [at, values] of s.entries()) {
    sources.set(values, at * ld);
    for (const [c, sign] of [-1, 1].entries()) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let k = 0; k < n; k++) if (Math.sign(values[k]!) === sign) sum += values[k]! * K[k * n + i]!;
        sources[(y.length + 2 * at + c) * ld + i] = sum;
      }
    }
  }
  const trainings = all.map((training): Prepared => {
    const { m = 3, slope, momentum, labels = 0, start = 0, parts } = training;
    const rates = parts.flatMap(({ lr, chunks }) => chunks.flatMap((count) => new Array<number>(count).fill(lr)));
    const runs: NeuronRun[] = [];
    const readout = new Float32Array(m);
    const state = new Float32Array(6 * m * ld).fill(PADDING);
    let tries = 0;
    while (runs.length < m) {
      if (++tries > TRIES) {
        throw new UndecidedCase(`${TRIES} neurons in a row come too close to a kink: choose another case`);
      }
      const w = draws.normal(d + 1);
      const h = Float32Array.from({ length: n }, (_, i) => {
        let sum = w[d]!;
        for (let c = 0; c < d; c++) sum += (w[c]! * X[i * d + c]!) / Math.sqrt(d);
        return sum;
      });
      const u = start > 0 ? draws.normal(n) : new Float32Array(n);
      const a = draws.normal(1, 1 / Math.sqrt(m))[0]!;
      const run = simulateNeuron({ K, s: s[labels]!, a, h, u, momentum, slope, rates });
      if (run.margin <= SECOND_ORDER) continue;
      const j = runs.length;
      for (let i = 0; i < n; i++) {
        let q = 0;
        for (let k = 0; k < n; k++) q += K[i * n + k]! * s[labels]![k]! * (h[k]! > 0 ? 1 : Math.fround(slope));
        const drift = (a * q) / (1 - Math.fround(momentum));
        for (const [p, value] of [h[i]!, u[i]!, drift, 0, 0, start].entries()) state[(p * m + j) * ld + i] = value;
      }
      readout[j] = a;
      runs.push(run);
      tries = 0;
    }
    return { ...training, m, first: start, epochs: rates.length, source: labels, readout, state, runs };
  });
  const rows = new Float32Array(n * ld).fill(PADDING);
  for (let i = 0; i < n; i++) rows.set(K.subarray(i * n, (i + 1) * n), i * ld);
  return { n, ld, K: rows, sources, trainings };
}
