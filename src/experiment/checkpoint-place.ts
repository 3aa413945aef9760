// Where a run stands, and how it is told; apart from the rest, so that whoever only tells it loads nothing else.

/** Where a checkpoint of a run stands. */
export interface RunPlace {
  /** The training that it stands in, or before: `standard` of f, `learning` of g. */
  readonly stage: 'standard' | 'learning';
  /** Epochs of that training that are done. */
  readonly epoch: number;
}

/** What an error says that ended a run whose checkpoint its caller has: a new engine goes on from there. */
export interface Resumable {
  readonly resumeFrom: RunPlace;
}

export const placeOf = ({ stage, epoch }: RunPlace): string =>
  `epoch ${epoch} of the training of ${stage === 'standard' ? 'f' : 'g'}`;
