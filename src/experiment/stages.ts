// All experiments on the same samples, stage by stage. Arrays are freed as soon as no later stage needs them: at most X,
// what g is trained on, and one panel copy are on the device together, and K, or its memory for the next one, while a training needs it.

import { STREAMS } from '../data/streams';
import type { Engine } from '../engine';
import { lazy } from '../gpu/lazy';
import { Scope } from '../gpu/scope';
import type { NetworkStreams } from '../network/network';
import { gramTrainers, sampleGram } from '../network/sample-gram';
import { Panels } from '../network/samples';
import { outputs, type Stopwatch } from './assemble';
import { learn } from './learning';
import { type DataStage, type FirstEnd, runsOf } from './plan';
import { fillSamples, prepareData } from './prepare';
import type { RunInput } from './run';
import {
  evaluateFinite,
  extras,
  type First,
  ontoSamples,
  type StageOptions,
  type StageWork,
  tellStage,
  unlessDiverged,
} from './stage-work';
import { type Trained, trainTrajectories } from './trajectories';
import { startOf, warmUp } from './warm-up';

const F_STREAMS: NetworkStreams = { W: STREAMS.fW, b: STREAMS.fb, a: STREAMS.fa };

/** A network f, and the training and the length of it that it comes from. */
interface FirstEndTrained {
  readonly end: FirstEnd;
  readonly trained: Trained;
}

/** Runs every experiment of a data stage. */
export async function runDataStage(
  engine: Engine,
  stage: DataStage,
  inputs: readonly RunInput[],
  watch: Stopwatch,
  options: StageOptions,
): Promise<void> {
  const scope = new Scope();
  try {
    const work = await prepare(engine, stage, inputs, watch, options, scope);
    const firsts = await trainFirst(work, stage, scope);
    for (const [k, first] of firsts.entries()) await follow(work, first, k === firsts.length - 1);
  } finally {
    scope.dispose();
  }
}

/** The samples on the device, and the kernels compiled; what is there belongs to `scope`. */
async function prepare(
  engine: Engine,
  stage: DataStage,
  inputs: readonly RunInput[],
  watch: Stopwatch,
  options: StageOptions,
  scope: Scope,
): Promise<StageWork> {
  const { gpu } = engine;
  const { signal } = options;
  const runs = runsOf.data(stage);
  // The first experiment of a stage speaks for it.
  const { config, loaded, layout } = inputs[runs[0]!]!;
  gpu.resetPeak();
  const data = await prepareData(gpu, config, loaded);
  scope.use(data.labels);
  const x = scope.use(await fillSamples(gpu, 'X', data.train, layout.words));
  const panels = scope.use(Panels.allocate(gpu, x.blocks, loaded.d));
  await panels.fill(gpu, x);
  // Looked for where Gram space is entered, once.
  const background = lazy(async () => (await gramTrainers()).findBackground(gpu, panels, layout));
  const kernel = scope.use(
    sampleGram(gpu, panels, { layout, signal }, async () => ({ background: await background() }), background),
  );
  const mapped = runs.map((run) => inputs[run]!.config).find(({ theory }) => theory.map !== false);
  const plane = mapped && (await (await extras()).mapPlane(gpu, mapped, x, data.labels));
  const watcher =
    options.watch && scope.use(await (await extras()).Watcher.create(gpu, layout, options.watch, data, x));
  watch.lap('prepare', runs);
  const { d } = loaded;
  for (const run of runs) await warmUp(engine, inputs[run]!.config, inputs[run]!.layout, { n: x.n, d, background });
  watch.lap('warmUp', runs);
  return { engine, inputs, watch, options, data, x, panels, kernel, onto: 0, plane, watcher };
}

/** Trains every f. The networks belong to `scope`; those that diverged are told, not given back. */
async function trainFirst(work: StageWork, stage: DataStage, scope: Scope): Promise<FirstEndTrained[]> {
  const { engine, inputs, x, panels, data, kernel, options, watch, watcher } = work;
  const { signal, checkpoints } = options;
  const trajectories = stage.trainings.map((training) => {
    const [run] = runsOf.first(training);
    const { initF: init, layout } = inputs[run!]!;
    const lengths = training.ends.map(({ epochs }) => epochs);
    const { config } = inputs[runsOf.firstEnd(training.ends.at(-1)!)[0]!]!;
    const onEpoch = tellStage(work, 'standard', run!, config);
    const observation = watcher?.standard(run!, config);
    const told = { ...(onEpoch ? { onEpoch } : {}), ...(observation ? { observation } : {}) };
    const { labels } = data;
    return { config, stage: 'standard', streams: F_STREAMS, init, labels, layout, lengths, ...told } as const;
  });
  const shared = { kernel, ...(signal ? { signal } : {}), ...(checkpoints ? { checkpoints } : {}) };
  const trained = await trainTrajectories(engine, { samples: x, panels }, trajectories, shared, scope);
  const firsts: FirstEndTrained[] = [];
  for (const [at, training] of stage.trainings.entries()) {
    for (const end of training.ends) {
      const made = await unlessDiverged(work, trained[at]!, end.epochs, runsOf.firstEnd(end));
      if (made) firsts.push({ end, trained: made });
    }
  }
  for (const { end, trained: f } of firsts) {
    const [next, ...more] = end.perturbations.filter((stage) => ontoSamples(work, stage, f));
    if (!next) continue;
    work.onto += 1 + more.length;
    // Where f was restored rather than trained, K has still to be made, from panels that hold the samples: not later.
    await (next.config.loss === 'logistic' ? kernel.bare : kernel).make();
  }
  // Where the g that come next go straight to Gram space, their K takes the memory over.
  const next = firsts[0]?.end.perturbations[0];
  const again = next && runsOf.perturbation(next).some((run) => beginsInGram(work, run));
  if (work.onto === 0 && !again) kernel.dispose();
  if (work.onto === 0 && again) (next.config.loss === 'logistic' ? kernel.give() : kernel.bare)?.dispose();
  watch.lap('standard', runsOf.data(stage));
  return firsts;
}

/** Whether g of an experiment begins in Gram space. */
function beginsInGram({ engine, inputs, x: { n, d } }: StageWork, run: number): boolean {
  const { config, layout } = inputs[run]!;
  return config.learning.epochs > 0 && startOf(engine, config, 'learning', { n, d, layout }) === 'gram';
}

/** Everything that follows from one f. @param last nothing else needs the samples */
async function follow(work: StageWork, { end, trained }: FirstEndTrained, last: boolean): Promise<void> {
  const { inputs, data, watch } = work;
  const runs = runsOf.firstEnd(end);
  tellStage(work, 'perturbation', runs[0]!, inputs[runs[0]!]!.config);
  const on = await evaluateFinite(work, 'standard', trained, runs);
  if (!on) return;
  using margin = on.margin;
  const keep = runs.some((run) => inputs[run]!.config.save.includes('outputs'));
  const first: First = {
    trained,
    accuracy: on.accuracy,
    loss: on.loss,
    ...(keep ? { outputs: await outputs(margin, data.labels) } : {}),
  };
  margin.dispose();
  watch.lap('perturbation', runs);
  for (const [k, next] of end.perturbations.entries()) {
    await learn(work, next, first, last && k === end.perturbations.length - 1);
  }
}
