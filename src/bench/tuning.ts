// Where tunings are kept, one for each adapter, and whether what is kept there fits.

import { Engine } from '../engine';
import type { AdapterReport, Gpu } from '../gpu/gpu';
import * as shaders from '../kernels/generated';
import { shapeClass, type Tuning } from '../kernels/tuning';
import type { Tuned } from './tune';

export type { Tuning };

/** Where tunings are kept: a page's localStorage, or files. */
export interface TuningStorage {
  getItem(item: string): string | null | Promise<string | null>;
  setItem(item: string, value: string): void | Promise<void>;
}

/** What a choice depends on: adapter, driver, and all shaders. A browser tells no driver: its own version stands for it. */
export async function tuningKey({ adapter }: Gpu): Promise<string> {
  const { name, vendor, architecture, description, backend } = adapter;
  const browser = backend === 'webgpu' ? [(globalThis as { navigator?: Navigator }).navigator?.userAgent] : [];
  const code = Object.values(shaders).map((shader) => shader.code);
  const text = [name, vendor, architecture, description, backend, ...browser, ...code].join('\n');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest, 0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
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
 * @param key of {@link tuningKey}
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
  const { readTuning } = await import('./documents');
  const read = readTuning(kept, key);
  return 'problem' in read ? { refused: read.problem } : { tuning: read.value };
}

/** The engine, on the same device, with the tuning that is kept for its adapter, or with why that is not used. */
export async function tunedEngine(engine: Engine, storage: Pick<TuningStorage, 'getItem'>): Promise<Engine> {
  const { gpu, settings } = engine;
  const { tuning, refused } = await loadTuning(storage, gpu.adapter, await tuningKey(gpu));
  if (refused !== undefined) return new Engine(gpu, { ...settings, tuningRefused: refused });
  if (!tuning) return engine;
  // Another choice of kernels sums in another order: results say so where they say what else they depend on.
  const versions = { ...settings.versions, tuning: `${tuning.key.slice(0, 8)} of ${tuning.date}` };
  return new Engine(gpu, { ...settings, versions, tuning });
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
