// Directions, planes and maps by themselves: odd sizes, several blocks, pieces, and Phi from drawn neurons.

import { describe, expect, test } from 'vitest';
import { STREAMS } from '../../src/data/streams';
import { Gpu } from '../../src/gpu/gpu';
import { panels as makePanels, panelsLength } from '../../src/kernels/data';
import { matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { Network } from '../../src/network/network';
import { Samples } from '../../src/network/samples';
import { predictDirections } from '../../src/theory/directions';
import { type DecisionMap, decisionMap } from '../../src/theory/map';
import { predictF, predictG } from '../../src/theory/outputs';
import { classPlane, placeSamples } from '../../src/theory/plane';
import { pullsOfNeurons } from '../../src/theory/plane-neurons';
import { predictPulls } from '../../src/theory/pulls';
import { sampledPhi } from '../../src/theory/sampled-phi';
import { phiError } from '../checks/theory';
import { Draws, expectClose, expectSameBits, normwise, U, useEngine } from '../helpers';
import { networkOf, outputs } from '../reference/network';
import {
  directionSums,
  dot,
  gridOf,
  meanCosine,
  normalised,
  phi,
  predictedF,
  predictedG,
  rowOf,
  unitMean,
} from '../reference/theory';
import { placeOnDevice } from './helpers';

const bound = useEngine();
const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';

interface Given {
  readonly n: number;
  readonly d: number;
  readonly slope?: number;
  /** Rows of every block but the last. */
  readonly block?: number;
}

/** Samples in blocks with what belongs to them; two of them are equal, so that a pair besides the diagonal is near. */
async function prepare(gpu: Gpu, { n, d, block = Math.ceil(n / 32) * 32 }: Given) {
  const draws = new Draws(n * 1e3 + d);
  const y = Float32Array.from({ length: n }, (_, i) => (i % 3 === 0 ? -1 : 1));
  const X = draws.normal(n * d).map((value, e) => value + 0.5 * y[Math.floor(e / d)]!);
  if (n > 3) X.copyWithin((n - 1) * d, d, 2 * d);
  const R = draws.normal(n * d, 0.01);
  const { learned: perturbation, ...arrays } = await placeOnDevice(gpu, X, R, y, block);
  return { ...arrays, perturbation, X: Float64Array.from(X), R: Float64Array.from(R), y };
}

describe('predicted directions', () => {
  test.for([
    { n: 1, d: 1 },
    { n: 2, d: 5, slope: 0.5 },
    { n: 31, d: 7 },
    { n: 97, d: 13, slope: 0.25 },
    { n: 97, d: 13, slope: 0.25, block: 32 },
    { n: 101, d: 20, block: 64 },
    { n: 33, d: 131, block: 32 },
    // Several pieces of the triangle, in one block and across two.
    { n: 200, d: 5 },
    { n: 200, d: 5, block: 128 },
  ] as Given[])('float64 reference, bit by bit however cut into pieces: %j', async (given, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const { n, d, slope = 0 } = given;
    const { X, R, y, dispose, ...arrays } = await prepare(gpu, given);
    const plane = n > 1 ? await classPlane(gpu, arrays.samples, arrays.labels) : undefined;
    const run = (pieceRows: number) =>
      predictDirections(gpu, { ...arrays, slope }, { perturbation: arrays.perturbation, direction: true, pieceRows });
    const whole = await run(n);
    const sums = directionSums(X, y, d, slope);
    const expected = normalised(sums, d);
    // Errors of Phi, of a sum of n terms, and of one sum a block; then what normalising makes of them.
    const errors = new Float64Array(n);
    // Sums of the lengths with the weights of Phi: what relative errors of the samples' coordinates are taken of.
    const reach = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < n; k++) {
        const [x, z] = [rowOf(X, d, k), rowOf(X, d, i)];
        const length = Math.sqrt(dot(x, x));
        reach[i]! += length * phi(x, z, slope);
        errors[i]! += length * (phiError(x, z, slope) + (n + 1 + arrays.samples.blocks.length) * U * phi(x, z, slope));
      }
    }
    const lengths = Float64Array.from({ length: n }, (_, i) => Math.sqrt(dot(rowOf(sums, d, i), rowOf(sums, d, i))));
    const relative = (i: number) => (2 * errors[i]!) / lengths[i]! + (d + 16) * U;
    expectClose(
      'directions',
      whole.direction!,
      expected,
      (e) => relative(Math.floor(e / d)),
      (e) => `sample ${Math.floor(e / d)}`,
    );
    const worst = Math.max(...Array.from({ length: n }, (_, i) => relative(i)));
    expect(Math.abs(whole.cosine! - meanCosine(expected, R, d))).toBeLessThanOrEqual(worst + (d + 16) * U);
    if (plane) {
      const pulls = await predictPulls(gpu, { ...arrays, slope }, plane);
      const u = unitMean(X, y, d, 1);
      for (let i = 0; i < n; i++) {
        const along = dot(rowOf(sums, d, i), u);
        // Two sums, of the samples before and after, and one more addition a piece of 64.
        const rounding = (d + 8 + n / 64 + 2) * U * reach[i]!;
        expect(Math.abs(pulls[4 * i]! - along), `sample ${i}`).toBeLessThanOrEqual(errors[i]! + rounding);
      }
      expectSameBits('pulls', await predictPulls(gpu, { ...arrays, slope }, plane), pulls);
    }
    for (const pieceRows of [1, 64]) {
      const other = await run(pieceRows);
      expectSameBits('direction', other.direction!, whole.direction!);
      expect(other.cosine).toBe(whole.cosine);
    }
    expect(await predictDirections(gpu, { ...arrays, slope })).toEqual({});
    dispose();
  });
});

