// f_hat and g_hat at any points, and Phi itself: golden cases, float64 reference, and the same bits however cut.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseNpy } from '../../src/data/npy';
import { STREAMS } from '../../src/data/streams';
import { panels as makePanels, panelsLength } from '../../src/kernels/data';
import { subgroupLanes } from '../../src/kernels/variant';
import { predictF, predictG } from '../../src/theory/outputs';
import { exactPhi } from '../../src/theory/phi';
import { phiError } from '../checks/theory';
import { Draws, expectClose, expectSameBits, normwise, rowLength, U, useEngine } from '../helpers';
import { directionSums, dot, gridOf, phi, predictedF, predictedG, rowOf, unitMean } from '../reference/theory';
import { placeOnDevice } from './helpers';

const bound = useEngine();
const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';
const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
const CASES = readdirSync(GOLDEN)
  .filter((name) => /^p\d_/.test(name))
  .sort();

describe('golden cases', () => {
  const numbers = (file: string) =>
    Float64Array.from(parseNpy(readFileSync(`${GOLDEN}/${file}`), file).data as Float64Array);
  const json = (file: string) => JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf8'));
  test.for(CASES)('%s', async (name, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const { network, perturbation } = json(`${name}/config.json`);
    const { slope = 0 } = network;
    const { resolution, limits } = json(`${name}/expected.json`).map;
    const [X, y, R] = ['X', 'y', 'expected/R'].map((file) => numbers(`${name}/${file}.npy`)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const d = X.length / y.length;
    const learned = perturbation.onData ? R.map((value, e) => value + X[e]!) : R;
    const given = await placeOnDevice(gpu, Float32Array.from(X), Float32Array.from(learned), Float32Array.from(y));
    const problem = { ...given, slope };

    const count = Math.min(16, y.length);
    const tiles = await exactPhi(gpu, problem, 32);
    using tile = gpu.array('Phi', Math.ceil(y.length / 32) * 32 * 32);
    using points = gpu.array('panels', panelsLength(count, d));
    const rows = given.samples.arrays[0]!;
    const batch = gpu.batch('Phi');
    (await makePanels(gpu, { input: rows, output: points, n: count, d, ld: rowLength(d) }))(batch);
    const piece = { rows, panels: points, count, columns: 32 };
    for (const step of [...(await tiles.prepare(piece)), ...(await tiles.fill(0, piece, tile, y.length))]) step(batch);
    await batch.submit();
    const values = await tile.read();
    tiles.dispose();
    const head = Float64Array.from({ length: count ** 2 }, (_, e) => {
      const [k, i] = [Math.floor(e / count), e % count];
      return y[k]! * values[k * 32 + i]!;
    });
    expect(normwise(head, numbers(`${name}/expected/phi_head.npy`)), 'phi_head').toBeLessThanOrEqual(1e-4);

    // The grid of the map, as points of d inputs.
    const grid = gridOf(unitMean(X, y, d, 1), unitMean(X, y, d, -1), resolution, limits);
    const Z = Float32Array.from(grid.flatMap((z) => [...z]));
    const f = await predictF(gpu, problem, Z);
    expect(normwise(f, numbers(`${name}/expected/map_f_hat.npy`)), 'f_hat').toBeLessThanOrEqual(1e-4);
    const g = await predictG(gpu, problem, given.learned, Z);
    expect(normwise(g, numbers(`${name}/expected/map_g_hat.npy`)), 'g_hat').toBeLessThanOrEqual(1e-4);
    given.dispose();
  });
});

describe('at any points', () => {
  const draw = (n: number, d: number) => {
    const draws = new Draws(n * 1e3 + d);
    const y = Float32Array.from({ length: n }, (_, i) => (i % 3 === 0 ? -1 : 1));
    const X = draws.normal(n * d).map((value, e) => value + 0.5 * y[Math.floor(e / d)]!);
    const R = draws.normal(n * d, 0.1);
    return { draws, y, X, R };
  };

  test.for([
    { n: 1, d: 1, p: 1 },
    { n: 31, d: 7, p: 33, slope: 0.25 },
    { n: 97, d: 13, p: 70, block: 32 },
    { n: 40, d: 131, p: 5, slope: 0.5, block: 32 },
  ] as {
    n: number;
    d: number;
    p: number;
    slope?: number;
    block?: number;
  }[])('float64 reference, bit by bit however cut into pieces: %j', async ({ n, d, p, slope = 0, block }, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const { draws, y, X, R } = draw(n, d);
    // The first point is a sample, so that a pair is near.
    const Z = draws.normal(p * d);
    Z.set(X.subarray(0, d));
    const given = await placeOnDevice(gpu, X, R, y, block);
    const problem = { ...given, slope };
    const run = async (pieceRows?: number) => {
      const options = pieceRows === undefined ? {} : { pieceRows };
      return {
        f: await predictF(gpu, problem, Z, options),
        g: await predictG(gpu, problem, given.learned, Z, options),
      };
    };
    const { f, g } = await run();
    const pieces = await run(32);
    given.dispose();
    expectSameBits('f_hat', pieces.f, f);
    expectSameBits('g_hat', pieces.g, g);

    const [x64, r64, z64] = [X, R, Z].map((values) => Float64Array.from(values)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const D = directionSums(x64, y, d, slope);
    const length = (v: Float64Array) => Math.sqrt(dot(v, v));
    const terms = (n + d + given.samples.blocks.length + 16) * U;
    /** Bound of sum_k w_k (Phi(a_k, z) b_k) . z, b_k being off by db_k. */
    const allowed = (A: Float64Array, B: Float64Array, dB: (k: number) => number, z: Float64Array) => {
      let sum = 0;
      for (let k = 0; k < n; k++) {
        const a = rowOf(A, d, k);
        const value = phi(a, z, slope);
        const b = length(rowOf(B, d, k));
        sum += length(z) * (b * (phiError(a, z, slope) + terms * value) + value * dB(k));
      }
      return sum;
    };
    const dD = Float64Array.from({ length: n }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < n; k++) {
        const [a, b] = [rowOf(x64, d, k), rowOf(x64, d, i)];
        sum += length(a) * (phiError(a, b, slope) + terms * phi(a, b, slope));
      }
      return sum;
    });
    const zs = Array.from({ length: p }, (_, i) => rowOf(z64, d, i));
    const f64 = Float64Array.from(zs, (z) => predictedF(x64, y, z, slope));
    const g64 = Float64Array.from(zs, (z) => predictedG(r64, D, z, slope));
    expectClose('f_hat', f, f64, (i) => allowed(x64, x64, () => 0, zs[i]!) / n);
    expectClose('g_hat', g, g64, (i) => allowed(r64, D, (k) => dD[k]!, zs[i]!) / n ** 2);
    expect(gpu.liveArrays).toBe(0);
  });

  test('from drawn neurons: within the standard error, by the seed alone', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const [n, d, p, draws] = [65, 11, 9, 1000];
    const { draws: random, y, X, R } = draw(n, d);
    const Z = random.normal(p * d);
    const given = await placeOnDevice(gpu, X, R, y, 32);
    const problem = { ...given, slope: 0 };
    const streams = { weights: STREAMS.phiWeights, biases: STREAMS.phiBiases };
    const run = async (seed?: number) => {
      const options = seed === undefined ? {} : { sampling: { draws, seed, streams } };
      return {
        f: await predictF(gpu, problem, Z, options),
        g: await predictG(gpu, problem, given.learned, Z, options),
      };
    };
    const exact = await run();
    const seeds = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(run));
    const again = await run(1);
    expectSameBits('f_hat', again.f, seeds[0]!.f);
    expectSameBits('g_hat', again.g, seeds[0]!.g);
    given.dispose();
    const x64 = Float64Array.from(X);
    let squares = 0;
    for (let i = 0; i < p; i++) {
      const z = rowOf(Float64Array.from(Z), d, i);
      // An estimate is the mean over neurons of phi'(z) s, s = mean_k y_k phi'(x_k) x_k . z, of which |s| is at most:
      let most = 0;
      for (let k = 0; k < n; k++) most += Math.abs(dot(rowOf(x64, d, k), z)) / n;
      for (const { f } of seeds) {
        const off = Math.abs(f[i]! - exact.f[i]!);
        // phi'(z) is 1 for about half of the neurons; 5 standard errors.
        expect(off, `point ${i}`).toBeLessThan((5 * most) / Math.sqrt(draws));
        squares += (off / (most / Math.sqrt(draws))) ** 2 / (p * seeds.length);
      }
    }
    // Drawn indeed: the bound is no more than a few times what the estimates scatter by.
    expect(squares).toBeGreaterThan(0.01);
    for (const { g } of seeds) expect(normwise(g, exact.g)).toBeLessThan(5 / Math.sqrt(draws));
  });

  test('refuses what does not fit', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { gpu } = bound;
    const { y, X, R } = draw(33, 3);
    const given = await placeOnDevice(gpu, X, R, y);
    const other = await placeOnDevice(gpu, X, R, y, 32);
    const problem = { ...given, slope: 0 };
    expect(await predictF(gpu, problem, new Float32Array(0))).toHaveLength(0);
    await expect(predictF(gpu, problem, new Float32Array(4))).rejects.toThrow(/4 numbers are no whole points of 3/);
    await expect(predictG(gpu, problem, other.learned, new Float32Array(3))).rejects.toThrow(/not in the blocks/);
    given.dispose();
    other.dispose();
  });
});
