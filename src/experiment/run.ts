// The experiment from end to end (design.md): train f, perturb its data towards random targets, train g on the
// perturbations alone, compare. One experiment, or many that share what they have in common.

import type { ReadFile } from '../data/dataset';
import type { InitValues } from '../data/init';
import { InputError } from '../data/input-error';
import type { Engine } from '../engine';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { formatBytes } from '../gpu/format';
import { lazy } from '../gpu/lazy';
import { tunedLayout } from '../kernels/tuning';
import type { MatmulLayout } from '../kernels/variant';
import { gramObstacle } from '../network/choose';
import type { DivergenceError } from '../network/divergence';
import { halfObstacle } from '../network/half';
import { planBlocks } from '../network/samples';
import { planSlices } from '../network/slices';
import { Stopwatch } from './assemble';
import type { Checkpoint, CheckpointKeeper } from './checkpoint';
import { canonical, type DataStage, planRuns, runsOf } from './plan';
import { type LoadedData, loadData, readers, readTargets, resolveK } from './prepare';
import type { WatchOptions } from './snapshot';
import { runDataStage } from './stages';
import type { ExperimentConfig, ExperimentResult, InitConfig, Progress } from './types';

const checkpointing = lazy(() => import('./checkpoint'));
const estimating = lazy(() => import('./estimate'));

export interface RunOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  /** How files named in the configuration are read; needed only when it names any. */
  readonly readFile?: ReadFile;
  /** Of one experiment alone: where its checkpoints go, and the one it goes on from, to the same bits. */
  readonly checkpoint?: { readonly keeper?: CheckpointKeeper; readonly from?: Checkpoint };
  /** Looks at the networks while they are trained. */
  readonly watch?: WatchOptions;
}

export interface RunsOptions extends Omit<RunOptions, 'onProgress'> {
  /** `run`: the first of the experiments that the work is for, by its place in the list. */
  readonly onProgress?: (progress: Progress & { readonly run: number }) => void;
  /** Told of each experiment as soon as it is finished; awaited. */
  readonly onResult?: (run: number, result: ExperimentResult) => Promise<void> | void;
  /** Told, in place of a result, of an experiment whose training diverged; without it, the first ends them all. */
  readonly onDivergence?: (run: number, error: DivergenceError) => Promise<void> | void;
  /** False: results go to {@link onResult} alone and are not held for the end, so that saved arrays do not pile up. */
  readonly collect?: boolean;
}

/** An experiment with everything read that its configuration names. */
export interface RunInput {
  readonly config: ExperimentConfig;
  readonly loaded: LoadedData;
  readonly layout: MatmulLayout;
  /** l0 only. */
  readonly k: number | undefined;
  readonly targets: Float32Array | undefined;
  readonly initF: InitValues;
  readonly initG: InitValues;
  /** Neurons that Phi is estimated from; empty where they are drawn. */
  readonly phiNeurons: InitValues;
}

const noFiles: ReadFile = (path) =>
  Promise.reject(
    new InputError('the configuration names a file, but no way to read files was given', {
      file: path,
      remedy: 'Pass readFile to runExperiment.',
    }),
  );

/**
 * Runs one experiment.
 * @throws InputError for a configuration or file that is wrong, before anything is computed; DivergenceError when a training
 * leaves the finite numbers; GpuError when the device fails; the signal's reason when aborted. The engine stays usable and no device memory is left behind in every case.
 */
export async function runExperiment(
  engine: Engine,
  config: ExperimentConfig,
  options: RunOptions = {},
): Promise<ExperimentResult> {
  const [result] = await runExperiments(engine, [config], options);
  return result!;
}

/**
 * Runs many experiments. Stages that several have in common (samples, a training of f, perturbations, a training of g) are
 * computed once; trainings over the same samples go on side by side, and one that is a shorter version of another is taken
 * from it on the way. Arrays and metrics are those of each experiment run alone, to the bit.
 * @returns the results in the order of `configs`, with gaps where {@link RunsOptions.onDivergence} was told; none where {@link RunsOptions.collect} is false
 * @throws as {@link runExperiment}; what {@link RunsOptions.onResult} was told of before stays valid
 */
export async function runExperiments(
  engine: Engine,
  configs: readonly ExperimentConfig[],
  options: RunsOptions = {},
): Promise<ExperimentResult[]> {
  const { readFile = noFiles, onProgress, onResult, signal, watch: looks, collect = true, checkpoint } = options;
  if (checkpoint && configs.length !== 1) throw new RangeError('checkpoints are kept of one experiment alone');
  engine.gpu.assertAlive();
  const watch = new Stopwatch(() => engine.gpu.now());
  if (configs.length > 0) onProgress?.({ stage: 'prepare', run: 0 });
  const inputs = await readInputs(engine, configs, readOnce(readFile));
  watch.lap(
    'prepare',
    configs.map((_, run) => run),
  );
  signal?.throwIfAborted();
  const checkpoints = checkpoint && new (await checkpointing()).Checkpoints(checkpoint.keeper, checkpoint.from);
  const stages = planRuns(configs, (run) => {
    const { loaded, layout } = inputs[run]!;
    const blocks = planBlocks(engine.gpu, loaded.n, loaded.d, layout.words);
    // Refused now, not when the samples are there.
    planSlices(engine.gpu, loaded.d, layout);
    return blocks;
  });
  const results: ExperimentResult[] = [];
  // A run that is held notices nothing.
  const release = () => engine.resume();
  signal?.addEventListener('abort', release);
  try {
    for (const stage of stages) {
      await requireMemory(engine, stage, configs, inputs);
      await runDataStage(engine, stage, inputs, watch, {
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
        ...(checkpoints ? { checkpoints } : {}),
        ...(looks ? { watch: looks } : {}),
        ...(options.onDivergence ? { onDivergence: options.onDivergence } : {}),
        onResult: async (run, result) => {
          if (collect) results[run] = result;
          await onResult?.(run, result);
        },
      });
    }
  } finally {
    signal?.removeEventListener('abort', release);
  }
  return results;
}

