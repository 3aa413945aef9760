// The experiment from end to end (design.md): train f, perturb its data towards random targets, train g on the
// perturbations alone, compare. Arrays are freed as soon as the next stage does not need them: at most X, what g is
// trained on, and one panel copy are on the device together.

import type { ReadFile } from '../data/dataset';
import { type InitValues, loadInit } from '../data/init';
import { InputError } from '../data/input-error';
import { STREAMS } from '../data/streams';
import type { Engine } from '../engine';
import type { GpuArray } from '../gpu/array';
import { Scope } from '../gpu/scope';
import { add } from '../kernels/data';
import { matmulLayout } from '../kernels/variant';
import { gramObstacle } from '../network/choose';
import { evaluate } from '../network/evaluate';
import { Network, type NetworkStreams } from '../network/network';
import { Panels, type Samples } from '../network/samples';
import { type TrainingOutcome, train } from '../network/train';
import type { TrainingHistory, TrainingProblem } from '../network/trainer';
import { perturb } from '../perturbation/perturb';
import { testAgreement } from './agreement';
import { refuseUnbuilt } from './config';
import { fillSamples, loadData, makeTargets, prepareData, readTargets, resolveK } from './prepare';
import { mapArrays, mapOf, mapPlane, predict, wantsTheory } from './theory';
import type { ExperimentConfig, ExperimentResult, NamedArray, Progress, TrainingConfig } from './types';
import { warmUp } from './warm-up';

export interface RunOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  /** How files named in the configuration are read; needed only when it names any. */
  readonly readFile?: ReadFile;
}

const F_STREAMS: NetworkStreams = { W: STREAMS.fW, b: STREAMS.fb, a: STREAMS.fa };
const G_STREAMS: NetworkStreams = { W: STREAMS.gW, b: STREAMS.gb, a: STREAMS.ga };
/** Rows kept for pictures when the samples are images. */
const PICTURES = 8;

const noFiles: ReadFile = (path) =>
  Promise.reject(
    new InputError('the configuration names a file, but no way to read files was given', {
      file: path,
      remedy: 'Pass readFile to runExperiment.',
    }),
  );

/**
 * Runs one experiment.
 * @throws InputError for a configuration or file that is wrong, before anything is computed; GpuError when the device
 * fails; the signal's reason when aborted. The engine stays usable and no device memory is left behind in every case.
 */
