// Where a training stands: everything that is needed to go on, by whichever trainer.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { WORST_LOSS } from '../kernels/weight-gradient';
import { type DivergedQuantity, DivergenceError } from './divergence';
import { firstFault } from './finite';
import type { TrainingHistory, TrainingProblem } from './trainer';

/** torch's ReduceLROnPlateau between two epochs. */
export interface ScheduleState {
  /** Learning rate of the next epoch. */
  readonly lr: number;
  readonly best: number;
  /** Epochs in a row that were no improvement. */
  readonly bad: number;
}

export class TrainingRun {
  /** Epochs done. */
  epoch = 0;
  schedule: ScheduleState;
  /** Loss before each update. */
  readonly loss: Float32Array;
  readonly lr: Float32Array;
  /** Share of samples right before each update; Gram training of the identity loss does not know it. */
  readonly accuracy: Float32Array;
  accuracyKnown = true;
  /** (d + 1, its neurons) of each slice, as the weights; none while it is zero. */
  #velocities: readonly GpuArray[] = [];
  /** Set when it left the finite numbers: it ends there, and its network means nothing. */
  diverged: DivergenceError | undefined;

  constructor(
    private readonly gpu: Gpu,
    readonly problem: TrainingProblem,
  ) {
    const { lr, epochs } = problem;
    this.schedule = { lr: Math.fround(lr), best: WORST_LOSS, bad: 0 };
    this.loss = new Float32Array(epochs);
    this.lr = new Float32Array(epochs);
    this.accuracy = new Float32Array(epochs);
  }

  /** Whether epochs are left to train. */
  get goesOn(): boolean {
    return this.epoch < this.problem.epochs && !this.diverged;
  }

  /** Looks at the losses recorded from epoch `first` on, and ends where one is not finite. */
  watch(first: number): void {
    const at = firstFault(this.loss.subarray(first, this.epoch));
    if (at < 0) return;
    this.epoch = first + at;
    this.end('loss');
  }

  /** Ends before the update of the epoch after those that are done. */
  end(what: DivergedQuantity): void {
    const { epoch } = this;
    const firstLoss = epoch > 0 || what === 'loss' ? this.loss[0] : undefined;
    this.diverged = new DivergenceError({ epoch: epoch + 1, what, lr: this.lr[epoch]!, firstLoss });
  }

  get velocities(): readonly GpuArray[] {
    return this.#velocities;
  }

  /** The velocities, allocated (and zero) at first use. */
  makeVelocities(): readonly GpuArray[] {
    if (this.#velocities.length > 0) return this.#velocities;
    const made: GpuArray[] = [];
    // Known before the last is there: one that is refused leaves the others to be disposed.
    this.#velocities = made;
    for (const { weights } of this.problem.network.slices) made.push(this.gpu.array('velocity', weights.length));
    return made;
  }

  /** Of a network in one slice: (d + 1, m), as the weights; absent while it is zero. */
  get velocity(): GpuArray | undefined {
    return this.#velocities[0];
  }

  set velocity(array: GpuArray) {
    this.#velocities = [array];
  }

  /** What has been recorded so far. */
  get history(): TrainingHistory {
    const { epoch, accuracyKnown } = this;
    const loss = this.loss.slice(0, epoch);
    const lr = this.lr.slice(0, epoch);
    return accuracyKnown ? { loss, lr, accuracy: this.accuracy.slice(0, epoch) } : { loss, lr };
  }

  dispose(): void {
    for (const velocity of this.#velocities) velocity.dispose();
    this.#velocities = [];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
