// Calls of gram_identity: orders to neurons, group by group, and what they report. Which epochs are ordered, and whether
// what came of them stands, is for gram-identity.

import type { GpuArray } from '../gpu/array';
import type { Batch } from '../gpu/batch';
import type { Gpu } from '../gpu/gpu';
import type { GpuImage } from '../gpu/image';
import { labelSums, stridedSums } from '../kernels/gram';
import { gramIdentity, type NeuronOrder, neuronReport, packNeurons } from '../kernels/gram-identity';
import { packRows } from '../kernels/pack';
import type { NeuronGroup } from './gram-groups';
import { type GramMatrix, gramPieces } from './gram-matrix';
import type { LazyGram } from './sample-gram';
import type { TrainingRun } from './training-run';

/** What happened since the training entered Gram space. */
export interface FlipCount {
  readonly flips: number;
  /** Epochs of a neuron that had a flip, and synchronisations. */
  readonly events: number;
}

/** A training as the kernel sees it. */
export interface Trained {
  readonly run: TrainingRun;
  /** Its number among those that run together, which the parts of the groups name. */
  readonly at: number;
  /** (m) a */
  readonly readout: Float32Array;
  /** Which label vector. */
  readonly source: number;
}

/** Epochs that one training is to do in a call of the kernel. */
export interface Order {
  readonly active: Trained;
  readonly start: number;
  readonly epochs: number;
  readonly lr: number;
  readonly sync: boolean;
}

/** What the kernel did, order by order. */
export interface Done {
  readonly losses: Float32Array[];
  readonly counts: FlipCount[];
  /** How long K took, if it was made. */
  readonly makingSeconds: number;
}

export const total = (a: FlipCount, b: FlipCount): FlipCount => ({
  flips: a.flips + b.flips,
  events: a.events + b.events,
});

export class GramCalls {
  /** Whether the sums over K that belong to the label vectors have been made. */
  #summed = false;
  /** The sources where the kernel reads texels, and whether they hold what the array does. */
  #texels: GpuImage | undefined;
  #texelsStand = false;

  constructor(
    private readonly gpu: Gpu,
    private readonly actives: readonly Trained[],
    private readonly groups: readonly NeuronGroup[],
    /** Of `vectors` labels the scaled vectors, then room for two sums over K of each. */
    private readonly sources: GpuArray,
    private readonly vectors: number,
    private readonly kernel: LazyGram,
  ) {}

  /** Runs the kernel on all groups; when a flip asks for K, makes it, and goes on. */
  async run(orders: readonly Order[]): Promise<Done> {
    const { gpu, kernel } = this;
    const { waiting, ...done } = await this.#dispatch(orders);
    if (!waiting) return { ...done, makingSeconds: 0 };
    const began = gpu.now();
    await kernel.make();
    const makingSeconds = (gpu.now() - began) / 1000;
    const rest = await this.#dispatch(orders);
    if (rest.waiting) throw new Error('a neuron waits for K, which is there');
    const counts = done.counts.map((count, k) => total(count, rest.counts[k]!));
    return { losses: rest.losses, counts, makingSeconds };
  }

