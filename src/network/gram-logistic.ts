// Training in Gram space (design.md) with the logistic loss: exact, and per epoch one product with K.
//
// Training sees the samples only through X X^T and the bias. The residuals change every epoch, so Q = K S is dense:
// S_ij = s_i phi'(H_ij), U <- mu U + a Q, H <- H - lr U, and V <- mu V + a S, C <- C - lr V, from which the weights follow
// at the end. K being symmetric, Q^T = S^T K is a weight gradient whose samples are the rows of K and whose inputs are
// its columns: its kernel and the momentum step of direct training do it, on "weights" (samples, m) that are H. What the
// biases change stays apart, in the row where the momentum step has them: close samples (perturbations above all) differ by
// little beside it, which a 1 in K would drown in rounding. Against
// direct training n columns take the place of d inputs, and the forward pass costs nothing.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { transpose } from '../kernels/data';
import { marginSummary, outputResidual } from '../kernels/forward';
import { gramCoefficients, gramOutputs } from '../kernels/gram-epoch';
import type { Step } from '../kernels/step';
import { gradientPartLength, gradientQuads, momentumUpdate, plateau, weightGradient } from '../kernels/weight-gradient';
import { type Epoch, runWithSnapshots } from './epochs';
import { applyCoefficients, preActivations } from './gram-ends';
import { gramInputs, partCount, partRows } from './gram-logistic-size';
import { gramRow } from './gram-matrix';
import { preActivationsLength } from './gram-size';
import type { Network } from './network';
import type { TrainingOptions, TrainingProblem } from './trainer';
import type { TrainingRun } from './training-run';
import { fillFrom } from './training-state';

/** X X^T in pieces of whole rows. */
export interface GramPieces {
  /** Samples. */
  readonly n: number;
  /** Row length: n rounded up to 32. What lies past column n is read, and must be finite. */
  readonly ld: number;
  /** Rows of a piece; the last has what is left. */
  readonly rows: number;
  /** (rows, ld) each */
  readonly arrays: readonly GpuArray[];
}

/**
 * Trains the network of a run, which stands at its start or where `options.place` was kept, in place; the result is that of direct training up to rounding. H
 * is rounded once an epoch and never made anew, so after t epochs it may be off by t units in the last place, most where K
 * has null directions (n > d + 1), in which nothing corrects it. (Making it anew every 32 epochs, from W = W0 + C^T X, was
 * measured and left out: at n = 31, d = 5, m = 7, 300 epochs, over 24 seeds, the median error of W fell from 3.6 to 2.6 times
 * that of direct training, but 5 networks instead of 1 crossed a kink at
 * another epoch than float64; of direct training it is 1.) Either loss will do, but the identity loss has a trainer that is faster.
 * @throws the signal's reason when aborted, the network untouched; GpuError when the device fails.
 */
export async function trainGramLogistic(
  gpu: Gpu,
  run: TrainingRun,
  kernel: GramPieces,
  options: TrainingOptions = {},
): Promise<void> {
  const { problem } = run;
  const { n } = problem.samples;
  const ld = gramRow(n);
  if (kernel.n !== n || kernel.ld !== ld) {
    throw new RangeError(`K of ${kernel.n} samples in rows of ${kernel.ld} for ${n} samples in rows of ${ld}`);
  }
  options.signal?.throwIfAborted();
  if (problem.epochs === 0) return;
  const scope = new Scope();
  try {
    // New WebGPU buffers are zero: so C, U and V start.
    const coefficients = scope.use(gpu.array('C', problem.network.m * ld));
    const training = scope.use(new Scope());
    const h = training.use(gpu.array('H', (gramInputs(n) + 1) * problem.network.m));
    await fillPreActivations(gpu, problem, h, ld);
    const epoch = await prepareEpoch(gpu, run, kernel, { h, coefficients }, training);
    if (options.place)
      for (const [name, array] of Object.entries(epoch.kept!)) fillFrom(array, options.place.arrays[name]);
    const from = [{ array: coefficients, first: 0, ld, neuron: 0, count: problem.network.m }];
    const snapshot = async (): Promise<Network> => {
      const network = await problem.network.copy();
      try {
        await applyCoefficients(gpu, problem, from, network.weights);
        return network;
      } catch (error) {
        network.dispose();
        throw error;
      }
    };
    await runWithSnapshots(gpu, epoch, run, problem.epochs, options, snapshot);
    training.dispose();
    if (run.diverged) return;
    await applyCoefficients(gpu, problem, from, problem.network.weights);
  } finally {
    scope.dispose();
  }
}

