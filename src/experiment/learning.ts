// From one network f to the results: its perturbations of the samples, every g that learns from them, and the end.

import { STREAMS } from '../data/streams';
import type { Engine } from '../engine';
import type { GpuArray } from '../gpu/array';
import { lazy } from '../gpu/lazy';
import { Scope } from '../gpu/scope';
import { add } from '../kernels/data';
import { evaluate } from '../network/evaluate';
import { finiteSamples } from '../network/finite';
import type { GramConstant, GramMatrix } from '../network/gram-matrix';
import type { NetworkStreams } from '../network/network';
import { SampleGram, sampleGram } from '../network/sample-gram';
import type { Samples } from '../network/samples';
import { perturb } from '../perturbation/perturb';
import type { PerturbationSpan } from '../perturbation/span';
import type { DecisionMap } from '../theory/map';
import { takePictures } from './assemble';
import { finish, type Perturbed, type Second } from './finish';
import { type PerturbationStage, runsOf } from './plan';
import { makeTargets } from './prepare';
import {
  extras,
  type First,
  ontoSamples,
  type StageWork,
  spanPays,
  tellFault,
  tellStage,
  unlessDiverged,
} from './stage-work';
import type { Predictions } from './theory';
import { type Trained, trainTrajectories } from './trajectories';
import type { ExperimentConfig, NamedArray } from './types';

const spanGrams = lazy(() => import('../perturbation/span'));

const G_STREAMS: NetworkStreams = { W: STREAMS.gW, b: STREAMS.gb, a: STREAMS.ga };

/** A network g and the experiments that end with it. */
interface SecondEnd {
  readonly runs: readonly number[];
  readonly trained: Trained;
}

/** Whether the configuration asks for anything of the theory. */
const wantsTheory = ({ theory, save }: ExperimentConfig): boolean =>
  theory.cosine || theory.map !== false || save.includes('theory');

/**
 * Perturbs the samples, trains every g on that, and finishes their experiments. The panels must hold the samples, and do
 * so again afterwards.
 * @param last nothing else needs the samples
 */
export async function learn(work: StageWork, stage: PerturbationStage, first: First, last: boolean): Promise<void> {
  const { engine, inputs, panels, x } = work;
  const { gpu } = engine;
  const runs = runsOf.perturbation(stage);
  const { layout, config } = inputs[runs[0]!]!;
  const { onData } = config.perturbation;
  const { signal } = work.options;
  const scope = new Scope();
  try {
    const narrow = onData ? ontoSamples(work, stage, first.trained) : spanPays(gpu, config, x.d);
    const spans = narrow && config.trainer !== 'direct' ? await spanGrams() : undefined;
    const span = spans && scope.use(spans.PerturbationSpan.allocate(gpu, x.blocks, layout));
    if (onData && span) work.onto--;
    const made = await perturbSamples(work, stage, first, span, scope);
    if (!made) return;
    const { r, perturbed } = made;
    // Nothing of perturbations is background, but where the samples have one the product with X is compiled to leave it out.
    const blank = async () => (await work.kernel.background?.()) && new Float32Array(x.d);
    const kernel = scope.use(
      span && spans
        ? new SampleGram((constant) => perturbedGram(work, stage, first, span, spans, constant), 1, blank)
        : sampleGram(
            gpu,
            panels,
            { layout, signal },
            async (constant) => ({ spare: spareGram(work, constant) }),
            blank,
          ),
    );
    const inner = !span ? x.d : onData ? 2 * config.network.width : config.network.width;
    const ends = await trainSecond(work, stage, { r, targets: perturbed.targets, kernel, inner }, scope);
    const seconds = [];
    for (const end of ends) {
      const more = await beforeSamples(work, end, first, perturbed, r);
      if (more) seconds.push({ ...end, ...more });
    }
    r.dispose();
    await panels.fill(gpu, x);
    for (const [k, { runs: of, ...second }] of seconds.entries()) {
      await finish(work, of, first, perturbed, second, last && k === seconds.length - 1);
    }
  } finally {
    scope.dispose();
  }
}

