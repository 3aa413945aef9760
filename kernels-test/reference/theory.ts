// The theory in float64, written from the mathematics of the design: full vectors, every pair by itself, no tiles, no
// projections.

import type { Numbers } from './network';

/** Phi of two inputs: theta = 2 atan2(|p - q|, |p + q|) of the normalised augmented vectors, exact also near 0 and pi. */
export function phi(x: Numbers, z: Numbers, slope: number): number {
  const d = x.length;
  const p = augmented(x);
  const q = augmented(z);
  let minus = 0;
  let plus = 0;
  for (let c = 0; c <= d; c++) {
    minus += (p[c]! - q[c]!) ** 2;
    plus += (p[c]! + q[c]!) ** 2;
  }
  const theta = 2 * Math.atan2(Math.sqrt(minus), Math.sqrt(plus));
  return slope + ((1 - slope) ** 2 * (Math.PI - theta)) / (2 * Math.PI);
}

function augmented(x: Numbers): Float64Array {
  const d = x.length;
  const out = Float64Array.from({ length: d + 1 }, (_, c) => (c < d ? x[c]! / Math.sqrt(d) : 1));
  const length = Math.sqrt(out.reduce((sum, value) => sum + value * value, 0));
  return out.map((value) => value / length);
}

export const rowOf = (X: Float64Array, d: number, i: number): Float64Array => X.subarray(i * d, (i + 1) * d);

export const dot = (x: Numbers, z: Numbers): number => {
  let sum = 0;
  for (let c = 0; c < x.length; c++) sum += x[c]! * z[c]!;
  return sum;
};

/** sum_k y_k Phi(x_i, x_k) x_k for every i: (n, d). */
export function directionSums(X: Float64Array, y: Numbers, d: number, slope: number): Float64Array {
  const n = y.length;
  const out = new Float64Array(n * d);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const weight = y[k]! * phi(rowOf(X, d, i), rowOf(X, d, k), slope);
      for (let c = 0; c < d; c++) out[i * d + c]! += weight * X[k * d + c]!;
    }
  }
  return out;
}

/** Rows of length 1. */
export function normalised(rows: Float64Array, d: number): Float64Array {
  return rows.map((value, e) => {
    const row = rowOf(rows, d, Math.floor(e / d));
    return value / Math.sqrt(dot(row, row));
  });
}

/** mean_i |cos| between rows. */
export function meanCosine(A: Float64Array, B: Float64Array, d: number): number {
  const n = A.length / d;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const [a, b] = [rowOf(A, d, i), rowOf(B, d, i)];
    sum += Math.abs(dot(a, b)) / Math.sqrt(dot(a, a) * dot(b, b));
  }
  return sum / n;
}

/** mean_k y_k Phi(x_k, z) x_k . z. */
export function predictedF(X: Float64Array, y: Numbers, z: Float64Array, slope: number): number {
  const d = z.length;
  let sum = 0;
  for (let k = 0; k < y.length; k++) sum += y[k]! * phi(rowOf(X, d, k), z, slope) * dot(rowOf(X, d, k), z);
  return sum / y.length;
}

/** mean_i Phi(u_i, z) (1/n) D_i . z, D being {@link directionSums}. */
export function predictedG(U: Float64Array, D: Float64Array, z: Float64Array, slope: number): number {
  const d = z.length;
  const n = U.length / d;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (phi(rowOf(U, d, i), z, slope) * dot(rowOf(D, d, i), z)) / n;
  return sum / n;
}

/** Unit mean of the samples with this label. */
export function unitMean(X: Float64Array, y: Numbers, d: number, label: number): Float64Array {
  const mean = new Float64Array(d);
  for (let i = 0; i < y.length; i++) if (y[i] === label) for (let c = 0; c < d; c++) mean[c]! += X[i * d + c]!;
  const length = Math.sqrt(dot(mean, mean));
  return mean.map((value) => value / length);
}

/** Points of the grid, row 0 being the largest y. */
export function gridOf(u: Float64Array, v: Float64Array, resolution: number, [low, high]: readonly [number, number]) {
  const step = (high - low) / (resolution - 1);
  return Array.from({ length: resolution ** 2 }, (_, p) => {
    const x = low + step * (p % resolution);
    const y = high - step * Math.floor(p / resolution);
    return u.map((value, c) => x * value + y * v[c]!);
  });
}
