// Training, by whichever trainer was asked for or is estimated to be cheaper; one network, or many over the same samples.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import {
  type Choice,
  chooseAtProbe,
  chooseStart,
  GRAM_MEMORY,
  gramBytes,
  gramObstacle,
  PROBES,
  REVIEWS,
  reviewGram,
  type TrainingShape,
} from './choose';
import { advanceDirect } from './direct';
import { DivergenceError } from './divergence';
import { weightsFault } from './finite';
import { advanceCounting } from './flips';
import type { GramJob } from './gram-identity';
import { gramLength } from './gram-matrix';
import type { Network } from './network';
import { gramTrainers, type LazyGram, sampleGram } from './sample-gram';
import type { Observation, TrainingHistory, TrainingOptions, TrainingProblem } from './trainer';
import { TrainingRun } from './training-run';
import { type ChoiceState, captureRun, restoreRun, type StateKeeper, type TrainingState } from './training-state';

export type Trainer = 'auto' | 'direct' | 'gram';

export interface TrainingOutcome extends TrainingHistory {
  /** The trainer of the last epoch. */
  readonly chosen: 'direct' | 'gram';
  readonly reason: string;
  /** Whether K was needed. */
  readonly usedGram: boolean;
  /** Of {@link trainAll}: where it left the finite numbers. The history ends there, and the network means nothing. */
  readonly diverged?: DivergenceError;
}

/** One of several trainings over the same samples. */
export interface TrainingTask {
  readonly problem: TrainingProblem;
  readonly wanted: Trainer;
  /**
   * Snapshots are taken where a training of so many epochs would have gone the same way; under `auto` it may not, and then
   * {@link onSplit} is told in their stead.
   */
  readonly options?: Omit<TrainingOptions, 'signal'>;
  /** Of a snapshot: why the trainer was chosen, told just before it. */
  readonly onReason?: (epoch: number, outcome: Pick<TrainingOutcome, 'chosen' | 'reason' | 'usedGram'>) => void;
  readonly onSplit?: (epoch: number) => void;
  readonly observation?: Observation;
}

export interface TrainOptions {
  readonly signal?: AbortSignal;
  /** K of the samples, if it is shared beyond this call; else it is made when needed, and disposed. */
  readonly kernel?: LazyGram;
  /** Bytes that `auto` lets Gram training take. */
  readonly memoryLimit?: number;
  /** Of a training that is alone: keeps its states, and the state from which it goes on. */
  readonly keeper?: StateKeeper;
  readonly resume?: TrainingState;
  /** Multiply-adds that an entry of that K takes (default: the inputs of a sample). */
  readonly inner?: number;
}

/** The numbers of a problem that the choice depends on. */
export function trainingShape(problem: TrainingProblem): TrainingShape {
  const { samples, network, epochs, loss, momentum, precision = 'f32', layout } = problem;
  return { n: samples.n, d: samples.d, m: network.m, epochs, loss, momentum, precision, layout };
}

/**
 * Trains `problem.network` in place. `auto` falls back to direct, and says why in the outcome.
 * @throws RangeError when `gram` is asked for and not possible ({@link gramObstacle}); DivergenceError when loss or weights
 * leave the finite numbers; the signal's reason when aborted; GpuError when the device fails
 */
export async function train(
  gpu: Gpu,
  problem: TrainingProblem,
  wanted: Trainer,
  options: TrainingOptions & TrainOptions = {},
): Promise<TrainingOutcome> {
  const { signal, kernel, memoryLimit, inner, ...rest } = options;
  const shared = {
    ...(signal ? { signal } : {}),
    ...(kernel ? { kernel } : {}),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    ...(inner === undefined ? {} : { inner }),
  };
  const [outcome] = await trainAll(gpu, [{ problem, wanted, options: rest }], shared);
  if (outcome!.diverged) throw outcome!.diverged;
  return outcome!;
}

/**
 * Trains several networks over the same samples, those in Gram space under the identity loss side by side; every result is
 * that of training it alone, to the bit. One that diverges ends there, its outcome marked; the others go on.
 * @throws RangeError when their samples are not the same arrays, or as {@link train}
 */
export async function trainAll(
  gpu: Gpu,
  tasks: readonly TrainingTask[],
  options: TrainOptions = {},
): Promise<TrainingOutcome[]> {
  const { signal } = options;
  if (tasks.length === 0) return [];
  const { panels, layout } = tasks[0]!.problem;
  if (tasks.some(({ problem }) => problem.panels !== panels)) {
    throw new RangeError('trainings side by side must share their samples');
  }
  if ((options.keeper || options.resume) && tasks.length > 1) {
    throw new RangeError('states are kept of a training that is alone');
  }
  const scope = new Scope();
  try {
    const kernel = options.kernel ?? scope.use(sampleGram(gpu, panels, { layout, signal }));
    const trainings = tasks.map((task) => scope.use(new Training(gpu, task, kernel, options)));
    for (const training of trainings) await training.start();
    const inGram = trainings.filter(({ job }) => job !== undefined);
    for (const some of batches(gpu, inGram, options.memoryLimit)) {
      const { advanceGramIdentity } = await gramTrainers();
      await advanceGramIdentity(
        gpu,
        some.map(({ job }) => job!),
        kernel,
        signal,
      );
    }
    for (const training of inGram) training.leftGram();
    for (const training of trainings) await training.finish();
    return trainings.map(({ outcome }) => outcome);
  } finally {
    scope.dispose();
  }
}

