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
import { type NeuronPulls, PlaneNeurons } from './plane-neurons';

/** Pairs of a sample and a point that one dispatch goes through: a second on two cores, so that no watchdog ends it. */
const PAIRS = 2 ** 27;
/** Pieces of a grid that somebody watches. */
const SHOWN = 10;

export interface MapProblem {
  readonly plane: Plane;
  readonly f: Network;
  readonly g: Network;
  readonly layout: MatmulLayout;
  /** (n, 4) places of the samples, and of what g was trained on, as placeSamples gives them. */
  readonly places: Float32Array;
  readonly learnedPlaces: Float32Array;
  /** (n, 4) pulls of the predicted directions, as predictPulls gives them. */
  readonly pulls: Float32Array;
  /** (n) -1 or +1 */
  readonly labels: Float32Array;
  /** Monte Carlo estimates of Phi in place of the closed form; the pulls must come from the same neurons. */
  readonly neurons?: NeuronPulls;
  /** Inputs a sample. */
  readonly d: number;
  /** Points a side, at least 2. */
  readonly resolution: number;
  /** The same for both axes: lowest and highest coefficient. */
  readonly limits: readonly [number, number];
  readonly signal?: AbortSignal;
  /** Shown every piece of the grid as it comes, in order; awaited. With it the pieces are smaller, the numbers the same. */
  readonly onPiece?: (piece: MapPiece) => Promise<void> | void;
}

/** Points of the grid one after another, as in a {@link DecisionMap}, from the point `start` on. Its arrays are the taker's. */
export interface MapPiece {
  readonly start: number;
  readonly f: Float32Array;
  readonly g: Float32Array;
  readonly fHat: Float32Array;
  readonly gHat: Float32Array;
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
  const { plane, layout, places, labels, resolution, limits, signal } = problem;
  const n = labels.length;
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
    const predictions = scope.use(await planePredictions(gpu, problem));
    const fitting = planBlocks(gpu, total, 2, Math.max(layout.words, predictions.words))[0]!.rows;
    const most = Math.min(fitting, Math.max(32, Math.floor(PAIRS / n / 32) * 32));
    const piece = problem.onPiece ? Math.min(most, Math.ceil(total / SHOWN / 32) * 32) : most;
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
      for (const [of, out] of [
        ['f', fHat],
        ['g', gHat],
      ] as const) {
        await predictions.predict(of, points, panels, output);
        out.set(await output.read(), start);
      }
      const part = (values: Float32Array) => values.slice(start, start + rows);
      await problem.onPiece?.({ start, f: part(f), g: part(g), fHat: part(fHat), gHat: part(gHat) });
    }
    const agree = f.map((value, p) => (Math.sign(value) === Math.sign(g[p]!) ? 1 : 0));
    return { resolution, limits, f, g, agree, fHat, gHat, projected: projections(plane, places), labels };
  } finally {
    scope.dispose();
  }
}

/** f_hat and g_hat on pieces of the grid. */
interface PlanePredictions {
  /** Mask words of a point; 0 where it needs none. */
  readonly words: number;
  predict(of: 'f' | 'g', points: Samples, panels: Panels, output: GpuArray): Promise<void>;
  dispose(): void;
}

async function planePredictions(gpu: Gpu, problem: MapProblem): Promise<PlanePredictions> {
  const { plane, places, learnedPlaces, labels, d, neurons } = problem;
  const { slope } = problem.f;
  const n = labels.length;
  const scale = { f: 1 / n, g: 1 / n ** 2 };
  if (neurons) {
    const drawn = await PlaneNeurons.create(gpu, plane, d, slope, neurons);
    return {
      words: drawn.words,
      predict: (of, { arrays, blocks }, panels, output) =>
        drawn.predict(of, scale[of], arrays[0]!, panels, blocks[0]!, output),
      dispose: () => drawn.dispose(),
    };
  }
  const scope = new Scope();
  try {
    const upload = (label: string, values: Float32Array) => scope.use(gpu.upload(label, values));
    const arrays = {
      f: { places: upload('places of samples', places), pulls: upload('pulls', labelledPlaces(places, labels)) },
      g: {
        places: upload('places of perturbations', learnedPlaces),
        pulls: upload('pulls of directions', problem.pulls),
      },
    };
    return {
      words: 0,
      predict: async (of, points, _, output) => {
        const batch = gpu.batch('predictions');
        const args = { ...arrays[of], points: points.arrays[0]!, output, n, count: points.n, d, slope };
        (await planePrediction(gpu, { ...args, scale: scale[of] }))(batch);
        await batch.submit();
      },
      dispose: () => scope.dispose(),
    };
  } catch (error) {
    scope.dispose();
    throw error;
  }
}

/** What the samples add to f_hat: their coordinates in the plane, with the sign of their label. */
const labelledPlaces = (places: Float32Array, labels: Float32Array): Float32Array =>
  places.map((value, e) => (e % 4 < 2 ? labels[e >> 2]! * value : 0));

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
