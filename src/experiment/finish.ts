// The end of an experiment: f and g on the samples and on fresh points, and everything that was asked for as plain data.

import type { GpuArray } from '../gpu/array';
import type { DecisionMap } from '../theory/map';
import { testAgreement } from './agreement';
import { histories, outputs, trainerReport } from './assemble';
import { mapArrays } from './map-arrays';
import { evaluateFinite, type First, type StageWork, tellFault } from './stage-work';
import type { Predictions } from './theory';
import type { Trained } from './trajectories';
import type { ExperimentConfig, ExperimentResult, NamedArray } from './types';

/** What is kept of a perturbation. */
export interface Perturbed {
  readonly targets: GpuArray;
  readonly arrays: Readonly<Record<string, NamedArray>>;
  readonly pictures: ExperimentResult['samples'];
  readonly predictions: Predictions | undefined;
  readonly blocks: number;
}

/** A network g and what belongs to it. */
export interface Second {
  readonly trained: Trained;
  readonly loss: number;
  readonly map: DecisionMap | undefined;
}

/**
 * The results of all experiments that end with this g. The panels must hold the samples.
 * @param final frees the samples before the test points come
 */
export async function finish(
  work: StageWork,
  runs: readonly number[],
  first: First,
  perturbed: Perturbed,
  { trained: second, map, loss }: Second,
  final: boolean,
): Promise<void> {
  const { engine, inputs, panels, x, data, options, watch } = work;
  const { gpu } = engine;
  const { signal } = options;
  const keep = new Set(runs.flatMap((run) => inputs[run]!.config.save));
  const { config, layout } = inputs[runs[0]!]!;
  const { width: m } = config.network;
  const { n, d } = x;
  const f = first.trained.network;
  const g = second.network;
  const all: Record<string, NamedArray> = { ...perturbed.arrays };
  signal?.throwIfAborted();
  const clean = await evaluateFinite(work, 'learning', second, runs);
  if (!clean) return;
  using margin = clean.margin;
  if (keep.has('outputs')) {
    all.f_X = { shape: [n], data: first.outputs! };
    all.g_X = { shape: [n], data: await outputs(margin, data.labels) };
  }
  margin.dispose();
  if (keep.has('data')) {
    all.X = { shape: [n, d], data: await x.read() };
    all.y = { shape: [n], data: await data.labels.read() };
  }
  if (final) {
    x.dispose();
    panels.dispose();
  }
  signal?.throwIfAborted();
  const wanted = { outputs: keep.has('outputs'), points: keep.has('data') };
  const test = data.test && (await testAgreement(gpu, f, g, data.test, layout, wanted));
  if (test && test.notFinite.length > 0) {
    const stage = test.notFinite.includes('f') ? 'standard' : 'learning';
    await tellFault(work, stage, 'test outputs', (stage === 'standard' ? first.trained : second).outcome, runs);
    return;
  }
  if (data.test && test?.f && test.g) {
    all.f_test = { shape: [data.test.n], data: test.f };
    all.g_test = { shape: [data.test.n], data: test.g };
  }
  if (data.test && test?.x) all.testX = { shape: [data.test.n, d], data: test.x };
  if (keep.has('networks')) {
    for (const [name, network] of Object.entries({ f, g })) {
      const { W, b, a } = await network.read();
      Object.assign(all, {
        [`${name}_W`]: { shape: [m, d], data: W },
        [`${name}_b`]: { shape: [m], data: b },
        [`${name}_a`]: { shape: [m], data: a },
      });
    }
  }
  if (map && keep.has('theory')) Object.assign(all, mapArrays(map));
  watch.lap('evaluation', runs);
  const { predictions, pictures, blocks } = perturbed;
  for (const run of runs) {
    const { config } = inputs[run]!;
    await options.onResult(run, {
      config,
      metrics: {
        standardAccuracy: first.accuracy,
        perturbationAccuracy: clean.accuracy,
        agreement: test?.agreement ?? null,
        ...(predictions?.cosine !== undefined ? { cosine: predictions.cosine } : {}),
      },
      loss: { standard: first.trained.outcome.loss.at(-1) ?? first.loss, learning: loss },
      trainer: trainerReport(first.trained.outcome, second.outcome, { layout, precision: config.precision, blocks }),
      device: { ...engine.adapter },
      versions: { ...engine.settings.versions },
      timing: watch.timing(run, engine.settings.startupSeconds ?? 0, predictions !== undefined),
      memory: { peakDeviceBytes: gpu.peakBytes },
      history: histories(first.trained.outcome, second.outcome),
      arrays: savedArrays(all, config),
      ...(map ? { map } : {}),
      ...(data.image ? { image: data.image } : {}),
      ...(pictures ? { samples: pictures } : {}),
    });
    watch.skip();
  }
}

/** What the items of `save` stand for. */
const SAVED: Readonly<Record<ExperimentConfig['save'][number], RegExp>> = {
  data: /^(X|y|testX)$/,
  networks: /^[fg]_[Wba]$/,
  perturbations: /^(R|targets)$/,
  outputs: /^[fg]_(X|test)$/,
  theory: /^(direction|map_\w+)$/,
};

/** Of the arrays of experiments that share a network, those that this one asked for. */
function savedArrays(
  arrays: Readonly<Record<string, NamedArray>>,
  { save }: ExperimentConfig,
): ExperimentResult['arrays'] {
  return Object.fromEntries(Object.entries(arrays).filter(([name]) => save.some((item) => SAVED[item].test(name))));
}
