// Out of Gram space: what a training has learned there, as weights and velocity again.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { add } from '../kernels/data';
import { applyCoefficients, type NeuronRows } from './gram-ends';
import type { Network } from './network';
import type { TrainingProblem } from './trainer';
import type { TrainingRun } from './training-run';

/** What a training leaves Gram space with; its neurons all stand at the same epoch. */
export interface Departure {
  readonly problem: TrainingProblem;
  /** Rows of C and of V, of all its neurons. */
  readonly coefficients: readonly NeuronRows[];
  readonly velocity: readonly NeuronRows[];
  /** (d + 1, m) the velocity it brought along; what is left of it, and how far it has moved the weights. */
  readonly brought: GpuArray | undefined;
  readonly carry: number;
  readonly moved: number;
}

/**
 * Adds what a training has learned to `network`.
 * @param run takes the velocity, in place of the one it holds, if it has epochs left
 */
export async function leaveGram(gpu: Gpu, from: Departure, network: Network, run?: TrainingRun): Promise<void> {
  const { problem, coefficients, brought, carry, moved } = from;
  const count = network.weights.length;
  await applyCoefficients(gpu, problem, coefficients, network.weights);
  using batch = gpu.batch('Gram velocity');
  if (brought) (await add(gpu, { a: brought, b: network.weights, count, scale: -moved }))(batch);
  if (!run || run.epoch === problem.epochs) return batch.submit();
  const velocity = gpu.array('velocity', count);
  run.velocity = velocity;
  if (brought) (await add(gpu, { a: brought, b: velocity, count, scale: carry }))(batch);
  await batch.submit();
  brought?.dispose();
  await applyCoefficients(gpu, problem, from.velocity, velocity);
}
