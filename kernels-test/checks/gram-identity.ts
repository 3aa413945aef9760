// The neuron loop of Gram training, gram_identity_subgroup and gram_identity_workgroup, against every epoch in float64.

import type { GpuArray } from '../../src/gpu/array';
import type { Gpu } from '../../src/gpu/gpu';
import * as shaders from '../../src/kernels/generated';
import {
  gramIdentity,
  NEURON_WORDS,
  type NeuronOrder,
  type NeuronReport,
  neuronReport,
  packNeurons,
} from '../../src/kernels/gram-identity';
import { type GramLoop, gramLoop } from '../../src/kernels/variant';
import { Bench, Draws, expectClose, expectExact, expectSameBits, runStep } from '../harness';
import { type NeuronRun, simulateNeuron } from '../reference/gram';
import { type Check, UndecidedCase } from './case';

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
const PADDING = 3.25;
/** Second-order terms, which the bounds leave out. */
const SECOND_ORDER = 1.001;
/** A neuron that comes closer to a kink than float32 can tell is replaced, so many times at most. */
const TRIES = 60;
const PLANES = ['H', 'U', 'A', 'C', 'V', 'epoch of the last change'] as const;

/** A training's inputs, and what the reference makes of them. */
interface Prepared extends GramTraining {
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

interface Problem {
  readonly n: number;
  readonly ld: number;
  /** (n, ld) */
  readonly K: Float32Array;
  /** (3 label vectors, ld) */
  readonly sources: Float32Array;
  readonly trainings: readonly Prepared[];
}

/** Inputs of a case, and what the reference makes of them; the neurons stay away from kinks. */
function gramProblem({ n, d = 5, seed = 1, spread, beside = [], ...own }: GramCase): Problem {
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

/** A chunk of a training. */
interface Call {
  readonly lr: number;
  readonly start: number;
  readonly epochs: number;
  readonly sync: boolean;
}

type Cuts = readonly (readonly number[])[];

/** The calls that cuts of a training's parts make. */
function callsOf({ first, parts }: Prepared, cuts: Cuts): Call[] {
  let start = first;
  return parts.flatMap(({ lr }, part) =>
    cuts[part]!.map((epochs, at, chunks) => {
      const call = { lr, start, epochs, sync: at === chunks.length - 1 };
      start += epochs;
      return call;
    }),
  );
}

/** What a training came to. */
interface Played {
  readonly state: Float32Array;
  /** (m, epochs) */
  readonly losses: Float32Array;
  readonly flips: Uint32Array;
  readonly events: Uint32Array;
}

/** A neuron of some trainings laid side by side. */
interface Place {
  readonly training: Prepared;
  readonly at: number;
  /** Neuron of the training. */
  readonly j: number;
}

/** Elements between the losses of two neurons, which nobody writes. */
const GAP = 3;

/** One chunk of all trainings: what each is to do, if anything, and where its neurons' losses go. */
interface Round {
  readonly calls: readonly (Call | undefined)[];
  readonly losses: GpuArray;
  /** What they are before anything is written. */
  readonly poison: Uint32Array;
  readonly firsts: readonly number[];
}

/** Trainings side by side on the device. */
class Play {
  readonly #places: readonly Place[];
  readonly #neurons: GpuArray;
  readonly #state: GpuArray;
  readonly #sources: GpuArray;
  readonly #pieces: readonly GpuArray[];
  readonly #pieceRows: number;
  readonly #clocks: number[];
  /** Calls in which a neuron waited for K, and in which one did not. */
  readonly waited = { yes: 0, no: 0 };

  constructor(
    private readonly bench: Bench,
    private readonly problem: Problem,
    private readonly trainings: readonly Prepared[],
    private readonly loop: GramLoop,
    pieces: number,
  ) {
    const { n, ld, K, sources } = problem;
    this.#places = trainings.flatMap((training, at) =>
      Array.from({ length: training.m }, (_, j) => ({ training, at, j })),
    );
    const m = this.#places.length;
    const state = new Float32Array(6 * m * ld);
    for (const [k, { training, j }] of this.#places.entries()) {
      for (let p = 0; p < 6; p++) {
        const from = (p * training.m + j) * ld;
        state.set(training.state.subarray(from, from + ld), (p * m + k) * ld);
      }
    }
    this.#pieceRows = Math.ceil(n / pieces);
    this.#pieces = Array.from({ length: pieces }, (_, at) => {
      const rows = K.subarray(at * this.#pieceRows * ld, Math.min(n, (at + 1) * this.#pieceRows) * ld);
      if (rows.length === 0) throw new Error(`${n} rows make no ${pieces} pieces`);
      return bench.input(`rows of K, ${at}`, rows);
    });
    this.#sources = bench.input('sources', sources);
    this.#neurons = bench.output('neurons', m * NEURON_WORDS, 'u32');
    this.#state = bench.inout('state', state);
    this.#clocks = this.#places.map(({ training }) => training.first);
  }

