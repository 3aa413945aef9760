// The loop over epochs of trainers whose epoch is a fixed list of dispatches.
//
// Loss, accuracy and schedule stay on the GPU, so a chunk of epochs is one submit without a readback. Chunks are sized by
// measured time, for progress and cancellation; how they fall does not change a bit of the result.

import type { GpuArray } from '../gpu/array';
import type { Batch } from '../gpu/batch';
import type { Gpu } from '../gpu/gpu';
import type { Step } from '../kernels/step';
import { plateauState } from '../kernels/weight-gradient';
import type { Network } from './network';
import { SUBMIT_SECONDS } from './submit-time';
import type { TrainingOptions } from './trainer';
import type { ScheduleState, TrainingRun } from './training-run';
import { readAll } from './training-state';

/** Dispatches recorded into one submit at most. */
const CHUNK_DISPATCHES = 4096;

/** The dispatches of one epoch, the same for every epoch, and the arrays they leave their record in. */
export interface Epoch {
  readonly steps: readonly Step[];
  /** (8) plateau state; its start is written by {@link runEpochs}. */
  readonly state: GpuArray;
  /** (epochs to run, 3) loss, learning rate, number correct. */
  readonly history: GpuArray;
  /** What is to be kept of it beside the run, by name. */
  readonly kept?: Readonly<Record<string, GpuArray>>;
  /** Of operands that are narrower than the weights they are made from. */
  readonly range?: OperandRange;
}

export interface OperandRange {
  /** Whether the weights of an epoch since the last call did not fit. */
  exceeded(): Promise<boolean>;
  /** What an epoch changes for the next, so that it can be brought back. */
  readonly changed: readonly GpuArray[];
}

/**
 * Runs the epochs from where `run` stands up to `until`, and brings its schedule and history there.
 * Ends early, the run marked, when it diverges.
 * @throws the signal's reason when aborted; GpuError when the device fails. The run is then of no use.
 */
export async function runEpochs(
  gpu: Gpu,
  { steps, state, history, kept = {}, range }: Epoch,
  run: TrainingRun,
  until: number,
  options: TrainingOptions,
): Promise<void> {
  const first = run.epoch;
  const { n } = run.problem.samples;
  state.write(plateauState(run.schedule));
  using backup = new Backup(gpu, range ? [state, ...range.changed] : []);
  let chunk = 1;
  let most = Math.max(1, Math.floor(CHUNK_DISPATCHES / steps.length));
  while (run.epoch < until) {
    options.signal?.throwIfAborted();
    const count = Math.min(chunk, most, until - run.epoch);
    const batch = gpu.batch('training epochs');
    if (count > 1) backup.save(batch);
    for (let epoch = 0; epoch < count; epoch++) for (const step of steps) step(batch);
    const began = gpu.now();
    await batch.submit();
    const seconds = (gpu.now() - began) / 1000;
    const exceeded = (await range?.exceeded()) ?? false;
    if (exceeded && count > 1) {
      // In one of these epochs: again, one by one.
      most = 1;
      await backup.restore();
      continue;
    }
    const from = run.epoch;
    const rows = await history.read((from - first) * 3, count * 3);
    for (let at = 0; at < count; at++) {
      run.loss[from + at] = rows[at * 3]!;
      run.lr[from + at] = rows[at * 3 + 1]!;
      run.accuracy[from + at] = rows[at * 3 + 2]! * (1 / n);
    }
    if (exceeded) return run.end('half weights');
    run.epoch += count;
    run.watch(from);
    if (run.diverged) return;
    // The first chunk includes compiling, so growth is what is bounded, not the size.
    const fitting = Math.max(1, Math.floor((SUBMIT_SECONDS / Math.max(seconds, 1e-6)) * count));
    chunk = Math.min(fitting, count * 4);
    const last = run.epoch - 1;
    options.onEpoch?.({ epoch: run.epoch, loss: run.loss[last]!, lr: run.lr[last]!, accuracy: run.accuracy[last]! });
    if (options.keeper?.due()) {
      run.schedule = await readSchedule(state);
      await options.keeper.keep(async () => ({ arrays: await readAll(kept) }));
    }
  }
  run.schedule = await readSchedule(state);
}

/** Copies of arrays as they were at a moment. */
class Backup {
  readonly #copies: GpuArray[] = [];

  constructor(
    private readonly gpu: Gpu,
    private readonly arrays: readonly GpuArray[],
  ) {
    try {
      for (const { label, length, type } of arrays) this.#copies.push(gpu.array(`${label} before`, length, type));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  save(batch: Batch): void {
    for (const [at, array] of this.arrays.entries()) batch.copy(array, 0, this.#copies[at]!, 0, array.length);
  }

  async restore(): Promise<void> {
    const batch = this.gpu.batch('epochs undone');
    for (const [at, array] of this.arrays.entries()) batch.copy(this.#copies[at]!, 0, array, 0, array.length);
    await batch.submit();
  }

  [Symbol.dispose](): void {
    for (const copy of this.#copies) copy.dispose();
  }
}

async function readSchedule(state: GpuArray): Promise<ScheduleState> {
  const [, lr, best, bad] = await state.read();
  return { lr: lr!, best: best!, bad: bad! };
}

/** {@link runEpochs}, stopping at the snapshots on the way. @param copy the network as it would be left here */
export async function runWithSnapshots(
  gpu: Gpu,
  epoch: Epoch,
  run: TrainingRun,
  until: number,
  options: TrainingOptions,
  copy: () => Promise<Network>,
): Promise<void> {
  for (const stop of options.snapshots ?? []) {
    if (stop <= run.epoch || stop > until) continue;
    await runEpochs(gpu, epoch, run, stop, options);
    if (run.diverged) return;
    await options.onSnapshot?.(stop, await copy());
  }
  if (run.epoch < until) await runEpochs(gpu, epoch, run, until, options);
}
