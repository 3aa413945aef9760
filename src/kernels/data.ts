// Making and rearranging data on the device: random numbers, byte unpacking, panels, transposes, sums of matrices.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { add as addShader } from './generated/add';
import { panels as panelsShader } from './generated/panels';
import { philoxFill as philoxFillShader } from './generated/philox-fill';
import { shiftRows as shiftRowsShader } from './generated/shift-rows';
import { transpose as transposeShader } from './generated/transpose';
import { unpackBytes as unpackBytesShader } from './generated/unpack-bytes';
import { fold, grid1d, requireSize, type Step } from './step';

export type RandomKind = 'normal' | 'uniform' | 'sign' | 'bits';
const KINDS: Readonly<Record<RandomKind, number>> = { normal: 0, uniform: 1, sign: 2, bits: 3 };

export interface RandomArgs {
  /** (rows, ld) out; unsigned for `bits`. */
  readonly output: GpuArray;
  readonly rows: number;
  readonly cols: number;
  /** Row length, at least cols (default cols); the padding becomes zero. */
  readonly ld?: number;
  readonly kind: RandomKind;
  /** A non-negative safe integer. */
  readonly seed: number;
  /** One stream a purpose, see src/data/streams.ts. */
  readonly stream: number;
  /** Index in the stream of the first element (default 0). */
  readonly offset?: number;
  /** Factor for normals (default 1). */
  readonly scale?: number;
}

/** philox_fill: elements offset .. offset + rows cols of a stream. */
export async function random(gpu: Gpu, args: RandomArgs): Promise<Step> {
  const { output, rows, cols, ld = cols, kind, seed, stream, offset = 0, scale = 1 } = args;
  requireSize('rows', rows);
  requireSize('cols', cols);
  requireSize('seed', seed, 0);
  requireSize('offset', offset, 0);
  const kernel = await gpu.kernel(philoxFillShader, { KIND: KINDS[kind] });
  const block = Math.floor(offset / 4);
  const params = {
    rows,
    cols,
    ld,
    block_low: block % 2 ** 32,
    block_high: Math.floor(block / 2 ** 32),
    skip: offset % 4,
    stream,
    seed_low: seed % 2 ** 32,
    seed_high: Math.floor(seed / 2 ** 32),
    scale,
  };
  return (batch) => void batch.dispatch(kernel, { raw: output }, params, grid1d(gpu, rows * ld));
}

export interface UnpackArgs {
  /** rows x cols bytes, four a word. */
  readonly packed: GpuArray;
  /** (rows, ld) out */
  readonly output: GpuArray;
  readonly rows: number;
  readonly cols: number;
  readonly ld: number;
  readonly scale: number;
  readonly subtract: number;
}

/** unpack_bytes: scale byte - subtract. */
export async function unpackBytes(gpu: Gpu, args: UnpackArgs): Promise<Step> {
  const { packed, output, ...params } = args;
  const kernel = await gpu.kernel(unpackBytesShader);
  return (batch) => void batch.dispatch(kernel, { packed, output }, params, grid1d(gpu, params.rows * params.ld));
}

export interface PanelsArgs {
  /** (n, ld) */
  readonly input: GpuArray;
  /** {@link panelsLength} elements out. */
  readonly output: GpuArray;
  readonly n: number;
  readonly d: number;
  readonly ld: number;
}

/** Elements of n samples of d inputs in panels of 32. */
export function panelsLength(n: number, d: number): number {
  return Math.ceil(n / 32) * 32 * d;
}

/** panels: the reordered copy that the forward kernels read. */
export async function panels(gpu: Gpu, args: PanelsArgs): Promise<Step> {
  const { input, output, n, d, ld } = args;
  const kernel = await gpu.kernel(panelsShader);
  return (batch) => void batch.dispatch(kernel, { input, output }, { n, d, ld }, grid1d(gpu, panelsLength(n, d)));
}

export interface TransposeArgs {
  /** (rows, inputLd) */
  readonly input: GpuArray;
  /** (cols, outputLd) out */
  readonly output: GpuArray;
  readonly rows: number;
  readonly cols: number;
  readonly inputLd?: number;
  readonly outputLd?: number;
}

/** transpose: rows become columns, padded with zeros up to outputLd. */
export async function transpose(gpu: Gpu, args: TransposeArgs): Promise<Step> {
  const { input, output, rows, cols, inputLd = cols, outputLd = rows } = args;
  const kernel = await gpu.kernel(transposeShader);
  const params = { rows, cols, input_ld: inputLd, output_ld: outputLd };
  const groups = Math.ceil(outputLd / 64) * Math.ceil(cols / 16);
  return (batch) => void batch.dispatch(kernel, { input, output }, params, fold(gpu, groups));
}

export interface ShiftArgs {
  /** (all samples) -1 or +1 */
  readonly labels: GpuArray;
  /** (n, ld) in and out */
  readonly x: GpuArray;
  readonly n: number;
  readonly d: number;
  readonly ld: number;
  readonly start: number;
  readonly shift: number;
}

/** shift_rows: x_i += shift y_i. */
export async function shiftRows(gpu: Gpu, args: ShiftArgs): Promise<Step> {
  const { labels, x, ...params } = args;
  const kernel = await gpu.kernel(shiftRowsShader);
  return (batch) => void batch.dispatch(kernel, { labels, x }, params, grid1d(gpu, params.n * params.ld));
}

/** add: b += scale a (default 1), `count` elements. */
export async function add(gpu: Gpu, args: { a: GpuArray; b: GpuArray; count: number; scale?: number }): Promise<Step> {
  const { a, b, count, scale = 1 } = args;
  const kernel = await gpu.kernel(addShader);
  return (batch) => void batch.dispatch(kernel, { a, b }, { count, scale }, grid1d(gpu, count));
}
