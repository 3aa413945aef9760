// The plane of a decision map: through the origin, spanned by the two normalised class means. Everything a map needs is
// projected on it once; its points then cost nothing that grows with d.
//
// A point is x u + y v, u and v being the unit means of the classes +1 and -1. Computation uses orthonormal axes
// e = u and f, with v = skew e + rise f.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { matmul, plainOperand } from '../kernels/matmul';
import { planeCoordinates } from '../kernels/theory';
import { Network } from '../network/network';
import type { Samples } from '../network/samples';

/** A plane; plain data, nothing on the device. */
export interface Plane {
  /** (2, paddedRow(d)) e and f; f is zero when the class means are parallel and the plane is a line. */
  readonly axes: Float32Array;
  readonly skew: number;
  readonly rise: number;
}

/** Class means closer to parallel than this span no plane that float32 could tell from a line. */
const PARALLEL = 1e-6;

/**
 * The plane of the class means.
 * @param labels (n) -1 or +1
 * @throws RangeError when a class is empty or its mean is zero
 */
export async function classPlane(gpu: Gpu, samples: Samples, labels: GpuArray): Promise<Plane> {
  const { ld } = samples;
  const [u, v] = await classSums(gpu, samples, await labels.read());
  normalise(u, 'mean of the class +1');
  normalise(v, 'mean of the class -1');
  const skew = dot(u, v);
  const f = v.map((value, c) => value - skew * u[c]!);
  const rise = Math.sqrt(dot(f, f));
  const axes = new Float32Array(2 * ld);
  axes.set(u);
  if (rise < PARALLEL) return { axes, skew, rise: 0 };
  axes.set(
    f.map((value) => value / rise),
    ld,
  );
  return { axes, skew, rise };
}

/** Sums over the samples of each class: +1, then -1. */
async function classSums(gpu: Gpu, samples: Samples, y: Float32Array): Promise<[Float64Array, Float64Array]> {
  const { ld, blocks } = samples;
  const sums: [Float64Array, Float64Array] = [new Float64Array(ld), new Float64Array(ld)];
  const scope = new Scope();
  try {
    const zero = scope.use(gpu.upload('zero', Float32Array.of(0)));
    const output = scope.use(gpu.array('class sums', 2 * ld));
    for (const [at, { start, rows: n }] of blocks.entries()) {
      const members = Float32Array.from({ length: 2 * n }, (_, e) =>
        y[start + (e >> 1)] === (e & 1 ? -1 : 1) ? 1 : 0,
      );
      using a = gpu.upload('class members', members);
      const operands = { a: plainOperand(a, 2), b: plainOperand(samples.arrays[at]!, ld) };
      using batch = gpu.batch('class sums');
      const bias = { array: zero, first: 0, stride: 0 };
      (await matmul(gpu, { ...operands, bias, output, steps: n, rows: 2, columns: ld }))(batch);
      await batch.submit();
      const values = await output.read(0, 2 * ld);
      for (const [row, sum] of sums.entries()) for (let c = 0; c < ld; c++) sum[c]! += values[row * ld + c]!;
    }
    return sums;
  } finally {
    scope.dispose();
  }
}

const dot = (u: Float64Array, v: Float64Array) => u.reduce((sum, value, c) => sum + value * v[c]!, 0);

function normalise(u: Float64Array, what: string): void {
  const length = Math.sqrt(dot(u, u));
  if (!(length > 0)) throw new RangeError(`the ${what} is zero or there is none: the classes span no plane`);
  for (let c = 0; c < u.length; c++) u[c]! /= length;
}

/** Places of all samples on the host, (n, 4): coordinates along e and f, squared distance from the plane, 0. */
export async function placeSamples(gpu: Gpu, plane: Plane, samples: Samples): Promise<Float32Array> {
  const { n, d, blocks } = samples;
  const places = new Float32Array(n * 4);
  for (const [at, { start, rows }] of blocks.entries()) {
    places.set(await placeRows(gpu, plane, samples.arrays[at]!, rows, d), start * 4);
  }
  return places;
}

/** The network as it is on the plane: a network of two inputs, the coordinates along e and f. The caller disposes it. */
export async function restrictNetwork(gpu: Gpu, plane: Plane, network: Network): Promise<Network> {
  const { d, m, slope, slices, readout } = network;
  const W = new Float32Array(2 * m);
  for (const slice of slices) {
    using rows = await network.rows(slice);
    const places = await placeRows(gpu, plane, rows, slice.m, d);
    for (let e = 0; e < 2 * slice.m; e++) W[2 * slice.first + e] = places[(e >> 1) * 4 + (e & 1)]!;
  }
  const given = { W, b: await network.readBiases(), a: await readout.read() };
  // Every array is given: no number is drawn.
  return Network.create(gpu, { d: 2, m, slope }, given, 0, { W: 0, b: 0, a: 0 });
}

async function placeRows(gpu: Gpu, plane: Plane, x: GpuArray, n: number, d: number): Promise<Float32Array> {
  using axes = gpu.upload('axes', plane.axes);
  using output = gpu.array('places', n * 4);
  const batch = gpu.batch('places');
  (await planeCoordinates(gpu, { x, axes, output, n, d }))(batch);
  await batch.submit();
  return await output.read();
}
