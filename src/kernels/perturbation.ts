// Input gradients and the perturbations made of them.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { inputGradient as inputGradientShader } from './generated/input-gradient';
import { perturbL0 as perturbL0Shader } from './generated/perturb-l0';
import { perturbL2 as perturbL2Shader } from './generated/perturb-l2';
import { perturbLinf as perturbLinfShader } from './generated/perturb-linf';
import { spanCoefficients as spanCoefficientsShader } from './generated/span-coefficients';
import { fold, grid1d, paddedRow, requireSize, type Step } from './step';
import { type MatmulLayout, subgroupLanes } from './variant';

export interface InputGradientArgs {
  /** (words, n) derivative bits. */
  readonly mask: GpuArray;
  /** (m, paddedRow(d)) weights, row-major. */
  readonly rows: GpuArray;
  /** (m) */
  readonly readout: GpuArray;
  /** (n, paddedRow(d)) out: df/dx. */
  readonly gradient: GpuArray;
  readonly n: number;
  readonly d: number;
  readonly slope: number;
  readonly layout: MatmulLayout;
}

/** input_gradient: df/dx of every sample of a block. */
export async function inputGradient(gpu: Gpu, args: InputGradientArgs): Promise<Step> {
  const { n, d, slope, layout, ...arrays } = args;
  requireSize('n', n);
  requireSize('d', d);
  const lanes = gpu.adapter.software ? (subgroupLanes(gpu) ?? 8) : 64;
  const kernel = await gpu.kernel(inputGradientShader, { S: lanes });
  // Samples that an invocation makes.
  const height = 8;
  const params = { n, d, m: layout.m, group: layout.group, height, slope };
  const [y, z = 1] = fold(gpu, Math.ceil(n / height));
  return (batch) => void batch.dispatch(kernel, arrays, params, [Math.ceil(paddedRow(d) / 4 / lanes), y, z]);
}

export interface PerturbArgs {
  /** (all samples) -1 or +1: the side to move to. */
  readonly targets: GpuArray;
  /** (n, paddedRow(d)) in: df/dx; out: the perturbation. */
  readonly gradient: GpuArray;
  /** l2 only, and needed there: (all samples) out: the factor between the perturbation and df/dx. */
  readonly coefficient?: GpuArray;
  readonly n: number;
  readonly d: number;
  /** First sample of the block among all. */
  readonly start: number;
  readonly kind: 'l2' | 'linf' | 'l0';
  /** Length: Euclidean for l2 and l0, largest entry for linf. */
  readonly size: number;
  /** l0 only: entries kept, 1 to d. */
  readonly k?: number;
}

/** perturb_l2, perturb_linf or perturb_l0, in place. */
export async function perturbRows(gpu: Gpu, args: PerturbArgs): Promise<Step> {
  const { n, d, start, kind, size, k = 0, coefficient, ...arrays } = args;
  requireSize('n', n);
  const quads = paddedRow(d) / 4;
  if (kind === 'l0') {
    if (!Number.isInteger(k) || k < 1 || k > d) throw new RangeError(`k = ${k}: it must lie between 1 and d = ${d}`);
    const kernel = await gpu.kernel(perturbL0Shader);
    return (batch) => void batch.dispatch(kernel, arrays, { n, d, start, k, size }, grid1d(gpu, n));
  }
  const params = { n, quads, start, size };
  if (kind === 'l2') {
    if (!coefficient) throw new TypeError('perturbRows: an l2 perturbation needs the array coefficient');
    const kernel = await gpu.kernel(perturbL2Shader);
    return (batch) => void batch.dispatch(kernel, { ...arrays, coefficient }, params, grid1d(gpu, n));
  }
  const kernel = await gpu.kernel(perturbLinfShader);
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, n * quads));
}

export interface SpanCoefficientsArgs {
  /** (words, n) derivative bits of a block. */
  readonly mask: GpuArray;
  /** (m) */
  readonly readout: GpuArray;
  /** (all samples) from {@link perturbRows}. */
  readonly coefficient: GpuArray;
  /** (m, ld) out */
  readonly matrix: GpuArray;
  /** Samples of the block. */
  readonly n: number;
  /** First sample in the block, and the same one among all. */
  readonly first: number;
  readonly start: number;
  /** Samples from there on. */
  readonly count: number;
  /** Row length, at least count; what is left over becomes zero. */
  readonly ld: number;
  readonly slope: number;
  readonly layout: MatmulLayout;
}

/** span_coefficients: the coefficients of l2 perturbations in the rows of W. */
export async function spanCoefficients(gpu: Gpu, args: SpanCoefficientsArgs): Promise<Step> {
  const { n, first, start, count, ld, slope, layout, ...arrays } = args;
  requireSize('n', n);
  requireSize('count', count);
  requireSize('ld', ld, count);
  if (first + count > n) throw new RangeError(`samples ${first} to ${first + count} of a block of ${n}`);
  const kernel = await gpu.kernel(spanCoefficientsShader);
  const params = { n, first, start, count, ld, m: layout.m, group: layout.group, slope };
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, layout.words * ld));
}
