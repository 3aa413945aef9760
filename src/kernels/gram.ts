// Kernels of training in Gram space: masks from stored pre-activations, sums, and the neuron loop.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import * as shaders from './generated';
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
}

/** sign_mask: derivative bits of stored pre-activations. */
export async function signMask(gpu: Gpu, args: SignMaskArgs): Promise<Step> {
  const { h, mask, ...params } = args;
  const kernel = await gpu.kernel(shaders.signMask);
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
  const kernel = await gpu.kernel(shaders.stridedSums);
  const params = { ...rest, output_first: outputFirst, accumulate: accumulate ? 1 : 0 };
  return (batch) => void batch.dispatch(kernel, { input, output }, params, grid1d(gpu, rest.count));
}

export interface GramIdentityArgs {
  /** (n, ld) K = X X^T + 1 */
  readonly kernel: GpuArray;
  /** (ld) -y / n, zero past n */
  readonly scaled: GpuArray;
  /** (m) */
  readonly readout: GpuArray;
  /** (6, m, ld) H, U, A, C, V, epoch of the last change */
  readonly state: GpuArray;
  /** (m) unsigned: the epoch that H, U and A stand at */
  readonly clock: GpuArray;
  /** (m, epochs) out */
  readonly losses: GpuArray;
  /** (m, 2) unsigned, out: events and flips */
  readonly counts: GpuArray;
  readonly n: number;
  readonly ld: number;
  readonly m: number;
  /** First epoch of the chunk, and how many it has. */
  readonly start: number;
  readonly epochs: number;
  /** Epochs of the whole run. */
  readonly total: number;
  /** Bring everything to the chunk's end: before a new learning rate, and at the end of the run. */
  readonly sync: boolean;
  readonly lr: number;
  readonly momentum: number;
  readonly slope: number;
}

/** gram_identity_subgroup: a chunk of epochs of every neuron. */
export async function gramIdentity(gpu: Gpu, args: GramIdentityArgs): Promise<Step> {
  const { n, ld, m, start, epochs, total, sync, lr, momentum, slope, ...arrays } = args;
  const lanes = gpu.adapter.subgroupSize;
  if (lanes === null) throw new RangeError('Gram training needs an adapter with subgroups of one fixed size');
  const perLane = Math.ceil(n / lanes);
  const constants = { S: lanes, NPL: perLane, NW: Math.ceil(perLane / 32) };
  const kernel = await gpu.kernel(shaders.gramIdentitySubgroup, constants);
  // log2 of 0 is never used: the shader takes mu^p = 0 there.
  const log2_mu = momentum > 0 ? Math.log2(momentum) : -1;
  const params = { n, ld, m, start, epochs, total, sync: sync ? 1 : 0, lr, mu: momentum, log2_mu, slope };
  return (batch) => void batch.dispatch(kernel, arrays, params, [m]);
}