/** Memory of K of the samples, where nothing needs that any more. */
function spareGram({ kernel, onto }: StageWork, constant: GramConstant): GramMatrix | undefined {
  if (onto > 0) return undefined;
  const spare = (constant === 1 ? kernel : kernel.bare).give();
  kernel.dispose();
  return spare;
}

/** K of what g learns from, by what f's span knows of it. */
async function perturbedGram(
  work: StageWork,
  stage: PerturbationStage,
  { trained }: First,
  span: PerturbationSpan,
  spans: typeof import('../perturbation/span'),
  constant: GramConstant,
): Promise<GramMatrix> {
  const { engine, panels, kernel, options } = work;
  const { gpu } = engine;
  const f = trained.network;
  if (!stage.config.perturbation.onData)
    return spans.spanGram(gpu, f, span, options.signal, constant, spareGram(work, constant));
  const before = constant === 1 ? kernel : kernel.bare;
  // K of the samples is changed in place where nothing needs it any more.
  const matrix = work.onto === 0 ? await before.take() : await (await before.make()).copy(gpu);
  return spans.spanGramOnto(gpu, f, span, panels, matrix, options.signal);
}

/** Trains every g; those that diverged are told, not given back. The panels must hold what they learn from. */
async function trainSecond(
  work: StageWork,
  stage: PerturbationStage,
  from: { readonly r: Samples; readonly targets: GpuArray; readonly kernel: SampleGram; readonly inner: number },
  scope: Scope,
): Promise<SecondEnd[]> {
  const { engine, inputs, panels, options, watch, watcher } = work;
  const { signal, checkpoints } = options;
  const { r, targets: labels, kernel, inner } = from;
  const runs = runsOf.perturbation(stage);
  const { layout } = inputs[runs[0]!]!;
  const trajectories = stage.trainings.map((training) => {
    const [run] = runsOf.second(training);
    const { initG: init } = inputs[run!]!;
    const lengths = training.ends.map(({ epochs }) => epochs);
    const { config } = inputs[training.ends.at(-1)!.runs[0]!]!;
    const onEpoch = tellStage(work, 'learning', run!, config);
    const observation = watcher?.learning(run!, config);
    const told = { ...(onEpoch ? { onEpoch } : {}), ...(observation ? { observation } : {}) };
    return { config, stage: 'learning', streams: G_STREAMS, init, labels, layout, lengths, ...told } as const;
  });
  const shared = { kernel, inner, ...(signal ? { signal } : {}), ...(checkpoints ? { checkpoints } : {}) };
  const trained = await trainTrajectories(engine, { samples: r, panels }, trajectories, shared, scope);
  kernel.dispose();
  if (work.onto === 0) work.kernel.dispose();
  watch.lap('learning', runs);
  const ends: SecondEnd[] = [];
  for (const [k, training] of stage.trainings.entries()) {
    for (const { epochs, runs: of } of training.ends) {
      const made = await unlessDiverged(work, trained[k]!, epochs, of);
      if (made) ends.push({ runs: of, trained: made });
    }
  }
  return ends;
}

/**
 * What is made of a g while the panels still hold what it learned from: the decision map, and its loss. Undefined, and its
 * experiments told, where that is not finite.
 */
