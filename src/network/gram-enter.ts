// From weights and velocity into Gram space: the state of every neuron where its training stands.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { signMask } from '../kernels/gram';
import type { MatmulLayout } from '../kernels/variant';
import {
  gradientPartLength,
  gradientQuads,
  gradientSplits,
  momentumUpdate,
  weightGradient,
} from '../kernels/weight-gradient';
import { preActivations } from './gram-ends';
import type { NeuronGroup } from './gram-groups';
import { PLANE } from './gram-size';
import type { TrainingRun } from './training-run';

/**
 * Fills the groups' states: H from the weights, U from the velocity, A = a K S / (1 - mu) from the bits of that H (through
 * X rather than K); C and V are zero, and nothing has changed since the epoch where each run stands.
 * @param groups whose states are zero, as they are made
 * @param runs the trainings, by job
 * @param sources (label vectors, ld) -y / n
 * @param source which of them each training has
 */
export async function enterGram(
  gpu: Gpu,
  groups: readonly NeuronGroup[],
  runs: readonly TrainingRun[],
  sources: GpuArray,
  source: readonly number[],
): Promise<void> {
  for (const group of groups) {
    using batch = gpu.batch('Gram start');
    for (const part of group.parts) {
      const { problem } = runs[part.job]!;
      await preActivations(gpu, batch, problem, problem.network.weights, group.rows(part, PLANE.H));
    }
    for (const part of group.parts) {
      const { problem, velocity } = runs[part.job]!;
      if (velocity) await preActivations(gpu, batch, problem, velocity, group.rows(part, PLANE.U));
    }
    await batch.submit();
  }
  for (const [job, run] of runs.entries()) await fillDrift(gpu, groups, job, run, sources, source[job]!);
  for (const group of groups) {
    const { state, ld, parts, clocks } = group;
    for (const part of parts) {
      const { epoch } = runs[part.job]!;
      clocks.fill(epoch, part.at, part.at + part.count);
      if (epoch > 0) state.write(new Float32Array(part.count * ld).fill(epoch), group.rows(part, PLANE.changed).first);
    }
  }
  await gpu.finish();
}

/**
 * Here the weight gradient runs once a training: a workgroup of one mask word compiles in two thirds of the time on lavapipe.
 */
const enteringLayout = (layout: MatmulLayout): MatmulLayout => ({
  ...layout,
  gradient: { ...layout.gradient, words: 1 },
});

/** A of one training: a dW from the bits of H, then as pre-activations of it. */
async function fillDrift(
  gpu: Gpu,
  groups: readonly NeuronGroup[],
  job: number,
  { problem }: TrainingRun,
  sources: GpuArray,
  source: number,
): Promise<void> {
  const { samples, network, momentum } = problem;
  const layout = enteringLayout(problem.layout);
  const { blocks, d } = samples;
  const { m, slope, readout } = network;
  const { group: bits, words } = layout;
  const { ld } = groups[0]!;
  const scope = new Scope();
  try {
    // Those of the training's own layout: they are the order of the sums.
    const splits = blocks.map(({ rows }) => gradientSplits(rows, d, problem.layout));
    const parts = splits.reduce((sum, count) => sum + count, 0);
    const residual = scope.use(gpu.array('scaled labels', ld));
    const mask = scope.use(gpu.array('mask', words * Math.max(...blocks.map(({ rows }) => rows)), 'u32'));
    const gradient = scope.use(gpu.array('weight gradient', parts * gradientPartLength(d, layout)));
    const total = scope.use(gpu.array('gradient totals', parts * gradientQuads(d, layout) * 4));
    const still = scope.use(gpu.array('no step', 8));
    const slopes = scope.use(gpu.array('scaled gradient', (d + 1) * m));
    const unmoved = scope.use(gpu.array('unmoved', (d + 1) * m));
    const batch = gpu.batch('Gram drift').copy(sources, source * ld, residual, 0, ld);
    let part = 0;
    for (const [at, { start, rows }] of blocks.entries()) {
      for (const group of groups) {
        for (const piece of group.parts) {
          if (piece.job !== job) continue;
          const { first } = group.rows(piece, PLANE.H);
          const size = { n: rows, m: piece.count, ld, group: bits, words: Math.ceil(piece.count / bits) };
          const to = { first: first + start, maskFirst: (piece.neuron / bits) * rows };
          (await signMask(gpu, { h: group.state, mask, ...size, ...to }))(batch);
        }
      }
      const x = samples.arrays[at]!;
      const size = { n: rows, d, start, part, splits: splits[at]!, layout };
      (await weightGradient(gpu, { x, mask, residual, gradient, total, ...size }))(batch);
      part += splits[at]!;
    }
    // One step of rate zero without momentum leaves a dW in the velocity.
    const step = { gradient, total, readout, state: still, velocity: slopes, weights: unmoved };
    (await momentumUpdate(gpu, { ...step, d, parts, slope, momentum: 0, layout }))(batch);
    for (const group of groups) {
      for (const piece of group.parts) {
        if (piece.job === job) {
          await preActivations(gpu, batch, problem, slopes, group.rows(piece, PLANE.A), 1 / (1 - momentum));
        }
      }
    }
    await batch.submit();
  } finally {
    scope.dispose();
  }
}
