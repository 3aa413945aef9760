// The two ends of training in Gram space, the same for every loss: from weights to pre-activations, and from the
// coefficients that training leaves back to weights.

import type { GpuArray } from '../gpu/array';
import type { Batch } from '../gpu/batch';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { add, transpose } from '../kernels/data';
import { stridedSums } from '../kernels/gram';
import { matmul, panelOperand, plainOperand, transposedOperand } from '../kernels/matmul';
import { gramRow } from './gram-matrix';
import { changeLength } from './gram-size';
import type { TrainingProblem } from './trainer';

/** Some neurons' rows of a matrix with a column a sample, inside `array` from element `first` on. */
export interface NeuronRows {
  readonly array: GpuArray;
  /** A multiple of 4. */
  readonly first: number;
  /** {@link gramRow} of n. */
  readonly ld: number;
  /** The first neuron of the network among these rows, and how many they are. */
  readonly neuron: number;
  readonly count: number;
}

/**
 * Records H = scale X W^T + b, transposed: element (j, i) is neuron j of sample i. The columns past n are written too, with
 * finite numbers that mean nothing.
 * @param weights (d + 1, m), the weights of the problem's network or anything of their shape
 */
export async function preActivations(
  gpu: Gpu,
  batch: Batch,
  problem: TrainingProblem,
  weights: GpuArray,
  to: NeuronRows,
  scale = 1,
): Promise<void> {
  const { panels, network } = problem;
  const { d, m } = network;
  const bias = { array: weights, first: d * m + to.neuron, stride: 1 };
  const a = plainOperand(weights, m, to.neuron);
  for (const [at, { start, rows }] of panels.blocks.entries()) {
    const output = { output: to.array, outputFirst: to.first + start, outputStride: to.ld };
    const b = panelOperand(panels.arrays[at]!, d);
    const size = { steps: d, rows: to.count, columns: gramRow(rows), variant: problem.layout.variant };
    (await matmul(gpu, { a, b, bias, ...output, ...size, scale }))(batch);
  }
}

/**
 * weights <- weights + C^T X, the biases with sum_i C_i.
 * @param from rows of C of all neurons of the network, in order; columns past n do not count
 * @param weights (d + 1, m), the weights of the problem's network or anything of their shape
 */
export async function applyCoefficients(
  gpu: Gpu,
  problem: TrainingProblem,
  from: readonly NeuronRows[],
  weights: GpuArray,
): Promise<void> {
  const { samples, network, layout } = problem;
  const { n, d, ld: row, blocks } = samples;
  const { m } = network;
  const scope = new Scope();
  try {
    const zero = scope.use(gpu.array('zero', 1));
    const change = scope.use(gpu.array('change of W', changeLength(d, m)));
    const turned = scope.use(gpu.array('change of weights', (d + 1) * m));
    using batch = gpu.batch('Gram end');
    const bias = { array: zero, first: 0, stride: 0 };
    for (const { array, first, ld, neuron, count } of from) {
      for (const [at, block] of blocks.entries()) {
        const a = transposedOperand(array, ld, first + block.start);
        const b = plainOperand(samples.arrays[at]!, row);
        const size = { steps: block.rows, rows: count, columns: row, variant: layout.variant };
        const output = { output: change, outputFirst: neuron * row, accumulate: at > 0 };
        (await matmul(gpu, { a, b, bias, ...output, ...size }))(batch);
      }
    }
    (await transpose(gpu, { input: change, output: turned, rows: m, cols: d, inputLd: row }))(batch);
    for (const { array, first, ld, neuron, count } of from) {
      const perNeuron = { count, steps: n, first, outer: ld, inner: 1, outputFirst: d * m + neuron };
      (await stridedSums(gpu, { input: array, output: turned, ...perNeuron }))(batch);
    }
    (await add(gpu, { a: turned, b: weights, count: (d + 1) * m }))(batch);
    await batch.submit();
  } finally {
    scope.dispose();
  }
}
