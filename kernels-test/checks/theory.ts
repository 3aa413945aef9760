// row_dot, phi_tile, phi_sampled, plane_coordinates, plane_prediction.

import { rowDot } from '../../src/kernels/compare';
import { phiSampled, phiTile, planeCoordinates, planePrediction } from '../../src/kernels/theory';
import { Bench, Draws, expectClose, expectSameBits, padRows, rowLength, runStep, TINY, U } from '../harness';
import { dot, phi, rowOf } from '../reference/theory';
import type { Check } from './case';

const wide = (values: Float32Array) => Float64Array.from(values);
const sizeOf = (x: ArrayLike<number>, z: ArrayLike<number>) => {
  let sum = 0;
  for (let c = 0; c < x.length; c++) sum += Math.abs(x[c]! * z[c]!);
  return sum;
};

export interface RowDotCase {
  readonly n: number;
  readonly d: number;
  readonly scale?: number;
  /** Rows with themselves: the same array at both bindings. */
  readonly same?: boolean;
}

export function checkRowDot({ n, d, scale = 1, same = false }: RowDotCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 1e3 + d);
    const A = draws.normal(n * d);
    const B = same ? A : draws.normal(n * d);
    using bench = new Bench(gpu);
    const a = bench.input('a', padRows(A, d, rowLength(d)));
    const b = same ? a : bench.input('b', padRows(B, d, rowLength(d)));
    const run = async () => {
      const output = bench.output('products', n);
      await runStep(gpu, await rowDot(gpu, { a, b, output, n, d, scale }));
      return bench.floats(output);
    };
    const actual = await run();
    const pairs = Array.from({ length: n }, (_, i) => [rowOf(wide(A), d, i), rowOf(wide(B), d, i)] as const);
    const expected = Float64Array.from(pairs, ([x, z]) => scale * dot(x, z));
    // d terms in four sums and three more additions, each term a product; the factor, and its own rounding.
    const tolerance = (i: number) => (Math.ceil(d / 4) + 6) * U * Math.abs(scale) * sizeOf(...pairs[i]!);
    expectClose('products', actual, expected, tolerance);
    expectSameBits('products', await run(), actual);
  };
}

export interface PhiTileCase {
  readonly rows: number;
  readonly columns: number;
  readonly d: number;
  readonly slope: number;
  readonly start?: number;
  /** Columns of the tile (default: the least multiple of 32). */
  readonly ld?: number;
  /** Length of a sample is about `scale` sqrt d. */
  readonly scale?: number;
  /** How points come about: `apart`, drawn afresh; or made from the samples in turn. */
  readonly points?: 'apart' | 'equal' | 'opposite' | 'parallel' | { readonly near: number };
}

/** Rounding of atan2, in units of pi u: Cephes' 2e-7 relative, two divisions of 2.5 ulp, and the sums and constants. */
const ANGLE = 16;
/** Pairs nearer than this are computed from their difference (phi_tile.wgsl); within a factor of 2 either may be. */
const NEAR = 2 ** -8;

/** Bound on the error of theta when cos and sin^2, times squared length, are off by `dc` and `dn`. */
function angleError(cosine: number, square: number, dc: number, dn: number): number {
  const length = Math.hypot(cosine, Math.sqrt(square));
  // sqrt(N + dn) - sqrt(N), for N = 0 too; a square root of 3 ulp.
  const ds = Math.min(Math.sqrt(dn), dn / (2 * Math.sqrt(Math.max(square - dn, TINY)))) + 6 * U * Math.sqrt(square);
  const turned = (ds * Math.abs(cosine) + dc * Math.sqrt(square)) / length ** 2;
  // What moves the vector along itself counts in second order only.
  return turned + (ds ** 2 + dc ** 2) / length ** 2 + ANGLE * U * Math.PI;
}

