// All experiments on the same samples, stage by stage. Arrays are freed as soon as no later stage needs them: at most X,
// what g is trained on, and one panel copy are on the device together, and K while a training needs it.

import { STREAMS } from '../data/streams';
import type { Engine } from '../engine';
import type { GpuArray } from '../gpu/array';
import { Scope } from '../gpu/scope';
import { add } from '../kernels/data';
import { DivergenceError } from '../network/divergence';
import { type Evaluation, evaluate } from '../network/evaluate';
import { finiteOutputs } from '../network/finite';
import { type GramConstant, type GramMatrix, gramMatrix } from '../network/gram-matrix';
import type { Network, NetworkStreams } from '../network/network';
import { SampleGram } from '../network/sample-gram';
import { Panels, type Samples } from '../network/samples';
import type { TrainingOptions } from '../network/trainer';
import { perturb } from '../perturbation/perturb';
import type { PerturbationSpan } from '../perturbation/span';
import type { DecisionMap } from '../theory/map';
import type { Plane } from '../theory/plane';
import { testAgreement } from './agreement';
import { histories, outputs, type Stopwatch, takePictures, trainerReport } from './assemble';
import type { Checkpoints } from './checkpoint';
import { explainDivergence } from './divergence';
import { mapArrays } from './map-arrays';
import { type DataStage, type FirstEnd, type PerturbationStage, runsOf } from './plan';
import { fillSamples, makeTargets, type PreparedData, prepareData } from './prepare';
import type { RunInput, RunsOptions } from './run';
import type { Predictions } from './theory';
import { type Lengths, type Trained, trainTrajectories } from './trajectories';
import type { ExperimentConfig, ExperimentResult, NamedArray, Stage } from './types';
import { warmUp } from './warm-up';
import type { Watcher } from './watcher';

const F_STREAMS: NetworkStreams = { W: STREAMS.fW, b: STREAMS.fb, a: STREAMS.fa };
const G_STREAMS: NetworkStreams = { W: STREAMS.gW, b: STREAMS.gb, a: STREAMS.ga };

const extras = () => import('./extras');

/** Whether the configuration asks for anything of the theory. */
export const wantsTheory = ({ theory, save }: ExperimentConfig): boolean =>
  theory.cosine || theory.map !== false || save.includes('theory');

export type StageOptions = Omit<RunsOptions, 'readFile' | 'collect' | 'checkpoint'> &
  Required<Pick<RunsOptions, 'onResult'>> & { readonly checkpoints?: Checkpoints };

/** Runs every experiment of a data stage. */
export async function runDataStage(
  engine: Engine,
  stage: DataStage,
  inputs: readonly RunInput[],
  watch: Stopwatch,
  options: StageOptions,
): Promise<void> {
  using work = await DataWork.begin(engine, stage, inputs, watch, options);
  await work.trainFirst();
  for (const [k, trained] of work.firsts.entries()) await work.follow(trained, k === work.firsts.length - 1);
}

/** A network f, and the training and the length of it that it comes from. */
interface TrainedFirst {
  readonly end: FirstEnd;
  readonly trained: Trained;
}

/** What is kept of a network f while its perturbations are at work. */
interface First {
  readonly trained: Trained;
  readonly accuracy: number;
  readonly loss: number;
  readonly outputs?: Float32Array;
}

/** What is kept of a perturbation. */
interface Perturbed {
  readonly targets: GpuArray;
  readonly arrays: Record<string, NamedArray>;
  readonly pictures: ExperimentResult['samples'];
  readonly predictions: Predictions | undefined;
  readonly blocks: number;
}

class DataWork {
  /** Those that did not diverge. */
  firsts: readonly TrainedFirst[] = [];
  #plane: Plane | undefined;
  /** Perturbations still to come whose K is made from that of the samples. */
  #onto = 0;
  #watcher: Watcher | undefined;
  /** Of the samples; kept past the first trainings only for perturbed samples whose K is made from it. */
  readonly #kernel: SampleGram;

  private constructor(
    private readonly engine: Engine,
    private readonly stage: DataStage,
    private readonly inputs: readonly RunInput[],
    private readonly watch: Stopwatch,
    private readonly options: StageOptions,
    private readonly data: PreparedData,
    private readonly x: Samples,
    private readonly panels: Panels,
    private readonly scope: Scope,
  ) {
    const { layout } = this.#input(stage);
    const { gpu } = engine;
    this.#kernel = scope.use(new SampleGram((constant) => gramMatrix(gpu, panels, layout, options.signal, constant)));
  }