export async function runExperiment(
  engine: Engine,
  config: ExperimentConfig,
  options: RunOptions = {},
): Promise<ExperimentResult> {
  const { gpu } = engine;
  const { readFile = noFiles, onProgress, signal } = options;
  const scope = new Scope();
  const keep = new Set(config.save);
  const arrays: Record<string, NamedArray> = {};
  const save = (name: string, data: Float32Array, ...shape: number[]) => {
    arrays[name] = { shape, data };
  };
  refuseUnbuilt(config);
  gpu.assertAlive();
  gpu.resetPeak();
  const watch = new Stopwatch();
  try {
    onProgress?.({ stage: 'prepare' });
    const loaded = await loadData(config, readFile);
    const { n, d } = loaded;
    const { width: m, slope } = config.network;
    const k = resolveK(config, d);
    const givenTargets = await readTargets(config, n, readFile);
    const initF = await initValues(config.standard, m, d, readFile, 'standard.init');
    const initG = await initValues(config.learning, m, d, readFile, 'learning.init');
    const layout = matmulLayout(gpu, m, engine.settings.matmul);
    requireTrainer(engine, config, n, d);
    signal?.throwIfAborted();

    const data = await prepareData(gpu, config, loaded);
    const labels = scope.use(data.labels);
    const x = scope.use(await fillSamples(gpu, 'X', data.train, layout.words));
    const panels = scope.use(Panels.allocate(gpu, x.blocks, d));
    await panels.fill(gpu, x);
    const plane = await mapPlane(gpu, config, x, labels);
    const shape = { d, m, slope };
    const f = scope.use(await Network.create(gpu, shape, initF, config.seed, F_STREAMS));
    const shared = { layout, loss: config.loss, panels } as const;
    watch.lap('prepare');
    await warmUp(engine, config, layout);
    watch.lap('warmUp');

    const trainStage = async (
      stage: 'standard' | 'learning',
      problem: Omit<TrainingProblem, keyof TrainingConfig | keyof typeof shared>,
    ) => {
      const { lr, epochs, momentum, plateau } = config[stage];
      onProgress?.({ stage, epoch: 0, epochs });
      return train(gpu, { ...problem, ...shared, lr, epochs, momentum, plateau }, config.trainer, {
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onEpoch: (report) => onProgress({ stage, epochs, ...report }) } : {}),
      });
    };
    const standard = await trainStage('standard', { samples: x, labels, network: f });
    watch.lap('standard');

    onProgress?.({ stage: 'perturbation' });
    const onX = await evaluate(gpu, f, panels, labels, layout, config.loss);
    if (keep.has('outputs')) save('f_X', await outputs(onX.margin, labels), n);
    onX.margin.dispose();
    const targets = scope.use(await makeTargets(gpu, config, n, givenTargets));
    const { kind, size } = config.perturbation;
    const r = scope.use(
      await perturb(gpu, f, panels, targets, layout, { kind, size, ...(k === undefined ? {} : { k }) }),
    );
    const pictures = data.image ? await takePictures(x, r, labels, targets) : undefined;
    if (keep.has('perturbations')) {
      save('R', await r.read(), n, d);
      save('targets', await targets.read(), n);
    }
    signal?.throwIfAborted();
    watch.lap('perturbation');
    if (wantsTheory(config)) onProgress?.({ stage: 'theory' });
    const predictions = wantsTheory(config)
      ? await predict(gpu, config, { samples: x, panels, labels, slope }, r, plane, signal)
      : undefined;
    if (predictions?.direction) save('direction', predictions.direction, n, d);
    watch.lap('theory');
    // Scenario b adds in place: from here on r is what g is trained on.
    if (config.perturbation.onData) await addSamples(engine, x, r);
    await panels.fill(gpu, r);
    watch.lap('perturbation');

    const g = scope.use(await Network.create(gpu, shape, initG, config.seed, G_STREAMS));
    const learning = await trainStage('learning', { samples: r, labels: targets, network: g });
    watch.lap('learning');

    if (plane) onProgress?.({ stage: 'theory' });
    const map =
      plane &&
      predictions &&
      (await mapOf(gpu, config, plane, { predictions, f, g, learned: r, labels, layout }, signal));
    if (map && keep.has('theory')) Object.assign(arrays, mapArrays(map));
    watch.lap('theory');

    onProgress?.({ stage: 'evaluation' });
    const learned = learning.loss.at(-1) ?? (await lossOf(engine, g, panels, targets, shared));
    signal?.throwIfAborted();
    r.dispose();
    await panels.fill(gpu, x);
    const clean = await evaluate(gpu, g, panels, labels, layout, config.loss);
    if (keep.has('outputs')) save('g_X', await outputs(clean.margin, labels), n);
    clean.margin.dispose();
    if (keep.has('data')) {
      save('X', await x.read(), n, d);
      save('y', await labels.read(), n);
    }
    x.dispose();
    panels.dispose();
    signal?.throwIfAborted();
    const wanted = { outputs: keep.has('outputs'), points: keep.has('data') };
    const test = data.test && (await testAgreement(gpu, f, g, data.test, layout, wanted));
    if (data.test && test?.f && test.g) {
      save('f_test', test.f, data.test.n);
      save('g_test', test.g, data.test.n);
    }
    if (data.test && test?.x) save('testX', test.x, data.test.n, d);
    if (keep.has('networks')) {
      for (const [name, network] of [
        ['f', f],
        ['g', g],
      ] as const) {
        const { W, b, a } = await network.read();
        save(`${name}_W`, W, m, d);
        save(`${name}_b`, b, m);
        save(`${name}_a`, a, m);
      }
    }
    watch.lap('evaluation');

    const seconds = watch.laps;
    return {
      config,
      metrics: {
        standardAccuracy: onX.accuracy,
        perturbationAccuracy: clean.accuracy,
        agreement: test?.agreement ?? null,
        ...(predictions?.cosine !== undefined ? { cosine: predictions.cosine } : {}),
      },
      loss: { standard: standard.loss.at(-1) ?? onX.loss, learning: learned },
      trainer: {
        chosen: standard.chosen,
        reason: standard.reason === learning.reason ? standard.reason : `f: ${standard.reason}; g: ${learning.reason}`,
        stages: { standard: choice(standard), learning: choice(learning) },
        kernels: {
          matmul: layout.variant,
          reason: layout.reason,
          maskGroup: String(layout.group),
          lanes: String(layout.lanes),
          blocks: String(r.blocks.length),
        },
      },
      device: { ...engine.adapter },
      versions: { ...engine.settings.versions },
      timing: {
        // Data preparation counts as part of the run, compiling as start-up.
        startupSeconds: (engine.settings.startupSeconds ?? 0) + seconds.warmUp!,
        standardSeconds: seconds.standard!,
        perturbationSeconds: seconds.perturbation!,
        learningSeconds: seconds.learning!,
        evaluationSeconds: seconds.evaluation!,
        ...(predictions ? { theorySeconds: seconds.theory! } : {}),
        totalSeconds: Object.values(seconds).reduce((sum, part) => sum + part, 0) - seconds.warmUp!,
      },
      memory: { peakDeviceBytes: gpu.peakBytes },
      history: histories(standard, learning),
      arrays,
      ...(map ? { map } : {}),
      ...(data.image ? { image: data.image } : {}),
      ...(pictures ? { samples: pictures } : {}),
    };
  } finally {
    scope.dispose();
  }
}