  /** Runs all calls; the trainings that have fewer rest in the last ones. */
  async run(cuts: readonly Cuts[], missing: boolean): Promise<Played[]> {
    const calls = this.trainings.map((training, k) => callsOf(training, cuts[k]!));
    const flips = this.trainings.map(({ m }) => new Uint32Array(m));
    const events = this.trainings.map(({ m }) => new Uint32Array(m));
    const losses = this.trainings.map(({ m, epochs }) => new Float32Array(m * epochs));
    for (let at = 0; at < Math.max(...calls.map((each) => each.length)); at++) {
      const round = await this.#round(calls.map((each) => each[at]));
      const reports = missing ? [await this.#withoutKernel(round)] : [];
      reports.push(await this.#call(round, true));
      const values = await this.#losses(round);
      for (const [k, { at, j, training }] of this.#places.entries()) {
        for (const report of reports) {
          flips[at]![j]! += report[k]!.flips;
          events[at]![j]! += report[k]!.events;
        }
        const last = reports.at(-1)![k]!;
        const call = round.calls[at];
        if (last.stalled) throw new Error(`neuron ${j} of training ${at} waits for K, which is there`);
        if (call?.sync) expectExact('clock', [last.clock], [call.start + call.epochs]);
        if (call) losses[at]!.set(values[k]!, j * training.epochs + call.start - training.first);
      }
    }
    const state = await this.bench.floats(this.#state);
    const { ld } = this.problem;
    return this.trainings.map(({ m }, at) => {
      const own = new Float32Array(6 * m * ld);
      for (const [k, place] of this.#places.entries()) {
        if (place.at !== at) continue;
        for (let p = 0; p < 6; p++) {
          const from = (p * this.#places.length + k) * ld;
          own.set(state.subarray(from, from + ld), (p * m + place.j) * ld);
        }
      }
      return { state: own, losses: losses[at]!, flips: flips[at]!, events: events[at]! };
    });
  }

  async #round(calls: Round['calls']): Promise<Round> {
    let length = GAP;
    const firsts = this.#places.map(({ at }) => {
      const first = length;
      length += (calls[at]?.epochs ?? 0) + GAP;
      return first;
    });
    const losses = this.bench.output('losses', length);
    return { calls, losses, poison: await losses.readUint(), firsts };
  }

  /** Losses of a round by neuron; fails when one is missing, or when something else was written. */
  async #losses({ calls, losses, poison, firsts }: Round): Promise<Float32Array[]> {
    const bits = await this.bench.bits(losses);
    const rest = bits.slice();
    const own = this.#places.map(({ at, j }, k) => {
      const [from, to] = [firsts[k]!, firsts[k]! + (calls[at]?.epochs ?? 0)];
      rest.set(poison.subarray(from, to), from);
      for (let e = from; e < to; e++) {
        if (bits[e] === poison[e]) throw new Error(`neuron ${j} of training ${at}: no loss of epoch ${e - from}`);
      }
      return new Float32Array(bits.slice(from, to).buffer as ArrayBuffer);
    });
    expectExact('what lies between losses', rest, poison.subarray(0, rest.length));
    return own;
  }

  /** One call of the kernel; fails when it changes what is the host's in a record. */
  async #call({ calls, losses, firsts }: Round, haveKernel: boolean): Promise<NeuronReport[]> {
    const { n, ld } = this.problem;
    const orders = this.#places.map(({ training, at, j }, k): NeuronOrder => {
      const { first, slope, momentum, source, readout } = training;
      const { lr, start, epochs, sync } = calls[at] ?? { lr: 0, start: first, epochs: 0, sync: false };
      const own = { clock: this.#clocks[k]!, lossesFirst: firsts[k]!, readout: readout[j]! };
      return { ...own, start, epochs, sync, source, lr, momentum, slope };
    });
    const words = packNeurons(orders);
    this.#neurons.write(words);
    const pieces = haveKernel ? this.#pieces : [];
    const vectors = this.problem.sources.length / ld / 3;
    const arrays = { pieces, sources: this.#sources, vectors, neurons: this.#neurons, state: this.#state, losses };
    const sizes = {
      pieceRows: this.#pieceRows,
      pieceCount: this.#pieces.length,
      n,
      ld,
      m: orders.length,
      loop: this.loop,
    };
    await runStep(this.bench.gpu, await gramIdentity(this.bench.gpu, { ...arrays, ...sizes }));
    const after = await this.bench.words(this.#neurons);
    const reports = orders.map((_, k) => neuronReport(after, k));
    const { fields } = shaders.gramIdentitySubgroup.bindings.neurons.record;
    for (let k = 0; k < orders.length; k++) {
      for (const name of ['clock', 'events', 'flips', 'stalled'] as const) {
        const at = k * NEURON_WORDS + fields[name].offset / 4;
        after[at] = words[at]!;
      }
      this.#clocks[k] = reports[k]!.clock;
    }
    expectExact('what the host says of the neurons', after, words);
    return reports;
  }

  /** A call without K: it must stop before the first flip of each neuron, with all losses up to there. */
  async #withoutKernel(round: Round): Promise<NeuronReport[]> {
    const { ld } = this.problem;
    const clocks = this.#clocks.slice();
    const before = await this.#state.read();
    const reports = await this.#call(round, false);
    const after = await this.#state.read();
    const losses = await round.losses.readUint();
    for (const [k, { training, at, j }] of this.#places.entries()) {
      const call = round.calls[at];
      const where = `neuron ${j} of training ${at} without K`;
      const { clock, stalled, flips } = reports[k]!;
      const [start, end] = call ? [call.start, call.start + call.epochs] : [0, 0];
      const turns = training.runs[j]!.turns.map(({ epoch }) => training.first + epoch);
      const turn = turns.find((epoch) => epoch > start && epoch <= end);
      if (call) this.waited[turn === undefined ? 'no' : 'yes']++;
      expectExact(`${where}: stalled, flips`, [Number(stalled), flips], [Number(turn !== undefined), 0]);
      expectExact(`${where}: clock`, [clock], [turn === undefined && call?.sync ? end : clocks[k]!]);
      if (turn !== undefined || !call?.sync) {
        for (let p = 0; p < 6; p++) {
          const row = (p * this.#places.length + k) * ld;
          const what = `${where}: ${PLANES[p]}`;
          expectSameBits(what, after.slice(row, row + ld), before.slice(row, row + ld));
        }
      }
      for (let t = start; t < end; t++) {
        const e = round.firsts[k]! + t - start;
        const known = t < (turn ?? end);
        if ((losses[e] !== round.poison[e]) === known) continue;
        throw new Error(`${where}: the loss of epoch ${t} is ${known ? 'missing' : 'there, past the flip'}`);
      }
    }
    return reports;
  }
}