  static async begin(
    engine: Engine,
    stage: DataStage,
    inputs: readonly RunInput[],
    watch: Stopwatch,
    options: StageOptions,
  ): Promise<DataWork> {
    const { gpu } = engine;
    const runs = runsOf.data(stage);
    const { config, loaded, layout } = inputs[runs[0]!]!;
    gpu.resetPeak();
    const scope = new Scope();
    try {
      const data = await prepareData(gpu, config, loaded);
      scope.use(data.labels);
      const x = scope.use(await fillSamples(gpu, 'X', data.train, layout.words));
      const panels = scope.use(Panels.allocate(gpu, x.blocks, loaded.d));
      await panels.fill(gpu, x);
      const work = new DataWork(engine, stage, inputs, watch, options, data, x, panels, scope);
      const mapped = runs.map((run) => inputs[run]!.config).find(({ theory }) => theory.map !== false);
      if (mapped) work.#plane = await (await extras()).mapPlane(gpu, mapped, x, data.labels);
      if (options.watch) {
        const { Watcher } = await extras();
        work.#watcher = scope.use(await Watcher.create(gpu, layout, options.watch, data, x));
      }
      watch.lap('prepare', runs);
      for (const run of runs) await warmUp(engine, inputs[run]!.config, inputs[run]!.layout, loaded);
      watch.lap('warmUp', runs);
      return work;
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.scope.dispose();
  }

  /** The first experiment of a stage speaks for it. */
  #input(stage: DataStage): RunInput {
    return this.inputs[runsOf.data(stage)[0]!]!;
  }

