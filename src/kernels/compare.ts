// Comparing two results: signs of outputs, directions and inner products of rows.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { rowCosine as rowCosineShader } from './generated/row-cosine';
import { rowDot as rowDotShader } from './generated/row-dot';
import { signAgreement as signAgreementShader } from './generated/sign-agreement';
import { grid1d, paddedRow, requireSize, type Step } from './step';

/** sign_agreement: count[0] += number of the n points on which f and g have the same sign. */
export async function signAgreement(
  gpu: Gpu,
  args: { f: GpuArray; g: GpuArray; count: GpuArray; n: number },
): Promise<Step> {
  const { n, ...arrays } = args;
  const kernel = await gpu.kernel(signAgreementShader);
  return (batch) => void batch.dispatch(kernel, arrays, { n }, [1]);
}

/** row_cosine: cosine between the rows of two (n, ld) matrices; 0 where a row is zero. */
export async function rowCosine(
  gpu: Gpu,
  args: { a: GpuArray; b: GpuArray; output: GpuArray; n: number; ld: number },
): Promise<Step> {
  const { n, ld, ...arrays } = args;
  const kernel = await gpu.kernel(rowCosineShader);
  return (batch) => void batch.dispatch(kernel, arrays, { n, quads: ld / 4 }, grid1d(gpu, n));
}

export interface RowDotArgs {
  /** (n, paddedRow(d)) */
  readonly a: GpuArray;
  /** (n, paddedRow(d)), which may be the same */
  readonly b: GpuArray;
  /** (n) out */
  readonly output: GpuArray;
  readonly n: number;
  readonly d: number;
  /** Factor (default 1). */
  readonly scale?: number;
}

/** row_dot: scale a_i . b_i. */
export async function rowDot(gpu: Gpu, args: RowDotArgs): Promise<Step> {
  const { n, d, scale = 1, ...arrays } = args;
  requireSize('n', n);
  requireSize('d', d);
  const kernel = await gpu.kernel(rowDotShader);
  const params = { n, quads: paddedRow(d) / 4, scale };
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, n));
}
