// Direct training: per epoch a forward pass and a weight gradient over all samples, everything on the device.
//
// Loss, residual, accuracy and schedule stay on the GPU, so a chunk of epochs is one submit without a readback. Chunks
// are sized by measured time, for progress and cancellation; how they fall does not change a bit of the result.

import type { GpuArray } from '../gpu/array';
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
  plateauState,
  weightGradient,
} from '../kernels/weight-gradient';
import { hiddenStep, outputStep, PassScratch } from './pass';
import type { TrainingHistory, TrainingOptions, TrainingProblem } from './trainer';

/** Time of a chunk of epochs: short enough for display watchdogs and a lively progress bar, long against a submit. */
const CHUNK_SECONDS = 0.1;
/** Dispatches recorded into one submit at most. */
const CHUNK_DISPATCHES = 4096;

/**
 * Trains `problem.network` in place by full-batch gradient descent with momentum and plateau schedule.
 * @throws the signal's reason when aborted; GpuError when the device fails. The network is then partly trained.
 */
export async function trainDirect(
  gpu: Gpu,
  problem: TrainingProblem,
  options: TrainingOptions = {},
): Promise<TrainingHistory> {
  const { samples, epochs } = problem;
  const scope = new Scope();
  try {
    options.signal?.throwIfAborted();
    if (epochs === 0) return { loss: new Float32Array(0), lr: new Float32Array(0), accuracy: new Float32Array(0) };
    const { steps, state, history } = await prepareEpoch(gpu, problem, scope);
    state.write(plateauState(problem.lr));
    // New WebGPU buffers are zero: the velocity starts there.

    let done = 0;
    let chunk = 1;
    while (done < epochs) {
      options.signal?.throwIfAborted();
      const count = Math.min(chunk, epochs - done);
      const batch = gpu.batch('training epochs');
      for (let epoch = 0; epoch < count; epoch++) for (const step of steps) step(batch);
      const began = performance.now();
      await batch.submit();
      const seconds = (performance.now() - began) / 1000;
      done += count;
      // The first chunk includes compiling, so growth is what is bounded, not the size.
      const fitting = Math.max(1, Math.floor((CHUNK_SECONDS / Math.max(seconds, 1e-6)) * count));
      chunk = Math.max(1, Math.min(fitting, count * 4, Math.floor(CHUNK_DISPATCHES / steps.length)));
      if (options.onEpoch) {
        const [loss, lr, correct] = await history.read((done - 1) * 3, 3);
        options.onEpoch({ epoch: done, loss: loss!, lr: lr!, accuracy: correct! / samples.n });
      }
    }
    const rows = await history.read();
    const column = (at: number, scale = 1) =>
      Float32Array.from({ length: epochs }, (_, t) => rows[t * 3 + at]! * scale);
    return { loss: column(0), lr: column(1), accuracy: column(2, 1 / samples.n) };
  } finally {
    scope.dispose();
  }
}

/** The dispatches of one epoch, the same for every epoch, and the arrays they leave their record in. */
async function prepareEpoch(
  gpu: Gpu,
  problem: TrainingProblem,
  scope: Scope,
): Promise<{ steps: Step[]; state: GpuArray; history: GpuArray }> {
  const { samples, panels, labels, network, layout, loss, epochs, momentum } = problem;
  const { blocks, n, d } = samples;
  const scratch = scope.use(new PassScratch(gpu, blocks, layout));
  const splits = Math.max(...blocks.map((block) => gradientSplits(block.rows, d, layout)));
  const margin = scope.use(gpu.array('margins', n));
  const residual = scope.use(gpu.array('residuals', n));
  const gradient = scope.use(gpu.array('weight gradient', splits * gradientPartLength(d, layout)));
  const total = scope.use(gpu.array('gradient totals', splits * gradientQuads(d, layout) * 4));
  // Several blocks take turns in one part-gradient and are added up, so that the memory does not grow with the blocks.
  const many = blocks.length > 1;
  const ofBlock = many ? scope.use(gpu.array('block gradient', gradient.length)) : gradient;
  const totalOfBlock = many ? scope.use(gpu.array('block totals', total.length)) : total;
  const velocity = scope.use(gpu.array('velocity', network.weights.length));
  const summary = scope.use(gpu.array('epoch summary', 2));
  const state = scope.use(gpu.array('plateau state', 8));
  const history = scope.use(gpu.array('history', epochs * 3));
  const { readout, weights, slope } = network;

  const pending: Promise<Step>[] = [];
  if (many) pending.push(Promise.resolve((batch) => void batch.clear(gradient).clear(total)));
  for (const [at, block] of blocks.entries()) {
    const x = samples.arrays[at]!;
    const here = { n: block.rows, d, start: block.start, part: 0, splits, layout };
    pending.push(
      hiddenStep(gpu, network, panels, at, scratch, layout),
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
  return { steps: await Promise.all(pending), state, history };
}
