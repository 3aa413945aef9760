// The kernels of a dense epoch in Gram space, where the weight gradient's kernel does the product with K.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { gramCoefficients as gramCoefficientsShader } from './generated/gram-coefficients';
import { gramOutputs as gramOutputsShader } from './generated/gram-outputs';
import { requireSize, type Step } from './step';
import type { MatmulLayout } from './variant';

export interface GramOutputsArgs {
  /** (rows, m) pre-activations of all samples without what the biases have changed, which is row `bias`. */
  readonly h: GpuArray;
  readonly bias: number;
  /** (m) */
  readonly readout: GpuArray;
  /** (words, n) out: derivative bits. */
  readonly mask: GpuArray;
  /** (words, n) out: partial outputs. */
  readonly partial: GpuArray;
  /** Samples of this block, and where it begins among all. */
  readonly n: number;
  readonly start: number;
  readonly slope: number;
  readonly layout: MatmulLayout;
}

/** gram_outputs: what a forward pass leaves, from stored pre-activations. */
export async function gramOutputs(gpu: Gpu, args: GramOutputsArgs): Promise<Step> {
  const { n, start, bias, slope, layout, ...arrays } = args;
  requireSize('n', n);
  const { m, group, words } = layout;
  const kernel = await gpu.kernel(gramOutputsShader);
  return (batch) =>
    void batch.dispatch(kernel, arrays, { n, m, group, start, bias, slope }, [Math.ceil(n / 64), words]);
}

export interface GramCoefficientsArgs {
  /** (words, n) derivative bits of the block. */
  readonly mask: GpuArray;
  /** (all samples) dloss/df. */
  readonly residual: GpuArray;
  /** (m) */
  readonly readout: GpuArray;
  /** (8) plateau state; element 0 is the learning rate. */
  readonly state: GpuArray;
  /** (m, ld) in and out; zero before the first step. */
  readonly velocity: GpuArray;
  /** (m, ld) in and out. */
  readonly coefficients: GpuArray;
  /** Samples of this block, and where it begins among all. */
  readonly n: number;
  readonly start: number;
  readonly ld: number;
  readonly slope: number;
  readonly momentum: number;
  readonly layout: MatmulLayout;
}

/** gram_coefficients: V <- momentum V + a S; C <- C - lr V. */
export async function gramCoefficients(gpu: Gpu, args: GramCoefficientsArgs): Promise<Step> {
  const { n, start, ld, slope, momentum, layout, ...arrays } = args;
  requireSize('n', n);
  const { m, group, words } = layout;
  const kernel = await gpu.kernel(gramCoefficientsShader);
  const params = { n, m, ld, group, start, slope, momentum };
  return (batch) => void batch.dispatch(kernel, arrays, params, [Math.ceil(n / 64), words]);
}