describe('Phi from drawn neurons', () => {
  const streams = { weights: STREAMS.phiWeights, biases: STREAMS.phiBiases };
  test.for([0, 0.25])('slope %d: within its statistical error of the closed form', async (slope, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const [n, d, draws] = [65, 11, 1000];
    const { X, y, dispose, ...arrays } = await prepare(gpu, { n, d, block: 32 });
    const count = 32;
    using tile = gpu.array('tile', 32 * count);
    using points = gpu.array('panels', panelsLength(count, d));
    const rows = arrays.samples.arrays[1]!;
    const estimate = await sampledPhi(gpu, { ...arrays, slope }, count, { draws, seed: 5, streams });
    const batch = gpu.batch('estimate');
    (await makePanels(gpu, { input: rows, output: points, n: count, d, ld: 12 }))(batch);
    const piece = { rows, panels: points, count, columns: count };
    for (const step of await estimate.prepare(piece)) step(batch);
    for (const step of await estimate.fill(0, piece, tile, 32)) step(batch);
    await batch.submit();
    const values = await tile.read();
    estimate.dispose();
    dispose();
    let squares = 0;
    for (let k = 0; k < 32; k++) {
      for (let i = 0; i < count; i++) {
        const exact = phi(rowOf(X, d, k), rowOf(X, d, 32 + i), slope);
        // P(both on) from Phi; then the variance of a value that is 1, slope or slope^2.
        const both = (exact - slope) / (1 - slope) ** 2;
        const [one, none] = [1 - 2 * both, both];
        const variance = both + one * slope ** 2 + none * slope ** 4 - exact ** 2;
        const z = (y[k]! * values[k * count + i]! - exact) / Math.sqrt(variance / draws);
        // 1024 pairs: 5 standard errors would be passed once in two thousand such tests, and the seed is fixed.
        expect(Math.abs(z), `sample ${k}, point ${i}`).toBeLessThan(5);
        squares += (z * z) / 1024;
      }
    }
    // Drawn indeed, and with the right spread; pairs share their neurons, so not closer to 1 than this.
    expect(squares).toBeGreaterThan(0.3);
    expect(squares).toBeLessThan(3);
  });
  test('gives nearly the same cosine, and the same bits for the same seed', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const { X: _, R, y: __, dispose, ...arrays } = await prepare(gpu, { n: 65, d: 11, block: 32 });
    const run = (seed?: number) => {
      const sampling = seed === undefined ? {} : { sampling: { draws: 1000, seed, streams } };
      return predictDirections(gpu, { ...arrays, slope: 0 }, { direction: true, ...sampling });
    };
    const exact = await run();
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    dispose();
    expectSameBits('direction', again.direction!, first.direction!);
    expect(normwise(first.direction!, other.direction!)).toBeGreaterThan(1e-4);
    // Relative error of Phi at 1000 draws: about 1 / sqrt(1000).
    for (const { direction } of [first, other]) {
      expect(normwise(direction!, exact.direction!)).toBeLessThan(2 / Math.sqrt(1000));
    }
  });
});

