// What crowds of flips in Gram space change in gradients. Loaded with the neuron loop.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { crowdGradientSubgroup } from './generated/crowd-gradient-subgroup';
import { fold, paddedRow, requireSize, type Step } from './step';

/** Row length of what {@link crowdGradient} gives: the inputs, then the bias and the neuron. */
export const crowdRow = (d: number): number => paddedRow(d) + 4;

export interface CrowdGradientArgs {
  /** (rows, paddedRow(d)) samples of this block. */
  readonly x: GpuArray;
  /** (vectors and more, ld), as gram_identity_subgroup has them. */
  readonly sources: GpuArray;
  /** (m) records that its last call left. */
  readonly neurons: GpuArray;
  /** (6, m, ld) */
  readonly state: GpuArray;
  /** (count) the neurons that stopped for a crowd, as u32. */
  readonly chosen: GpuArray;
  readonly count: number;
  /** (paddedRow(d)) the background that the product of the output leaves out, zeros where there is none. */
  readonly ground: GpuArray;
  /** (count, {@link crowdRow}) out: the change of each one's gradient, at column paddedRow(d) the bias, and behind it the neuron. */
  readonly output: GpuArray;
  readonly m: number;
  readonly ld: number;
  readonly d: number;
  /** First sample of the block, a multiple of 32, and how many it has. What it gives is added to the output unless start is 0. */
  readonly start: number;
  readonly rows: number;
  /** Whether it is the last block. */
  readonly closes: boolean;
  /** Of a subgroup. */
  readonly lanes: number;
}

/** crowd_gradient_subgroup: what the flips of an epoch change in the gradients of the neurons that stopped for them. */
export async function crowdGradient(gpu: Gpu, args: CrowdGradientArgs): Promise<Step> {
  const { count, m, ld, d, start, rows, closes, lanes, ...arrays } = args;
  requireSize('count', count);
  requireSize('rows', rows);
  if (start % 32) throw new RangeError(`start = ${start}: blocks begin at multiples of 32`);
  const kernel = await gpu.kernel(crowdGradientSubgroup, { S: lanes });
  const params = { count, m, rows, quads: ld / 4, x_quads: paddedRow(d) / 4, start: start / 4, closes: closes ? 1 : 0 };
  return (batch) => void batch.dispatch(kernel, arrays, params, fold(gpu, count));
}
