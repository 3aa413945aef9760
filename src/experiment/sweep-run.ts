// Runs the cells of a sweep in batches that share stages. A cell that fails by its own fault, or for want of memory, must
// not take others with it: its batch is halved until it stands alone.

import { InputError } from '../data/input-error';
import { GpuOutOfMemoryError } from '../gpu/errors';
import type { DivergenceError } from '../network/divergence';
import { HalfRangeError } from '../network/half-range';
import type { Cell } from './sweep';
import type { ExperimentConfig, ExperimentResult } from './types';

export interface CellHandlers {
  /** Awaited; what it throws ends the sweep. */
  readonly onResult: (cell: Cell, result: ExperimentResult) => Promise<void>;
  /** Of a cell whose training diverged, which takes no other with it; without it, that ends the sweep. */
  readonly onDivergence?: (cell: Cell, error: DivergenceError) => Promise<void>;
  /** Of a cell that cannot run: bad input, not enough device memory for it alone, or numbers past half precision. */
  readonly onFailure: (cell: Cell, error: InputError | GpuOutOfMemoryError | HalfRangeError) => Promise<void>;
}

/** {@link runExperiments} on some engine. */
export type RunTogether = (
  configs: readonly ExperimentConfig[],
  onResult: (run: number, result: ExperimentResult) => Promise<void>,
  onDivergence: (run: number, error: DivergenceError) => Promise<void>,
) => Promise<unknown>;

/**
 * Runs every batch; each cell ends in exactly one call of a handler.
 * @throws what `run` throws that is no cell's fault (a lost device, an abort), and what a handler throws
 */
export async function runCells(
  batches: readonly (readonly Cell[])[],
  run: RunTogether,
  handlers: CellHandlers,
): Promise<void> {
  for (const batch of batches) await runBatch(batch, run, handlers);
}

async function runBatch(batch: readonly Cell[], run: RunTogether, handlers: CellHandlers): Promise<void> {
  const left = new Set(batch);
  let handlerFailed = false;
  const settle =
    <T>(handle: (cell: Cell, outcome: T) => Promise<void>) =>
    async (at: number, outcome: T) => {
      const cell = batch[at]!;
      try {
        await handle(cell, outcome);
      } catch (error) {
        handlerFailed = true;
        throw error;
      }
      left.delete(cell);
    };
  try {
    await run(
      batch.map(({ config }) => config),
      settle(handlers.onResult),
      settle(async (cell, error: DivergenceError) => {
        if (!handlers.onDivergence) throw error;
        await handlers.onDivergence(cell, error);
      }),
    );
  } catch (error) {
    const [first] = left;
    const own = error instanceof InputError || error instanceof GpuOutOfMemoryError || error instanceof HalfRangeError;
    if (handlerFailed || !own || !first) throw error;
    if (left.size === 1) {
      await handlers.onFailure(first, error);
      return;
    }
    const rest = [...left];
    const half = Math.ceil(rest.length / 2);
    await runBatch(rest.slice(0, half), run, handlers);
    await runBatch(rest.slice(half), run, handlers);
  }
}
