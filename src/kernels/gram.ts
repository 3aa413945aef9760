// Kernels of training in Gram space: plain products, masks from stored pre-activations, sums, and the neuron loop.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import * as shaders from './generated';
import { grid1d, requireSize, type Step } from './step';

/** A k-major operand: plain (k, width), or panels of 32 samples. Addresses are in elements. */
export interface Operand {
  readonly array: GpuArray;
  /** Consecutive entries before the next panel. */
  readonly width: number;
  /** From one panel to the next. */
  readonly panel: number;
  /** From one k to the next. */
  readonly stride: number;
}

/** Samples in panels of 32, (ceil(n / 32), d, 32), as an operand with k the input. */
export function panelOperand(array: GpuArray, d: number): Operand {
  return { array, width: 32, panel: 32 * d, stride: 32 };
}

/** A row-major (k, width) matrix. */
export function plainOperand(array: GpuArray, width: number): Operand {
  return { array, width, panel: 0, stride: width };
}

/** A row-major (rows, ld) matrix whose columns are k. */
export function transposedOperand(array: GpuArray, ld: number): Operand {
  return { array, width: 1, panel: ld, stride: 1 };
}

/** Rows that one workgroup of matmul makes; outputs are padded to whole multiples. */
export const MATMUL_ROWS = 32;

export interface MatmulArgs {
  /** (k, rows) */
  readonly a: Operand;
  /** (k, columns), whole quads of 4 */
  readonly b: Operand;
  /** element bias.first + r bias.stride is added to row r */
  readonly bias: { readonly array: GpuArray; readonly first: number; readonly stride: number };
  /** (rows rounded up to {@link MATMUL_ROWS}, columns) out, from element outputFirst on */
  readonly output: GpuArray;
  readonly outputFirst?: number;
  readonly steps: number;
  readonly rows: number;
  /** A multiple of 4. */
  readonly columns: number;
  readonly scale?: number;
}

/** matmul_subgroup: scale (bias + a^T b). */
export async function matmul(gpu: Gpu, args: MatmulArgs): Promise<Step> {
  const { a, b, bias, output, outputFirst = 0, steps, rows, columns, scale = 1 } = args;
  requireSize('steps', steps);
  requireSize('rows', rows);
  if (columns % 4 || columns < 4) throw new RangeError(`columns = ${columns}: a positive multiple of 4`);
  const lanes = gpu.adapter.subgroupSize;
  if (lanes === null) throw new RangeError('matmul needs an adapter with subgroups of one fixed size');
  const constants = { S: lanes, R: MATMUL_ROWS, U: lanes === 4 ? 1 : 2, AF: Math.ceil(MATMUL_ROWS / lanes) };
  const kernel = await gpu.kernel(shaders.matmulSubgroup, constants);
  const params = {
    steps,
    rows,
    quads: columns / 4,
    a_width: a.width,
    a_panel: a.panel,
    a_stride: a.stride,
    b_width: b.width / 4,
    b_panel: b.panel / 4,
    b_stride: b.stride / 4,
    bias_first: bias.first,
    bias_stride: bias.stride,
    output_first: outputFirst / 4,
    scale,
  };
  const arrays = { a: a.array, b: b.array, bias: bias.array, output };
  return (batch) =>
    void batch.dispatch(kernel, arrays, params, [Math.ceil(columns / 4 / lanes), Math.ceil(rows / MATMUL_ROWS)]);
}

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
