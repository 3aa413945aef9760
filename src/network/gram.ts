// Training in Gram space (design.md): exact, and for the identity loss a handful of dispatches for a whole run.
//
// Training sees the samples only through K = X X^T + 1. Neurons do not interact under the identity loss, so each is
// trained by itself, from flip to flip of its derivative bits. The plateau schedule is the only coupling: a chunk of epochs
// runs speculatively with one learning rate, the schedule is replayed on the summed losses, and when it would have
// dropped inside the chunk, the chunk's start is restored and run up to that epoch.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { add, transpose } from '../kernels/data';
import { gramIdentity, signMask, stridedSums } from '../kernels/gram';
import { MATMUL_ROWS, matmul, panelOperand, plainOperand, transposedOperand } from '../kernels/matmul';
import {
  gradientPartLength,
  gradientQuads,
  gradientSplits,
  momentumUpdate,
  weightGradient,
} from '../kernels/weight-gradient';
import { gramRow } from './gram-matrix';
import { PlateauReplay } from './plateau';
import type { TrainingHistory, TrainingOptions, TrainingProblem } from './trainer';

/** Time of one chunk: display watchdogs end a dispatch that takes seconds. */
const CHUNK_SECONDS = 0.1;
/** Epochs of the first chunk, before any has been timed. */
const FIRST_CHUNK = 16;

/** Epochs at which flips are counted, and a run that would have been cheaper directly can be given up. */
export const REVIEW_EPOCHS = [16, 64] as const;

const roundUp = (value: number, to: number) => Math.ceil(value / to) * to;

export interface GramOptions extends TrainingOptions {
  /** Asked at {@link REVIEW_EPOCHS} with what was counted up to each; a reason ends the training, the network untouched. */
  readonly review?: (counted: readonly { readonly flips: number; readonly events: number }[]) => string | undefined;
}

export type GramOutcome = (TrainingHistory & { readonly flips: number }) | { readonly abandoned: string };

/** Trains `problem.network` in place under the identity loss; the result is that of direct training up to rounding. */
export async function trainGramIdentity(
  gpu: Gpu,
  problem: TrainingProblem,
  kernel: GpuArray,
  options: GramOptions = {},
): Promise<GramOutcome> {
  const { samples, labels, network, epochs, momentum } = problem;
  const { n } = samples;
  const { m, slope, readout } = network;
  const ld = gramRow(n);
  const plane = m * ld;
  options.signal?.throwIfAborted();
  if (epochs === 0) return { loss: new Float32Array(0), lr: new Float32Array(0), flips: 0 };
  const scope = new Scope();
  try {
    const scaled = scope.use(gpu.array('scaled labels', ld));
    const y = await labels.read();
    scaled.write(y.map((value) => -value / n));
    // Padded by a workgroup's rows: the products write whole multiples.
    const state = scope.use(gpu.array('Gram state', 6 * plane + MATMUL_ROWS * ld));
    const backup = problem.plateau ? scope.use(gpu.array('Gram state backup', 6 * plane)) : undefined;
    await initialState(gpu, problem, state, scaled, plane, ld);

    const loss = new Float32Array(epochs);
    const rates = new Float32Array(epochs);
    const schedule = new PlateauReplay(problem.lr, problem.plateau);
    const sums = scope.use(gpu.array('epoch losses', epochs));
    const counts = scope.use(gpu.array('event counts', 2 * m, 'u32'));
    const clock = scope.use(gpu.array('neuron clocks', m, 'u32'));
    const clockBackup = scope.use(gpu.array('neuron clocks backup', m, 'u32'));
    let losses = scope.use(gpu.array('neuron losses', m));
    const run = async (start: number, count: number, lr: number, sync: boolean) => {
      if (losses.length < m * count) {
        losses.dispose();
        losses = scope.use(gpu.array('neuron losses', m * count));
      }
      const arrays = { kernel, scaled, readout, state, clock, losses, counts };
      const scalars = { n, ld, m, start, epochs: count, total: epochs, sync, lr, momentum, slope };
      const batch = gpu.batch('Gram epochs');
      (await gramIdentity(gpu, { ...arrays, ...scalars }))(batch);
      const perEpoch = { count, steps: m, first: 0, outer: 1, inner: count };
      (await stridedSums(gpu, { input: losses, output: sums, ...perEpoch }))(batch);
      await batch.submit();
      return sums.read(0, count);
    };

    let done = 0;
    let chunk = FIRST_CHUNK;
    let events = 0;
    let flips = 0;
    const counted: { flips: number; events: number }[] = [];
    while (done < epochs) {
      options.signal?.throwIfAborted();
      // Chunks end at the reviews, so that what is counted there does not depend on the clock.
      const stop = REVIEW_EPOCHS.find((epoch) => epoch > done) ?? epochs;
      const count = Math.max(1, Math.min(chunk, stop - done, epochs - done, Math.floor(gpu.maxArrayLength / m)));
      const began = performance.now();
      const { lr } = schedule;
      if (backup) {
        gpu
          .batch('Gram backup')
          .copy(state, 0, backup, 0, 6 * plane)
          .copy(clock, 0, clockBackup, 0, m)
          .send();
      }
      let values = await run(done, count, lr, done + count === epochs);
      const kept = schedule.advance(values);
      if (schedule.lr !== lr && backup) {
        // The rate drops after `kept` epochs of this chunk: what came later used the wrong one, and what did not must
        // stand at that epoch before the rate changes.
        gpu
          .batch('Gram rollback')
          .copy(backup, 0, state, 0, 6 * plane)
          .copy(clockBackup, 0, clock, 0, m)
          .send();
        values = await run(done, kept, lr, true);
      }
      loss.set(values.subarray(0, kept), done);
      rates.fill(lr, done, done + kept);
      done += kept;
      const fresh = await counts.readUint();
      for (let j = 0; j < m; j++) {
        events += fresh[2 * j]!;
        flips += fresh[2 * j + 1]!;
      }
      if (REVIEW_EPOCHS.some((epoch) => epoch === done)) {
        counted.push({ flips, events });
        const abandoned = options.review?.(counted);
        if (abandoned) return { abandoned };
      }
      const seconds = (performance.now() - began) / 1000;
      chunk = Math.max(1, Math.min(Math.floor((CHUNK_SECONDS / seconds) * count), count * 4));
      options.onEpoch?.({ epoch: done, loss: loss[done - 1]!, lr });
    }
    await finishWeights(gpu, problem, state, plane, ld);
    return { loss, lr: rates, flips };
  } finally {
    scope.dispose();
  }
}

