// From what the stages left to the plain data of a result.

import type { GpuArray } from '../gpu/array';
import type { MatmulLayout } from '../kernels/variant';
import type { Samples } from '../network/samples';
import type { TrainingOutcome } from '../network/train';
import type { Precision, TrainingHistory } from '../network/trainer';
import type { ExperimentResult } from './types';

/** Rows kept for pictures when the samples are images. */
const PICTURES = 8;

/** f from y f: the labels are -1 or +1, so the product is exact. */
export async function outputs(margin: GpuArray, labels: GpuArray): Promise<Float32Array> {
  const [values, y] = [await margin.read(), await labels.read()];
  return values.map((value, i) => value * y[i]!);
}

/** The first rows of both classes, for pictures. */
export async function takePictures(
  x: Samples,
  r: Samples,
  labels: GpuArray,
  targets: GpuArray,
): Promise<NonNullable<ExperimentResult['samples']>> {
  const y = await labels.read();
  const t = await targets.read();
  // Half of each class, from the first block, which is all there is except for huge data.
  const inBlock = Array.from({ length: x.blocks[0]!.rows }, (_, i) => i);
  const of = (sign: number) => inBlock.filter((i) => y[i] === sign).slice(0, PICTURES / 2);
  const rows = [...of(1), ...of(-1)];
  const gather = async (samples: Samples) => {
    const out = new Float32Array(rows.length * samples.d);
    for (const [at, i] of rows.entries()) {
      out.set(await samples.arrays[0]!.read(i * samples.ld, samples.d), at * samples.d);
    }
    return out;
  };
  return {
    rows: rows.length,
    x: await gather(x),
    r: await gather(r),
    labels: Float32Array.from(rows, (i) => y[i]!),
    targets: Float32Array.from(rows, (i) => t[i]!),
  };
}

export function histories(standard: TrainingHistory, learning: TrainingHistory): ExperimentResult['history'] {
  return {
    standardLoss: standard.loss,
    standardLr: standard.lr,
    learningLoss: learning.loss,
    learningLr: learning.lr,
  };
}

export interface TrainerDetails {
  readonly layout: MatmulLayout;
  readonly precision: Precision;
  /** Blocks that the samples lie in. */
  readonly blocks: number;
}

/** Rows and columns that a workgroup of a tiled kernel makes. */
const tileName = ({ tile }: MatmulLayout): string =>
  tile ? `${64 * tile.rows}x${64 * tile.columns}` : 'by the size of each product';

/** Which trainer and kernels ran, and why. */
export function trainerReport(
  standard: TrainingOutcome,
  learning: TrainingOutcome,
  { layout, precision, blocks }: TrainerDetails,
): ExperimentResult['trainer'] {
  const choice = ({ chosen, reason }: TrainingOutcome) => ({ chosen, reason });
  return {
    chosen: standard.chosen,
    reason: standard.reason === learning.reason ? standard.reason : `f: ${standard.reason}; g: ${learning.reason}`,
    stages: { standard: choice(standard), learning: choice(learning) },
    kernels: {
      matmul: layout.variant,
      operands: precision === 'f16' ? 'f16 in training, its sums and weights f32; f32 elsewhere' : 'f32',
      reason: layout.reason,
      ...(layout.variant === 'tiled' ? { tile: tileName(layout) } : {}),
      maskGroup: String(layout.group),
      lanes: String(layout.lanes),
      blocks: String(blocks),
    },
  };
}

/** Seconds by the part of a run that they went into; a part that several runs share counts for each by its share. */
export class Stopwatch {
  readonly #seconds = new Map<number, Record<string, number>>();
  #last: number;

  /** @param clock in milliseconds */
  constructor(private readonly clock: () => number) {
    this.#last = clock();
  }

  /** Adds the time since the last lap to the part `name` of these runs. */
  lap(name: string, runs: readonly number[]): void {
    const now = this.clock();
    for (const run of runs) {
      const parts = this.of(run);
      parts[name] = (parts[name] ?? 0) + (now - this.#last) / 1000 / runs.length;
    }
    this.#last = now;
  }

  /** Leaves out the time since the last lap: it was not ours. */
  skip(): void {
    this.#last = this.clock();
  }

  of(run: number): Record<string, number> {
    const parts = this.#seconds.get(run) ?? {};
    this.#seconds.set(run, parts);
    return parts;
  }

  /** The timing of a run. */
  timing(run: number, startup: number, theory: boolean): ExperimentResult['timing'] {
    const parts = this.of(run);
    const part = (name: string) => parts[name] ?? 0;
    return {
      // Data preparation counts as part of the run, compiling as start-up.
      startupSeconds: startup + part('warmUp'),
      standardSeconds: part('standard'),
      perturbationSeconds: part('perturbation'),
      learningSeconds: part('learning'),
      evaluationSeconds: part('evaluation'),
      ...(theory ? { theorySeconds: part('theory') } : {}),
      totalSeconds: Object.values(parts).reduce((sum, seconds) => sum + seconds, 0) - part('warmUp'),
    };
  }
}