/** Bound on the error of theta of one pair, from the lengths of its sums. */
function pairError(x: Float64Array, z: Float64Array, from: 'products' | 'difference'): number {
  const d = x.length;
  const e = x.map((value, c) => value - z[c]!);
  const [a, b, c] = [dot(x, x) / d, dot(z, z) / d, dot(x, z) / d];
  const norms = d / 4 + 7;
  const [da, db] = [norms * U * a, norms * U * b];
  const dc = ((d + 3) * U * sizeOf(x, z)) / d;
  const gap = dot(e, e) / d;
  const lean = dot(z, e) / d;
  const square = Math.max(0, gap + gap * b - lean * lean);
  const cosineError = dc + 2 * U * (1 + Math.abs(c));
  if (from === 'difference') {
    // Each entry of e is rounded once, its square twice more.
    const dGap = (norms + 2) * U * gap;
    const dLean = ((norms + 1) * U * sizeOf(z, e)) / d;
    const rounding = 4 * U * (gap * (1 + b) + lean * lean);
    return angleError(1 + c, square, cosineError, dGap * (1 + b) + gap * db + 2 * Math.abs(lean) * dLean + rounding);
  }
  const rounding = 4 * U * (a + b + 2 * Math.abs(c) + a * b + c * c);
  return angleError(1 + c, square, cosineError, da * (1 + b) + db * (1 + a) + 2 * dc * (1 + Math.abs(c)) + rounding);
}

/** Bound on the error of Phi of one pair whose inner product and norms were summed in float32. */
export function phiError(x: Float64Array, z: Float64Array, slope: number): number {
  const e = x.map((value, c) => value - z[c]!);
  const size = dot(x, x) + dot(z, z);
  const near = size > 0 ? dot(e, e) / size : 0;
  const errors = [
    ...(near < 2 * NEAR ? [pairError(x, z, 'difference')] : []),
    ...(near > NEAR / 2 ? [pairError(x, z, 'products')] : []),
  ];
  // The constants, a product and a sum; Phi is at most 1.
  return ((1 - slope) ** 2 / (2 * Math.PI)) * Math.max(...errors) + 4 * U * phi(x, z, slope);
}

export function checkPhiTile(test: PhiTileCase): Check {
  const { rows, columns, d, slope, start = 0, ld = Math.ceil(columns / 32) * 32, scale = 1, points = 'apart' } = test;
  return async (gpu) => {
    const draws = new Draws(rows * 1e4 + columns * 100 + d);
    const X = draws.normal(rows * d, scale);
    const noise = draws.normal(columns * d, scale);
    const Z = noise.map((value, e) => {
      const i = Math.floor(e / d);
      const x = X[(i % rows) * d + (e % d)]!;
      if (points === 'apart') return value;
      if (points === 'equal') return x;
      if (points === 'opposite') return -x;
      if (points === 'parallel') return x * (1 + (i % 7) / 2);
      return x + points.near * value;
    });
    const [x64, z64] = [wide(X), wide(Z)];
    const row = rowLength(d);
    const norms = (all: Float64Array, n: number) =>
      Float32Array.from({ length: n }, (_, i) => dot(rowOf(all, d, i), rowOf(all, d, i)) / d);
    const y = draws.signs(start + rows + 2);
    // What the product would have left: inner products summed in float32, one by one.
    const products = new Float32Array(rows * ld).fill(7.5);
    for (let k = 0; k < rows; k++) {
      for (let i = 0; i < columns; i++) {
        let sum = 0;
        for (let c = 0; c < d; c++) sum = Math.fround(sum + Math.fround(X[k * d + c]! * Z[i * d + c]!));
        products[k * ld + i] = sum;
      }
    }
    using bench = new Bench(gpu);
    const inputs = {
      x: bench.input('x', padRows(X, d, row)),
      z: bench.input('z', padRows(Z, d, row)),
      xNorms: bench.input('norms of x', norms(x64, rows)),
      zNorms: bench.input('norms of z', norms(z64, columns)),
      labels: bench.input('labels', y),
    };
    const run = async () => {
      const tile = bench.inout('tile', products);
      await runStep(gpu, await phiTile(gpu, { ...inputs, tile, rows, columns, ld, d, start, slope }));
      return bench.floats(tile);
    };
    const actual = await run();
    const expected = wide(products);
    const tolerance = new Float64Array(rows * ld);
    for (let k = 0; k < rows; k++) {
      for (let i = 0; i < columns; i++) {
        const at = k * ld + i;
        const [p, q] = [rowOf(x64, d, k), rowOf(z64, d, i)];
        expected[at] = y[start + k]! * phi(p, q, slope);
        tolerance[at] = phiError(p, q, slope);
      }
    }
    const place = (at: number) => `sample ${Math.floor(at / ld)}, point ${at % ld}`;
    expectClose('Phi', actual, expected, (at) => tolerance[at]!, place);
    expectSameBits('Phi', await run(), actual);
  };
}