/** H from the initial weights, A = a K S / (1 - mu) from the bits of that H, through X rather than K; U = C = V = 0. */
async function initialState(
  gpu: Gpu,
  problem: TrainingProblem,
  state: GpuArray,
  scaled: GpuArray,
  plane: number,
  ld: number,
): Promise<void> {
  const { samples, panels, network, layout, momentum } = problem;
  const { n, d } = samples;
  const { m, slope, weights, readout } = network;
  const scope = new Scope();
  try {
    const mask = scope.use(gpu.array('mask', layout.words * n, 'u32'));
    const splits = gradientSplits(n, d, layout);
    const gradient = scope.use(gpu.array('weight gradient', splits * gradientPartLength(d, layout)));
    const total = scope.use(gpu.array('gradient totals', splits * gradientQuads(d, layout) * 4));
    const still = scope.use(gpu.array('no step', 8));
    const slopes = scope.use(gpu.array('scaled gradient', (d + 1) * m));
    const unmoved = scope.use(gpu.array('unmoved', (d + 1) * m));
    const b = panelOperand(panels.arrays[0]!, d);
    const common = { b, steps: d, rows: m, columns: ld };
    const bias = { first: d * m, stride: 1 };
    const batch = gpu.batch('Gram start');
    (await matmul(gpu, { ...common, a: plainOperand(weights, m), bias: { array: weights, ...bias }, output: state }))(
      batch,
    );
    const { group, words } = layout;
    (await signMask(gpu, { h: state, mask, n, m, ld, group, words, first: 0 }))(batch);
    const x = samples.arrays[0]!;
    (
      await weightGradient(gpu, { x, mask, residual: scaled, gradient, total, n, d, start: 0, part: 0, splits, layout })
    )(batch);
    // One step of rate zero without momentum leaves a dW in the velocity.
    const step = { gradient, total, readout, state: still, velocity: slopes, weights: unmoved };
    (await momentumUpdate(gpu, { ...step, d, parts: splits, slope, momentum: 0, layout }))(batch);
    const scale = 1 / (1 - momentum);
    const a = plainOperand(slopes, m);
    (
      await matmul(gpu, {
        ...common,
        a,
        bias: { array: slopes, ...bias },
        output: state,
        outputFirst: 2 * plane,
        scale,
      })
    )(batch);
    await batch.submit();
    // The product of H spilled its padding into U, that of A into C: both start at zero.
    state.write(new Float32Array(plane), plane);
    state.write(new Float32Array(3 * plane), 3 * plane);
    await gpu.finish();
  } finally {
    scope.dispose();
  }
}

/** W = W0 + C^T X, b = b0 + sum_i C_i. */
async function finishWeights(
  gpu: Gpu,
  problem: TrainingProblem,
  state: GpuArray,
  plane: number,
  ld: number,
): Promise<void> {
  const { samples, network } = problem;
  const { n, d, ld: row } = samples;
  const { m, weights } = network;
  const scope = new Scope();
  try {
    const zero = scope.use(gpu.array('zero', 1));
    const change = scope.use(gpu.array('change of W', roundUp(m, MATMUL_ROWS) * row));
    const turned = scope.use(gpu.array('change of weights', (d + 1) * m));
    const c = scope.use(gpu.array('C', plane));
    const batch = gpu.batch('Gram end').copy(state, 3 * plane, c, 0, plane);
    const bias = { array: zero, first: 0, stride: 0 };
    const operands = { a: transposedOperand(c, ld), b: plainOperand(samples.arrays[0]!, row) };
    (await matmul(gpu, { ...operands, bias, output: change, steps: n, rows: m, columns: row }))(batch);
    (await transpose(gpu, { input: change, output: turned, rows: m, cols: d, inputLd: row }))(batch);
    (
      await stridedSums(gpu, {
        input: c,
        output: turned,
        count: m,
        steps: n,
        first: 0,
        outer: ld,
        inner: 1,
        outputFirst: d * m,
      })
    )(batch);
    (await add(gpu, { a: turned, b: weights, count: (d + 1) * m }))(batch);
    await batch.submit();
  } finally {
    scope.dispose();
  }
}
