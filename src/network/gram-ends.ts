// The two ends of training in Gram space, the same for every loss: from weights to pre-activations, and from the
// coefficients that training leaves back to weights.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { add, transpose } from '../kernels/data';
import { stridedSums } from '../kernels/gram';
import { MATMUL_ROWS, matmul, panelOperand, plainOperand, transposedOperand } from '../kernels/matmul';
import type { TrainingProblem } from './trainer';

const roundUp = (value: number, to: number) => Math.ceil(value / to) * to;

/** Row length of everything that has an entry a sample: whole panels, so that no lane needs a guard. */
export const gramRow = (n: number) => roundUp(n, 32);

/** Elements of pre-activations as {@link preActivations} writes them: rows padded for the product that makes them. */
export function preActivationsLength(n: number, m: number): number {
  return roundUp(m, MATMUL_ROWS) * gramRow(n);
}

/** A matrix (m, ld) with a column a sample, inside `array` from element `first` on. */
export interface NeuronRows {
  readonly array: GpuArray;
  /** A multiple of 4. */
  readonly first: number;
  /** {@link gramRow} of n. */
  readonly ld: number;
}

/**
 * H = X W^T + b, transposed: element (j, i) is neuron j of sample i. Rows up to a multiple of {@link MATMUL_ROWS} and the
 * columns past n are written too, with finite numbers that mean nothing.
 */
export async function preActivations(gpu: Gpu, problem: TrainingProblem, to: NeuronRows): Promise<void> {
  const { panels, network } = problem;
  const { d, m, weights } = network;
  const batch = gpu.batch('pre-activations');
  const operands = { a: plainOperand(weights, m), b: panelOperand(panels.arrays[0]!, d) };
  const bias = { array: weights, first: d * m, stride: 1 };
  const output = { output: to.array, outputFirst: to.first, steps: d, rows: m, columns: to.ld };
  (await matmul(gpu, { ...operands, bias, ...output }))(batch);
  await batch.submit();
}

/** W <- W + C^T X and b <- b + sum_i C_i, with C (m, ld) read from `from`; its columns past n do not count. */
export async function applyCoefficients(gpu: Gpu, problem: TrainingProblem, from: NeuronRows): Promise<void> {
  const { samples, network } = problem;
  const { n, d, ld: row } = samples;
  const { m, weights } = network;
  const { ld } = from;
  const scope = new Scope();
  try {
    const zero = scope.use(gpu.array('zero', 1));
    const change = scope.use(gpu.array('change of W', roundUp(m, MATMUL_ROWS) * row));
    const turned = scope.use(gpu.array('change of weights', (d + 1) * m));
    const c = from.first === 0 ? from.array : scope.use(gpu.array('C', m * ld));
    const batch = gpu.batch('Gram end');
    if (c !== from.array) batch.copy(from.array, from.first, c, 0, m * ld);
    const bias = { array: zero, first: 0, stride: 0 };
    const operands = { a: transposedOperand(c, ld), b: plainOperand(samples.arrays[0]!, row) };
    (await matmul(gpu, { ...operands, bias, output: change, steps: n, rows: m, columns: row }))(batch);
    (await transpose(gpu, { input: change, output: turned, rows: m, cols: d, inputLd: row }))(batch);
    const perNeuron = { count: m, steps: n, first: 0, outer: ld, inner: 1 };
    (await stridedSums(gpu, { input: c, output: turned, ...perNeuron, outputFirst: d * m }))(batch);
    (await add(gpu, { a: turned, b: weights, count: (d + 1) * m }))(batch);
    await batch.submit();
  } finally {
    scope.dispose();
  }
}
