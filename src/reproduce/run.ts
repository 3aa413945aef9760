// Runs cells, those that are not kept from before, and hands each on as soon as it is finished.

import { DivergenceError } from '../experiment/divergence';
import type { SweepPlan } from '../experiment/sweep-plan';
import type { ExperimentConfig, ExperimentResult } from '../experiment/types';
import { distinct, type TrainerUse, trainerUse } from '../report/used';
import type { Cell } from './cells';
import type { CellMetrics } from './verdict';

/** A finished cell, as it is kept. */
export interface CellOutcome {
  readonly id: string;
  /** In the order of the cell's runs. */
  readonly metrics: CellMetrics;
  /** Of all its experiments together; work shared with other cells is shared out. */
  readonly seconds: number;
  /** Absent when the last of them diverged. */
  readonly device?: string;
  readonly versions?: Readonly<Record<string, string>>;
  /** Those that differ; absent in cells kept by a version that wrote no reports. */
  readonly trainers?: readonly TrainerUse[];
  /** Experiments, by their place in the cell, whose training left the finite numbers: they have no metrics. */
  readonly diverged?: readonly DivergedRun[];
  /** Of a decision map. */
  readonly map?: MapReading;
}

export interface DivergedRun {
  readonly run: number;
  readonly stage: DivergenceError['stage'];
  /** Counted from 1. */
  readonly epoch: number;
}

/** What is kept of a decision map beside its pictures. */
export interface MapReading {
  /** Share of the grid where f and g have different signs. */
  readonly disagreement: number;
  /** y of the zero line of f_hat and g_hat at each published x; null where it does not cross the map. */
  readonly fHat: readonly (number | null)[];
  readonly gHat: readonly (number | null)[];
}

/** Where finished cells are kept. */
export interface CellStore {
  /** Undefined for a cell that is not there. */
  load(id: string): Promise<CellOutcome | undefined>;
  save(outcome: CellOutcome): Promise<void>;
}

/** What there is to do, told once before anything runs. */
export interface CellPlan {
  /** Cells in all, and those kept from before. */
  readonly cells: number;
  readonly kept: number;
  readonly experiments: number;
  /** Undefined on adapters that have not been measured. */
  readonly seconds: number | undefined;
}

export interface CellProgress {
  readonly cells: number;
  readonly finished: number;
  /** Estimated share of the work that is done, of what was not kept. */
  readonly share: number;
  /** The cell that the work is for, or that was finished last. */
  readonly cell: Cell;
}

export interface RunCellsOptions {
  /** Which experiments run together, and what each is of the work. */
  readonly plan: (configs: readonly ExperimentConfig[]) => Promise<Pick<SweepPlan, 'batches' | 'failed' | 'shares'>>;
  readonly runAll: (
    configs: readonly ExperimentConfig[],
    onResult: (run: number, result: ExperimentResult) => Promise<void>,
    onDivergence: (run: number, error: DivergenceError) => Promise<void>,
  ) => Promise<unknown>;
  readonly store: CellStore;
  readonly onPlan?: (plan: CellPlan) => void;
  readonly onProgress?: (progress: CellProgress) => void;
  /** What is kept of a decision map; undefined for a cell that has none. */
  readonly readMap?: (cell: Cell, result: ExperimentResult) => Promise<MapReading | undefined>;
}

const finite = (value: number | null | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** The metrics of a result, those that are numbers. */
function metricsOf({ metrics }: ExperimentResult): CellMetrics[number] {
  const { standardAccuracy, perturbationAccuracy, agreement, cosine } = metrics;
  return {
    standardAccuracy: finite(standardAccuracy),
    perturbationAccuracy: finite(perturbationAccuracy),
    agreement: finite(agreement),
    ...(cosine === undefined ? {} : { cosine: finite(cosine) }),
  };
}

const NO_METRICS: CellMetrics[number] = { standardAccuracy: null, perturbationAccuracy: null, agreement: null };

/** What is left of an experiment: not the arrays. */
interface Part {
  readonly metrics: CellMetrics[number];
  readonly seconds: number;
  /** Absent when it diverged. */
  readonly trainer?: TrainerUse;
  readonly diverged?: DivergedRun;
}

/** By the place of the run in the cell. */
type Parts = Map<number, Part>;

/**
 * Runs every cell that the store does not have, and stores each when its last experiment is finished.
 * @returns the outcomes by the id of the cell
 * @throws InputError for data that cannot be had; what running throws; cells stored before stay
 */
export async function runCells(cells: readonly Cell[], options: RunCellsOptions): Promise<Map<string, CellOutcome>> {
  const { plan, runAll, store, onPlan, onProgress, readMap } = options;
  const unique = [...new Map(cells.map((cell) => [cell.id, cell])).values()];
  const outcomes = new Map<string, CellOutcome>();
  for (const { id } of unique) {
    const kept = await store.load(id);
    if (kept) outcomes.set(id, kept);
  }
  const missing = unique.filter(({ id }) => !outcomes.has(id));
  const places = missing.flatMap((cell) => cell.runs.map(({ config }, run) => ({ cell, run, config })));
  const { batches, failed, shares } = await plan(places.map(({ config }) => config));
  for (const error of failed.values()) throw error;
  const estimates = batches.map(({ estimate }) => estimate.seconds);
  onPlan?.({
    cells: unique.length,
    kept: outcomes.size,
    experiments: places.length,
    seconds: estimates.every((each) => each !== undefined) ? estimates.reduce((sum, each) => sum + each, 0) : undefined,
  });

  const total = [...shares.values()].reduce((sum, part) => sum + part, 0);
  let done = 0;
  const partial = new Map<string, Parts>();
  for (const { runs } of batches) {
    const report = (cell: Cell) =>
      onProgress?.({ cells: unique.length, finished: outcomes.size, share: total > 0 ? done / total : 1, cell });
    report(places[runs[0]!]!.cell);
    const settle = async (at: number, ended: ExperimentResult | DivergenceError) => {
      const { cell, run } = places[runs[at]!]!;
      done += shares.get(runs[at]!) ?? 0;
      const parts: Parts = partial.get(cell.id) ?? new Map();
      partial.set(cell.id, parts);
      if (ended instanceof DivergenceError) {
        const { stage, epoch } = ended;
        parts.set(run, { metrics: NO_METRICS, seconds: 0, diverged: { run, stage, epoch } });
      } else {
        const { timing, trainer } = ended;
        parts.set(run, { metrics: metricsOf(ended), seconds: timing.totalSeconds, trainer: trainerUse(trainer) });
      }
      if (parts.size < cell.runs.length) return;
      const all = cell.runs.map((_, place) => parts.get(place)!);
      const diverged = all.flatMap((part) => part.diverged ?? []);
      const result = ended instanceof DivergenceError ? undefined : ended;
      const map = result && (await readMap?.(cell, result));
      const outcome: CellOutcome = {
        id: cell.id,
        metrics: all.map(({ metrics }) => metrics),
        seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
        ...(result ? { device: result.device.name, versions: result.versions } : {}),
        trainers: distinct(all.flatMap(({ trainer }) => trainer ?? [])),
        ...(diverged.length > 0 ? { diverged } : {}),
        ...(map ? { map } : {}),
      };
      await store.save(outcome);
      partial.delete(cell.id);
      outcomes.set(cell.id, outcome);
      report(cell);
    };
    await runAll(
      runs.map((at) => places[at]!.config),
      settle,
      settle,
    );
  }
  return outcomes;
}