/**
 * Refuses what cannot fit before any of it is allocated.
 * @throws GpuOutOfMemoryError with both sizes
 */
async function requireMemory(
  { gpu, settings }: Engine,
  stage: DataStage,
  configs: readonly ExperimentConfig[],
  inputs: readonly RunInput[],
): Promise<void> {
  const available = settings.availableMemory?.();
  if (available === undefined) return;
  const { n, d } = inputs[runsOf.data(stage)[0]!]!.loaded;
  // Apart, as below: pages ask for neither.
  const { estimateStage } = await estimating();
  const needs = (of: readonly ExperimentConfig[]) => estimateStage(gpu, stage, of, { n, d }, settings).bytes;
  const bytes = needs(configs);
  if (bytes <= available) return;
  const directly = needs(configs.map((config) => ({ ...config, trainer: 'direct' })));
  const instead = directly <= available ? `; with trainer "direct" it needs ${formatBytes(directly)}` : '';
  const message = `the run needs about ${formatBytes(bytes)} of device memory; ${formatBytes(available)} are free${instead}`;
  throw new GpuOutOfMemoryError(`${message}.`, 'the whole run', bytes);
}

/** Reads every file once, however many experiments name it. */
function readOnce(readFile: ReadFile): ReadFile {
  const files = new Map<string, ReturnType<ReadFile>>();
  return (path) => {
    const known = files.get(path);
    if (known) return known;
    const file = readFile(path);
    files.set(path, file);
    return file;
  };
}

/** Reads all files, each once, and refuses what cannot run. */
async function readInputs(
  engine: Engine,
  configs: readonly ExperimentConfig[],
  readFile: ReadFile,
): Promise<RunInput[]> {
  const data = new Map<string, LoadedData>();
  const inputs: RunInput[] = [];
  for (const config of configs) {
    const key = canonical([config.data, config.test, config.seed]);
    const loaded = data.get(key) ?? (await loadData(config, readFile));
    data.set(key, loaded);
    const { n, d } = loaded;
    const m = config.network.width;
    const k = resolveK(config, d);
    const targets = await readTargets(config, n, readFile);
    const initF = await initValues(config.standard, m, d, readFile, 'standard.init');
    const initG = await initValues(config.learning, m, d, readFile, 'learning.init');
    const { phi } = config.theory;
    const phiNeurons =
      phi === 'exact' ? {} : await initValues(phi, phi.draws, d, readFile, 'theory.phi.init', 'theory.phi.draws');
    const layout = tunedLayout(engine.gpu, { n, d, m }, engine.settings);
    requirePrecision(engine, config);
    requireTrainer(engine, config, n, d);
    inputs.push({ config, loaded, layout, k, targets, initF, initG, phiNeurons });
  }
  return inputs;
}

function requirePrecision({ gpu }: Engine, { precision }: ExperimentConfig): void {
  const obstacle = precision === 'f16' ? halfObstacle(gpu) : undefined;
  if (!obstacle) return;
  throw new InputError(`precision is f16, but ${obstacle}`, {
    key: 'precision',
    remedy: 'Set precision to "f32", or choose another adapter with --device.',
  });
}

/** A trainer that is asked for by name must be possible. */
function requireTrainer(engine: Engine, config: ExperimentConfig, n: number, d: number): void {
  if (config.trainer !== 'gram') return;
  for (const stage of ['standard', 'learning'] as const) {
    const { epochs, momentum } = config[stage];
    const { loss, precision } = config;
    const m = config.network.width;
    const layout = tunedLayout(engine.gpu, { n, d, m }, engine.settings);
    const shape = { n, d, m, epochs, momentum, loss, precision, layout };
    const obstacle = gramObstacle(engine.gpu, shape);
    if (obstacle) throw new InputError(obstacle, { key: 'trainer', remedy: 'Set trainer to "auto" or "direct".' });
  }
}

async function initValues(
  { init }: { readonly init?: InitConfig },
  m: number,
  d: number,
  readFile: ReadFile,
  key: string,
  widthKey?: string,
): Promise<InitValues> {
  if (!init) return {};
  const { loadInit } = await readers();
  return loadInit(init, m, d, readFile, key, widthKey);
}
