// Engines that run what was kept for their adapter.

import { Engine } from '../engine';
import type { Gpu } from '../gpu/gpu';
import * as shaders from '../kernels/generated';
import { type LoadedTuning, loadTuning, type TuningStorage } from './tuning';

/** What a choice depends on: adapter, driver, and all shaders. A browser tells no driver: its own version stands for it. */
export async function tuningKey({ adapter }: Gpu): Promise<string> {
  const { name, vendor, architecture, description, backend } = adapter;
  const browser = backend === 'webgpu' ? [(globalThis as { navigator?: Navigator }).navigator?.userAgent] : [];
  const code = Object.values(shaders).map((shader) => shader.code);
  const text = [name, vendor, architecture, description, backend, ...browser, ...code].join('\n');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest, 0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The engine, on the same device, with the tuning that is kept for its adapter, or with why that is not used. */
export async function tunedEngine(engine: Engine, storage: Pick<TuningStorage, 'getItem'>): Promise<Engine> {
  return withTuning(engine, await loadTuning(storage, engine.adapter, await tuningKey(engine.gpu)));
}

/** As {@link tunedEngine}, with what was loaded. */
export function withTuning({ gpu, settings }: Engine, { tuning, refused }: LoadedTuning): Engine {
  if (!tuning) return new Engine(gpu, { ...settings, ...(refused === undefined ? {} : { tuningRefused: refused }) });
  // Another choice of kernels sums in another order: results say so where they say what else they depend on.
  const chosen = Object.entries(tuning.choices).sort();
  if (chosen.length === 0) return new Engine(gpu, { ...settings, tuning });
  const named = chosen.map(
    ([shapes, { variant, tile }]) => `${shapes} ${variant}${tile ? ` ${tile.rows}x${tile.columns}` : ''}`,
  );
  return new Engine(gpu, { ...settings, versions: { ...settings.versions, tuning: named.join(', ') }, tuning });
}
