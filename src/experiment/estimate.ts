// What running many experiments together will take, told before any of it runs: time where the adapter has been measured,
// else multiply-adds, and device memory.

import type { ReadFile } from '../data/dataset';
import type { Gpu } from '../gpu/gpu';
import { paddedRow } from '../kernels/step';
import { estimateCosts, expectTraining, gramBytes, gramObstacle } from '../network/choose';
import { gramLength } from '../network/gram-matrix';
import { type DataStage, type FirstTraining, type PerturbationStage, runsOf } from './plan';
import { loadData } from './prepare';
import type { ExperimentConfig } from './types';

/** Samples and inputs. */
export interface DataShape {
  readonly n: number;
  readonly d: number;
}

/** Of experiments on the same samples. */
export interface StageEstimate {
  /** Trainings of f, perturbations, and trainings of g that really run. */
  readonly first: number;
  readonly perturbations: number;
  readonly second: number;
  /** Multiply-adds if every training were direct. */
  readonly operations: number;
  /** Undefined where the adapter has not been measured, or there is none. */
  readonly seconds: number | undefined;
  /** The most device memory held at once. */
  readonly bytes: number;
  /** What each first training adds to `bytes`, in the order of the stage. */
  readonly firstBytes: readonly number[];
  /** Each experiment's share, in seconds, or in multiply-adds where those are unknown. */
  readonly shares: ReadonlyMap<number, number>;
}

/** The shape of a configuration's data; files are read for it. @throws InputError for a file that is wrong */
export async function dataShape(config: ExperimentConfig, readFile: ReadFile): Promise<DataShape> {
  const { data } = config;
  if (data.kind === 'glyphs') return { n: data.n, d: data.size ** 2 };
  const { n, d } = await loadData(config, readFile);
  return { n, d };
}

/** Bytes of a network's weights; a training holds their velocity too. */
const networkBytes = ({ network }: ExperimentConfig, d: number) => 4 * (d + 2) * network.width;

interface Cost {
  operations: number;
  seconds: number | undefined;
}

/**
 * Estimates a data stage of {@link planRuns}.
 * @param gpu undefined: without an adapter there are no seconds, and memory is that of direct training
 */
export function estimateStage(
  gpu: Gpu | undefined,
  stage: DataStage,
  configs: readonly ExperimentConfig[],
  shape: DataShape,
  memoryLimit?: number,
): StageEstimate {
  const { n, d } = shape;
  const shares = new Map<number, number>();
  const total: Cost = { operations: 0, seconds: gpu ? 0 : undefined };
  const add = (runs: readonly number[], cost: Cost) => {
    total.operations += cost.operations;
    total.seconds =
      total.seconds === undefined || cost.seconds === undefined ? undefined : total.seconds + cost.seconds;
    const work = cost.seconds ?? cost.operations;
    for (const run of runs) shares.set(run, (shares.get(run) ?? 0) + work / runs.length);
  };
  /** A group of trainings over the same samples, of which one makes K. */
  const trainings = (
    which: 'standard' | 'learning',
    group: readonly { runs: number[]; config: ExperimentConfig }[],
  ) => {
    let shared = false;
    let bytes = 0;
    for (const { runs, config } of group) {
      const expected = expectedOf(gpu, config, which, shape, memoryLimit);
      const matrix = expected.gram && shared ? expected.matrix : 0;
      const seconds = expected.seconds === undefined ? undefined : Math.max(0, expected.seconds - matrix);
      add(runs, { operations: expected.operations, seconds });
      shared ||= expected.gram;
      bytes += expected.bytes;
    }
    return bytes + (shared ? 4 * gramLength(n) : 0);
  };
  /** Passes over n samples that are no training. */
  const passes = (runs: readonly number[], config: ExperimentConfig, count: number) => {
    const { width: m } = config.network;
    const epoch = gpu && estimateCosts(gpu, { n, d, m })?.directEpoch;
    add(runs, { operations: count * n * d * m, seconds: epoch === undefined ? undefined : (count / 2) * epoch });
  };

  const firsts = stage.trainings.map((training) => ({
    runs: runsOf.first(training),
    config: longestFirst(training, configs),
  }));
  const firstState = trainings('standard', firsts);
  const kept = stage.trainings.map((training, at) => training.ends.length * networkBytes(firsts[at]!.config, d));
  let secondState = 0;
  let perturbations = 0;
  let second = 0;
  for (const next of stage.trainings.flatMap(({ ends }) => ends.flatMap((end) => end.perturbations))) {
    perturbations++;
    second += next.trainings.length;
    passes(runsOf.perturbation(next), next.config, 3);
    secondState = Math.max(secondState, trainings('learning', secondsOf(next, configs)));
    for (const { ends } of next.trainings) {
      for (const { runs } of ends) passes(runs, next.config, 2 + (configs[runs[0]!]!.test.n ?? n) / n);
    }
  }
  // X, its panels, and what g learns from; then what is trained on as halves, and its panels.
  const halves = configs.some(({ precision }) => precision === 'f16') ? 2 * 2 * n * paddedRow(d) : 0;
  const samples = 3 * 4 * n * paddedRow(d) + halves;
  const networks = kept.reduce((sum, bytes) => sum + bytes, 0);
  return {
    first: firsts.length,
    perturbations,
    second,
    ...total,
    bytes: samples + networks + Math.max(firstState, secondState),
    firstBytes: firsts.map(
      ({ config }, at) => kept[at]! + expectedOf(gpu, config, 'standard', shape, memoryLimit).bytes,
    ),
    shares,
  };
}

