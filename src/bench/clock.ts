// How long steps take: on the device's own clock where it has one, in batches long enough for it, several contestants in
// turns so that a machine that slows down slows all of them.

import type { Gpu } from '../gpu/gpu';
import type { Step } from '../kernels/step';

export interface Timing {
  /** Seconds of one run of the steps, a round each. */
  readonly samples: readonly number[];
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Runs in one submit. */
  readonly repeats: number;
  /** `device`: timestamps at both ends of the compute pass. `wall`: from submit until the queue is done. */
  readonly clock: 'device' | 'wall';
  /** Wall time of the very first run, what compiles at the first dispatch included. */
  readonly firstSeconds: number;
}

export interface TimingOptions {
  /** Default 5. */
  readonly rounds?: number;
  /** A submit is to take at least so long (default 0.1), in at most 4096 runs. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

const MOST_REPEATS = 4096;

/** The middle value, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

async function once(gpu: Gpu, steps: readonly Step[], repeats: number): Promise<{ seconds: number; device: boolean }> {
  const batch = gpu.batch('bench');
  const device = batch.timed();
  for (let k = 0; k < repeats; k++) for (const step of steps) step(batch);
  const began = performance.now();
  if (!device) await batch.submit();
  const measured = device ? await batch.submitTimed() : 0;
  const wall = (performance.now() - began) / 1000;
  // Some adapters answer with zeros or with their epoch; then the wall clock is what there is.
  const sane = measured > 0 && measured <= wall * 1.5 + 1e-3;
  return sane ? { seconds: measured, device: true } : { seconds: wall, device: false };
}

/**
 * Times several lists of steps, in turns.
 * @throws the signal's reason when aborted; GpuError when the device fails
 */
export async function timeSteps(
  gpu: Gpu,
  contestants: readonly (readonly Step[])[],
  { rounds = 5, seconds = 0.1, signal }: TimingOptions = {},
): Promise<Timing[]> {
  const runs: { repeats: number; firstSeconds: number; samples: number[]; device: boolean }[] = [];
  for (const steps of contestants) {
    signal?.throwIfAborted();
    const began = performance.now();
    await once(gpu, steps, 1);
    const firstSeconds = (performance.now() - began) / 1000;
    // Warm: a GPU raises its clock only under load, and one run may be too short to tell.
    let repeats = 1;
    for (;;) {
      const taken = (await once(gpu, steps, repeats)).seconds;
      if (taken >= seconds / 2 || repeats >= MOST_REPEATS) {
        repeats = Math.max(1, Math.min(MOST_REPEATS, Math.ceil((repeats * seconds) / Math.max(taken, 1e-9))));
        break;
      }
      repeats = Math.min(MOST_REPEATS, repeats * 4);
    }
    runs.push({ repeats, firstSeconds, samples: [], device: true });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [at, run] of runs.entries()) {
      signal?.throwIfAborted();
      const taken = await once(gpu, contestants[at]!, run.repeats);
      run.samples.push(taken.seconds / run.repeats);
      run.device &&= taken.device;
    }
  }
  return runs.map(({ repeats, firstSeconds, samples, device }) => ({
    samples,
    median: median(samples),
    min: Math.min(...samples),
    max: Math.max(...samples),
    repeats,
    clock: device ? ('device' as const) : ('wall' as const),
    firstSeconds,
  }));
}
