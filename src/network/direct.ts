// Direct training: per epoch a forward pass and a weight gradient over all samples, everything on the device.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { add } from '../kernels/data';
import { marginSummary } from '../kernels/forward';
import type { Step } from '../kernels/step';
import type { MatmulLayout } from '../kernels/variant';
import {
  gradientPartLength,
  gradientQuads,
  gradientSplits,
  momentumUpdate,
  plateau,
  weightGradient,
} from '../kernels/weight-gradient';
import { type Epoch, runWithSnapshots } from './epochs';
import { halves } from './half';
import { hiddenStep, outputStep, PassScratch, sliceMask } from './pass';
import { sliceLayout } from './slices';
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
  const { slices, slope } = network;
  const scratch = scope.use(new PassScratch(gpu, blocks, layout, network));
  const splits = Math.max(...blocks.map((block) => gradientSplits(block.rows, d, layout)));
  const margin = scope.use(gpu.array('margins', n));
  const residual = scope.use(gpu.array('residuals', n));
  const layouts = slices.map((slice) => sliceLayout(layout, slice));
  const partsLength = (own: MatmulLayout) => splits * gradientPartLength(d, own);
  const gradients = layouts.map((own) => scope.use(gpu.array('weight gradient', partsLength(own))));
  const makeTotal = (label: string) => scope.use(gpu.array(label, splits * gradientQuads(d, layout) * 4));
  const total = makeTotal('gradient totals');
  // Several blocks take turns in one part-gradient and are added up, so that the memory does not grow with the blocks.
  const many = blocks.length > 1;
  const ofBlock = many ? scope.use(gpu.array('block gradient', gradients[0]!.length)) : undefined;
  // Every slice gives the same totals: those of the first count.
  const turning = many || slices.length > 1 ? makeTotal('block totals') : total;
  const velocities = run.makeVelocities();
  const summary = scope.use(gpu.array('epoch summary', 2));
  const state = scope.use(gpu.array('plateau state', 8));
  const history = scope.use(gpu.array('history', epochs * 3));
  const half = problem.precision === 'f16' ? await (await halves()).halfOperands(gpu, problem, scope) : undefined;

  const pending: Promise<Step>[] = [];
  if (half) pending.push(Promise.resolve(half.refresh));
  if (many) pending.push(Promise.resolve((batch) => [...gradients, total].forEach((array) => void batch.clear(array))));
  for (const [at, block] of blocks.entries()) {
    const x = (half?.samples ?? samples).arrays[at]!;
    const here = { n: block.rows, d, start: block.start, part: 0, splits };
    pending.push(
      hiddenStep(gpu, network, half?.panels ?? panels, at, scratch, layout, half?.weights),
      outputStep(gpu, block, { labels, margin, residual }, scratch, layout, loss, n),
    );
    for (const [k, slice] of slices.entries()) {
      const { mask, step } = sliceMask(scratch, layout, slice, block.rows);
      const gradient = ofBlock ?? gradients[k]!;
      const to = { gradient, total: k === 0 && !many ? total : turning };
      pending.push(Promise.resolve(step));
      pending.push(weightGradient(gpu, { x, mask, residual, ...to, ...here, layout: layouts[k]! }));
      if (!many) continue;
      pending.push(add(gpu, { a: gradient, b: gradients[k]!, count: gradients[k]!.length }));
      if (k === 0) pending.push(add(gpu, { a: turning, b: total, count: total.length }));
    }
  }
  pending.push(
    marginSummary(gpu, { margin, summary, n, loss }),
    plateau(gpu, { summary, state, history, schedule: problem.plateau }),
  );
  for (const [k, { weights, readout }] of slices.entries()) {
    const arrays = { gradient: gradients[k]!, total, readout, state, velocity: velocities[k]!, weights };
    pending.push(momentumUpdate(gpu, { ...arrays, d, parts: splits, slope, momentum, layout: layouts[k]! }));
  }
  const changed = [...slices.map(({ weights }) => weights), ...velocities];
  const range = half ? { range: { exceeded: half.exceeded, changed } } : {};
  return { steps: await Promise.all(pending), state, history, ...range };
}
