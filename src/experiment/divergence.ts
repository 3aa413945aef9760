// Why a training of an experiment diverged, as far as that can be told, and what to change.

import type { DivergenceError } from '../network/divergence';
import type { ExperimentConfig } from './types';

export { DivergenceError } from '../network/divergence';

/** A loss before the first update that leaves no room for training: the square of it is past float32. */
const LARGE = 1e19;

/** The error told in the configuration's words. */
export function explainDivergence(
  error: DivergenceError,
  stage: 'standard' | 'learning',
  config: ExperimentConfig,
): DivergenceError {
  const { lr } = config[stage];
  if (!(Math.abs(error.firstLoss ?? Infinity) < LARGE)) {
    // Before any update: what the network began with is too large.
    const what = stage === 'standard' ? 'the data or the initial weights are' : 'what g learns from is';
    const remedy = stage === 'standard' ? 'Rescale the data, or the arrays of standard.init.' : 'Rescale the data.';
    return error.within(stage, { cause: `${what} too large for float32`, remedy });
  }
  const half = config.precision === 'f16' ? ', or set precision to "f32": half precision ends at 65504' : '';
  const rate = error.lr === Math.fround(lr) ? `${lr}` : `${Number(error.lr.toPrecision(4))} (${lr} at the start)`;
  return error.within(stage, {
    cause: `most likely a learning rate that is too large: ${rate}`,
    remedy: `Lower ${stage}.lr, for example to ${Number((lr / 10).toPrecision(3))}${half}.`,
  });
}
