// Crowds of flips: many samples that flip in one epoch of one neuron.
//
// A flip of sample i adds a row of K to A, n numbers that come from memory. From some d / 8 of them on it costs less to add up the
// samples themselves, d numbers each, and to multiply the sum by X once, for all neurons that stopped for a crowd together: the same
// in another order, K x = X (X^T x) + 1 (1^T x).

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { lazy } from '../gpu/lazy';
import { Scope } from '../gpu/scope';
import { crowdGradient, crowdRow } from '../kernels/crowd';
import { LIVE_COLUMNS, liveLength, packLive } from '../kernels/live';
import { matmul, type Operand, type PanelHeight, panelOperand, transposedOperand } from '../kernels/matmul';
import { paddedRow } from '../kernels/step';
import { gramLoop, type MatmulLayout } from '../kernels/variant';
import { type CostShape, type CrowdPlan, estimateCosts } from './costs';
import { NeuronGroup } from './gram-groups';
import { gramRow } from './gram-matrix';
import { PLANE } from './gram-size';
import type { LazyGram } from './sample-gram';
import { Panels, Samples } from './samples';
import type { TrainingProblem } from './trainer';

/** Neurons whose crowds are multiplied at once: as many rows as the product makes at once. */
export const CROWD_NEURONS = 64;

/** When flips of a training go through X: never with kernels that cannot, or where costs have not been measured. */
export function crowdPlan(gpu: Gpu, shape: CostShape & { readonly layout: MatmulLayout }): CrowdPlan {
  const never = { least: Infinity, worth: 0 };
  return shape.layout.variant === 'subgroup' ? (estimateCosts(gpu, shape)?.crowds ?? never) : never;
}

/**
 * The epoch at which the events of a training without K are counted again: there cannot have been more than a quarter too many by
 * then, and looks grow rarer as a training goes on.
 */
export function nextLook({ worth }: CrowdPlan, epoch: number, events: number, m: number): number {
  const quarter = Math.min(Math.ceil(epoch / 8), Math.ceil(worth / (4 * m)));
  return epoch + Math.max(1, Math.ceil((worth - events) / m), quarter);
}

/** Rows that the product of so many neurons is made by: two kernels to compile. */
const crowdHeight = (count: number, lanes: number): PanelHeight => (count <= 16 ? 16 : lanes === 4 ? 32 : 64);

interface Prepared {
  /** (neurons) */
  readonly chosen: GpuArray;
  /** (neurons, {@link crowdRow}) */
  readonly gradient: GpuArray;
  /** (paddedRow(d)) */
  readonly ground: GpuArray;
  /** The samples, block by block, and whether they are what they have above the background. */
  readonly columns: readonly Operand[];
  readonly liveColumns: boolean;
}

/** What crowds are brought to A by, of trainings over the same samples. Disposes its arrays. */
export class Crowds {
  readonly #scope = new Scope();
  readonly #prepared: () => Promise<Prepared>;

  /** @param most neurons that may ever stop together */
  constructor(
    private readonly gpu: Gpu,
    private readonly problem: Pick<TrainingProblem, 'samples' | 'panels' | 'layout'>,
    /** (label vectors and more, ld) -y / n */
    private readonly sources: GpuArray,
    private readonly most: number,
    private readonly background: LazyGram['background'],
  ) {
    this.#prepared = lazy(() => this.#prepare());
  }