  /**
   * One dispatch a group, and the losses summed over neurons.
   * @returns whether a neuron waits for K; order by order, what flipped and the losses, which mean nothing where one waits
   */
  async #dispatch(orders: readonly Order[]): Promise<Omit<Done, 'makingSeconds'> & { readonly waiting: boolean }> {
    const { gpu, groups, sources, vectors, kernel } = this;
    const { n } = this.actives[0]!.run.problem.samples;
    const batch = gpu.batch('Gram epochs');
    const stride = Math.max(1, ...orders.map(({ epochs }) => epochs));
    const busy: NeuronGroup[] = [];
    const { matrix } = kernel;
    const { rows: pieceRows, count: pieceCount, image } = gramPieces(gpu, n, 1);
    if (matrix && !this.#summed) await this.#sumLabels(batch, matrix);
    const texels = image ? await this.#texelsOfSources(batch) : undefined;
    for (const group of groups) {
      const words = this.#orders(group, orders, stride);
      if (!words) continue;
      busy.push(group);
      const { neurons, state, m, ld } = group;
      neurons.write(packNeurons(words));
      const pieces = matrix ? matrix.pieces : [];
      const arrays = { pieces, sources, texels, neurons, state, losses: group.losses(stride) };
      (await gramIdentity(gpu, { ...arrays, vectors, pieceRows, pieceCount, n, ld, m }))(batch);
    }
    using sums = gpu.array('epoch losses', orders.length * stride);
    for (const [k, { active, epochs }] of orders.entries()) {
      if (epochs === 0) continue;
      let accumulate = false;
      for (const group of groups) {
        for (const part of group.parts) {
          if (part.job !== active.at) continue;
          const size = { count: epochs, steps: part.count, first: part.at * stride, outer: 1, inner: stride };
          const to = { output: sums, outputFirst: k * stride, accumulate };
          (await stridedSums(gpu, { input: group.losses(stride), ...size, ...to }))(batch);
          accumulate = true;
        }
      }
    }
    // Everything that comes back in one array: each read is a round trip.
    const length = busy.reduce((sum, { neurons }) => sum + neurons.length, sums.length);
    using report = gpu.array('report of a chunk', length);
    batch.copy(sums, 0, report, 0, sums.length);
    let at = sums.length;
    for (const { neurons } of busy) {
      batch.copy(neurons, 0, report, at, neurons.length);
      at += neurons.length;
    }
    const bytes = await batch.submitReading(report);
    const values = new Float32Array(bytes, 0, sums.length);
    const losses = orders.map(({ epochs }, k) => values.slice(k * stride, k * stride + epochs));
    let waiting = false;
    const counts: FlipCount[] = orders.map(() => ({ flips: 0, events: 0 }));
    at = sums.length;
    for (const group of busy) {
      const words = new Uint32Array(bytes, at * 4, group.neurons.length);
      at += group.neurons.length;
      for (const part of group.parts) {
        const k = orders.findIndex(({ active }) => active.at === part.job);
        if (k < 0) continue;
        let { flips, events } = counts[k]!;
        for (let j = part.at; j < part.at + part.count; j++) {
          const report = neuronReport(words, j);
          group.clocks[j] = report.clock;
          waiting ||= report.stalled;
          flips += report.flips;
          events += report.events;
        }
        counts[k] = { flips, events };
      }
    }
    return { waiting, losses, counts };
  }

  /** Records what all samples of each class together give to Q, for every label vector. */
  async #sumLabels(batch: Batch, { pieces, rows, ld }: GramMatrix): Promise<void> {
    const { gpu, sources, vectors } = this;
    this.#summed = true;
    this.#texelsStand = false;
    for (let vector = 0; vector < vectors; vector++) {
      const output = vectors + 2 * vector;
      for (const [at, piece] of pieces.entries()) {
        const part = { start: at * rows, rows: Math.min(rows, ld - at * rows), accumulate: at > 0 };
        (await labelSums(gpu, { kernel: piece, sources, ld, vector, output, ...part }))(batch);
      }
    }
  }

  /** The sources as texels, as they are now. */
  async #texelsOfSources(batch: Batch): Promise<GpuImage> {
    const { gpu, sources } = this;
    const { length } = sources;
    this.#texels ??= gpu.image('scaled labels', length / 4);
    if (!this.#texelsStand) {
      const whole = { rows: length, steps: 1, height: length, first: 0, width: length, panel: 0, stride: 0 };
      (await packRows(gpu, { input: sources, output: this.#texels, ...whole }))(batch);
      this.#texelsStand = true;
    }
    return this.#texels;
  }

  dispose(): void {
    this.#texels?.dispose();
  }

  /** What each neuron of a group is to do; undefined when all of them rest. */
  #orders(group: NeuronGroup, orders: readonly Order[], stride: number): NeuronOrder[] | undefined {
    let busy = false;
    const all: NeuronOrder[] = [];
    for (const part of group.parts) {
      const active = this.actives[part.job]!;
      const { momentum, network } = active.run.problem;
      const order = orders.find((each) => each.active === active);
      busy ||= order !== undefined;
      const { start = 0, epochs = 0, lr = 0, sync = false } = order ?? {};
      for (let k = 0; k < part.count; k++) {
        const j = part.at + k;
        const readout = active.readout[part.neuron + k]!;
        const own = { clock: group.clocks[j]!, lossesFirst: j * stride, readout };
        all.push({ ...own, start, epochs, lr, sync, source: active.source, momentum, slope: network.slope });
      }
    }
    return busy ? all : undefined;
  }
}