async function beforeSamples(
  work: StageWork,
  { runs, trained }: SecondEnd,
  first: First,
  { predictions, targets }: Perturbed,
  learned: Samples,
): Promise<Omit<Second, 'trained'> | undefined> {
  const { engine, inputs, panels, data, options, plane, watch } = work;
  const { gpu } = engine;
  const { config, layout } = inputs[runs[0]!]!;
  const g = trained.network;
  let map: DecisionMap | undefined;
  if (plane && predictions && config.theory.map !== false) {
    tellStage(work, 'theory', runs[0]!, config);
    const args = { predictions, f: first.trained.network, g, learned, panels, labels: data.labels, layout };
    const { signal } = options;
    const onPiece = work.watcher?.pieces(runs[0]!, config);
    const watched = { ...(signal ? { signal } : {}), ...(onPiece ? { onPiece } : {}) };
    map = await (await extras()).mapOf(gpu, inputs[runs[0]!]!, plane, args, watched);
    watch.lap('theory', runs);
  }
  tellStage(work, 'evaluation', runs[0]!, config);
  let loss = trained.outcome.loss.at(-1);
  if (loss === undefined) {
    const on = await evaluate(gpu, g, panels, targets, layout, config.loss);
    on.margin.dispose();
    loss = on.loss;
  }
  watch.lap('evaluation', runs);
  if (!Number.isFinite(loss)) {
    await tellFault(work, 'learning', 'loss', trained.outcome, runs);
    return undefined;
  }
  return { map, loss };
}

/**
 * Perturbations of every sample; the panels then hold what g is to learn from. Undefined, and the experiments told, where
 * they are not finite.
 */
async function perturbSamples(
  work: StageWork,
  stage: PerturbationStage,
  first: First,
  span: PerturbationSpan | undefined,
  scope: Scope,
): Promise<{ r: Samples; perturbed: Perturbed } | undefined> {
  const { engine, inputs, panels, x, data, options, watch, watcher } = work;
  const { gpu } = engine;
  const runs = runsOf.perturbation(stage);
  const { layout, config, k, targets: given } = inputs[runs[0]!]!;
  const { kind, size, onData } = config.perturbation;
  const { n, d } = x;
  const targets = scope.use(await makeTargets(gpu, config, n, given));
  const spec = { kind, size, ...(k === undefined ? {} : { k }) };
  const r = scope.use(await perturb(gpu, first.trained.network, panels, targets, layout, spec, span));
  if (!(await finiteSamples(gpu, r))) {
    await tellFault(work, 'standard', 'perturbations', first.trained.outcome, runs);
    return undefined;
  }
  const pictures = data.image ? await takePictures(x, r, data.labels, targets) : undefined;
  const arrays: Record<string, NamedArray> = {};
  if (runs.some((run) => inputs[run]!.config.save.includes('perturbations'))) {
    arrays.R = { shape: [n, d], data: await r.read() };
    arrays.targets = { shape: [n], data: await targets.read() };
  }
  options.signal?.throwIfAborted();
  const { labels, image } = data;
  await watcher?.perturbed(runs[0]!, first.trained.network, x, r, { labels, targets, image });
  watch.lap('perturbation', runs);
  let predictions: Predictions | undefined;
  if (wantsTheory(config)) {
    tellStage(work, 'theory', runs[0]!, config);
    const { slope } = config.network;
    const problem = { samples: x, panels, labels: data.labels, slope };
    const plane = config.theory.map === false ? undefined : work.plane;
    predictions = await (await extras()).predict(gpu, inputs[runs[0]!]!, problem, r, plane, options.signal);
    if (predictions.cosine !== undefined) await watcher?.theory(runs[0]!, predictions.cosine);
    if (predictions.direction) arrays.direction = { shape: [n, d], data: predictions.direction };
    watch.lap('theory', runs);
  }
  // Scenario b adds in place: from here on r is what g is trained on.
  if (onData) await addSamples(engine, x, r);
  await panels.fill(gpu, r);
  watch.lap('perturbation', runs);
  return { r, perturbed: { targets, arrays, pictures, predictions, blocks: r.blocks.length } };
}

async function addSamples(engine: Engine, from: Samples, to: Samples): Promise<void> {
  const batch = engine.gpu.batch('scenario b');
  for (const [at, b] of to.arrays.entries()) {
    (await add(engine.gpu, { a: from.arrays[at]!, b, count: b.length }))(batch);
  }
  await batch.submit();
}
