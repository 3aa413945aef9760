// The order in which the cells of a sweep run: those on the same samples together, as many at once as memory allows; and
// what all of it will take.

import type { ReadFile } from '../data/dataset';
import { InputError } from '../data/input-error';
import type { Gpu } from '../gpu/gpu';
import { GRAM_MEMORY } from '../network/choose';
import {
  batchesOf,
  type DataShape,
  dataShape,
  type EstimateSettings,
  estimateStage,
  type StageEstimate,
} from './estimate';
import { canonical, planRuns, runsOf } from './plan';
import type { ExperimentConfig } from './types';

/** Experiments that run together, by their places in the list. */
export interface Batch {
  readonly runs: readonly number[];
  readonly estimate: Omit<StageEstimate, 'shares' | 'firstBytes'>;
}

export interface SweepPlan {
  readonly batches: readonly Batch[];
  /** Experiments whose data cannot be had, by their places in the list. */
  readonly failed: ReadonlyMap<number, InputError>;
  /** Of every experiment that can run: its part of the work, in seconds or multiply-adds. */
  readonly shares: ReadonlyMap<number, number>;
}

/**
 * Plans experiments. Reads the files that they name, for the sizes of the data alone.
 * @param gpu see {@link estimateStage}
 * @param settings the engine's; the trainings of f over one data set may take `memoryLimit` bytes at once
 */
export async function planSweep(
  gpu: Gpu | undefined,
  configs: readonly ExperimentConfig[],
  readFile: ReadFile,
  settings: EstimateSettings = {},
): Promise<SweepPlan> {
  const { shapes, failed } = await readShapes(configs, readFile);
  const possible = configs.flatMap((_, run) => (failed.has(run) ? [] : [run]));
  const batches: Batch[] = [];
  const shares = new Map<number, number>();
  const estimate = (runs: readonly number[]) => {
    const own = runs.map((run) => configs[run]!);
    const [stage] = planRuns(own, () => 0);
    return { stage: stage!, estimate: estimateStage(gpu, stage!, own, shapes.get(runs[0]!)!, settings) };
  };
  for (const stage of planRuns(
    possible.map((run) => configs[run]!),
    () => 0,
  )) {
    const runs = runsOf.data(stage).map((at) => possible[at]!);
    const whole = estimate(runs);
    for (const places of batchesOf(whole.stage, whole.estimate, settings.memoryLimit ?? GRAM_MEMORY)) {
      const batch = places.map((at) => runs[at]!);
      const { shares: parts, firstBytes: _, ...own } = estimate(batch).estimate;
      for (const [at, part] of parts) shares.set(batch[at]!, part);
      batches.push({ runs: batch, estimate: own });
    }
  }
  return { batches, failed, shares };
}

async function readShapes(configs: readonly ExperimentConfig[], readFile: ReadFile) {
  const known = new Map<string, DataShape | InputError>();
  const shapes = new Map<number, DataShape>();
  const failed = new Map<number, InputError>();
  for (const [run, config] of configs.entries()) {
    const key = canonical([config.data, config.test]);
    let found = known.get(key);
    if (!found) {
      found = await dataShape(config, readFile).catch((error: unknown) => {
        if (error instanceof InputError) return error;
        throw error;
      });
      known.set(key, found);
    }
    if (found instanceof InputError) failed.set(run, found);
    else shapes.set(run, found);
  }
  return { shapes, failed };
}
