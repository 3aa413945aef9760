// What the facts of a checkpoint must look like when they come from a file: the types of checkpoint.ts, checked.

import * as v from 'valibot';
import type { CheckpointFacts } from './checkpoint';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const finite = v.pipe(v.number(), v.finite());
const trainer = v.picklist(['direct', 'gram']);
export const trainingStage = v.picklist(['standard', 'learning']);
export const epochCount = count;

/** Neurons of a place in Gram space at most; a configuration's width is far below. */
const MOST_CLOCKS = 2 ** 24;

export const checkpointFacts = v.strictObject({
  first: v.exactOptional(
    v.strictObject({ chosen: trainer, reason: v.string(), usedGram: v.boolean(), accuracyKnown: v.boolean() }),
  ),
  training: v.exactOptional(
    v.strictObject({
      epoch: count,
      schedule: v.strictObject({ lr: finite, best: finite, bad: count }),
      accuracyKnown: v.boolean(),
      choice: v.strictObject({
        phase: v.picklist(['probe', 'direct', 'gram']),
        chosen: trainer,
        reason: v.string(),
        flips: count,
        without: v.exactOptional(v.boolean()),
        last: v.strictObject({ epoch: count, flips: count, events: count }),
      }),
      identity: v.exactOptional(
        v.strictObject({
          clocks: v.pipe(v.array(count), v.maxLength(MOST_CLOCKS)),
          carry: finite,
          moved: finite,
          flips: count,
          events: count,
          look: v.optional(count, 0),
          kernel: v.boolean(),
        }),
      ),
    }),
  ),
}) satisfies v.GenericSchema<unknown, CheckpointFacts>;

/** The first issue of a value, as a sentence with its place. */
export const issueOf = (issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string => {
  const [issue] = issues;
  const place = v.getDotPath(issue);
  return `${place ?? 'it'} should be ${issue.expected}, and is ${issue.received}`;
};