  #progress(stage: Stage, run: number, config: ExperimentConfig): TrainingOptions['onEpoch'] {
    const { onProgress } = this.options;
    if (!onProgress) return undefined;
    if (stage !== 'standard' && stage !== 'learning') {
      onProgress({ stage, run });
      return undefined;
    }
    const { epochs } = config[stage];
    onProgress({ stage, run, epoch: 0, epochs });
    return (report) => onProgress({ stage, run, epochs, ...report });
  }

  /** Trains every f. */
  async trainFirst(): Promise<void> {
    const { engine, stage, inputs, x, panels, data, options, scope, watch } = this;
    const trajectories = stage.trainings.map((training) => {
      const [run] = runsOf.first(training);
      const { initF, layout } = inputs[run!]!;
      const lengths = training.ends.map(({ epochs }) => epochs);
      const config = inputs[runsOf.firstEnd(training.ends.at(-1)!)[0]!]!.config;
      const onEpoch = this.#progress('standard', run!, config);
      const common = {
        config,
        stage: 'standard',
        streams: F_STREAMS,
        init: initF,
        labels: data.labels,
        layout,
      } as const;
      const observation = this.#watcher?.standard(run!, config);
      return { ...common, lengths, ...(onEpoch ? { onEpoch } : {}), ...(observation ? { observation } : {}) };
    });
    const shared = {
      kernel: this.#kernel,
      ...(options.signal ? { signal: options.signal } : {}),
      ...(options.checkpoints ? { checkpoints: options.checkpoints } : {}),
    };
    const trained = await trainTrajectories(engine, { samples: x, panels }, trajectories, shared, scope);
    const ends = stage.trainings.flatMap((training, at) => training.ends.map((end) => ({ end, of: trained[at]! })));
    const firsts: TrainedFirst[] = [];
    for (const { end, of } of ends) {
      const made = await this.#unlessDiverged(of, end.epochs, runsOf.firstEnd(end));
      if (made) firsts.push({ end, trained: made });
    }
    this.firsts = firsts;
    this.#onto = firsts.reduce(
      (sum, { end, trained }) => sum + end.perturbations.filter((next) => this.#ontoSamples(next, trained)).length,
      0,
    );
    if (this.#onto === 0) this.#kernel.dispose();
    // Where f was restored rather than trained, K has still to be made, from panels that hold the samples: not later.
    for (const { end, trained: each } of firsts) {
      const [next] = end.perturbations.filter((stage) => this.#ontoSamples(stage, each));
      if (next) await (next.config.loss === 'logistic' ? this.#kernel.bare : this.#kernel).make();
    }
    watch.lap('standard', runsOf.data(stage));
  }

  /** Whether K of what g learns from is made from K of the samples: for l2 perturbations of a network that needed that. */
  #ontoSamples({ config }: PerturbationStage, { outcome }: Trained): boolean {
    const { kind, onData } = config.perturbation;
    return onData && kind === 'l2' && outcome.usedGram && 2 * config.network.width < this.x.d;
  }

  /** The network of a length; where it diverged, its experiments are told so. @throws DivergenceError with nobody to tell */
  async #unlessDiverged(lengths: Lengths, epochs: number, runs: readonly number[]): Promise<Trained | undefined> {
    const trained = lengths.get(epochs)!;
    if (!(trained instanceof DivergenceError)) return trained;
    await this.#diverged(trained, runs);
    return undefined;
  }

  async #diverged(error: DivergenceError, runs: readonly number[]): Promise<void> {
    const { onDivergence } = this.options;
    if (!onDivergence) throw error;
    for (const run of runs) await onDivergence(run, error);
  }

  /** What a network says of the samples in the panels; undefined, and its experiments told, where that is not finite. */
  async #evaluate(
    stage: 'standard' | 'learning',
    { network, outcome }: Trained,
    runs: readonly number[],
  ): Promise<Evaluation | undefined> {
    const { layout, config } = this.inputs[runs[0]!]!;
    const on = await evaluate(this.engine.gpu, network, this.panels, this.data.labels, layout, config.loss);
    if (await finiteOutputs(on.margin)) return on;
    on.margin.dispose();
    const lr = outcome.lr.at(-1) ?? config[stage].lr;
    const error = new DivergenceError({ epoch: config[stage].epochs, what: 'outputs', lr, firstLoss: outcome.loss[0] });
    await this.#diverged(explainDivergence(error, stage, config), runs);
    return undefined;
  }

  /** Everything that follows from one f. @param last nothing else needs the samples */
  async follow({ end, trained }: TrainedFirst, last: boolean): Promise<void> {
    const { data, watch, inputs } = this;
    const runs = runsOf.firstEnd(end);
    this.#progress('perturbation', runs[0]!, inputs[runs[0]!]!.config);
    const on = await this.#evaluate('standard', trained, runs);
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
      await this.#learn(next, first, last && k === end.perturbations.length - 1);
    }
  }

  /** Perturbs the samples, trains every g on that, and finishes their experiments. */
  async #learn(stage: PerturbationStage, first: First, last: boolean): Promise<void> {
    const { engine, inputs, panels, x, data, options, watch } = this;
    const { gpu } = engine;
    const { signal } = options;
    const runs = runsOf.perturbation(stage);
    const { layout, config } = inputs[runs[0]!]!;
    const { kind, onData } = config.perturbation;
    const scope = new Scope();
    try {
      const narrow = kind === 'l2' && (onData ? this.#ontoSamples(stage, first.trained) : config.network.width < x.d);
      const spans = narrow && config.trainer !== 'direct' ? await import('../perturbation/span') : undefined;
      const span = spans && scope.use(spans.PerturbationSpan.allocate(gpu, x.blocks, layout));
      if (onData && span) this.#onto--;
      const { r, perturbed } = await this.#perturb(stage, first, span, scope);
      const f = first.trained.network;
      const create = async (constant: GramConstant): Promise<GramMatrix> => {
        if (!span || !spans) return gramMatrix(gpu, panels, layout, signal, constant);
        if (!onData) return spans.spanGram(gpu, f, span, signal, constant);
        const before = constant === 1 ? this.#kernel : this.#kernel.bare;
        // K of the samples is changed in place where nothing needs it any more.
        const matrix = this.#onto === 0 ? await before.take() : await (await before.make()).copy(gpu);
        return spans.spanGramOnto(gpu, f, span, panels, matrix, signal);
      };
      const kernel = scope.use(new SampleGram(create));
      const trajectories = stage.trainings.map((training) => {
        const [run] = runsOf.second(training);
        const { initG } = inputs[run!]!;
        const lengths = training.ends.map(({ epochs }) => epochs);
        const { config } = inputs[training.ends.at(-1)!.runs[0]!]!;
        const onEpoch = this.#progress('learning', run!, config);
        const own = { config, stage: 'learning', streams: G_STREAMS, init: initG, labels: perturbed.targets } as const;
        const observation = this.#watcher?.learning(run!, config);
        const told = { ...(onEpoch ? { onEpoch } : {}), ...(observation ? { observation } : {}) };
        return { ...own, layout, lengths, ...told };
      });
      const { d } = x;
      const { width } = config.network;
      const inner = !span ? d : onData ? 2 * width : width;
      const { checkpoints } = options;
      const shared = { kernel, inner, ...(signal ? { signal } : {}), ...(checkpoints ? { checkpoints } : {}) };
      const second = await trainTrajectories(engine, { samples: r, panels }, trajectories, shared, scope);
      kernel.dispose();
      if (this.#onto === 0) this.#kernel.dispose();
      watch.lap('learning', runs);

      const ends: { readonly runs: readonly number[]; readonly trained: Trained }[] = [];
      for (const [k, training] of stage.trainings.entries()) {
        for (const { epochs, runs: of } of training.ends) {
          const trained = await this.#unlessDiverged(second[k]!, epochs, of);
          if (trained) ends.push({ runs: of, trained });
        }
      }
      const maps = new Map<Trained, DecisionMap>();
      const losses = new Map<Trained, number>();
      for (const { runs: of, trained } of ends) {
        const g = trained.network;
        const { config } = inputs[of[0]!]!;
        if (this.#plane && perturbed.predictions && config.theory.map !== false) {
          this.#progress('theory', of[0]!, config);
          const onPiece = this.#watcher?.pieces(of[0]!, config);
          const watched = { ...(signal ? { signal } : {}), ...(onPiece ? { onPiece } : {}) };
          const args = { predictions: perturbed.predictions, f, g, learned: r, panels, labels: data.labels, layout };
          maps.set(trained, await (await extras()).mapOf(gpu, config, this.#plane, args, watched));
          watch.lap('theory', of);
        }
        this.#progress('evaluation', of[0]!, config);
        losses.set(trained, trained.outcome.loss.at(-1) ?? (await this.#lossOf(g, perturbed.targets, of[0]!)));
        watch.lap('evaluation', of);
      }
      r.dispose();
      await panels.fill(gpu, x);
      for (const [k, { runs: of, trained }] of ends.entries()) {
        const final = last && k === ends.length - 1;
        await this.#finish(
          of,
          first,
          perturbed,
          trained,
          { map: maps.get(trained), loss: losses.get(trained)! },
          final,
        );
      }
    } finally {
      scope.dispose();
    }
  }

  /** Perturbations of every sample; the panels then hold what g is to learn from. */
  async #perturb(
    stage: PerturbationStage,
    first: First,
    span: PerturbationSpan | undefined,
    scope: Scope,
  ): Promise<{ r: Samples; perturbed: Perturbed }> {
    const { engine, inputs, panels, x, data, options, watch } = this;
    const { gpu } = engine;
    const runs = runsOf.perturbation(stage);
    const { layout, config, k, targets: given } = inputs[runs[0]!]!;
    const { kind, size, onData } = config.perturbation;
    const { n, d } = x;
    const targets = scope.use(await makeTargets(gpu, config, n, given));
    const spec = { kind, size, ...(k === undefined ? {} : { k }) };
    const r = scope.use(await perturb(gpu, first.trained.network, panels, targets, layout, spec, span));
    const pictures = data.image ? await takePictures(x, r, data.labels, targets) : undefined;
    const arrays: Record<string, NamedArray> = {};
    if (runs.some((run) => inputs[run]!.config.save.includes('perturbations'))) {
      arrays.R = { shape: [n, d], data: await r.read() };
      arrays.targets = { shape: [n], data: await targets.read() };
    }
    options.signal?.throwIfAborted();
    const { labels, image } = data;
    await this.#watcher?.perturbed(runs[0]!, first.trained.network, x, r, { labels, targets, image });
    watch.lap('perturbation', runs);
    let predictions: Predictions | undefined;
    if (wantsTheory(config)) {
      this.#progress('theory', runs[0]!, config);
      const { slope } = config.network;
      const problem = { samples: x, panels, labels: data.labels, slope };
      const plane = config.theory.map === false ? undefined : this.#plane;
      predictions = await (await extras()).predict(gpu, config, problem, r, plane, options.signal);
      if (predictions.cosine !== undefined) await this.#watcher?.theory(runs[0]!, predictions.cosine);
      if (predictions.direction) arrays.direction = { shape: [n, d], data: predictions.direction };
      watch.lap('theory', runs);
    }
    // Scenario b adds in place: from here on r is what g is trained on.
    if (onData) await addSamples(engine, x, r);
    await panels.fill(gpu, r);
    watch.lap('perturbation', runs);
    return { r, perturbed: { targets, arrays, pictures, predictions, blocks: r.blocks.length } };
  }

  async #lossOf(network: Network, labels: GpuArray, run: number): Promise<number> {
    const { layout, config } = this.inputs[run]!;
    const { margin, loss } = await evaluate(this.engine.gpu, network, this.panels, labels, layout, config.loss);
    margin.dispose();
    return loss;
  }

  /** The results of all experiments that end with this g. @param final frees the samples before the test points come */
  async #finish(
    runs: readonly number[],
    first: First,
    perturbed: Perturbed,
    second: Trained,
    { map, loss }: { readonly map: DecisionMap | undefined; readonly loss: number },
    final: boolean,
  ): Promise<void> {
    const { engine, inputs, panels, x, data, options, watch } = this;
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
    const clean = await this.#evaluate('learning', second, runs);
    if (!clean) return;
    if (keep.has('outputs')) {
      all.f_X = { shape: [n], data: first.outputs! };
      all.g_X = { shape: [n], data: await outputs(clean.margin, data.labels) };
    }
    clean.margin.dispose();
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

async function addSamples(engine: Engine, from: Samples, to: Samples): Promise<void> {
  const batch = engine.gpu.batch('scenario b');
  for (const [at, b] of to.arrays.entries()) {
    (await add(engine.gpu, { a: from.arrays[at]!, b, count: b.length }))(batch);
  }
  await batch.submit();
}