const longestFirst = ({ ends }: FirstTraining, configs: readonly ExperimentConfig[]) =>
  configs[runsOf.firstEnd(ends.at(-1)!)[0]!]!;

const secondsOf = ({ trainings }: PerturbationStage, configs: readonly ExperimentConfig[]) =>
  trainings.map((training) => ({
    runs: runsOf.second(training),
    config: configs[training.ends.at(-1)!.runs[0]!]!,
  }));

/** One training by itself: `bytes` without K, `seconds` with it. */
function expectedOf(
  gpu: Gpu | undefined,
  config: ExperimentConfig,
  which: 'standard' | 'learning',
  { n, d }: DataShape,
  memoryLimit: number | undefined,
) {
  const { epochs, momentum } = config[which];
  const m = config.network.width;
  const operations = 2 * epochs * n * d * m;
  // The weights, their velocity, and the parts of their gradient; with halves also the weights as such, and weights and
  // velocity as they were before the epochs that go on.
  const direct = (config.precision === 'f16' ? 5.5 : 3) * networkBytes(config, d);
  if (!gpu) return { operations, seconds: undefined, gram: false, matrix: 0, bytes: direct };
  const shape = { n, d, m, epochs, momentum, loss: config.loss, precision: config.precision };
  const { trainer, seconds } = expectTraining(gpu, shape, config.trainer, memoryLimit);
  // Gram training that is asked for and impossible is refused when it runs.
  const gram = trainer === 'gram' && gramObstacle(gpu, shape) === undefined;
  const matrix = estimateCosts(gpu, { n, d, m })?.gramMatrix ?? 0;
  const state = gram ? gramBytes(gpu, shape) - 4 * gramLength(n) : 0;
  return { operations, seconds, gram, matrix, bytes: direct + state };
}

/** A data stage's experiments in batches that share its first trainings and stay within `room` bytes of them at once. */
export function batchesOf(
  stage: DataStage,
  { firstBytes }: Pick<StageEstimate, 'firstBytes'>,
  room: number,
): number[][] {
  const batches: number[][] = [];
  let taken = Infinity;
  for (const [at, training] of stage.trainings.entries()) {
    const bytes = firstBytes[at]!;
    if (taken + bytes > room) {
      batches.push([]);
      taken = 0;
    }
    taken += bytes;
    batches.at(-1)!.push(...runsOf.first(training));
  }
  return batches;
}
