// Kernels of the theory: Phi on tiles of pairs, exact or sampled, and predictions on the points of a plane.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { phiSampled as phiSampledShader } from './generated/phi-sampled';
import { phiTile as phiTileShader } from './generated/phi-tile';
import { planeCoordinates as planeCoordinatesShader } from './generated/plane-coordinates';
import { planePrediction as planePredictionShader } from './generated/plane-prediction';
import { grid1d, paddedRow, requireSize, type Step } from './step';

/** Phi = slope + gain (pi - theta), theta being the angle between the two inputs, each with sqrt d appended. */
const gainOf = (slope: number) => (1 - slope) ** 2 / (2 * Math.PI);

export interface PhiTileArgs {
  /** (rows, paddedRow(d)) samples of a block */
  readonly x: GpuArray;
  /** (columns, paddedRow(d)) points */
  readonly z: GpuArray;
  /** (rows) |x_k|^2 / d */
  readonly xNorms: GpuArray;
  /** (columns) |z_i|^2 / d */
  readonly zNorms: GpuArray;
  /** (all samples) -1 or +1 */
  readonly labels: GpuArray;
  /** (rows, ld) in: x_k . z_i; out: y_k Phi(x_k, z_i). Columns past `columns` stay as they are. */
  readonly tile: GpuArray;
  readonly rows: number;
  readonly columns: number;
  readonly ld: number;
  readonly d: number;
  /** First sample of the block among all. */
  readonly start: number;
  readonly slope: number;
}

/** phi_tile: inner products become labelled values of Phi, in place. */
export async function phiTile(gpu: Gpu, args: PhiTileArgs): Promise<Step> {
  const { x, z, xNorms, zNorms, labels, tile, rows, columns, ld, d, start, slope } = args;
  requireSize('rows', rows);
  requireSize('columns', columns);
  requireSize('d', d);
  const kernel = await gpu.kernel(phiTileShader);
  const arrays = { x, z, x_norms: xNorms, z_norms: zNorms, labels, tile };
  const params = { rows, columns, ld, quads: paddedRow(d) / 4, start, inverse_d: 1 / d, slope, gain: gainOf(slope) };
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, rows * ld));
}

export interface PhiSampledArgs {
  /** (ceil(draws / 32), rows) unsigned: derivative bits of the drawn neurons */
  readonly xBits: GpuArray;
  /** (ceil(draws / 32), columns) unsigned */
  readonly zBits: GpuArray;
  /** (all samples) -1 or +1 */
  readonly labels: GpuArray;
  /** (rows, ld) out: y_k times the estimate. Columns past `columns` stay as they are. */
  readonly tile: GpuArray;
  readonly rows: number;
  readonly columns: number;
  readonly ld: number;
  readonly start: number;
  readonly draws: number;
  readonly slope: number;
}

/** phi_sampled: labelled Monte Carlo estimates of Phi. */
export async function phiSampled(gpu: Gpu, args: PhiSampledArgs): Promise<Step> {
  const { xBits, zBits, labels, tile, rows, columns, ld, start, draws, slope } = args;
  requireSize('rows', rows);
  requireSize('columns', columns);
  requireSize('draws', draws);
  if (draws >= 2 ** 24) throw new RangeError(`draws = ${draws}: counts are exact only below 2^24`);
  const kernel = await gpu.kernel(phiSampledShader);
  const arrays = { x_bits: xBits, z_bits: zBits, labels, tile };
  const params = { rows, columns, ld, words: Math.ceil(draws / 32), start, draws, slope };
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, rows * ld));
}

export interface PlaneCoordinatesArgs {
  /** (n, paddedRow(d)) */
  readonly x: GpuArray;
  /** (2, paddedRow(d)) orthonormal axes; the second may be zero */
  readonly axes: GpuArray;
  /** (n, 4) out: both coordinates, squared distance from the plane, 0 */
  readonly output: GpuArray;
  readonly n: number;
  readonly d: number;
}

/** plane_coordinates: where rows lie with respect to a plane. */
export async function planeCoordinates(gpu: Gpu, args: PlaneCoordinatesArgs): Promise<Step> {
  const { n, d, ...arrays } = args;
  requireSize('n', n);
  requireSize('d', d);
  const kernel = await gpu.kernel(planeCoordinatesShader);
  return (batch) => void batch.dispatch(kernel, arrays, { n, quads: paddedRow(d) / 4 }, grid1d(gpu, n));
}

export interface PlanePredictionArgs {
  /** (n, 4) as {@link planeCoordinates} makes them */
  readonly places: GpuArray;
  /** (n, 4): what sample i adds to z is pulls[i].x z.x + pulls[i].y z.y */
  readonly pulls: GpuArray;
  /** (count, 4): both coordinates, then unused */
  readonly points: GpuArray;
  /** (count) out */
  readonly output: GpuArray;
  readonly n: number;
  readonly count: number;
  /** Inputs a sample. */
  readonly d: number;
  readonly slope: number;
  readonly scale: number;
}

/** plane_prediction: scale sum_i Phi(x_i, z) pull_i(z) on points z of a plane. */
export async function planePrediction(gpu: Gpu, args: PlanePredictionArgs): Promise<Step> {
  const { n, count, d, slope, scale, ...arrays } = args;
  requireSize('n', n);
  requireSize('count', count);
  requireSize('d', d);
  const kernel = await gpu.kernel(planePredictionShader);
  const params = { n, count, inverse_d: 1 / d, slope, gain: gainOf(slope), scale };
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, Math.ceil(count / 4)));
}
