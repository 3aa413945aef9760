// The neurons of any number of trainings over the same samples, laid side by side on the device for one kernel.
//
// Neurons do not interact under the identity loss, so it does not matter to one which others it lies beside. A group is as
// many as one binding holds the state of; a wide network may lie in several.

import type { GpuArray } from '../gpu/array';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { NEURON_WORDS } from '../kernels/gram-identity';
import type { NeuronRows } from './gram-ends';
import { gramRow } from './gram-matrix';
import { groupLength, PLANES } from './gram-size';
import type { TrainingProblem } from './trainer';

/** Consecutive neurons of one network in a group. */
export interface GroupPart {
  /** Which of the trainings. */
  readonly job: number;
  /** First neuron of the network, and how many. */
  readonly neuron: number;
  readonly count: number;
  /** First neuron of the group. */
  readonly at: number;
}

export class NeuronGroup {
  readonly ld: number;
  readonly state: GpuArray;
  readonly neurons: GpuArray;
  /** The epoch that each neuron's state stands at. */
  readonly clocks: Uint32Array;
  readonly #scope = new Scope();
  #backup: GpuArray | undefined;
  #savedClocks = new Uint32Array();
  #losses: GpuArray | undefined;

  constructor(
    private readonly gpu: Gpu,
    readonly parts: readonly GroupPart[],
    readonly m: number,
    n: number,
  ) {
    this.ld = gramRow(n);
    try {
      this.state = this.#scope.use(gpu.array('Gram state', groupLength(n, m)));
      this.neurons = this.#scope.use(gpu.array('Gram neurons', m * NEURON_WORDS, 'u32'));
    } catch (error) {
      this.#scope.dispose();
      throw error;
    }
    this.clocks = new Uint32Array(m);
  }

  /** First element of a plane. */
  plane(index: number): number {
    return index * this.m * this.ld;
  }

  /** A part's rows of a plane. */
  rows({ at, neuron, count }: GroupPart, plane: number): NeuronRows {
    return { array: this.state, first: this.plane(plane) + at * this.ld, ld: this.ld, neuron, count };
  }

  /** Room for the losses of so many epochs of every neuron. */
  losses(epochs: number): GpuArray {
    const length = this.m * epochs;
    if (!this.#losses || this.#losses.length < length) {
      this.#losses?.dispose();
      this.#losses = this.#scope.use(this.gpu.array('neuron losses', length));
    }
    return this.#losses;
  }

  /** Keeps a copy of the whole state and of the clocks. */
  save(): void {
    const length = PLANES * this.m * this.ld;
    this.#backup ??= this.#scope.use(this.gpu.array('Gram state backup', length));
    this.gpu.batch('Gram backup').copy(this.state, 0, this.#backup, 0, length).send();
    this.#savedClocks = this.clocks.slice();
  }

  /** Brings the neurons of one training back to what was saved. */
  restore(job: number): void {
    const batch = this.gpu.batch('Gram rollback');
    for (const part of this.parts) {
      if (part.job !== job) continue;
      this.clocks.set(this.#savedClocks.subarray(part.at, part.at + part.count), part.at);
      for (let plane = 0; plane < PLANES; plane++) {
        const { first } = this.rows(part, plane);
        batch.copy(this.#backup!, first, this.state, first, part.count * this.ld);
      }
    }
    batch.send();
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

/**
 * Neurons that one group may hold on this adapter.
 * @param least neurons that cannot be parted: those of a mask word
 * @throws GpuOutOfMemoryError when it is fewer than those
 */
export function groupCapacity(gpu: Gpu, n: number, least: number): number {
  const capacity = Math.floor(gpu.maxArrayLength / (PLANES * gramRow(n)));
  if (capacity < least) {
    const bytes = 4 * groupLength(n, least);
    throw new GpuOutOfMemoryError(
      `the Gram state of ${least} neurons and ${n} samples needs ${formatBytes(bytes)} in one piece; this adapter binds at most ${formatBytes(4 * gpu.maxArrayLength)}.`,
      'Gram state',
      bytes,
    );
  }
  return capacity;
}

/** Lays out the trainings' neurons in order; a network is cut only when it alone exceeds a group, at whole mask words. */
export function planGroups(gpu: Gpu, problems: readonly TrainingProblem[]): NeuronGroup[] {
  const { n } = problems[0]!.samples;
  const capacity = groupCapacity(gpu, n, Math.max(...problems.map(({ layout }) => layout.group)));
  const plans: { parts: GroupPart[]; m: number }[] = [];
  let open: { parts: GroupPart[]; m: number } = { parts: [], m: 0 };
  const close = () => {
    if (open.m > 0) plans.push(open);
    open = { parts: [], m: 0 };
  };
  for (const [job, { network, layout }] of problems.entries()) {
    const { m } = network;
    if (open.m + m > capacity) close();
    const piece = m <= capacity ? m : Math.floor(capacity / layout.group) * layout.group;
    for (let neuron = 0; neuron < m; neuron += piece) {
      const count = Math.min(piece, m - neuron);
      if (open.m + count > capacity) close();
      open.parts.push({ job, neuron, count, at: open.m });
      open.m += count;
    }
  }
  close();
  const groups: NeuronGroup[] = [];
  try {
    for (const { parts, m } of plans) groups.push(new NeuronGroup(gpu, parts, m, n));
    return groups;
  } catch (error) {
    for (const group of groups) group.dispose();
    throw error;
  }
}
