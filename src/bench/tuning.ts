// Where tunings are kept, one for each adapter, and whether what is kept there fits. Without shaders, so that a page whose
// engine is in a worker can load it.

import type { AdapterReport } from '../gpu/gpu';
import { shapeClass, type Tuning } from '../kernels/tuning';
import { readTuning } from './documents';
import type { Tuned } from './tune';

export type { Tuning };

/** Where tunings are kept: a page's localStorage, or files. */
export interface TuningStorage {
  getItem(item: string): string | null | Promise<string | null>;
  setItem(item: string, value: string): void | Promise<void>;
}

/** One place for each adapter: what another driver made is found there, and refused, and the next tuning replaces it. */
const itemOf = ({ name, backend }: AdapterReport) =>
  `perturb-gpu-tuning-${`${name} ${backend}`.replaceAll(/[^\w.]+/g, '-')}`;

export interface LoadedTuning {
  readonly tuning?: Tuning;
  /** Why what is kept there is not used. */
  readonly refused?: string;
}

/**
 * The tuning of an adapter, if one was kept: whole, or not at all and with the reason.
 * @param key what it must have been made under, see tuningKey of tuned-engine.ts
 */
export async function loadTuning(
  storage: Pick<TuningStorage, 'getItem'>,
  adapter: AdapterReport,
  key: string,
): Promise<LoadedTuning> {
  let kept: string | null;
  try {
    kept = await storage.getItem(itemOf(adapter));
  } catch (error) {
    return { refused: `it cannot be read: ${(error as Error).message}` };
  }
  if (kept === null) return {};
  const read = readTuning(kept, key);
  return 'problem' in read ? { refused: read.problem } : { tuning: read.value };
}

/**
 * Keeps what was chosen, in place of what was kept for the same shapes and beside what was kept for others.
 * @returns all that is kept now
 * @throws what the storage does, such as for want of space
 */
export async function saveTuning(
  storage: TuningStorage,
  { tuning, report: { adapter, rows } }: Pick<Tuned, 'tuning' | 'report'>,
): Promise<Tuning> {
  const { tuning: before } = await loadTuning(storage, adapter, tuning.key);
  const measured = new Set(rows.map(({ shape }) => shapeClass(shape)));
  const others = Object.entries(before?.choices ?? {}).filter(([name]) => !measured.has(name));
  const all = { ...tuning, choices: { ...Object.fromEntries(others), ...tuning.choices } };
  await storage.setItem(itemOf(adapter), JSON.stringify(all));
  return all;
}

/** Runs on this adapter take the defaults again. @throws what the storage does */
export async function forgetTuning(
  storage: { removeItem(item: string): void | Promise<void> },
  adapter: AdapterReport,
): Promise<void> {
  await storage.removeItem(itemOf(adapter));
}