/** Fails unless a training came to what the reference says. */
function expectReference({ n, ld }: Problem, training: Prepared, played: Played, name: string): void {
  const { m, runs, first, epochs } = training;
  const neuron = (j: number) => `${name}, neuron ${j}`;
  expectExact(
    'flips',
    played.flips,
    runs.map((each) => each.flips),
    neuron,
  );
  expectExact(
    'events',
    played.events,
    runs.map((each) => each.events),
    neuron,
  );
  for (const [j, reference] of runs.entries()) {
    const at = (i: number) => `${neuron(j)}, sample ${i}`;
    const plane = (p: number) => played.state.subarray((p * m + j) * ld, (p * m + j) * ld + n);
    for (const [p, what] of (['H', 'U', 'A', 'C', 'V'] as const).entries()) {
      const { value, bound } = reference[what];
      expectClose(what, plane(p), value, (i) => SECOND_ORDER * bound[i]!, at);
    }
    expectExact(PLANES[5], plane(5), new Array<number>(n).fill(first + epochs), at);
    const { value, bound } = reference.loss;
    const losses = played.losses.subarray(j * epochs, (j + 1) * epochs);
    const when = (t: number) => `${neuron(j)}, epoch ${t}`;
    expectClose('loss', losses, value, (t) => SECOND_ORDER * bound[t]!, when);
  }
  for (let row = 0; row < 6 * m; row++) {
    const padding = played.state.subarray(row * ld + n, (row + 1) * ld);
    const at = (i: number) => `${name}, row ${row}, column ${n + i}`;
    // H, U and A of padding move along, and mean nothing; what is kept for every flip stays.
    if (row >= 3 * m) expectExact('padding', padding, new Array<number>(ld - n).fill(PADDING), at);
    else if (!padding.every(Number.isFinite)) throw new Error(`padding that is not finite: ${at(0)}`);
  }
}

