// Calls of gram_identity: orders to neurons, group by group, and what they report. Which epochs are ordered, and whether
// what came of them stands, is for gram-identity.

import type { GpuArray } from '../gpu/array';
import type { Batch } from '../gpu/batch';
import type { Gpu } from '../gpu/gpu';
import type { GpuImage } from '../gpu/image';
import { keptAfter } from '../gpu/scope';
import { labelSums, stridedSums } from '../kernels/gram';
import { gramIdentity, type NeuronOrder, neuronReport, packNeurons } from '../kernels/gram-identity';
import { packRows } from '../kernels/pack';
import { CROWD_NEURONS, type Crowds } from './crowds';
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
  /** Flips of one epoch of a neuron that are brought to A through X. */
  readonly crowd: number;
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

/** Neurons that did not come to the end of their chunk, by group. */
type Waiting = Map<NeuronGroup, Set<number>>;

function waits(waiting: Waiting, group: NeuronGroup, neuron: number): void {
  const all = waiting.get(group) ?? new Set();
  waiting.set(group, all.add(neuron));
}

const floats = (bytes: ArrayBuffer, first: number, count: number) => new Float32Array(bytes, 4 * first, count).slice();

/** Submits, and reads arrays of whole words in one round trip. */
async function readTogether(gpu: Gpu, batch: Batch, arrays: readonly GpuArray[]): Promise<ArrayBuffer[]> {
  using report = gpu.array(
    'report of a chunk',
    arrays.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  const places = arrays.map((array) => {
    batch.copy(array, 0, report, at, array.length);
    at += array.length;
    return [4 * (at - array.length), 4 * at] as const;
  });
  const bytes = await batch.submitReading(report);
  return places.map(([first, end]) => bytes.slice(first, end));
}

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
    private readonly crowds: Crowds,
    private readonly signal?: AbortSignal,
  ) {}

  /** Runs the kernel on all groups; when flips ask for K, or a crowd of them for a product with X, sees to it and goes on. */
  async run(orders: readonly Order[]): Promise<Done> {
    const { gpu, kernel } = this;
    const stride = Math.max(1, ...orders.map(({ epochs }) => epochs));
    const counts: FlipCount[] = orders.map(() => ({ flips: 0, events: 0 }));
    const crowded: Waiting = new Map();
    let makingSeconds = 0;
    let going: Waiting | undefined;
    for (;;) {
      // Losses are whole when nobody waits any more, as most often is the case at once.
      const batch = gpu.batch('Gram epochs');
      const busy = await this.#recordLoop(batch, orders, stride, going);
      using sums = going ? undefined : await this.#recordSums(batch, orders, stride);
      const read = await readTogether(gpu, batch, [...(sums ? [sums] : []), ...busy.map(({ neurons }) => neurons)]);
      const stalled = this.#take(orders, busy, sums ? read.slice(1) : read, counts, crowded);
      if (stalled.size === 0 && crowded.size === 0) {
        const losses = sums ? read[0]! : await this.#sums(orders, stride);
        return { losses: orders.map(({ epochs }, k) => floats(losses, k * stride, epochs)), counts, makingSeconds };
      }
      if (stalled.size > 0) {
        if (kernel.matrix) throw new Error('a neuron waits for K, which is there');
        const began = gpu.now();
        await kernel.make();
        makingSeconds += (gpu.now() - began) / 1000;
      }
      // A chunk of many neurons may take many products.
      this.signal?.throwIfAborted();
      going = stalled;
      if (crowded.size > 0) await this.#serve(crowded, going);
    }
  }

  /** Brings as many crowds to A as one product takes, of whoever is furthest behind: full products, and few at the end. */
  async #serve(crowded: Waiting, going: Waiting): Promise<void> {
    const [group, all] = [...crowded].reduce((most, each) => (each[1].size > most[1].size ? each : most));
    const chosen = [...all].sort((a, b) => group.clocks[a]! - group.clocks[b]!).slice(0, CROWD_NEURONS);
    await this.crowds.add(group, chosen);
    for (const j of chosen) all.delete(j);
    if (all.size === 0) crowded.delete(group);
    for (const j of chosen) waits(going, group, j);
  }

  /**
   * Takes what the neurons of these groups report: where they stand, and what flipped.
   * @param crowded takes those that wait for a crowd
   * @returns those that wait for K
   */
  #take(
    orders: readonly Order[],
    busy: readonly NeuronGroup[],
    reports: readonly ArrayBuffer[],
    counts: FlipCount[],
    crowded: Waiting,
  ): Waiting {
    const stalled: Waiting = new Map();
    for (const [g, group] of busy.entries()) {
      const words = new Uint32Array(reports[g]!);
      for (const part of group.parts) {
        const k = orders.findIndex(({ active }) => active.at === part.job);
        if (k < 0) continue;
        let { flips, events } = counts[k]!;
        for (let j = part.at; j < part.at + part.count; j++) {
          // What rests, or still waits, tells what it was told, and of no flip.
          const report = neuronReport(words, j);
          group.clocks[j] = report.clock;
          flips += report.flips;
          events += report.events;
          if (report.waits) waits(report.waits === 'kernel' ? stalled : crowded, group, j);
        }
        counts[k] = { flips, events };
      }
    }
    return stalled;
  }

  /** Records a dispatch for each group that has something to do. @param only these neurons, instead of all */
  async #recordLoop(
    batch: Batch,
    orders: readonly Order[],
    stride: number,
    only: Waiting | undefined,
  ): Promise<NeuronGroup[]> {
    const { gpu, groups, sources, vectors, kernel } = this;
    const { n } = this.actives[0]!.run.problem.samples;
    const { matrix } = kernel;
    const { rows: pieceRows, count: pieceCount, image } = gramPieces(gpu, n, 1);
    if (matrix && !this.#summed) await this.#sumLabels(batch, matrix);
    const texels = image ? await this.#texelsOfSources(batch) : undefined;
    const busy: NeuronGroup[] = [];
    for (const group of groups) {
      const words = this.#orders(group, orders, stride, only);
      if (!words) continue;
      busy.push(group);
      const { neurons, state, m, ld } = group;
      neurons.write(packNeurons(words));
      const pieces = matrix ? matrix.pieces : [];
      const arrays = { pieces, sources, texels, neurons, state, losses: group.losses(stride) };
      (await gramIdentity(gpu, { ...arrays, vectors, pieceRows, pieceCount, n, ld, m }))(batch);
    }
    return busy;
  }

  /** Records the losses summed over neurons, `stride` an order. The caller disposes them. */
  async #recordSums(batch: Batch, orders: readonly Order[], stride: number): Promise<GpuArray> {
    const { gpu, groups } = this;
    const sums = gpu.array('epoch losses', orders.length * stride);
    return keptAfter(sums, async () => {
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
    });
  }

  async #sums(orders: readonly Order[], stride: number): Promise<ArrayBuffer> {
    const batch = this.gpu.batch('Gram losses');
    using sums = await this.#recordSums(batch, orders, stride);
    return await batch.submitReading(sums);
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

  /** What each neuron of a group is to do; undefined when all of them rest. @param only these neurons, instead of all */
  #orders(
    group: NeuronGroup,
    orders: readonly Order[],
    stride: number,
    only: Waiting | undefined,
  ): NeuronOrder[] | undefined {
    let busy = false;
    const all: NeuronOrder[] = [];
    for (const part of group.parts) {
      const active = this.actives[part.job]!;
      const { momentum, network } = active.run.problem;
      const order = orders.find((each) => each.active === active);
      const { crowd, source } = active;
      for (let k = 0; k < part.count; k++) {
        const j = part.at + k;
        const own = only && !only.get(group)?.has(j) ? undefined : order;
        busy ||= own !== undefined;
        const { start = 0, epochs = 0, lr = 0, sync = false } = own ?? {};
        const place = { clock: group.clocks[j]!, lossesFirst: j * stride, readout: active.readout[part.neuron + k]! };
        all.push({ ...place, start, epochs, lr, sync, source, momentum, slope: network.slope, crowd });
      }
    }
    return busy ? all : undefined;
  }
}
