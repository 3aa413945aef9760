// From float32 to halves.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { halve as halveShader } from './generated/halve';
import { grid1d, requireSize, type Step } from './step';

export interface HalveArgs {
  readonly input: GpuArray;
  /** {@link halfLength} of `count`, of type f16, out. */
  readonly output: GpuArray;
  /** (2) of type u32: how many did not fit is added to the first; the second gets marks of what there was (halve.wgsl). */
  readonly overflow: GpuArray;
  readonly count: number;
}

/** Array elements that `count` halves take, whole quads of them. */
export const halfLength = (count: number): number => 2 * Math.ceil(count / 4);

/** halve: float32 into halves; needs the feature shader-f16. */
export async function halve(gpu: Gpu, args: HalveArgs): Promise<Step> {
  const { count, ...arrays } = args;
  requireSize('count', count);
  const kernel = await gpu.kernel(halveShader);
  return (batch) => void batch.dispatch(kernel, arrays, { count }, grid1d(gpu, count, 256));
}
