// The loop over epochs of trainers whose epoch is a fixed list of dispatches.
//
// Loss, accuracy and schedule stay on the GPU, so a chunk of epochs is one submit without a readback. Chunks are sized by
// measured time, for progress and cancellation; how they fall does not change a bit of the result.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import type { Step } from '../kernels/step';
import { plateauState } from '../kernels/weight-gradient';
import type { TrainingHistory, TrainingOptions, TrainingProblem } from './trainer';

/** Time of a chunk of epochs: short enough for display watchdogs and a lively progress bar, long against a submit. */
const CHUNK_SECONDS = 0.1;
/** Dispatches recorded into one submit at most. */
const CHUNK_DISPATCHES = 4096;

/** The dispatches of one epoch, the same for every epoch, and the arrays they leave their record in. */
export interface Epoch {
  readonly steps: readonly Step[];
  /** (8) plateau state; its start is written by {@link runEpochs}. */
  readonly state: GpuArray;
  /** (epochs, 3) loss, learning rate, number correct. */
  readonly history: GpuArray;
}

/** What a training of no epochs leaves. */
export function noEpochs(): TrainingHistory {
  return { loss: new Float32Array(0), lr: new Float32Array(0), accuracy: new Float32Array(0) };
}

/**
 * Runs all epochs of a training.
 * @throws the signal's reason when aborted; GpuError when the device fails.
 */
export async function runEpochs(
  gpu: Gpu,
  { steps, state, history }: Epoch,
  { samples, epochs, lr }: Pick<TrainingProblem, 'samples' | 'epochs' | 'lr'>,
  options: TrainingOptions,
): Promise<TrainingHistory> {
  state.write(plateauState(lr));
  let done = 0;
  let chunk = 1;
  while (done < epochs) {
    options.signal?.throwIfAborted();
    const count = Math.min(chunk, epochs - done);
    const batch = gpu.batch('training epochs');
    for (let epoch = 0; epoch < count; epoch++) for (const step of steps) step(batch);
    const began = performance.now();
    await batch.submit();
    const seconds = (performance.now() - began) / 1000;
    done += count;
    // The first chunk includes compiling, so growth is what is bounded, not the size.
    const fitting = Math.max(1, Math.floor((CHUNK_SECONDS / Math.max(seconds, 1e-6)) * count));
    chunk = Math.max(1, Math.min(fitting, count * 4, Math.floor(CHUNK_DISPATCHES / steps.length)));
    if (options.onEpoch) {
      const [loss, rate, correct] = await history.read((done - 1) * 3, 3);
      options.onEpoch({ epoch: done, loss: loss!, lr: rate!, accuracy: correct! / samples.n });
    }
  }
  const rows = await history.read();
  const column = (at: number, scale = 1) => Float32Array.from({ length: epochs }, (_, t) => rows[t * 3 + at]! * scale);
  return { loss: column(0), lr: column(1), accuracy: column(2, 1 / samples.n) };
}
