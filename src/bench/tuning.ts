// Where tunings are kept, and under what.

import type { Gpu } from '../gpu/gpu';
import * as shaders from '../kernels/generated';
import type { Tuning } from '../kernels/tuning';

export type { Tuning };

/** Where tunings are kept: a page's localStorage, or files. */
export interface TuningStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
}

/** What a choice depends on: adapter, driver, and all shaders. */
export async function tuningKey({ adapter }: Gpu): Promise<string> {
  const { name, vendor, architecture, description, backend } = adapter;
  const text = [name, vendor, architecture, description, backend, ...Object.values(shaders).map(({ code }) => code)];
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text.join('\n')));
  return Array.from(new Uint8Array(digest, 0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const itemOf = (key: string) => `perturb-gpu-tuning-${key}`;

export interface LoadedTuning {
  readonly tuning?: Tuning;
  /** Why what is kept there is not used. */
  readonly refused?: string;
}

/** The tuning of this adapter, if one was kept: whole, or not at all and with the reason. */
export async function loadTuning(storage: TuningStorage, key: string): Promise<LoadedTuning> {
  let kept: string | null;
  try {
    kept = await storage.getItem(itemOf(key));
  } catch (error) {
    return { refused: `it cannot be read: ${(error as Error).message}` };
  }
  if (kept === null) return {};
  const { readTuning } = await import('./documents');
  const read = readTuning(kept, key);
  return 'problem' in read ? { refused: read.problem } : { tuning: read.value };
}

export async function saveTuning(storage: TuningStorage, tuning: Tuning): Promise<void> {
  await storage.setItem(itemOf(tuning.key), JSON.stringify(tuning));
}
