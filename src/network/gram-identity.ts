// Training in Gram space under the identity loss (design.md): exact, and a handful of dispatches for a whole run or a
// whole grid of runs.
//
// Training sees the samples only through K = X X^T + 1. Neurons do not interact, so each is trained by itself, from flip
// to flip of its derivative bits, whatever other trainings over the same samples run beside. The plateau schedule is the
// only coupling: a chunk of epochs runs speculatively with one learning rate, the schedule is replayed on the summed
// losses, and when it would have dropped inside the chunk, the chunk's start is restored and run up to that epoch.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import type { CrowdPlan } from './costs';
import { Crowds, crowdPlan, nextLook } from './crowds';
import { type FlipCount, GramCalls, type Order, type Trained, total } from './gram-calls';
import { enterGram } from './gram-enter';
import { type NeuronGroup, planGroups } from './gram-groups';
import { type Departure, leaveGram } from './gram-leave';
import { PLANE } from './gram-size';
import { PlateauReplay } from './plateau';
import type { LazyGram } from './sample-gram';
import { CPU_CHUNK_SECONDS, SUBMIT_SECONDS } from './submit-time';
import type { TrainingOptions } from './trainer';
import type { TrainingRun } from './training-run';
import { fillFrom, readAll, StateMismatchError, type TrainerPlace } from './training-state';

/** Epochs of the first chunk, before any has been timed. */
const FIRST_CHUNK = 16;
/** The same where each may have a product with X for every neuron. */
const FIRST_CHUNK_THROUGH = 2;

/** One training; all that run together share their samples, labels may differ. */
export interface GramJob {
  readonly run: TrainingRun;
  readonly options?: Omit<TrainingOptions, 'signal'>;
  /** Told before every snapshot, at every review and at the end. @param without whether all flips have gone through X */
  onCount?(count: FlipCount, without: boolean): void;
  /** Multiply-adds that an entry of K takes (default: the inputs of a sample). */
  readonly inner?: number | undefined;
  /** Epochs after which {@link goOn} is asked. */
  readonly reviews?: readonly number[];
  /** Whether to go on in Gram space; if not, the training leaves it there, its weights and velocity up to date. */
  goOn?(epoch: number, count: FlipCount): boolean;
}

/** Takes every training from where it stands to its last epoch, or to the review at which it gives up. */
export async function advanceGramIdentity(
  gpu: Gpu,
  jobs: readonly GramJob[],
  kernel: LazyGram,
  signal?: AbortSignal,
): Promise<FlipCount[]> {
  signal?.throwIfAborted();
  const counts = new Map<GramJob, FlipCount>();
  const going = jobs.filter(({ run }) => run.goesOn);
  if (going.length > 0) {
    using training = await GramTraining.enter(gpu, going, kernel, signal);
    while (await training.chunk()) signal?.throwIfAborted();
    for (const { job, count } of training.actives) counts.set(job, count);
  }
  return jobs.map((job) => counts.get(job) ?? { flips: 0, events: 0 });
}

/** A training inside Gram space. */
interface Active extends Trained {
  readonly job: GramJob;
  /** The epoch at which it is seen whether K is; 0 once it was. */
  look: number;
  readonly plan: CrowdPlan;
  /** mu^p since it entered, and sum lr mu^s: what a velocity it brought along has become, and moved. */
  carry: number;
  moved: number;
  /** Of the epochs that stand: what a speculative chunk flipped past a drop of the rate does not count. */
  count: FlipCount;
  done: boolean;
}

interface ActiveOrder extends Order {
  readonly active: Active;
}

class GramTraining {
  #chunk: number;

  private constructor(
    private readonly gpu: Gpu,
    readonly actives: readonly Active[],
    private readonly groups: readonly NeuronGroup[],
    private readonly kernel: LazyGram,
    private readonly calls: GramCalls,
    private readonly scope: Scope,
  ) {
    this.#chunk = actives.some(({ look }) => look > 0) ? FIRST_CHUNK_THROUGH : FIRST_CHUNK;
  }

