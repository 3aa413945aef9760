// Runs cells, those that are not kept from before, and hands each on as soon as it is finished.

import type { ExperimentConfig, ExperimentResult } from '../experiment/types';
import { bySamples, type Cell } from './cells';
import { cellCosts } from './cost';
import type { CellMetrics } from './verdict';

/** A finished cell, as it is kept. */
export interface CellOutcome {
  readonly id: string;
  /** In the order of the cell's runs. */
  readonly metrics: CellMetrics;
  /** Of all its experiments together; work shared with other cells is shared out. */
  readonly seconds: number;
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Of a decision map. */
  readonly map?: MapReading;
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

export interface CellProgress {
  /** Cells in all, those finished, and those of them that were kept from before. */
  readonly cells: number;
  readonly finished: number;
  readonly kept: number;
  /** Estimated share of the work that is done, of what was not kept. */
  readonly share: number;
  /** The cell that the work is for, or that was finished last. */
  readonly cell: Cell;
}

export type RunAll = (
  configs: readonly ExperimentConfig[],
  onResult: (run: number, result: ExperimentResult) => Promise<void>,
) => Promise<unknown>;

export interface RunCellsOptions {
  readonly runAll: RunAll;
  readonly store: CellStore;
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

/**
 * Runs every cell that the store does not have, cells on the same samples together, and stores each when its last
 * experiment is finished.
 * @returns the outcomes by the id of the cell
 * @throws what running throws; cells stored before stay
 */
export async function runCells(cells: readonly Cell[], options: RunCellsOptions): Promise<Map<string, CellOutcome>> {
  const { runAll, store, onProgress, readMap } = options;
  const groups = bySamples(cells);
  const unique = groups.flat();
  const outcomes = new Map<string, CellOutcome>();
  for (const { id } of unique) {
    const kept = await store.load(id);
    if (kept) outcomes.set(id, kept);
  }
  const kept = outcomes.size;
  const missing = groups
    .map((group) => group.filter(({ id }) => !outcomes.has(id)))
    .filter((group) => group.length > 0);
  const costs = new Map(missing.flatMap((group) => [...cellCosts(group)]));
  const total = [...costs.values()].reduce((sum, cost) => sum + cost, 0);
  let done = 0;
  for (const group of missing) {
    const places = group.flatMap((cell) => cell.runs.map((_, run) => ({ cell, run })));
    const results = new Map<string, ExperimentResult[]>();
    const report = (cell: Cell) =>
      onProgress?.({ cells: unique.length, finished: outcomes.size, kept, share: total > 0 ? done / total : 1, cell });
    report(group[0]!);
    await runAll(
      places.map(({ cell, run }) => cell.runs[run]!.config),
      async (place, result) => {
        const { cell, run } = places[place]!;
        const of = results.get(cell.id) ?? [];
        results.set(cell.id, of);
        of[run] = result;
        if (Object.keys(of).length < cell.runs.length) return;
        const map = await readMap?.(cell, result);
        const outcome: CellOutcome = {
          id: cell.id,
          metrics: of.map(metricsOf),
          seconds: of.reduce((sum, { timing }) => sum + timing.totalSeconds, 0),
          device: result.device.name,
          versions: result.versions,
          ...(map ? { map } : {}),
        };
        await store.save(outcome);
        results.delete(cell.id);
        outcomes.set(cell.id, outcome);
        done += costs.get(cell.id)!;
        report(cell);
      },
    );
  }
  return outcomes;
}