describe('decision maps', () => {
  const limits = [-2, 3] as const;
  test.for([
    { n: 2, d: 1 },
    { n: 13, d: 1, slope: 0.25 },
    { n: 2, d: 7 },
    { n: 31, d: 8, slope: 0.25 },
    { n: 97, d: 6, block: 32 },
  ] as Given[])('float64 reference, bit by bit however cut into pieces: %j', async (given, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const { n, d, slope = 0 } = given;
    const [m, resolution] = [5, 13];
    const { X, R, y, dispose, ...arrays } = await prepare(gpu, given);
    const plane = await classPlane(gpu, arrays.samples, arrays.labels);
    const places = await placeSamples(gpu, plane, arrays.samples);
    const learnedPlaces = await placeSamples(gpu, plane, arrays.perturbation);
    const pulls = await predictPulls(gpu, { ...arrays, slope }, plane);
    dispose();
    const draws = new Draws(n + d);
    const init = () => ({ W: draws.normal(m * d), b: draws.normal(m), a: draws.normal(m) });
    const [f0, g0] = [init(), init()];
    const run = async (on: Gpu): Promise<DecisionMap> => {
      const none = { W: 0, b: 0, a: 0 };
      using f = await Network.create(on, { d, m, slope }, f0, 0, none);
      using g = await Network.create(on, { d, m, slope }, g0, 0, none);
      const layout = matmulLayout(on, m);
      const numbers = { places, learnedPlaces, pulls, labels: y, d, resolution, limits };
      return await decisionMap(on, { plane, f, g, layout, ...numbers });
    };
    const map = await run(gpu);
    const [u, v] = [unitMean(X, y, d, 1), unitMean(X, y, d, -1)];
    const grid = gridOf(u, v, resolution, limits);
    const all = Float64Array.from(grid.flatMap((z) => [...z]));
    const D = directionSums(X, y, d, slope);
    const expected = {
      f: outputs(networkOf(f0, d, slope), all),
      g: outputs(networkOf(g0, d, slope), all),
      fHat: grid.map((z) => predictedF(X, y, z, slope)),
      gHat: grid.map((z) => predictedG(R, D, z, slope)),
      projected: Array.from({ length: 2 * n }, (_, e) => dot(rowOf(X, d, e >> 1), e & 1 ? v : u)),
    };
    // Sums of at most n + d terms of mixed sign: their length in roundings, times what may cancel in the norm.
    const tolerance = 10 * (n + d + 20) * U;
    for (const [name, values] of Object.entries(expected)) {
      expect(normwise(map[name as keyof typeof expected], values), name).toBeLessThanOrEqual(tolerance);
    }
    expect(Array.from(map.agree)).toEqual(
      Array.from(expected.f, (value, p) => (Math.sign(value) === Math.sign(expected.g[p]!) ? 1 : 0)),
    );
    // 169 points, at most 4 n or 64 of them together.
    using small = new Gpu(gpu.device, {
      adapter: gpu.adapter,
      ownsDevice: false,
      maxArrayLength: Math.max(256, 4 * n),
    });
    const pieces = await run(small);
    for (const name of ['f', 'g', 'agree', 'fHat', 'gHat'] as const) expectSameBits(name, pieces[name], map[name]);
  });
  test.for([
    { n: 33, d: 5 },
    { n: 97, d: 6, slope: 0.25, block: 32 },
  ] as Given[])('from drawn neurons: as at any points, by another way: %j', async (given, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const { d, n, slope = 0 } = given;
    const [m, resolution] = [5, 9];
    const { X, R: _, y, dispose, ...arrays } = await prepare(gpu, given);
    const problem = { ...arrays, slope };
    const sampling = { draws: 300, seed: 3, streams: { weights: STREAMS.phiWeights, biases: STREAMS.phiBiases } };
    const plane = await classPlane(gpu, arrays.samples, arrays.labels);
    const places = await placeSamples(gpu, plane, arrays.samples);
    const learnedPlaces = await placeSamples(gpu, plane, arrays.perturbation);
    const pulls = await predictPulls(gpu, problem, plane, { sampling });
    const grid = gridOf(unitMean(X, y, d, 1), unitMean(X, y, d, -1), resolution, limits);
    const Z = Float32Array.from(grid.flatMap((z) => [...z]));
    const fHat = await predictF(gpu, problem, Z, { sampling });
    const gHat = await predictG(gpu, problem, arrays.perturbation, Z, { sampling });
    const ofF = await pullsOfNeurons(gpu, sampling, slope, arrays.panels, arrays.labels, places);
    await arrays.panels.fill(gpu, arrays.perturbation);
    using ones = gpu.upload('ones', new Float32Array(n).fill(1));
    const ofG = await pullsOfNeurons(gpu, sampling, slope, arrays.panels, ones, pulls);
    const draws = new Draws(n + d);
    const init = { W: draws.normal(m * d), b: draws.normal(m), a: draws.normal(m) };
    using f = await Network.create(gpu, { d, m, slope }, init, 0, { W: 0, b: 0, a: 0 });
    const map = await decisionMap(gpu, {
      ...{ plane, f, g: f, layout: matmulLayout(gpu, m), places, learnedPlaces, pulls },
      ...{ labels: y, d, resolution, limits, neurons: { sampling, f: ofF, g: ofG } },
    });
    dispose();
    // Sums of n, d and draws terms; no neuron's boundary is so near a point that rounding moves it across.
    const tolerance = 10 * (n + d + sampling.draws) * U;
    expect(normwise(map.fHat, Float64Array.from(fHat)), 'f_hat').toBeLessThanOrEqual(tolerance);
    expect(normwise(map.gHat, Float64Array.from(gHat)), 'g_hat').toBeLessThanOrEqual(tolerance);
  });
  test('a mean of zero is refused', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    using samples = Samples.fromArray(gpu, 'X', Float32Array.of(1, 2, -1, -2, 5, 5), 2);
    using labels = gpu.upload('labels', Float32Array.of(1, 1, -1));
    await expect(classPlane(gpu, samples, labels)).rejects.toThrow(/mean of the class \+1 is zero/);
  });
});