/** Trainings whose states are on the device together: as many as the memory limit holds beside K, one at least. */
function batches(gpu: Gpu, trainings: readonly Training[], limit = GRAM_MEMORY): Training[][] {
  const all: Training[][] = [];
  let left = -1;
  for (const training of trainings) {
    const shape = trainingShape(training.run.problem);
    const kernel = 4 * gramLength(shape.n);
    const state = gramBytes(gpu, shape) - kernel;
    if (left < state) {
      all.push([]);
      left = limit - kernel;
    }
    all.at(-1)!.push(training);
    left -= state;
  }
  return all;
}

class Training {
  readonly run: TrainingRun;
  /** What it does in Gram space, if it goes there. */
  job: GramJob | undefined;
  readonly #shape: TrainingShape;
  /** Why the trainer was chosen, for each snapshot still to be taken. */
  readonly #snapshots: Map<number, string>;
  readonly #options: TrainingOptions;
  #chosen: 'direct' | 'gram' = 'direct';
  #reason = 'asked for';
  #flips = 0;
  #without = false;
  #inGram = false;
  #phase: ChoiceState['phase'] = 'direct';
  /** At the last review. */
  #last = { epoch: 0, flips: 0, events: 0 };

  constructor(
    private readonly gpu: Gpu,
    private readonly task: TrainingTask,
    private readonly kernel: LazyGram,
    private readonly shared: TrainOptions,
  ) {
    const { problem, options = {} } = task;
    const { keeper, resume } = shared;
    this.run = new TrainingRun(gpu, problem);
    if (resume) this.#restore(resume);
    this.#shape = { ...trainingShape(problem), ...(shared.inner === undefined ? {} : { inner: shared.inner }) };
    this.#snapshots = new Map((options.snapshots ?? []).map((epoch) => [epoch, this.#reason]));
    this.#options = {
      ...options,
      ...(shared.signal ? { signal: shared.signal } : {}),
      onSnapshot: (epoch, network) => this.#snapshot(epoch, network),
      ...(keeper
        ? {
            keeper: {
              due: () => keeper.due(),
              keep: async (place) => keeper.keep(await captureRun(this.run, await place(), this.#choiceState)),
            },
          }
        : {}),
      ...(resume && this.#phase === 'gram'
        ? { place: { arrays: resume.arrays, ...(resume.facts.identity ? { identity: resume.facts.identity } : {}) } }
        : {}),
    };
  }

  #restore(state: TrainingState): void {
    const { phase, chosen, reason, flips, without, last } = state.facts.choice;
    restoreRun(this.run, state);
    this.#phase = phase;
    this.#chosen = chosen;
    this.#reason = reason;
    this.#flips = flips;
    this.#without = !!without;
    this.#last = { ...last };
  }

