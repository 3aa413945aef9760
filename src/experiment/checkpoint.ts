// An unfinished experiment as plain data: the training that goes on, and f once it is trained. What lies between the
// trainings is made again, to the bit, from the configuration.

import type { Network } from '../network/network';
import type { TrainingOutcome } from '../network/train';
import {
  fillWeights,
  type HostArrays,
  readWeights,
  type StateKeeper,
  StateMismatchError,
  type TrainingState,
} from '../network/training-state';
import type { RunPlace } from './checkpoint-place';
import type { Trained } from './trajectories';

export { StateMismatchError } from '../network/training-state';

type TrainingStage = RunPlace['stage'];

/** How f was trained; its history is among the arrays. */
interface FirstFacts extends Pick<TrainingOutcome, 'chosen' | 'reason' | 'usedGram'> {
  readonly accuracyKnown: boolean;
}

/** Numbers and texts, for JSON. */
export interface CheckpointFacts {
  readonly first?: FirstFacts;
  readonly training?: TrainingState['facts'];
}

/** The arrays may be large. */
export interface Checkpoint extends RunPlace {
  readonly facts: CheckpointFacts;
  readonly arrays: HostArrays;
}

/** Where checkpoints go. */
export interface CheckpointKeeper {
  /** Whether one is wanted now; asked at every end of a chunk of epochs. */
  due(): boolean;
  /** Given when it is due, and when f is trained; awaited. Its arrays are the keeper's own, to move or change. */
  keep(checkpoint: Checkpoint): Promise<void>;
}

const prefixed = (prefix: string, arrays: HostArrays): HostArrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, values]) => [`${prefix}_${name}`, values]));

const copied = (arrays: HostArrays): HostArrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, values.slice()]));

const under = (prefix: string, arrays: HostArrays): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.entries(arrays).flatMap(([name, values]) =>
      name.startsWith(`${prefix}_`) ? [[name.slice(prefix.length + 1), values]] : [],
    ),
  );

/** The checkpoints of one experiment: what it goes on from, and what it leaves. */
export class Checkpoints {
  #first: { readonly facts: FirstFacts; readonly arrays: HostArrays } | undefined;

  constructor(
    private readonly keeper: CheckpointKeeper | undefined,
    private readonly from: Checkpoint | undefined,
  ) {
    const facts = from?.facts.first;
    if (from && facts) this.#first = { facts, arrays: under('first', from.arrays) };
  }

  /** What the training of a stage keeps, and goes on from. */
  of(stage: TrainingStage): { readonly keeper?: StateKeeper; readonly resume?: TrainingState } {
    const { keeper, from } = this;
    const facts = from?.stage === stage ? from.facts.training : undefined;
    const resume = from && facts && { facts, arrays: under('training', from.arrays) };
    const own: StateKeeper | undefined = keeper && {
      due: () => keeper.due(),
      keep: (state) => keeper.keep(this.#checkpoint(stage, state)),
    };
    return { ...(own ? { keeper: own } : {}), ...(resume ? { resume } : {}) };
  }

  #checkpoint(stage: TrainingStage, state: TrainingState | undefined): Checkpoint {
    const first = this.#first;
    return {
      stage,
      epoch: state?.facts.epoch ?? 0,
      facts: { ...(first ? { first: first.facts } : {}), ...(state ? { training: state.facts } : {}) },
      // Those of f are copies: they are in every later checkpoint, and its history in the result, too.
      arrays: { ...prefixed('first', copied(first?.arrays ?? {})), ...prefixed('training', state?.arrays ?? {}) },
    };
  }

  /** f as it was trained before, `network` filled with it; undefined when it was not. */
  finished(stage: TrainingStage, network: Network): TrainingOutcome | undefined {
    if (stage !== 'standard' || !this.#first) return undefined;
    const { facts, arrays } = this.#first;
    const { accuracyKnown, ...how } = facts;
    const { weights, loss, lr, accuracy } = arrays;
    fillWeights(network, weights);
    if (!loss || !lr || (accuracyKnown && !accuracy))
      throw new StateMismatchError('the checkpoint lacks the history of f');
    return { ...how, loss, lr, ...(accuracyKnown ? { accuracy: accuracy! } : {}) };
  }

  /** Keeps f when it is trained. */
  async finish(stage: TrainingStage, { network, outcome }: Trained): Promise<void> {
    if (stage !== 'standard' || !this.keeper) return;
    const { chosen, reason, usedGram, loss, lr, accuracy } = outcome;
    const weights = await readWeights(network);
    this.#first = {
      facts: { chosen, reason, usedGram, accuracyKnown: accuracy !== undefined },
      arrays: { weights, loss, lr, ...(accuracy ? { accuracy } : {}) },
    };
    await this.keeper.keep(this.#checkpoint('learning', undefined));
  }
}
