// The theory's part of an experiment: the cosine with the predicted directions, and the decision map. It works at two
// moments, when what it needs is on the device anyway: after the perturbations (samples, their panels, perturbations), and
// after the second training (what g was trained on). Only plain numbers wait in between.

import { ComputedFaultError, InputError } from '../data/input-error';
import { STREAMS } from '../data/streams';
import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import type { MatmulLayout } from '../kernels/variant';
import type { Network } from '../network/network';
import type { Panels, Samples } from '../network/samples';
import { type Directions, predictDirections } from '../theory/directions';
import { type DecisionMap, decisionMap } from '../theory/map';
import type { PhiProblem } from '../theory/phi';
import { classPlane, type Plane, placeSamples } from '../theory/plane';
import { pullsOfNeurons } from '../theory/plane-neurons';
import { predictPulls } from '../theory/pulls';
import type { PhiSampling } from '../theory/sampled-phi';
import type { RunInput } from './run';
import type { ExperimentConfig } from './types';

/** A map asked for as `true`. */
const DEFAULT_MAP = { resolution: 400, limits: [-7, 7] } as const;

/** What is known after the perturbations. */
export interface Predictions extends Directions {
  /** (n, 4) places of the samples, when a map is wanted. */
  readonly places?: Float32Array;
  /** (n, 4) predictPulls, when a map is wanted. */
  readonly pulls?: Float32Array;
  /** What drawn neurons make of the samples, when a map is wanted and Phi is estimated. */
  readonly neuronPulls?: Float32Array;
}

/** What the theory needs of an experiment, besides what is on the device. */
export type TheoryInput = Pick<RunInput, 'config' | 'phiNeurons'>;

/** Undefined for Phi in closed form. */
function samplingOf({ config: { seed, theory }, phiNeurons }: TheoryInput): PhiSampling | undefined {
  if (theory.phi === 'exact') return undefined;
  const { draws } = theory.phi;
  return { draws, seed, streams: { weights: STREAMS.phiWeights, biases: STREAMS.phiBiases }, given: phiNeurons };
}

/**
 * The plane of the decision map; undefined when no map is wanted.
 * @throws InputError when the classes span none, before anything is trained
 */
export async function mapPlane(
  gpu: Gpu,
  config: ExperimentConfig,
  samples: Samples,
  labels: GpuArray,
): Promise<Plane | undefined> {
  if (config.theory.map === false) return undefined;
  try {
    return await classPlane(gpu, samples, labels);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const remedy = 'Use data with samples of both classes, or set theory.map to false.';
    throw new InputError(error.message, { key: 'theory.map', remedy, cause: error });
  }
}

/** Compares the perturbations with the theory. The panels must hold the samples. */
export async function predict(
  gpu: Gpu,
  input: TheoryInput,
  problem: PhiProblem,
  perturbation: Samples,
  plane: Plane | undefined,
  signal: AbortSignal | undefined,
): Promise<Predictions> {
  const { config } = input;
  const sampling = samplingOf(input);
  const options = { ...(sampling ? { sampling } : {}), ...(signal ? { signal } : {}) };
  const directions = await predictDirections(gpu, problem, {
    direction: config.save.includes('theory'),
    ...(config.theory.cosine ? { perturbation } : {}),
    ...options,
  });
  requireFinite([directions.cosine ?? 0], directions.direction ?? []);
  if (!plane) return directions;
  const { samples, panels, labels, slope } = problem;
  const places = await placeSamples(gpu, plane, samples);
  const pulls = await predictPulls(gpu, problem, plane, options);
  if (!sampling) return { ...directions, places, pulls };
  const neuronPulls = await pullsOfNeurons(gpu, sampling, slope, panels, labels, places);
  return { ...directions, places, pulls, neuronPulls };
}

export interface MapArgs {
  readonly predictions: Predictions;
  readonly f: Network;
  readonly g: Network;
  /** What g was trained on. */
  readonly learned: Samples;
  /** They must hold what g was trained on. */
  readonly panels: Panels;
  readonly labels: GpuArray;
  readonly layout: MatmulLayout;
}

/** The decision map that the configuration asks for. */
export async function mapOf(
  gpu: Gpu,
  input: TheoryInput,
  plane: Plane,
  args: MapArgs,
  signal: AbortSignal | undefined,
): Promise<DecisionMap> {
  const { predictions, learned, panels, labels, ...networks } = args;
  const { places, pulls, neuronPulls } = predictions;
  const { config } = input;
  const sampling = samplingOf(input);
  const neurons = sampling && {
    sampling,
    f: neuronPulls!,
    g: await pullsOfLearned(gpu, sampling, config.network.slope, panels, pulls!),
  };
  const { map } = config.theory;
  const made = await decisionMap(gpu, {
    ...networks,
    ...(typeof map === 'object' ? map : DEFAULT_MAP),
    plane,
    places: places!,
    pulls: pulls!,
    learnedPlaces: await placeSamples(gpu, plane, learned),
    labels: await labels.read(),
    d: learned.d,
    ...(neurons ? { neurons } : {}),
    ...(signal ? { signal } : {}),
  });
  const { f, g, fHat, gHat, projected } = made;
  requireFinite(f, g, fHat, gHat, projected);
  return made;
}

/** @throws ComputedFaultError when what the theory predicts has left the range of float32 */
export function requireFinite(...arrays: readonly ArrayLike<number>[]): void {
  if (arrays.every((values) => Array.prototype.every.call(values, Number.isFinite))) return;
  const message = 'what the theory predicts leaves the range of float32: the data are too large';
  throw new ComputedFaultError(message, { key: 'data', remedy: 'Rescale the data, or leave the theory out.' });
}

/** What drawn neurons make of what g was trained on: the labels are in the pulls already. */
async function pullsOfLearned(
  gpu: Gpu,
  sampling: PhiSampling,
  slope: number,
  panels: Panels,
  pulls: Float32Array,
): Promise<Float32Array> {
  using ones = gpu.upload('ones', new Float32Array(pulls.length / 4).fill(1));
  return await pullsOfNeurons(gpu, sampling, slope, panels, ones, pulls);
}
