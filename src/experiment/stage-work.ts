// What all parts of a data stage work with: the samples on the device, and how experiments are told of progress and failure.

import type { Engine } from '../engine';
import type { Gpu } from '../gpu/gpu';
import { lazy } from '../gpu/lazy';
import { paddedRow } from '../kernels/step';
import { type DivergedQuantity, DivergenceError } from '../network/divergence';
import { type Evaluation, evaluate } from '../network/evaluate';
import { finiteOutputs } from '../network/finite';
import type { SampleGram } from '../network/sample-gram';
import type { Panels, Samples } from '../network/samples';
import type { TrainingOptions } from '../network/trainer';
import type { Plane } from '../theory/plane';
import type { Stopwatch } from './assemble';
import type { Checkpoints } from './checkpoint';
import type { PerturbationStage } from './plan';
import type { PreparedData } from './prepare';
import type { RunInput, RunsOptions } from './run';
import type { Lengths, Trained } from './trajectories';
import type { ExperimentConfig, Stage } from './types';
import type { Watcher } from './watcher';

export type StageOptions = Omit<RunsOptions, 'readFile' | 'collect' | 'checkpoint'> &
  Required<Pick<RunsOptions, 'onResult'>> & { readonly checkpoints?: Checkpoints };

/** What few runs need, loaded when anything of it is. */
export const extras = lazy(() => import('./extras'));

/** Made by the data stage, which disposes what is on the device. */
export interface StageWork {
  readonly engine: Engine;
  readonly inputs: readonly RunInput[];
  readonly watch: Stopwatch;
  readonly options: StageOptions;
  readonly data: PreparedData;
  readonly x: Samples;
  /** They hold the samples, but what g learns from while it is trained. */
  readonly panels: Panels;
  /** K of the samples, kept past the first trainings for the perturbed samples whose K is made from it, or in its memory. */
  readonly kernel: SampleGram;
  /** Perturbations still to come that need {@link kernel}. */
  onto: number;
  /** Of the decision map, where one is wanted. */
  readonly plane: Plane | undefined;
  readonly watcher: Watcher | undefined;
}

/** A network f that did not diverge, and what is kept of it while its perturbations are at work. */
export interface First {
  readonly trained: Trained;
  readonly accuracy: number;
  readonly loss: number;
  readonly outputs?: Float32Array;
}

/** Tells that a stage of an experiment begins. @returns who is to be told of its epochs */
export function tellStage(
  { options: { onProgress } }: StageWork,
  stage: Stage,
  run: number,
  config: ExperimentConfig,
): TrainingOptions['onEpoch'] {
  if (!onProgress) return undefined;
  if (stage !== 'standard' && stage !== 'learning') {
    onProgress({ stage, run });
    return undefined;
  }
  const { epochs } = config[stage];
  onProgress({ stage, run, epoch: 0, epochs });
  return (report) => onProgress({ stage, run, epochs, ...report });
}

/** Tells experiments that they end here. @throws the error with nobody to tell */
export async function tellDivergence(work: StageWork, error: DivergenceError, runs: readonly number[]): Promise<void> {
  const { onDivergence } = work.options;
  if (!onDivergence) throw error;
  for (const run of runs) await onDivergence(run, error);
}

/** The network of a length; where it diverged, undefined, and its experiments are told so. */
export async function unlessDiverged(
  work: StageWork,
  lengths: Lengths,
  epochs: number,
  runs: readonly number[],
): Promise<Trained | undefined> {
  const trained = lengths.get(epochs)!;
  if (!(trained instanceof DivergenceError)) return trained;
  await tellDivergence(work, trained, runs);
  return undefined;
}

/** What a network says of the samples in the panels; undefined, and its experiments told, where that is not finite. */
export async function evaluateFinite(
  work: StageWork,
  stage: 'standard' | 'learning',
  { network, outcome }: Trained,
  runs: readonly number[],
): Promise<Evaluation | undefined> {
  const { engine, inputs, panels, data } = work;
  const { layout, config } = inputs[runs[0]!]!;
  const on = await evaluate(engine.gpu, network, panels, data.labels, layout, config.loss);
  const finite = await finiteOutputs(on.margin);
  if (finite && Number.isFinite(on.loss)) return on;
  on.margin.dispose();
  await tellFault(work, stage, finite ? 'loss' : 'outputs', outcome, runs);
  return undefined;
}

/** Tells experiments that something which follows from a trained network is not finite. @throws as {@link tellDivergence} */
export async function tellFault(
  work: StageWork,
  stage: 'standard' | 'learning',
  what: DivergedQuantity,
  { lr: rates, loss }: Trained['outcome'],
  runs: readonly number[],
): Promise<void> {
  const { config } = work.inputs[runs[0]!]!;
  const lr = rates.at(-1) ?? config[stage].lr;
  const error = new DivergenceError({ epoch: config[stage].epochs, what, lr, firstLoss: loss[0] });
  const { explainDivergence } = await extras();
  await tellDivergence(work, explainDivergence(error, stage, config), runs);
}

/** Whether K of what g learns from is made from K of the samples: for l2 perturbations of a network that needed that. */
export function ontoSamples({ x, engine }: StageWork, { config }: PerturbationStage, { outcome }: Trained): boolean {
  return config.perturbation.onData && outcome.usedGram && spanPays(engine.gpu, config, x.d);
}

/** Whether K of l2 perturbations is cheaper made of W W^T, which must fit one binding then. */
export function spanPays(gpu: Gpu, { perturbation, network }: ExperimentConfig, d: number): boolean {
  const { width: m } = network;
  const { kind, onData } = perturbation;
  return kind === 'l2' && (onData ? 2 : 1) * m < d && m * paddedRow(d) <= gpu.maxArrayLength;
}