const choice = ({ chosen, reason }: TrainingOutcome) => ({ chosen, reason });

/** A trainer that is asked for by name must be possible. */
function requireTrainer(engine: Engine, config: ExperimentConfig, n: number, d: number): void {
  if (config.trainer !== 'gram') return;
  for (const stage of ['standard', 'learning'] as const) {
    const { epochs, momentum } = config[stage];
    const shape = { n, d, m: config.network.width, epochs, momentum, loss: config.loss };
    const obstacle = gramObstacle(engine.gpu, shape);
    if (obstacle) throw new InputError(obstacle, { key: 'trainer', remedy: 'Set trainer to "auto" or "direct".' });
  }
}

async function initValues(
  training: TrainingConfig,
  m: number,
  d: number,
  readFile: ReadFile,
  key: string,
): Promise<InitValues> {
  return training.init ? loadInit(training.init, m, d, readFile, key) : {};
}

async function lossOf(
  engine: Engine,
  network: Network,
  panels: Panels,
  labels: GpuArray,
  { layout, loss }: Pick<TrainingProblem, 'layout' | 'loss'>,
): Promise<number> {
  const { margin, loss: mean } = await evaluate(engine.gpu, network, panels, labels, layout, loss);
  margin.dispose();
  return mean;
}

/** f from y f: the labels are -1 or +1, so the product is exact. */
async function outputs(margin: GpuArray, labels: GpuArray): Promise<Float32Array> {
  const [values, y] = [await margin.read(), await labels.read()];
  return values.map((value, i) => value * y[i]!);
}

async function addSamples(engine: Engine, from: Samples, to: Samples): Promise<void> {
  const batch = engine.gpu.batch('scenario b');
  for (const [at, b] of to.arrays.entries()) {
    (await add(engine.gpu, { a: from.arrays[at]!, b, count: b.length }))(batch);
  }
  await batch.submit();
}

/** The first rows of both classes, for pictures. */
async function takePictures(
  x: Samples,
  r: Samples,
  labels: GpuArray,
  targets: GpuArray,
): Promise<ExperimentResult['samples']> {
  const y = await labels.read();
  const t = await targets.read();
  // Half of each class, from the first block, which is all there is except for huge data.
  const inBlock = Array.from({ length: x.blocks[0]!.rows }, (_, i) => i);
  const of = (sign: number) => inBlock.filter((i) => y[i] === sign).slice(0, PICTURES / 2);
  const rows = [...of(1), ...of(-1)];
  const gather = async (samples: Samples) => {
    const out = new Float32Array(rows.length * samples.d);
    for (const [at, i] of rows.entries()) {
      out.set(await samples.arrays[0]!.read(i * samples.ld, samples.d), at * samples.d);
    }
    return out;
  };
  return {
    rows: rows.length,
    x: await gather(x),
    r: await gather(r),
    labels: Float32Array.from(rows, (i) => y[i]!),
    targets: Float32Array.from(rows, (i) => t[i]!),
  };
}

function histories(standard: TrainingHistory, learning: TrainingHistory): ExperimentResult['history'] {
  return {
    standardLoss: standard.loss,
    standardLr: standard.lr,
    learningLoss: learning.loss,
    learningLr: learning.lr,
  };
}

class Stopwatch {
  readonly laps: Record<string, number> = {};
  #last = performance.now();

  /** Adds the time since the last lap to what `name` has. */
  lap(name: string): void {
    const now = performance.now();
    this.laps[name] = (this.laps[name] ?? 0) + (now - this.#last) / 1000;
    this.#last = now;
  }
}
