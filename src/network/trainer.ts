// What every trainer takes and gives. Trainers differ in how they compute, not in what.

import type { GpuArray } from '../gpu/array';
import type { MatmulLayout } from '../kernels/variant';
import type { Network } from './network';
import type { Panels, Samples } from './samples';
import type { PlaceKeeper, TrainerPlace } from './training-state';

export interface Schedule {
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
}

export type Precision = 'f32' | 'f16';

export interface TrainingProblem {
  readonly samples: Samples;
  /** The same samples in panels. */
  readonly panels: Panels;
  /** (n) -1 or +1 */
  readonly labels: GpuArray;
  /** Trained in place. */
  readonly network: Network;
  readonly layout: MatmulLayout;
  readonly loss: 'identity' | 'logistic';
  readonly lr: number;
  readonly epochs: number;
  readonly momentum: number;
  readonly plateau: Schedule | false;
  /**
   * f16: samples and weights are multiplied as halves; sums, weights, momentum and everything else stay float32. Default
   * f32. The direct trainer's alone.
   */
  readonly precision?: Precision;
}

/**
 * Loss before and learning rate used by each update. All but Gram training under the identity loss, where no output is
 * ever formed, also know the share of samples right before it.
 */
export interface TrainingHistory {
  readonly loss: Float32Array;
  readonly lr: Float32Array;
  readonly accuracy?: Float32Array;
}

/** A look at a training on its way. Unlike a snapshot it never changes how the training goes on, nor outlives the look. */
export interface Observation {
  /** Ascending. */
  readonly epochs: readonly number[];
  /** @param history of the epochs so far @param network as it is after them; disposed by the caller */
  readonly onNetwork: (epoch: number, history: TrainingHistory, network: Network) => Promise<void>;
}

export interface TrainingOptions {
  /** Called a few times a second with the epoch done last. */
  readonly onEpoch?: (report: { epoch: number; loss: number; lr: number; accuracy?: number }) => void;
  readonly signal?: AbortSignal;
  /** Epochs, ascending, at which {@link onSnapshot} gets a copy of the network. */
  readonly snapshots?: readonly number[];
  /** The network as a training of `epoch` epochs leaves it, to the bit; the receiver disposes it. */
  readonly onSnapshot?: (epoch: number, network: Network) => Promise<void> | void;
  /** Keeps the place between chunks of epochs. */
  readonly keeper?: PlaceKeeper;
  /** Where a training in Gram space goes on, its run restored. */
  readonly place?: TrainerPlace;
}
