// A training between two epochs as plain data: all that going on to the bit takes, from which a checkpoint is made.

import type { GpuArray } from '../gpu/array';
import type { Network } from './network';
import { readSlices, writeSlices } from './slices';
import type { ScheduleState, TrainingRun } from './training-run';

export type HostArrays = Readonly<Record<string, Float32Array>>;

/** Where a training in Gram space under the identity loss stands, besides its planes. */
export interface IdentityPlace {
  /** Of all neurons: the epoch that each stands at. */
  readonly clocks: readonly number[];
  readonly carry: number;
  readonly moved: number;
  readonly flips: number;
  readonly events: number;
  /** The epoch at which it is seen whether K is worth it, 0 when it was. */
  readonly look: number;
  /** Whether K had been made. */
  readonly kernel: boolean;
}

/** What a trainer adds to the run: arrays by name, and a place in Gram space. */
export interface TrainerPlace {
  readonly arrays: HostArrays;
  readonly identity?: IdentityPlace;
}

/** The part of a choice of the trainer that later choices depend on. */
export interface ChoiceState {
  /** `probe`: going on directly to the next count of flips. */
  readonly phase: 'probe' | 'direct' | 'gram';
  readonly chosen: 'direct' | 'gram';
  readonly reason: string;
  readonly flips: number;
  /** Whether all flips of Gram space went through X. */
  readonly without?: boolean;
  /** At the last review. */
  readonly last: { readonly epoch: number; readonly flips: number; readonly events: number };
}

/** Numbers and texts alone, for JSON; the arrays beside it. */
export interface TrainingState {
  readonly facts: {
    readonly epoch: number;
    readonly schedule: ScheduleState;
    readonly accuracyKnown: boolean;
    readonly choice: ChoiceState;
    readonly identity?: IdentityPlace;
  };
  readonly arrays: HostArrays;
}

/** Keeps states of one training; asked at the end of every chunk of epochs. */
export interface StateKeeper {
  /** Whether a state is wanted now. */
  due(): boolean;
  keep(state: TrainingState): Promise<void>;
}

/** What a trainer calls between two chunks. */
export interface PlaceKeeper {
  due(): boolean;
  keep(place: () => Promise<TrainerPlace>): Promise<void>;
}

/** The run as data; its schedule must be up to date. */
export async function captureRun(run: TrainingRun, place: TrainerPlace, choice: ChoiceState): Promise<TrainingState> {
  const { epoch, schedule, accuracyKnown, velocities, problem } = run;
  const history = {
    loss: run.loss.slice(0, epoch),
    lr: run.lr.slice(0, epoch),
    accuracy: run.accuracy.slice(0, epoch),
  };
  return {
    facts: { epoch, schedule, accuracyKnown, choice, ...(place.identity ? { identity: place.identity } : {}) },
    arrays: {
      ...history,
      weights: await readWeights(problem.network),
      ...(velocities.length > 0 ? { velocity: await readSlices(problem.network.slices, velocities) } : {}),
      ...place.arrays,
    },
  };
}

/** A state that is not of the training it was given to. */
export class StateMismatchError extends RangeError {
  override readonly name = 'StateMismatchError';
}

/**
 * Brings a run that has not begun to where a state was taken.
 * @throws StateMismatchError when the state is of another problem
 */
export function restoreRun(run: TrainingRun, { facts, arrays }: TrainingState): void {
  const { loss, lr, accuracy, weights, velocity } = arrays;
  if (!loss || !lr || !accuracy || !weights) throw new StateMismatchError('the state of a training lacks arrays');
  if (facts.epoch > run.problem.epochs || [loss, lr, accuracy].some(({ length }) => length !== facts.epoch)) {
    throw new StateMismatchError('the state is of a training of another length');
  }
  const { network } = run.problem;
  fillWeights(network, weights);
  if (velocity)
    writeSlices(network.slices, run.makeVelocities(), requireLength('velocity', lengthOf(network), velocity));
  run.loss.set(loss);
  run.lr.set(lr);
  run.accuracy.set(accuracy);
  run.epoch = facts.epoch;
  run.schedule = facts.schedule;
  run.accuracyKnown = facts.accuracyKnown;
}

/** Writes saved values into an array that must be as long. @throws StateMismatchError when it is not */
export function fillFrom(array: GpuArray, values: Float32Array | undefined): void {
  array.write(requireLength(array.label, array.length, values));
}

function requireLength(label: string, length: number, values: Float32Array | undefined): Float32Array {
  if (values?.length === length) return values;
  throw new StateMismatchError(`the state holds ${values?.length ?? 'no'} values for "${label}" of ${length}`);
}

const lengthOf = ({ d, m }: Network) => (d + 1) * m;

/** The weights and biases of a network, in however many slices they lie: (d + 1, m). */
export function readWeights({ slices }: Network): Promise<Float32Array> {
  return readSlices(
    slices,
    slices.map(({ weights }) => weights),
  );
}

/** Writes what {@link readWeights} read. @throws StateMismatchError when it is of a network of another shape */
export function fillWeights(network: Network, values: Float32Array | undefined): void {
  const { slices } = network;
  const arrays = slices.map(({ weights }) => weights);
  writeSlices(slices, arrays, requireLength('weights', lengthOf(network), values));
}

/** Reads arrays of the device by their names. */
export async function readAll(arrays: Readonly<Record<string, GpuArray>>): Promise<Record<string, Float32Array>> {
  const read: Record<string, Float32Array> = {};
  for (const [name, array] of Object.entries(arrays)) read[name] = await array.read();
  return read;
}
