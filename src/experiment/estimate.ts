// What running many experiments together will take, told before any of it runs: time where the adapter has been measured,
// else multiply-adds, and device memory.

import type { ReadFile } from '../data/dataset';
import type { EngineSettings } from '../engine';
import type { Gpu } from '../gpu/gpu';
import { expectTraining, gramObstacle } from '../network/choose';
import { estimateCosts } from '../network/costs';
import { gramLength } from '../network/gram-matrix';
import {
  crowdBytes,
  makingBytes,
  type NetworkShape,
  networkBytes,
  perturbingBytes,
  SMALL_BYTES,
  samplesBytes,
  spanBytes,
  testBytes,
  trainingBytes,
  withLayout,
} from './memory';
import { type DataStage, type FirstTraining, type PerturbationStage, runsOf } from './plan';
import { loadData } from './prepare';
import { spanPays } from './stage-work';
import type { ExperimentConfig } from './types';

/** Samples and inputs. */
export interface DataShape {
  readonly n: number;
  readonly d: number;
}

/** What of an engine's settings decides what a run takes. */
export type EstimateSettings = Pick<EngineSettings, 'matmul' | 'tuning' | 'memoryLimit'>;

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

interface Cost {
  operations: number;
  seconds: number | undefined;
}

/**
 * Estimates a data stage of {@link planRuns}.
 * @param gpu undefined: without an adapter there are no seconds, and memory is that of direct training
 * @param settings the engine's: which kernels run, and what training in Gram space may take
 */
export function estimateStage(
  gpu: Gpu | undefined,
  stage: DataStage,
  configs: readonly ExperimentConfig[],
  shape: DataShape,
  settings: EstimateSettings = {},
): StageEstimate {
  const { n, d } = shape;
  const sizeOf = ({ network }: ExperimentConfig) => withLayout(gpu, { n, d, m: network.width }, settings);
  const shares = new Map<number, number>();
  const total: Cost = { operations: 0, seconds: gpu ? 0 : undefined };
  const add = (runs: readonly number[], cost: Cost) => {
    total.operations += cost.operations;
    total.seconds =
      total.seconds === undefined || cost.seconds === undefined ? undefined : total.seconds + cost.seconds;
    const work = cost.seconds ?? cost.operations;
    for (const run of runs) shares.set(run, (shares.get(run) ?? 0) + work / runs.length);
  };
  const firsts = stage.trainings.map((training) => ({
    runs: runsOf.first(training),
    config: longestFirst(training, configs),
    ends: training.ends.length,
  }));
  const widest = sizeOf(
    firsts.map(({ config }) => config).reduce((a, b) => (b.network.width > a.network.width ? b : a)),
  );
  /** Whose K is the larger to make. */
  const lossOf = (group: readonly { config: ExperimentConfig }[]) =>
    group.some(({ config }) => config.loss === 'identity') ? 'identity' : 'logistic';
  /** A group of trainings over the same samples, of which one makes K. */
  const trainings = (
    which: 'standard' | 'learning',
    group: readonly { runs: number[]; config: ExperimentConfig; ends: number }[],
    inner = d,
  ): Group => {
    const all = group.map(({ config }) => expectedOf(gpu, config, which, sizeOf(config), inner, settings));
    let gram = false;
    for (const [at, { operations, gram: own, matrix, seconds }] of all.entries()) {
      const shared = own && gram ? matrix : 0;
      add(group[at]!.runs, { operations, seconds: seconds === undefined ? undefined : Math.max(0, seconds - shared) });
      gram ||= own;
    }
    // A network of each length, the longest being the one that is trained.
    const networks = group.map(({ config, ends }) => ends * networkBytes(sizeOf(config)));
    const held = all.map(({ memory }, at) => memory.held + networks[at]! - networkBytes(sizeOf(group[at]!.config)));
    const making = gram && gpu ? makingBytes(gpu, widest, lossOf(group), inner) : 0;
    const flipping = group.filter(({ config }, at) => all[at]!.gram && config.loss === 'identity');
    const narrowest = Math.min(...flipping.map(({ config }) => config.network.width));
    const crowds = gpu && flipping.length > 0 ? crowdBytes(gpu, widest, narrowest) : 0;
    // K of the identity loss has the 1 of the bias in it, that of the logistic one has not.
    const kinds = new Set(group.filter((_, at) => all[at]!.gram).map(({ config }) => config.loss)).size;
    return {
      kinds,
      networks: sum(networks),
      held,
      working: crowds + Math.max(making, ...all.map(({ memory }) => memory.working)),
    };
  };
  /** Passes over n samples that are no training. */
  const passes = (runs: readonly number[], config: ExperimentConfig, count: number) => {
    const { width: m } = config.network;
    const epoch = gpu && estimateCosts(gpu, { n, d, m })?.directEpoch;
    add(runs, { operations: count * n * d * m, seconds: epoch === undefined ? undefined : (count / 2) * epoch });
  };

  const matrix = 4 * gramLength(n);
  const { rows, panels } = samplesBytes(gpu, widest);
  const samples = 4 * n + rows + panels;
  const f = trainings('standard', firsts);
  // The moments that may be the fullest.
  const moments = [samples + sum(f.held) + f.working + f.kinds * matrix];
  const perturbed = stage.trainings.flatMap(({ ends }) => ends.flatMap((end) => end.perturbations));
  let second = 0;
  const inSpan = ({ config }: PerturbationStage) => gpu && config.trainer !== 'direct' && spanPays(gpu, config, d);
  /** Whether K of what g learns from is made from K of the samples. */
  const ontoK = (next: PerturbationStage) => f.kinds > 0 && next.config.perturbation.onData && inSpan(next);
  let onto = perturbed.filter(ontoK).length;
  for (const next of perturbed) {
    second += next.trainings.length;
    passes(runsOf.perturbation(next), next.config, 3);
    const size = sizeOf(next.config);
    const { onData } = next.config.perturbation;
    const ontoThis = ontoK(next);
    const narrow = gpu && (onData ? ontoThis : inSpan(next));
    const span = narrow ? spanBytes(gpu, size, next.config.loss, onData) : { kept: 0, making: 0 };
    const g = trainings('learning', secondsOf(next, configs), narrow ? (onData ? 2 : 1) * size.m : d);
    const common = 8 * n + rows + panels + f.networks + span.kept;
    // K of the samples stays until the last perturbed samples have theirs, which is made of it in place.
    const before = onto > 0 ? matrix : 0;
    const own = g.kinds > 0 && !(ontoThis && onto === 1) ? matrix : 0;
    const making = g.kinds > 0 ? span.making : 0;
    // The memory of K of the samples waits for the K that follows.
    const spare = f.kinds > 0 && g.kinds > 0 && onto === 0 ? matrix : 0;
    moments.push(common + rows + before + spare + perturbingBytes(gpu, size));
    moments.push(common + rows + before + own + sum(g.held) + Math.max(g.working, making));
    if (ontoThis) onto--;
    for (const { ends } of next.trainings) {
      for (const { runs } of ends) {
        const points = configs[runs[0]!]!.test.n ?? n;
        passes(runs, next.config, 2 + points / n);
        const kept = perturbed.length > 1 ? common : common - rows - panels;
        moments.push(kept + g.networks + testBytes(gpu, size, points));
      }
    }
  }
  return {
    first: firsts.length,
    perturbations: perturbed.length,
    second,
    ...total,
    bytes: SMALL_BYTES + Math.max(...moments),
    firstBytes: f.held,
    shares,
  };
}

