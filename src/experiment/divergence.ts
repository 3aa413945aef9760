// Why a training of an experiment diverged, as far as that can be told, and what to change.

import type { DivergenceError } from '../network/divergence';
import type { ExperimentConfig } from './types';

export { DivergenceError } from '../network/divergence';
export { HalfRangeError } from '../network/half-range';

/** A loss before the first update that leaves no room for training: the square of it is past float32. */
const LARGE = 1e19;

const TO_F32 = 'set precision to "f32": half precision ends at 65504';

/** The error told in the configuration's words. */
export function explainDivergence(
  error: DivergenceError,
  stage: 'standard' | 'learning',
  config: ExperimentConfig,
): DivergenceError {
  const { lr } = config[stage];
  const half = config.precision === 'f16';
  if (error.what === 'perturbations') {
    const cause = 'the gradient of f has left the numbers of float32 though its outputs have not';
    return error.within(stage, { cause, remedy: `Lower ${stage}.lr, or rescale the data.` });
  }
  if (error.what === 'test outputs') {
    const cause = 'on the samples they are finite, so the test points are too large for float32';
    return error.within(stage, { cause, remedy: 'Rescale the test points as the samples are.' });
  }
  if (!(Math.abs(error.firstLoss ?? Infinity) < LARGE)) {
    // Before any update: what the network began with is too large.
    const what = stage === 'standard' ? 'the data or the initial weights are' : 'what g learns from is';
    const rescale = stage === 'standard' ? 'Rescale the data, or the arrays of standard.init' : 'Rescale the data';
    const remedy = half ? `${rescale}, or ${TO_F32}.` : `${rescale}.`;
    return error.within(stage, { cause: `${what} too large for ${half ? 'half precision' : 'float32'}`, remedy });
  }
  const rate = error.lr === Math.fround(lr) ? `${lr}` : `${Number(error.lr.toPrecision(4))} (${lr} at the start)`;
  return error.within(stage, {
    cause: `most likely a learning rate that is too large: ${rate}`,
    remedy: `Lower ${stage}.lr, for example to ${Number((lr / 10).toPrecision(3))}${half ? `, or ${TO_F32}` : ''}.`,
  });
}