  /** Adds to A of these neurons of a group, at most {@link CROWD_NEURONS}, what flipped in the epoch where they stopped. */
  async add(group: NeuronGroup, neurons: readonly number[]): Promise<void> {
    const { gpu, problem, sources } = this;
    const { samples, layout } = problem;
    const { d, blocks } = samples;
    const { ld, m, state } = group;
    const { chosen, gradient, ground, columns, liveColumns } = await this.#prepared();
    const { lanes } = gramLoop(gpu);
    const count = neurons.length;
    chosen.write(Uint32Array.from(neurons));
    const batch = gpu.batch('Gram crowds');
    const of = { sources, neurons: group.neurons, state, chosen, ground, count, output: gradient, m, ld, d, lanes };
    for (const [k, block] of blocks.entries()) {
      const closes = k === blocks.length - 1;
      (await crowdGradient(gpu, { ...of, ...block, x: samples.arrays[k]!, closes }))(batch);
    }
    const row = crowdRow(d);
    const a = transposedOperand(gradient, row);
    const bias = { array: gradient, first: row - 4, stride: row };
    const by = { height: crowdHeight(count, lanes), variant: layout.variant, liveColumns };
    const to = { output: state, outputStride: ld, chosenRows: true, accumulate: true };
    for (const [k, { start, rows }] of blocks.entries()) {
      const size = { steps: d, rows: count, columns: gramRow(rows) };
      const outputFirst = group.plane(PLANE.A) + start;
      (await matmul(gpu, { a, b: columns[k]!, bias, ...size, ...to, ...by, outputFirst }))(batch);
    }
    await batch.submit();
  }

  async #prepare(): Promise<Prepared> {
    const { gpu, problem, background } = this;
    const { samples, panels } = problem;
    const { d } = samples;
    const scope = this.#scope;
    const most = Math.min(this.most, CROWD_NEURONS);
    const values = await background?.();
    const live = values && (await this.#liveColumns(values));
    const padded = new Float32Array(paddedRow(d));
    if (live) padded.set(values);
    return {
      chosen: scope.use(gpu.array('neurons with a crowd', most, 'u32')),
      gradient: scope.use(gpu.array('gradients of crowds', most * crowdRow(d))),
      ground: scope.use(gpu.upload('background', padded)),
      columns: live ?? panels.arrays.map((array) => panelOperand(array, d)),
      liveColumns: live !== undefined,
    };
  }

  /** The samples above their background, in panels that have steps of their own; undefined where one is too large to bind. */
  async #liveColumns(values: Float32Array): Promise<Operand[] | undefined> {
    const { gpu, problem } = this;
    const { blocks, arrays, d } = problem.panels;
    const { lanes } = gramLoop(gpu);
    const sizes = blocks.map(({ rows }) => ({ rows: gramRow(rows), steps: d, height: LIVE_COLUMNS }));
    if (sizes.some((size) => liveLength(size) > gpu.maxArrayLength)) return undefined;
    using background = gpu.upload('background', values);
    const batch = gpu.batch('live columns');
    const columns: Operand[] = [];
    for (const [k, size] of sizes.entries()) {
      const output = this.#scope.use(gpu.array('live columns', liveLength(size)));
      const pack = await packLive(gpu, { ...size, ...place(panelOperand(arrays[k]!, d)), background, lanes }, 0);
      pack(batch, output);
      columns.push({ array: output, width: LIVE_COLUMNS, panel: 0, stride: 0 });
    }
    await batch.submit();
    return columns;
  }

  dispose(): void {
    this.#scope.dispose();
  }
}

/** Compiles what crowds are brought to A by. @param live whether the samples have a background */
export async function compileCrowds(gpu: Gpu, layout: MatmulLayout, live: boolean): Promise<void> {
  const scope = new Scope();
  try {
    // Two numbers of neurons: one for either kernel of the product.
    const neurons = [...new Array(CROWD_NEURONS).keys()];
    const samples = scope.use(Samples.fromArray(gpu, 'warm-up', new Float32Array(32), 1));
    const panels = scope.use(Panels.allocate(gpu, samples.blocks, 1));
    await panels.fill(gpu, samples);
    const group = scope.use(new NeuronGroup(gpu, [], neurons.length, samples.n));
    const sources = scope.use(gpu.array('warm-up', 3 * group.ld));
    const background = live ? async () => new Float32Array(1) : undefined;
    const crowds = scope.use(new Crowds(gpu, { samples, panels, layout }, sources, neurons.length, background));
    await crowds.add(group, neurons.slice(0, 1));
    await crowds.add(group, neurons);
  } finally {
    scope.dispose();
  }
}

const place = ({ array: input, first = 0, ...rest }: Operand) => ({ input, first, ...rest });