function expectSame(what: string, played: Played, expected: Played): void {
  expectSameBits(`${what}: state`, played.state, expected.state);
  expectSameBits(`${what}: losses`, played.losses, expected.losses);
  expectExact(`${what}: flips`, played.flips, expected.flips);
}

/** Flips of one epoch that a kernel takes at once, from its text. */
function heldAtOnce(code: string): number {
  return Number(/\bconst HELD ?= ?(\d+)u;/.exec(code)![1]);
}

/** The case must have in it what it is there to show. */
function expectWorth(
  { n, flips: least = 0, crowded = false, spread }: GramCase,
  runs: readonly NeuronRun[],
  held: number,
): void {
  const crowds = runs.flatMap(({ turns }) => turns.map(({ flips }) => flips));
  const flips = crowds.reduce((sum, crowd) => sum + crowd, 0);
  if (flips < least) throw new Error(`the reference has ${flips} flips, fewer than ${least}: choose another case`);
  const most = Math.max(0, ...crowds);
  if (spread !== undefined && most < n / 3) throw new Error(`at most ${most} of ${n} samples flip in an epoch`);
  if (crowded && most <= held) throw new Error(`at most ${most} flips in an epoch, the kernel holds ${held} at once`);
}

/** The case on one of the two kernels. */
export function checkGramIdentity(test: GramCase, variant: GramLoop['variant']): Check {
  const { recuts = [], pieces = [], missing = false, lanes } = test;
  // Sabotages run the same case many times.
  let problem: Problem | undefined;
  return async (gpu: Gpu) => {
    problem ??= gramProblem(test);
    const { trainings } = problem;
    const [own] = trainings;
    expectWorth(
      test,
      trainings.flatMap(({ runs }) => runs),
      heldAtOnce((variant === 'subgroup' ? shaders.gramIdentitySubgroup : shaders.gramIdentityWorkgroup).code),
    );
    const loop = gramLoop(gpu, variant);
    using bench = new Bench(gpu);
    const play = (some: readonly Prepared[], rows = 1) =>
      new Play(bench, problem!, some, lanes ? { ...loop, lanes } : loop, rows);
    const whole = trainings.map(({ parts }) => parts.map(({ chunks }) => chunks));

    const results = await play(trainings).run(whole, false);
    for (const [k, training] of trainings.entries()) {
      expectReference(problem, training, results[k]!, `training ${k}`);
      // With nothing beside it, it is the same call once more.
      const [alone] = await play([training]).run([whole[k]!], false);
      expectSame(`training ${k} alone`, alone!, results[k]!);
    }
    for (const cuts of recuts) {
      const [again] = await play([own!]).run([cuts], false);
      expectSame(`cut into ${JSON.stringify(cuts)}`, again!, results[0]!);
    }
    for (const count of pieces) {
      for (const [k, again] of (await play(trainings, count).run(whole, false)).entries()) {
        expectSame(`training ${k}, K in ${count} pieces`, again, results[k]!);
      }
    }
    if (!missing) return;
    const waiting = play(trainings);
    for (const [k, again] of (await waiting.run(whole, true)).entries()) {
      expectSame(`training ${k}, K missing at first`, again, results[k]!);
      expectExact(`training ${k}, K missing at first: events`, again.events, results[k]!.events);
    }
    const { yes, no } = waiting.waited;
    if (yes === 0 || no === 0) throw new Error(`of the calls without K ${yes} wait for it, ${no} do not: no case`);
  };
}
