// Direct training: per epoch a forward pass and a weight gradient over all samples, everything on the device.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { add } from '../kernels/data';
import { marginSummary } from '../kernels/forward';
import type { Step } from '../kernels/step';
import {
  gradientPartLength,
  gradientQuads,
  gradientSplits,
  momentumUpdate,
  plateau,
  weightGradient,
} from '../kernels/weight-gradient';
import { type Epoch, runWithSnapshots } from './epochs';
import { halfOperands } from './half';
import { hiddenStep, outputStep, PassScratch } from './pass';
import type { TrainingHistory, TrainingOptions, TrainingProblem } from './trainer';
import { TrainingRun } from './training-run';

/**
 * Trains `problem.network` in place by full-batch gradient descent with momentum and plateau schedule.
 * @throws DivergenceError when the loss leaves the finite numbers; the signal's reason when aborted; GpuError when the
 * device fails. The network is then partly trained.
 */
export async function trainDirect(
  gpu: Gpu,
  problem: TrainingProblem,
  options: TrainingOptions = {},
): Promise<TrainingHistory> {
  using run = new TrainingRun(gpu, problem);
  await advanceDirect(gpu, run, problem.epochs, options);
  if (run.diverged) throw run.diverged;
  return run.history;
}

/** Takes a run from the epoch where it stands to epoch `until`, or to where it diverges; else as {@link trainDirect}. */
export async function advanceDirect(
  gpu: Gpu,
  run: TrainingRun,
  until: number,
  options: TrainingOptions = {},
): Promise<void> {
  const scope = new Scope();
  try {
    options.signal?.throwIfAborted();
    if (until <= run.epoch || run.diverged) return;
    const epoch = await prepareEpoch(gpu, run, until - run.epoch, scope);
    await runWithSnapshots(gpu, epoch, run, until, options, () => run.problem.network.copy());
  } finally {
    scope.dispose();
  }
}

/** The dispatches of one epoch and room for the record of `epochs`; its arrays are disposed with `scope`. */
export async function prepareEpoch(gpu: Gpu, run: TrainingRun, epochs: number, scope: Scope): Promise<Epoch> {
  const { problem } = run;
  const { samples, panels, labels, network, layout, loss, momentum } = problem;
  const { blocks, n, d } = samples;
  const scratch = scope.use(new PassScratch(gpu, panels, layout));
  const splits = Math.max(...blocks.map((block) => gradientSplits(block.rows, d, layout)));
  const margin = scope.use(gpu.array('margins', n));
  const residual = scope.use(gpu.array('residuals', n));
  const gradient = scope.use(gpu.array('weight gradient', splits * gradientPartLength(d, layout)));
  const total = scope.use(gpu.array('gradient totals', splits * gradientQuads(d, layout) * 4));
  // Several blocks take turns in one part-gradient and are added up, so that the memory does not grow with the blocks.
  const many = blocks.length > 1;
  const ofBlock = many ? scope.use(gpu.array('block gradient', gradient.length)) : gradient;
  const totalOfBlock = many ? scope.use(gpu.array('block totals', total.length)) : total;
  const velocity = run.makeVelocity();
  const summary = scope.use(gpu.array('epoch summary', 2));
  const state = scope.use(gpu.array('plateau state', 8));
  const history = scope.use(gpu.array('history', epochs * 3));
  const { readout, weights, slope } = network;
  const half = problem.precision === 'f16' ? await halfOperands(gpu, problem, scope) : undefined;

  const pending: Promise<Step>[] = [];
  if (half) pending.push(Promise.resolve(half.refresh));
  if (many) pending.push(Promise.resolve((batch) => void batch.clear(gradient).clear(total)));
  for (const [at, block] of blocks.entries()) {
    const x = (half?.samples ?? samples).arrays[at]!;
    const here = { n: block.rows, d, start: block.start, part: 0, splits, layout };
    pending.push(
      hiddenStep(gpu, network, half?.panels ?? panels, at, scratch, layout, half?.weights),
      outputStep(gpu, block, { labels, margin, residual }, scratch, layout, loss, n),
      weightGradient(gpu, { x, mask: scratch.mask, residual, gradient: ofBlock, total: totalOfBlock, ...here }),
    );
    if (many) {
      pending.push(add(gpu, { a: ofBlock, b: gradient, count: gradient.length }));
      pending.push(add(gpu, { a: totalOfBlock, b: total, count: total.length }));
    }
  }
  pending.push(
    marginSummary(gpu, { margin, summary, n, loss }),
    plateau(gpu, { summary, state, history, schedule: problem.plateau }),
    momentumUpdate(gpu, {
      gradient,
      total,
      readout,
      state,
      velocity,
      weights,
      d,
      parts: splits,
      slope,
      momentum,
      layout,
    }),
  );
  const range = half ? { range: { exceeded: half.exceeded, changed: [weights, velocity] } } : {};
  return { steps: await Promise.all(pending), state, history, ...range };
}