  get #choiceState(): ChoiceState {
    return {
      phase: this.#phase,
      chosen: this.#chosen,
      reason: this.#reason,
      flips: this.#flips,
      without: this.#without,
      last: this.#last,
    };
  }

  async #snapshot(epoch: number, network: Network): Promise<void> {
    const { observation, options, onReason } = this.task;
    const wanted = this.#snapshots.has(epoch);
    try {
      if (await weightsFault(this.gpu, network, this.#shape.precision)) return network.dispose();
      if (observation?.epochs.includes(epoch)) await observation.onNetwork(epoch, this.run.history, network);
    } catch (error) {
      network.dispose();
      throw error;
    }
    if (!wanted) {
      network.dispose();
      return;
    }
    onReason?.(epoch, this.#choice(this.#snapshots.get(epoch)));
    await options?.onSnapshot?.(epoch, network);
  }

  get outcome(): TrainingOutcome {
    const { history, diverged } = this.run;
    return { ...history, ...this.#choice(), ...(diverged ? { diverged } : {}) };
  }

  #choice(why = this.#reason): Pick<TrainingOutcome, 'chosen' | 'reason' | 'usedGram'> {
    const flips = this.#flips;
    const without = this.#without;
    const reason = flips ? `${why}; ${flips} flips${without ? ', without X X^T' : ''}` : why;
    const usedGram = this.#shape.loss === 'logistic' ? this.#inGram : !without && flips > 0;
    return { chosen: this.#chosen, reason, usedGram };
  }

  /** Up to where it enters Gram space, or to the end. */
  async start(): Promise<void> {
    const { gpu, task, run } = this;
    const { wanted } = task;
    const resumed = this.shared.resume !== undefined;
    if (resumed && this.#phase === 'gram') return this.#enter();
    if (resumed && this.#phase === 'direct') return;
    if (wanted === 'gram') {
      const obstacle = gramObstacle(gpu, this.#shape);
      if (obstacle) throw new RangeError(obstacle);
      return this.#enter();
    }
    if (wanted === 'direct') return;
    const { memoryLimit } = this.shared;
    let choice: Choice = resumed
      ? { trainer: 'probe', reason: this.#reason }
      : this.#decide((shape) => chooseStart(gpu, shape, memoryLimit));
    for (const probe of PROBES) {
      if (probe <= run.epoch) continue;
      if (choice.trainer !== 'probe' || probe >= this.#shape.epochs || run.diverged) break;
      this.#phase = 'probe';
      await advanceDirect(gpu, run, probe - 1, this.#withSnapshots());
      // A state kept between the two counts would lack the first.
      const { keeper: _, ...uncounted } = this.#withSnapshots();
      const flips = await advanceCounting(gpu, run, uncounted);
      if (run.diverged) return;
      choice = this.#decide((shape) => chooseAtProbe(gpu, shape, probe, flips));
    }
    this.#phase = 'direct';
    if (choice.trainer === 'gram') {
      this.#last = { epoch: run.epoch, flips: 0, events: 0 };
      await this.#enter();
    }
  }

  /** Decides for the whole training, and splits off the snapshots whose own training would decide otherwise. */
  #decide<T extends { readonly reason: string }>(
    choose: (shape: TrainingShape) => T,
    isReason: (choice: T) => boolean = () => true,
  ): T {
    const choice = choose(this.#shape);
    const way = ({ reason: _, ...rest }: T) => JSON.stringify(rest);
    for (const epoch of [...this.#snapshots.keys()]) {
      if (epoch <= this.run.epoch) continue;
      const own = choose({ ...this.#shape, epochs: epoch });
      if (way(own) !== way(choice)) {
        this.#snapshots.delete(epoch);
        this.task.onSplit?.(epoch);
      } else if (isReason(own)) {
        this.#snapshots.set(epoch, own.reason);
      }
    }
    if (isReason(choice)) this.#reason = choice.reason;
    return choice;
  }

  #withSnapshots(): TrainingOptions {
    const epochs = new Set([...this.#snapshots.keys(), ...(this.task.observation?.epochs ?? [])]);
    return { ...this.#options, snapshots: [...epochs].sort((a, b) => a - b) };
  }

  async #enter(): Promise<void> {
    const { gpu, run, kernel } = this;
    this.#chosen = 'gram';
    this.#inGram = true;
    this.#phase = 'gram';
    if (this.#shape.loss === 'logistic') {
      if (run.problem.epochs === 0) return;
      const { trainGramLogistic } = await gramTrainers();
      return trainGramLogistic(gpu, run, await kernel.bare.make(), this.#withSnapshots());
    }
    const reviews = this.task.wanted === 'auto' ? REVIEWS.filter((epoch) => epoch > run.epoch) : [];
    const snapshots = () => this.#withSnapshots();
    this.job = {
      run,
      // Asked for anew each time: a review may have split snapshots off.
      get options() {
        return snapshots();
      },
      reviews,
      inner: this.#shape.inner,
      onCount: ({ flips }, without) => {
        this.#flips = flips;
        this.#without = without;
      },
      goOn: (epoch, { flips, events }) => {
        const { epoch: from, flips: flipsThen, events: eventsThen } = this.#last;
        const since = { epochs: epoch - from, flips: flips - flipsThen, events: events - eventsThen };
        this.#last = { epoch, flips, events };
        // The first reason stands as long as the choice does.
        const review = (shape: TrainingShape) => reviewGram(gpu, shape, epoch, since);
        return this.#decide(review, ({ stay }) => !stay).stay;
      },
    };
  }

  leftGram(): void {
    const { run } = this;
    if (!run.goesOn) return;
    this.#chosen = 'direct';
    this.#phase = 'direct';
  }

  /** Directly, whatever is left; then a look at the weights, which a loss may hide. */
  async finish(): Promise<void> {
    const { gpu, run } = this;
    if (run.goesOn) await advanceDirect(gpu, run, run.problem.epochs, this.#withSnapshots());
    const { network, epochs } = run.problem;
    if (run.diverged || epochs === 0) return;
    const what = await weightsFault(gpu, network, this.#shape.precision);
    if (!what) return;
    run.diverged = new DivergenceError({ epoch: epochs, what, lr: run.lr[epochs - 1]!, firstLoss: run.loss[0] });
  }

  dispose(): void {
    this.run.dispose();
  }
}