/** Fills H, a row a sample; its spare row, the bias of the momentum step, is zero. */
async function fillPreActivations(gpu: Gpu, problem: TrainingProblem, h: GpuArray, ld: number): Promise<void> {
  const { m } = problem.network;
  const rows = gpu.array('pre-activations', preActivationsLength(problem.samples.n, m));
  try {
    using batch = gpu.batch('H');
    const to = { array: rows, first: 0, ld, neuron: 0, count: m };
    await preActivations(gpu, batch, problem, problem.network.weights, to);
    (await transpose(gpu, { input: rows, output: h, rows: m, cols: ld }))(batch);
    // What the biases change starts at zero, in a row of padding where there is one.
    batch.clear(h, gramInputs(problem.samples.n) * m, m);
    await batch.submit();
  } finally {
    rows.dispose();
  }
}

async function prepareEpoch(
  gpu: Gpu,
  run: TrainingRun,
  kernel: GramPieces,
  { h, coefficients }: { readonly h: GpuArray; readonly coefficients: GpuArray },
  scope: Scope,
): Promise<Epoch> {
  const { problem } = run;
  const { labels, network, layout, loss, epochs, momentum } = problem;
  const { readout, slope } = network;
  const { n, ld } = kernel;
  const { words } = layout;
  const d = gramInputs(n);
  const step = partRows(n, layout);
  const parts = partCount(n, kernel.rows, layout);
  const partial = scope.use(gpu.array('partial outputs', words * Math.min(n, kernel.rows)));
  const margin = scope.use(gpu.array('margins', n));
  const residual = scope.use(gpu.array('residuals', n));
  const gradient = scope.use(gpu.array('part sums of K S', parts * gradientPartLength(d, layout)));
  const total = scope.use(gpu.array('part totals of K S', parts * gradientQuads(d, layout) * 4));
  const velocity = scope.use(gpu.array('U', h.length));
  const change = scope.use(gpu.array('V', coefficients.length));
  const summary = scope.use(gpu.array('epoch summary', 2));
  const state = scope.use(gpu.array('plateau state', 8));
  const history = scope.use(gpu.array('history', Math.max(1, epochs - run.epoch) * 3));

  const pending: Promise<Step>[] = [];
  // C moves with the rate of the epoch, which is known when all margins are.
  const last: Promise<Step>[] = [];
  let part = 0;
  for (const [at, x] of kernel.arrays.entries()) {
    const start = at * kernel.rows;
    const here = { n: Math.min(kernel.rows, n - start), start };
    const splits = Math.ceil(here.n / step);
    const mask = scope.use(gpu.array('mask', words * here.n, 'u32'));
    pending.push(
      gramOutputs(gpu, { h, bias: d, readout, mask, partial, ...here, slope, layout }),
      outputResidual(gpu, { partial, labels, margin, residual, ...here, words, loss, total: n }),
      weightGradient(gpu, { x, mask, residual, gradient, total, ...here, d, part, splits, step, layout }),
    );
    const arrays = { mask, residual, readout, state, velocity: change, coefficients };
    last.push(gramCoefficients(gpu, { ...arrays, ...here, ld, slope, momentum, layout }));
    part += splits;
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
      weights: h,
      d,
      parts,
      slope,
      momentum,
      layout,
    }),
    ...last,
  );
  return { steps: await Promise.all(pending), state, history, kept: { H: h, U: velocity, V: change, C: coefficients } };
}
