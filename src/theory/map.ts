// The decision map: two networks, and what the theory predicts of them, on a square grid of points of the class plane.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { planePrediction } from '../kernels/theory';
import type { MatmulLayout } from '../kernels/variant';
import { evaluate } from '../network/evaluate';
import type { Network } from '../network/network';
import { Panels, planBlocks, Samples } from '../network/samples';
import { type Plane, restrictNetwork } from './plane';

/** Pairs of a sample and a point that one dispatch goes through: a second on two cores, so that no watchdog ends it. */
const PAIRS = 2 ** 27;

export interface MapProblem {
  readonly plane: Plane;
  readonly f: Network;
  readonly g: Network;
  readonly layout: MatmulLayout;
  /** (n, 4) places of the samples, and of what g was trained on, as placeSamples gives them. */
  readonly places: Float32Array;
  readonly learnedPlaces: Float32Array;
  /** (n, 4) pulls of the predicted directions, as predictDirections gives them. */
  readonly pulls: Float32Array;
  /** (n) -1 or +1 */
  readonly labels: Float32Array;
  /** Inputs a sample. */
  readonly d: number;
  /** Points a side, at least 2. */
  readonly resolution: number;
  /** The same for both axes: lowest and highest coefficient. */
  readonly limits: readonly [number, number];
  readonly signal?: AbortSignal;
}

/**
 * Numbers on the grid, (resolution, resolution) row-major: x, the coefficient of the unit mean of class +1, grows along a
 * row; y, that of class -1, falls from row to row.
 */
export interface DecisionMap {
  readonly resolution: number;
  readonly limits: readonly [number, number];
  readonly f: Float32Array;
  readonly g: Float32Array;
  /** 1 where f and g have the same sign, else 0. */
  readonly agree: Float32Array;
  readonly fHat: Float32Array;
  readonly gHat: Float32Array;
  /** (n, 2) inner products of the samples with the two unit means. */
  readonly projected: Float32Array;
  /** (n) -1 or +1, of the samples. */
  readonly labels: Float32Array;
}

/** Computes a decision map; memory on the device is that of one piece of the grid. */
export async function decisionMap(gpu: Gpu, problem: MapProblem): Promise<DecisionMap> {
  const { plane, layout, places, learnedPlaces, labels, d, resolution, limits, signal } = problem;
  const n = labels.length;
  const { slope } = problem.f;
  const total = resolution ** 2;
  const [f, g, fHat, gHat] = Array.from({ length: 4 }, () => new Float32Array(total)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const scope = new Scope();
  try {
    const onPlane = {
      f: scope.use(await restrictNetwork(gpu, plane, problem.f)),
      g: scope.use(await restrictNetwork(gpu, plane, problem.g)),
    };
    const upload = (label: string, values: Float32Array) => scope.use(gpu.upload(label, values));
    const classPulls = places.map((value, e) => (e % 4 < 2 ? labels[e >> 2]! * value : 0));
    const ofF = { places: upload('places of samples', places), pulls: upload('pulls', classPulls), scale: 1 / n };
    const ofG = {
      places: upload('places of perturbations', learnedPlaces),
      pulls: upload('pulls of directions', problem.pulls),
      scale: 1 / n ** 2,
    };
    const fitting = planBlocks(gpu, total, 2, layout.words)[0]!.rows;
    const piece = Math.min(fitting, Math.max(32, Math.floor(PAIRS / n / 32) * 32));
    for (let start = 0; start < total; start += piece) {
      signal?.throwIfAborted();
      const rows = Math.min(piece, total - start);
      using points = Samples.allocate(gpu, 'grid points', [{ start: 0, rows }], 2);
      points.arrays[0]!.write(gridPoints(problem, start, rows));
      using panels = Panels.allocate(gpu, points.blocks, 2);
      await panels.fill(gpu, points);
      using ones = gpu.upload('ones', new Float32Array(rows).fill(1));
      for (const [network, out] of [
        [onPlane.f, f],
        [onPlane.g, g],
      ] as const) {
        // With labels of +1 the margins are the outputs.
        using values: GpuArray = (await evaluate(gpu, network, panels, ones, layout, 'identity')).margin;
        out.set(await values.read(), start);
      }
      using output = gpu.array('predictions', rows);
      for (const [arrays, out] of [
        [ofF, fHat],
        [ofG, gHat],
      ] as const) {
        const batch = gpu.batch('predictions');
        const args = { ...arrays, points: points.arrays[0]!, output, n, count: rows, d, slope };
        (await planePrediction(gpu, args))(batch);
        await batch.submit();
        out.set(await output.read(), start);
      }
    }
    const agree = f.map((value, p) => (Math.sign(value) === Math.sign(g[p]!) ? 1 : 0));
    return { resolution, limits, f, g, agree, fHat, gHat, projected: projections(plane, places), labels };
  } finally {
    scope.dispose();
  }
}

/** Points `start` to `start + rows` of the grid, (rows, 4): coordinates along e and f, then the padding of two inputs. */
export function gridPoints(
  { plane, resolution, limits }: Pick<MapProblem, 'plane' | 'resolution' | 'limits'>,
  start: number,
  rows: number,
): Float32Array {
  const [low, high] = limits;
  const step = (high - low) / (resolution - 1);
  const out = new Float32Array(rows * 4);
  for (let p = 0; p < rows; p++) {
    const x = low + step * ((start + p) % resolution);
    const y = high - step * Math.floor((start + p) / resolution);
    out[4 * p] = x + plane.skew * y;
    out[4 * p + 1] = plane.rise * y;
  }
  return out;
}

/** Inner products with the unit means, from places. */
export function projections({ skew, rise }: Plane, places: Float32Array): Float32Array {
  return Float32Array.from({ length: places.length / 2 }, (_, e) => {
    const at = (e >> 1) * 4;
    return e & 1 ? skew * places[at]! + rise * places[at + 1]! : places[at]!;
  });
}