  static async enter(
    gpu: Gpu,
    jobs: readonly GramJob[],
    kernel: LazyGram,
    signal?: AbortSignal,
  ): Promise<GramTraining> {
    const scope = new Scope();
    try {
      const runs = jobs.map(({ run }) => run);
      const labels = [...new Set(runs.map(({ problem }) => problem.labels))];
      const groups = planGroups(
        gpu,
        runs.map(({ problem }) => problem),
      );
      for (const group of groups) scope.use(group);
      const { ld } = groups[0]!;
      // Each label vector, and the two sums over K that belong to it.
      const sources = scope.use(gpu.array('scaled labels', 3 * labels.length * ld));
      for (const [at, y] of labels.entries()) {
        sources.write(
          (await y.read()).map((value) => -value / y.length),
          at * ld,
        );
      }
      const source = runs.map(({ problem }) => labels.indexOf(problem.labels));
      const place = jobs.length === 1 ? jobs[0]!.options?.place : undefined;
      if (place) await restoreGroups(groups, place, kernel);
      else await enterGram(gpu, groups, runs, sources, source);
      const actives: Active[] = [];
      for (const [at, job] of jobs.entries()) {
        const readout = await job.run.problem.network.readout.read();
        const { flips = 0, events = 0, carry = 1, moved = 0 } = place?.identity ?? {};
        const count = { flips, events };
        const { samples, network, layout } = job.run.problem;
        const plan = crowdPlan(gpu, { n: samples.n, d: samples.d, m: network.m, inner: job.inner, layout });
        const next = plan.worth > 0 ? nextLook(plan, job.run.epoch, events, network.m) : 0;
        // One kept before there were looks had K. A build whose costs were others may have kept a look that is too late.
        const look = place ? Math.min(place.identity?.look ?? 0, next) : next;
        actives.push({
          ...{ job, run: job.run, at, readout, source: source[at]!, carry, moved, count, done: false, look, plan },
          // All flips go through X while K has not been worth it.
          get crowd() {
            return this.look > 0 ? 1 : this.plan.least;
          },
        });
      }
      const most = Math.max(...groups.map(({ m }) => m));
      const crowds = scope.use(new Crowds(gpu, runs[0]!.problem, sources, most, kernel.background));
      const calls = scope.use(new GramCalls(gpu, actives, groups, sources, labels.length, kernel, crowds, signal));
      return new GramTraining(gpu, actives, groups, kernel, calls, scope);
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.scope.dispose();
  }

  /** Does one chunk of every training. @returns whether any has epochs left */
  async chunk(): Promise<boolean> {
    const { groups } = this;
    const orders = this.actives.filter(({ done }) => !done).map((active) => this.#order(active));
    const began = this.gpu.now();
    const schedules = orders.map(
      ({ active }) => new PlateauReplay(active.job.run.schedule, active.job.run.problem.plateau),
    );
    // A single epoch is not speculative: the rate can drop at its end alone.
    const speculative = orders.some(({ epochs }) => epochs > 1);
    for (const group of groups) if (speculative && this.#needsBackup(group)) group.save();
    const first = await this.calls.run(orders);
    const again: ActiveOrder[] = [];
    const standing: ActiveOrder[] = [];
    const kept = orders.map((order, k) => {
      const schedule = schedules[k]!;
      const count = schedule.advance(first.losses[k]!);
      // The rate drops after `count` epochs of this chunk: what came later used the wrong one, and what did not must
      // stand at that epoch before the rate changes.
      if (schedule.lr === order.lr) return count;
      if (count < order.epochs) again.push({ ...order, epochs: count, sync: true });
      else standing.push({ ...order, start: order.start + count, epochs: 0, sync: true });
      return count;
    });
    const losses = [...first.losses];
    const counts = [...first.counts];
    for (const { active } of again) for (const group of groups) group.restore(active.at);
    const second = [...again, ...standing];
    const done = second.length > 0 ? await this.calls.run(second) : undefined;
    for (const [k, { active, epochs }] of second.entries()) {
      const at = orders.findIndex((order) => active === order.active);
      if (epochs > 0) losses[at] = done!.losses[k]!;
      counts[at] = epochs > 0 ? done!.counts[k]! : total(counts[at]!, done!.counts[k]!);
    }
    for (const [k, { active, lr }] of orders.entries()) {
      active.count = total(active.count, counts[k]!);
      this.#record(active, losses[k]!.subarray(0, kept[k]!), lr, schedules[k]!);
    }
    // K, if it was made, was made for the first of the two.
    const seconds = (this.gpu.now() - began) / 1000 - first.makingSeconds;
    const longest = Math.max(...orders.map(({ epochs }) => epochs));
    const wanted = this.gpu.adapter.software ? CPU_CHUNK_SECONDS : SUBMIT_SECONDS;
    const fitting = Math.floor((wanted / seconds) * longest);
    // With fewer events than neurons the time went into passing through the state once, which more epochs hardly lengthen.
    const events = first.counts.reduce((sum, count) => sum + count.events, 0);
    const neurons = orders.reduce((sum, { active }) => sum + active.readout.length, 0);
    const least = events < neurons ? 2 * longest : 1;
    this.#chunk = Math.max(least, Math.min(fitting, 4 * this.#chunk));
    for (const { active } of orders) if (!active.done) await this.#attend(active);
    for (const active of this.actives) {
      const keeper = active.job.options?.keeper;
      if (!active.done && keeper?.due()) await keeper.keep(() => this.#place(active));
    }
    return this.actives.some(({ done }) => !done);
  }

  /** Of a training that is alone here: the groups are all its own. */
  async #place({ carry, moved, count, look }: Active): Promise<TrainerPlace> {
    const { groups, kernel } = this;
    const clocks = groups.flatMap((group) => [...group.clocks]);
    return {
      arrays: await readAll(Object.fromEntries(groups.map(({ state }, at) => [`planes${at}`, state]))),
      identity: { clocks, carry, moved, ...count, look, kernel: kernel.matrix !== undefined },
    };
  }

  /** The next chunk of a training ends at reviews and snapshots, so that what happens there does not depend on the clock. */
  #order(active: Active): ActiveOrder {
    const { run, options, reviews } = active.job;
    const { epochs } = run.problem;
    const all = [...(reviews ?? []), ...(options?.snapshots ?? []), active.look, epochs];
    const stops = all.filter((stop) => stop > run.epoch);
    // Rows of the two arrays that have an entry an epoch: the losses of a group, and their sums.
    const rows = Math.max(this.actives.length, ...this.groups.map(({ m }) => m));
    const room = Math.max(1, Math.floor(this.gpu.maxArrayLength / rows));
    const count = Math.min(this.#chunk, room, Math.min(...stops) - run.epoch);
    return {
      active,
      start: run.epoch,
      epochs: count,
      lr: run.schedule.lr,
      sync: run.epoch + count === epochs,
    };
  }

  #needsBackup({ parts }: NeuronGroup): boolean {
    return this.actives.some(
      ({ job: { run, options }, at, done }) =>
        !done &&
        (run.problem.plateau || (options?.snapshots?.length ?? 0) > 0) &&
        parts.some((part) => part.job === at),
    );
  }

  #record(active: Active, losses: Float32Array, lr: number, schedule: PlateauReplay): void {
    const { run, options } = active.job;
    run.loss.set(losses, run.epoch);
    run.lr.fill(lr, run.epoch, run.epoch + losses.length);
    for (let epoch = 0; epoch < losses.length; epoch++) {
      active.carry *= run.problem.momentum;
      active.moved += lr * active.carry;
    }
    run.epoch += losses.length;
    run.watch(run.epoch - losses.length);
    if (run.diverged) {
      active.done = true;
      return;
    }
    run.schedule = schedule.state;
    run.accuracyKnown = false;
    options?.onEpoch?.({ epoch: run.epoch, loss: losses.at(-1)!, lr });
  }

  /** Snapshots and reviews that are due, and the end. */
  async #attend(active: Active): Promise<void> {
    const { job, count } = active;
    const { run, options, reviews } = job;
    const end = run.epoch === run.problem.epochs;
    job.onCount?.(count, active.look > 0);
    if (active.look === run.epoch) {
      const { plan } = active;
      active.look = count.events < plan.worth ? nextLook(plan, run.epoch, count.events, run.problem.network.m) : 0;
    }
    if (options?.snapshots?.includes(run.epoch)) {
      if (!end) await this.#synchronise(active);
      const network = await run.problem.network.copy();
      try {
        await leaveGram(this.gpu, this.#departure(active), network);
      } catch (error) {
        network.dispose();
        throw error;
      }
      if (!end) for (const group of this.groups) group.restore(active.at);
      await options.onSnapshot?.(run.epoch, network);
    }
    const stay = !end && (!reviews?.includes(run.epoch) || (job.goOn?.(run.epoch, count) ?? true));
    if (stay) return;
    if (!end) await this.#synchronise(active);
    await leaveGram(this.gpu, this.#departure(active), run.problem.network, run);
    active.done = true;
  }

  #departure({ at, job: { run }, carry, moved }: Active): Departure {
    const rows = (plane: number) =>
      this.groups.flatMap((group) =>
        group.parts.filter((part) => part.job === at).map((part) => group.rows(part, plane)),
      );
    const { problem, velocity } = run;
    return { problem, coefficients: rows(PLANE.C), velocity: rows(PLANE.V), brought: velocity, carry, moved };
  }

  /** Brings a training's neurons to the epoch where it stands; the groups keep what they were. */
  async #synchronise(active: Active): Promise<void> {
    const { epoch, schedule } = active.job.run;
    for (const group of this.groups) group.save();
    await this.calls.run([{ active, start: epoch, epochs: 0, lr: schedule.lr, sync: true }]);
  }
}

/** Brings the groups of the only training to where a place was kept. */
async function restoreGroups(groups: readonly NeuronGroup[], place: TrainerPlace, kernel: LazyGram): Promise<void> {
  const { identity, arrays } = place;
  if (!identity) throw new StateMismatchError('the state was not kept in Gram space');
  const neurons = groups.reduce((sum, { m }) => sum + m, 0);
  if (identity.clocks.length !== neurons) {
    throw new StateMismatchError(`the state holds ${identity.clocks.length} clocks for ${neurons} neurons`);
  }
  let first = 0;
  for (const [at, { state, clocks, m }] of groups.entries()) {
    fillFrom(state, arrays[`planes${at}`]);
    clocks.set(identity.clocks.slice(first, first + m));
    first += m;
  }
  if (identity.kernel) await kernel.make();
}
