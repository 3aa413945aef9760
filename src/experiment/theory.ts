// The theory's part of an experiment: the cosine with the predicted directions, and the decision map. It works at two
// moments, when what it needs is on the device anyway: after the perturbations (samples, their panels, perturbations), and
// after the second training (what g was trained on). Only plain numbers wait in between.

import { InputError } from '../data/input-error';
import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import type { MatmulLayout } from '../kernels/variant';
import type { Network } from '../network/network';
import type { Samples } from '../network/samples';
import { type Directions, predictDirections } from '../theory/directions';
import { type DecisionMap, decisionMap } from '../theory/map';
import type { PhiProblem } from '../theory/phi';
import { classPlane, type Plane, placeSamples } from '../theory/plane';
import type { ExperimentConfig } from './types';

/** A map asked for as `true`. */
const DEFAULT_MAP = { resolution: 400, limits: [-7, 7] } as const;

/** What is known after the perturbations. */
export interface Predictions extends Directions {
  /** (n, 4) places of the samples, when a map is wanted. */
  readonly places?: Float32Array;
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
  config: ExperimentConfig,
  problem: PhiProblem,
  perturbation: Samples,
  plane: Plane | undefined,
  signal: AbortSignal | undefined,
): Promise<Predictions> {
  const directions = await predictDirections(gpu, problem, {
    direction: config.save.includes('theory'),
    ...(config.theory.cosine ? { perturbation } : {}),
    ...(plane ? { plane } : {}),
    ...(signal ? { signal } : {}),
  });
  return plane ? { ...directions, places: await placeSamples(gpu, plane, problem.samples) } : directions;
}

export interface MapArgs {
  readonly predictions: Predictions;
  readonly f: Network;
  readonly g: Network;
  /** What g was trained on. */
  readonly learned: Samples;
  readonly labels: GpuArray;
  readonly layout: MatmulLayout;
}

/** The decision map that the configuration asks for. */
export async function mapOf(
  gpu: Gpu,
  config: ExperimentConfig,
  plane: Plane,
  args: MapArgs,
  signal: AbortSignal | undefined,
): Promise<DecisionMap> {
  const { predictions, learned, labels, ...networks } = args;
  const { places, pulls } = predictions;
  const { map } = config.theory;
  return decisionMap(gpu, {
    ...networks,
    ...(typeof map === 'object' ? map : DEFAULT_MAP),
    plane,
    places: places!,
    pulls: pulls!,
    learnedPlaces: await placeSamples(gpu, plane, learned),
    labels: await labels.read(),
    d: learned.d,
    ...(signal ? { signal } : {}),
  });
}
