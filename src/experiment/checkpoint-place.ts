// Where a checkpoint stands, in words; apart from the rest, so that whoever only tells it loads nothing else.

import type { RunPlace } from '../gpu/errors';

export const placeOf = ({ stage, epoch }: RunPlace): string =>
  `epoch ${epoch} of the training of ${stage === 'standard' ? 'f' : 'g'}`;