export interface PhiSampledCase {
  readonly rows: number;
  readonly columns: number;
  readonly draws: number;
  readonly slope: number;
  readonly start?: number;
}

export function checkPhiSampled({ rows, columns, draws: count, slope, start = 0 }: PhiSampledCase): Check {
  return async (gpu) => {
    const draws = new Draws(rows * 1e4 + columns * 100 + count);
    const words = Math.ceil(count / 32);
    const ld = Math.ceil(columns / 32) * 32;
    const last = count % 32 === 0 ? 0xffffffff : 2 ** (count % 32) - 1;
    const bits = (n: number) => draws.bits(words * n).map((word, at) => (at >= (words - 1) * n ? word & last : word));
    const [x, z] = [bits(rows), bits(columns)];
    const y = draws.signs(start + rows + 2);
    using bench = new Bench(gpu);
    const inputs = {
      xBits: bench.input('bits of x', x),
      zBits: bench.input('bits of z', z),
      labels: bench.input('labels', y),
    };
    const before = new Float32Array(rows * ld).fill(7.5);
    const run = async () => {
      const tile = bench.inout('tile', before);
      await runStep(gpu, await phiSampled(gpu, { ...inputs, tile, rows, columns, ld, start, draws: count, slope }));
      return bench.floats(tile);
    };
    const actual = await run();
    const expected = wide(before);
    for (let k = 0; k < rows; k++) {
      for (let i = 0; i < columns; i++) {
        let sum = 0;
        for (let j = 0; j < count; j++) {
          const word = Math.floor(j / 32);
          const on = (all: Uint32Array, n: number, at: number) => ((all[word * n + at]! >>> (j % 32)) & 1 ? 1 : slope);
          sum += on(x, rows, k) * on(z, columns, i);
        }
        expected[k * ld + i] = (y[start + k]! * sum) / count;
      }
    }
    // Two products and two sums of positive terms, a division of 2.5 ulp, the slope's own rounding twice.
    expectClose('Phi', actual, expected, (at) => 12 * U * Math.abs(expected[at]!));
    expectSameBits('Phi', await run(), actual);
  };
}

export interface CoordinatesCase {
  readonly n: number;
  readonly d: number;
  /** Distance of the rows from the plane, against their length in it; 0 is in it but for rounding. */
  readonly off?: number;
  /** The second axis is zero. */
  readonly line?: boolean;
}

/** Two orthonormal rows of d, in float64. */
function orthonormal(draws: Draws, d: number): [Float64Array, Float64Array] {
  const unit = (v: Float64Array) => v.map((value) => value / Math.sqrt(dot(v, v)));
  const e = unit(wide(draws.normal(d)));
  const other = wide(draws.normal(d));
  const along = dot(other, e);
  return [e, unit(other.map((value, c) => value - along * e[c]!))];
}

export function checkPlaneCoordinates({ n, d, off = 1, line = d === 1 }: CoordinatesCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 1e3 + d);
    const [e, f] = orthonormal(draws, d);
    const axes = new Float32Array(2 * d);
    axes.set(e);
    if (!line) axes.set(f, d);
    const place = draws.normal(2 * n);
    const noise = draws.normal(n * d, off);
    const X = noise.map((value, at) => {
      const [i, c] = [Math.floor(at / d), at % d];
      return value + place[2 * i]! * axes[c]! + place[2 * i + 1]! * axes[d + c]!;
    });
    const row = rowLength(d);
    using bench = new Bench(gpu);
    const inputs = { x: bench.input('x', padRows(X, d, row)), axes: bench.input('axes', padRows(axes, d, row)) };
    const run = async () => {
      const output = bench.output('places', 4 * n);
      await runStep(gpu, await planeCoordinates(gpu, { ...inputs, output, n, d }));
      return bench.floats(output);
    };
    const actual = await run();
    const expected = new Float64Array(4 * n);
    const tolerance = new Float64Array(4 * n);
    const given = wide(axes);
    const terms = Math.ceil(d / 4) + 3;
    for (let i = 0; i < n; i++) {
      const x = rowOf(wide(X), d, i);
      const rest = Float64Array.from(x);
      const spread = new Float64Array(d);
      for (const j of [0, 1]) {
        const axis = rowOf(given, d, j);
        const along = dot(x, axis);
        const error = terms * U * sizeOf(x, axis);
        expected[4 * i + j] = along;
        tolerance[4 * i + j] = error;
        for (let c = 0; c < d; c++) {
          rest[c]! -= along * axis[c]!;
          // The coordinate's own error, its product, and the two subtractions.
          spread[c]! += (error + 3 * U * Math.abs(along)) * Math.abs(axis[c]!);
        }
      }
      expected[4 * i + 2] = dot(rest, rest);
      for (let c = 0; c < d; c++) {
        const error = spread[c]! + 2 * U * Math.abs(x[c]!);
        tolerance[4 * i + 2]! += 2 * Math.abs(rest[c]!) * error + error ** 2 + (terms + 1) * U * rest[c]! ** 2;
      }
    }
    const where = (at: number) => `row ${at >> 2}, ${['e', 'f', 'off', 'unused'][at & 3]}`;
    expectClose('places', actual, expected, (at) => tolerance[at]!, where);
    expectSameBits('places', await run(), actual);
  };
}

