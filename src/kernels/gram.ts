// Kernels of training in Gram space: masks from stored pre-activations, and sums.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { GpuImage } from '../gpu/image';
import { labelSums as labelSumsShader } from './generated/label-sums';
import { signMask as signMaskShader } from './generated/sign-mask';
import { stridedSums as stridedSumsShader } from './generated/strided-sums';
import { grid1d, type Step } from './step';

export interface SignMaskArgs {
  /** (m, ld) from element first on */
  readonly h: GpuArray;
  /** (words, n) out */
  readonly mask: GpuArray;
  readonly n: number;
  readonly m: number;
  readonly ld: number;
  readonly group: number;
  readonly words: number;
  readonly first: number;
  /** First element of mask (default 0). */
  readonly maskFirst?: number;
}

/** sign_mask: derivative bits of stored pre-activations. */
export async function signMask(gpu: Gpu, args: SignMaskArgs): Promise<Step> {
  const { h, mask, maskFirst = 0, ...rest } = args;
  const kernel = await gpu.kernel(signMaskShader);
  const params = { ...rest, mask_first: maskFirst };
  return (batch) => void batch.dispatch(kernel, { h, mask }, params, grid1d(gpu, params.words * params.n));
}

export interface SumsArgs {
  readonly input: GpuArray;
  readonly output: GpuArray;
  readonly count: number;
  readonly steps: number;
  readonly first: number;
  readonly outer: number;
  readonly inner: number;
  readonly outputFirst?: number;
  readonly accumulate?: boolean;
}

/** strided_sums: output[e] = sum_k input[first + e outer + k inner]. */
export async function stridedSums(gpu: Gpu, args: SumsArgs): Promise<Step> {
  const { input, output, outputFirst = 0, accumulate = false, ...rest } = args;
  const kernel = await gpu.kernel(stridedSumsShader);
  const params = { ...rest, output_first: outputFirst, accumulate: accumulate ? 1 : 0 };
  return (batch) => void batch.dispatch(kernel, { input, output }, params, grid1d(gpu, rest.count));
}

export interface LabelSumsArgs {
  /** (rows, ld) a piece of K */
  readonly kernel: GpuArray | GpuImage;
  /** (label vectors and sums, ld) in and out */
  readonly sources: GpuArray;
  readonly ld: number;
  /** First row of the piece, a multiple of 4, and how many it has. */
  readonly start: number;
  readonly rows: number;
  /** Row of the label vector. */
  readonly vector: number;
  /** First of the two rows that the sums go to. */
  readonly output: number;
  readonly accumulate?: boolean;
}

/** label_sums: what all samples of each class together give to Q = K S. */
export async function labelSums(gpu: Gpu, args: LabelSumsArgs): Promise<Step> {
  const { kernel: piece, sources, ld, accumulate = false, ...rest } = args;
  const kernel = await gpu.kernel(labelSumsShader, { IMAGE: piece instanceof GpuImage ? 1 : 0 });
  const params = { ...rest, quads: ld / 4, accumulate: accumulate ? 1 : 0 };
  return (batch) => void batch.dispatch(kernel, { kernel: piece, sources }, params, grid1d(gpu, ld / 4));
}
