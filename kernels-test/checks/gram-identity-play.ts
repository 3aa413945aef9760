// Trainings of the neuron loop on the device, side by side and in whatever chunks, watched for what it may not touch.

import type { GpuArray } from '../../src/gpu/array';
import type { GpuImage } from '../../src/gpu/image';
import * as shaders from '../../src/kernels/generated';
import {
  gramIdentity,
  NEURON_WORDS,
  type NeuronOrder,
  type NeuronReport,
  neuronReport,
  packNeurons,
} from '../../src/kernels/gram-identity';
import type { GramLoop } from '../../src/kernels/variant';
import { type Bench, expectExact, expectSameBits, runStep } from '../harness';
import { type Crowd, crowdOf } from './gram-identity-crowd';
import type { Prepared, Problem } from './gram-identity-problem';

/** What is kept of a sample of a neuron, plane by plane. */
export const PLANES = ['H', 'U', 'A', 'C', 'V', 'epoch of the last change'] as const;

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
export interface Played {
  readonly state: Float32Array;
  /** (m, epochs) */
  readonly losses: Float32Array;
  readonly flips: Uint32Array;
  readonly events: Uint32Array;
  /** By neuron: for what it stopped, and when since the training began. */
  readonly crowds: readonly (readonly Crowd[])[];
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
export class Play {
  readonly #places: readonly Place[];
  readonly #neurons: GpuArray;
  readonly #state: GpuArray;
  readonly #sources: GpuArray;
  readonly #pieces: readonly GpuArray[] | readonly [GpuImage];
  readonly #texels: GpuImage | undefined;
  readonly #pieceRows: number;
  readonly #clocks: number[];
  /** By place. */
  readonly #crowds: readonly Crowd[][];
  /** Calls in which a neuron waited for K, and in which one did not. */
  readonly waited = { yes: 0, no: 0 };

  constructor(
    private readonly bench: Bench,
    private readonly problem: Problem,
    private readonly trainings: readonly Prepared[],
    private readonly loop: GramLoop,
    /** How many K comes in, or as an image. */
    pieces: number | 'image',
    /** Flips of an epoch for which a neuron stops. */
    private readonly crowd = Infinity,
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
    const count = pieces === 'image' ? 1 : pieces;
    this.#pieceRows = Math.ceil(n / count);
    const arrays = () =>
      Array.from({ length: count }, (_, at) => {
        const rows = K.subarray(at * this.#pieceRows * ld, Math.min(n, (at + 1) * this.#pieceRows) * ld);
        if (rows.length === 0) throw new Error(`${n} rows make no ${pieces} pieces`);
        return bench.input(`rows of K, ${at}`, rows);
      });
    this.#pieces = pieces === 'image' ? [bench.image('K', K.subarray(0, n * ld), ld / 4)] : arrays();
    this.#texels = pieces === 'image' ? bench.image('sources', sources) : undefined;
    this.#sources = bench.input('sources', sources);
    this.#neurons = bench.output('neurons', m * NEURON_WORDS, 'u32');
    this.#state = bench.inout('state', state);
    this.#clocks = this.#places.map(({ training }) => training.first);
    this.#crowds = this.#places.map(() => []);
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
      // Where every flip is a crowd, K is never there.
      const haveKernel = this.crowd > 1;
      let report = await this.#call(round, haveKernel);
      reports.push(report);
      for (;;) {
        const stopped = new Set([...this.#places.keys()].filter((k) => report[k]!.waits === 'crowd'));
        if (stopped.size === 0) break;
        await this.#addCrowds(stopped);
        report = await this.#call(round, haveKernel, stopped);
        reports.push(report);
      }
      const values = await this.#losses(round);
      for (const [k, { at, j, training }] of this.#places.entries()) {
        for (const each of reports) {
          flips[at]![j]! += each[k]!.flips;
          events[at]![j]! += each[k]!.events;
        }
        const last = report[k]!;
        const call = round.calls[at];
        if (last.waits) throw new Error(`neuron ${j} of training ${at} waits for K, in vain`);
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
      const crowds = this.#crowds.filter((_, k) => this.#places[k]!.at === at);
      return { state: own, losses: losses[at]!, flips: flips[at]!, events: events[at]!, crowds };
    });
  }

  /** What the host owes the neurons of these places, which stopped for a crowd. */
  async #addCrowds(stopped: ReadonlySet<number>): Promise<void> {
    const { ld } = this.problem;
    const state = await this.#state.read();
    for (const k of stopped) {
      const { training, j } = this.#places[k]!;
      const first = (plane: number) => (plane * this.#places.length + k) * ld;
      const plane = (p: number) => state.subarray(first(p), first(p) + ld);
      const own = { H: plane(0), A: plane(2), last: plane(5) };
      const { flips, A } = crowdOf(this.problem, training, j, own, this.#clocks[k]!);
      const epoch = this.#clocks[k]! - training.first;
      const before = this.#crowds[k]!.at(-1)?.epoch ?? 0;
      if (epoch <= before) throw new Error(`neuron ${j} stops at epoch ${epoch} after it did at ${before}`);
      this.#crowds[k]!.push({ epoch, flips });
      this.#state.write(A, first(2));
    }
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

  /**
   * One call of the kernel; fails when it changes what is the host's in a record.
   * @param only these places go on, the others rest (default: all go on)
   */
  async #call(
    { calls, losses, firsts }: Round,
    haveKernel: boolean,
    only?: ReadonlySet<number>,
  ): Promise<NeuronReport[]> {
    const { n, ld } = this.problem;
    const orders = this.#places.map(({ training, at, j }, k): NeuronOrder => {
      const { first, slope, momentum, source, readout } = training;
      const { lr, start, epochs, sync } = (only && !only.has(k) ? undefined : calls[at]) ?? {
        lr: 0,
        start: first,
        epochs: 0,
        sync: false,
      };
      const own = { clock: this.#clocks[k]!, lossesFirst: firsts[k]!, readout: readout[j]! };
      return { ...own, start, epochs, sync, source, lr, momentum, slope, crowd: this.crowd };
    });
    const words = packNeurons(orders);
    this.#neurons.write(words);
    const pieces = haveKernel ? this.#pieces : [];
    const vectors = this.problem.sources.length / ld / 3;
    const arrays = {
      pieces,
      sources: this.#sources,
      texels: this.#texels,
      vectors,
      neurons: this.#neurons,
      state: this.#state,
      losses,
    };
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
    const { fields } = shaders.gramIdentityWorkgroup.bindings.neurons.record;
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
      const { clock, waits, flips } = reports[k]!;
      const [start, end] = call ? [call.start, call.start + call.epochs] : [0, 0];
      const turns = training.runs[j]!.turns.map(({ epoch }) => training.first + epoch);
      const turn = turns.find((epoch) => epoch > start && epoch <= end);
      if (call) this.waited[turn === undefined ? 'no' : 'yes']++;
      expectExact(`${where}: waits, flips`, [Number(waits === 'kernel'), flips], [Number(turn !== undefined), 0]);
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