export interface PredictionCase {
  readonly n: number;
  readonly count: number;
  readonly d: number;
  readonly slope: number;
  /** Size of the places against that of the points. */
  readonly scale?: number;
  /** Points lie near samples, which lie in the plane. */
  readonly on?: boolean;
}

export function checkPlanePrediction({ n, count, d, slope, scale = 1, on = false }: PredictionCase): Check {
  return async (gpu) => {
    const draws = new Draws(n * 1e4 + count * 10 + d);
    const places = draws.normal(4 * n, scale).map((value, at) => {
      if (at % 4 === 2) return on ? 0 : value * value;
      return at % 4 === 3 ? Number.NaN : value;
    });
    const pulls = draws.normal(4 * n).map((value, at) => (at % 4 < 2 ? value : Number.NaN));
    const points = draws.normal(4 * count, on ? scale : 1).map((value, at) => {
      if (at % 4 > 1) return Number.NaN;
      return on ? places[4 * ((at >> 2) % n) + (at % 4)]! + 1e-3 * value : value;
    });
    const factor = 1 / n;
    using bench = new Bench(gpu);
    const inputs = {
      places: bench.input('places', places),
      pulls: bench.input('pulls', pulls),
      points: bench.input('points', points),
    };
    const run = async () => {
      const output = bench.output('predictions', count);
      await runStep(gpu, await planePrediction(gpu, { ...inputs, output, n, count, d, slope, scale: factor }));
      return bench.floats(output);
    };
    const actual = await run();
    const expected = new Float64Array(count);
    const tolerance = new Float64Array(count);
    const gain = (1 - slope) ** 2 / (2 * Math.PI);
    for (let p = 0; p < count; p++) {
      const z = [points[4 * p]!, points[4 * p + 1]!];
      for (let i = 0; i < n; i++) {
        const [px, py, off] = [places[4 * i]!, places[4 * i + 1]!, places[4 * i + 2]!];
        // As a vector: its two coordinates and its distance; the other inputs are zero, but d counts them.
        const [b, c] = [z[0]! ** 2 + z[1]! ** 2, px * z[0]! + py * z[1]!];
        const gap = off + (px - z[0]!) ** 2 + (py - z[1]!) ** 2;
        const cross = px * z[1]! - py * z[0]!;
        const square = gap / d + (off * b + cross ** 2) / d ** 2;
        const theta = Math.atan2(Math.sqrt(square), 1 + c / d);
        const pull = pulls[4 * i]! * z[0]! + pulls[4 * i + 1]! * z[1]!;
        const value = slope + gain * (Math.PI - theta);
        expected[p]! += factor * value * pull;
        const size = Math.abs(px * z[1]!) + Math.abs(py * z[0]!);
        const dCross = 3 * U * size;
        const dSquare = 10 * U * square + (2 * Math.abs(cross) * dCross + dCross ** 2) / d ** 2;
        const dCosine = 4 * U * (1 + (Math.abs(px * z[0]!) + Math.abs(py * z[1]!)) / d);
        const dValue = gain * angleError(1 + c / d, square, dCosine, dSquare) + 4 * U * value;
        const pullSize = Math.abs(pulls[4 * i]! * z[0]!) + Math.abs(pulls[4 * i + 1]! * z[1]!);
        tolerance[p]! += factor * (dValue * Math.abs(pull) + (n + 5) * U * value * pullSize);
      }
    }
    expectClose(
      'predictions',
      actual,
      expected,
      (p) => tolerance[p]!,
      (p) => `point ${p}`,
    );
    expectSameBits('predictions', await run(), actual);
  };
}
