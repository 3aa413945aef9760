// Training, by whichever trainer was asked for or is estimated to be cheaper.

import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { estimateCosts, gramBytes, gramObstacle, memoryBudget, reviewFlips, type TrainingShape } from './choose';
import { trainDirect } from './direct';
import { trainGramIdentity } from './gram';
import { gramMatrix } from './gram-matrix';
import type { TrainingHistory, TrainingOptions, TrainingProblem } from './trainer';

export interface TrainingOutcome extends TrainingHistory {
  readonly chosen: 'direct' | 'gram';
  readonly reason: string;
}

/** The numbers of a problem that the choice depends on. */
export function trainingShape(problem: TrainingProblem): TrainingShape {
  const { samples, network, epochs, loss, momentum } = problem;
  return { n: samples.n, d: samples.d, m: network.m, epochs, loss, momentum, blocks: samples.blocks.length };
}

/**
 * Trains `problem.network` in place. `gram` must be possible ({@link gramObstacle}); `auto` falls back to direct, and says
 * why in the outcome.
 */
export async function train(
  gpu: Gpu,
  problem: TrainingProblem,
  wanted: 'auto' | 'direct' | 'gram',
  options: TrainingOptions = {},
): Promise<TrainingOutcome> {
  const shape = trainingShape(problem);
  const direct = async (reason: string): Promise<TrainingOutcome> => ({
    ...(await trainDirect(gpu, problem, options)),
    chosen: 'direct',
    reason,
  });
  if (wanted === 'direct') return direct('asked for');
  const obstacle = gramObstacle(gpu, shape);
  if (obstacle) {
    if (wanted === 'gram') throw new RangeError(obstacle);
    return direct(obstacle);
  }
  const seconds = (value: number) => `${value.toPrecision(2)} s`;
  let reason = 'asked for';
  if (wanted === 'auto') {
    const estimate = estimateCosts(gpu, shape);
    if (!estimate) return direct('Gram training has not been measured on GPUs: trainer gram asks for it');
    const compared = `estimated ${seconds(estimate.gram)} in Gram space, ${seconds(estimate.direct)} directly`;
    if (estimate.gram >= estimate.direct) return direct(compared);
    const { n, d, m } = shape;
    const bytes = 4 * (3 * n * d + 2 * m * d) + gramBytes(shape);
    if (bytes > memoryBudget(shape)) {
      const needs = `Gram space would hold ${formatBytes(bytes)}, past the ${formatBytes(memoryBudget(shape))} that auto keeps to`;
      return direct(`${compared}; but ${needs}: trainer gram asks for it`);
    }
    reason = compared;
  }
  const kernel = await gramMatrix(gpu, problem.panels, problem.layout, options.signal);
  let outcome: Awaited<ReturnType<typeof trainGramIdentity>>;
  try {
    const review = wanted === 'auto' ? { review: reviewFlips.bind(null, gpu, shape) } : {};
    outcome = await trainGramIdentity(gpu, problem, kernel.pieces[0]!, { ...options, ...review });
  } finally {
    kernel.dispose();
  }
  if ('abandoned' in outcome) return direct(outcome.abandoned);
  return { loss: outcome.loss, lr: outcome.lr, chosen: 'gram', reason: `${reason}; ${outcome.flips} flips` };
}