/** Of trainings side by side. */
interface Group {
  /** Matrices K that they need. */
  readonly kinds: number;
  /** Bytes of what comes of them. */
  readonly networks: number;
  /** Bytes of each while they go on. */
  readonly held: readonly number[];
  /** Bytes besides, of whichever goes on. */
  readonly working: number;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const longestFirst = ({ ends }: FirstTraining, configs: readonly ExperimentConfig[]) =>
  configs[runsOf.firstEnd(ends.at(-1)!)[0]!]!;

const secondsOf = ({ trainings }: PerturbationStage, configs: readonly ExperimentConfig[]) =>
  trainings.map((training) => ({
    runs: runsOf.second(training),
    config: configs[training.ends.at(-1)!.runs[0]!]!,
    ends: training.ends.length,
  }));

/** One training by itself: its memory without K, `seconds` with it. */
function expectedOf(
  gpu: Gpu | undefined,
  config: ExperimentConfig,
  which: 'standard' | 'learning',
  network: NetworkShape,
  inner: number,
  { memoryLimit }: EstimateSettings,
) {
  const { epochs, momentum } = config[which];
  const { loss, precision, trainer } = config;
  const { n, d, m } = network;
  const operations = 2 * epochs * n * d * m;
  const shape = { ...network, epochs, loss, precision };
  const directly = () => trainingBytes(gpu, { ...shape, start: 'direct', auto: false });
  if (!gpu) return { operations, seconds: undefined, gram: false, matrix: 0, memory: directly() };
  const { start, seconds } = expectTraining(gpu, { ...shape, momentum, inner }, trainer, memoryLimit);
  // Gram training that is asked for and impossible is refused when it runs.
  const gram = start !== 'direct' && gramObstacle(gpu, { ...shape, momentum }) === undefined;
  const matrix = estimateCosts(gpu, { n, d, m, inner })?.gramMatrix ?? 0;
  const memory = gram ? trainingBytes(gpu, { ...shape, start, auto: trainer === 'auto' }) : directly();
  return { operations, seconds, gram, matrix, memory };
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
