// Trainings on arrays whose every number is given, on the device and in float64.

import type { Gpu } from '../../src/gpu/gpu';
import { Scope } from '../../src/gpu/scope';
import { type MatmulVariant, matmulLayout } from '../../src/kernels/variant';
import { Network, type NetworkArrays } from '../../src/network/network';
import { Panels, Samples } from '../../src/network/samples';
import type { TrainingProblem } from '../../src/network/trainer';
import { Draws } from '../helpers';
import { type Loss, networkOf } from '../reference/network';
import { type ReferenceSchedule, train } from '../reference/training';

export const TORCH: ReferenceSchedule = { factor: 0.1, patience: 10, threshold: 1e-4 };

/** What is drawn, and how it is trained. */
export interface Task {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  /** Default 0. */
  readonly slope?: number;
  /** Default identity. */
  readonly loss?: Loss;
  /** Default 0.5. */
  readonly lr?: number;
  /** Default 30. */
  readonly epochs?: number;
  /** Default 0.9. */
  readonly momentum?: number;
  /** Default torch's. */
  readonly plateau?: ReferenceSchedule | false;
  /** Of the samples and labels (default 1). */
  readonly seed?: number;
  /** Of the network (default: the samples'). */
  readonly networkSeed?: number;
  /** All labels -1 and a positive readout: neurons die, the loss falls to 0, and the schedule fires. */
  readonly doomed?: boolean;
  readonly variant?: MatmulVariant;
}

/** The part of a task that trainings side by side share. */
export type SampleTask = Pick<Task, 'n' | 'd' | 'seed' | 'doomed'>;

/** Shifted Gaussian samples (shift 0.3) and random labels of a task. */
export function drawSamples({ n, d, seed = 1, doomed = false }: SampleTask) {
  const draws = new Draws(seed);
  const y = doomed ? new Float32Array(n).fill(-1) : draws.signs(n);
  const X = draws.normal(n * d).map((value, e) => value + 0.3 * y[Math.floor(e / d)]!);
  return { X, y };
}

/** The network that a task begins with. */
export function drawNetwork({ d, m, seed = 1, networkSeed = seed, doomed = false }: Task): NetworkArrays {
  // Not the streams of the samples.
  const draws = new Draws(networkSeed + 0x10000);
  const W = draws.normal(m * d, 1 / Math.sqrt(d));
  const b = draws.normal(m);
  const a = draws.normal(m, 1 / Math.sqrt(m));
  return { W, b, a: doomed ? a.map(Math.abs) : a };
}

function settings({ loss = 'identity', lr = 0.5, epochs = 30, momentum = 0.9, plateau = TORCH }: Task) {
  return { loss, lr, epochs, momentum, plateau };
}

/** The task in float64. */
export function reference(task: Task) {
  const { X, y } = drawSamples(task);
  return train(networkOf(drawNetwork(task), task.d, task.slope ?? 0), X, y, settings(task));
}

/** The samples of tasks on the device, which trainings side by side share. */
export class TaskData {
  readonly #scope = new Scope();

  private constructor(
    readonly gpu: Gpu,
    private readonly arrays: Pick<TrainingProblem, 'samples' | 'panels' | 'labels'>,
  ) {}

  /** @param words mask words that the blocks are laid out for */
  static async create(gpu: Gpu, task: SampleTask, words = 1): Promise<TaskData> {
    const { X, y } = drawSamples(task);
    const scope = new Scope();
    const samples = scope.use(Samples.fromArray(gpu, 'X', X, task.d, words));
    const panels = scope.use(Panels.allocate(gpu, samples.blocks, task.d));
    const labels = scope.use(gpu.upload('labels', y));
    await panels.fill(gpu, samples);
    const data = new TaskData(gpu, { samples, panels, labels });
    data.#scope.use(scope);
    return data;
  }

  get blocks(): number {
    return this.arrays.samples.blocks.length;
  }

  /** A fresh network of a task, as something to train; it is disposed with the data. */
  async problem(task: Task): Promise<TrainingProblem> {
    const { gpu, arrays } = this;
    const { d, m, slope = 0, variant } = task;
    const streams = { W: 0, b: 0, a: 0 };
    const layout = matmulLayout(gpu, m, variant);
    const network = await Network.create(gpu, { d, m, slope }, drawNetwork(task), 0, streams, layout);
    this.#scope.use(network);
    return { ...arrays, network, layout, ...settings(task) };
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
