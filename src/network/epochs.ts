// The loop over epochs of trainers whose epoch is a fixed list of dispatches.
//
// Loss, accuracy and schedule stay on the GPU, so a chunk of epochs is one submit without a readback. Chunks are sized by
// measured time, for progress and cancellation; how they fall does not change a bit of the result.

import type { GpuArray } from '../gpu/array';
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
  /** Asked after every chunk of epochs: throws what must end the training. */
  readonly check?: () => Promise<void>;
}

/**
 * Runs the epochs from where `run` stands up to `until`, and brings its schedule and history there.
 * Ends early, the run marked, when it diverges.
 * @throws the signal's reason when aborted; GpuError when the device fails. The run is then of no use.
 */
export async function runEpochs(
  gpu: Gpu,
  { steps, state, history, kept = {}, check }: Epoch,
  run: TrainingRun,
  until: number,
  options: TrainingOptions,
): Promise<void> {
  const first = run.epoch;
  const { n } = run.problem.samples;
  state.write(plateauState(run.schedule));
  let chunk = 1;
  while (run.epoch < until) {
    options.signal?.throwIfAborted();
    const count = Math.min(chunk, until - run.epoch);
    const batch = gpu.batch('training epochs');
    for (let epoch = 0; epoch < count; epoch++) for (const step of steps) step(batch);
    const began = gpu.now();
    await batch.submit();
    const seconds = (gpu.now() - began) / 1000;
    await check?.();
    const from = run.epoch;
    const rows = await history.read((from - first) * 3, count * 3);
    for (let at = 0; at < count; at++) {
      run.loss[from + at] = rows[at * 3]!;
      run.lr[from + at] = rows[at * 3 + 1]!;
      run.accuracy[from + at] = rows[at * 3 + 2]! * (1 / n);
    }
    run.epoch += count;
    run.watch(from);
    if (run.diverged) return;
    // The first chunk includes compiling, so growth is what is bounded, not the size.
    const fitting = Math.max(1, Math.floor((SUBMIT_SECONDS / Math.max(seconds, 1e-6)) * count));
    chunk = Math.max(1, Math.min(fitting, count * 4, Math.floor(CHUNK_DISPATCHES / steps.length)));
    const last = run.epoch - 1;
    options.onEpoch?.({ epoch: run.epoch, loss: run.loss[last]!, lr: run.lr[last]!, accuracy: run.accuracy[last]! });
    if (options.keeper?.due()) {
      run.schedule = await readSchedule(state);
      await options.keeper.keep(async () => ({ arrays: await readAll(kept) }));
    }
  }
  run.schedule = await readSchedule(state);
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
