// Where this page keeps the tuning of its kernels: localStorage, which only windows have; the engine's worker asks for it.

import { signal } from '@preact/signals';
import type { Tuned } from '../bench/tune';
import { forgetTuning, type LoadedTuning, loadTuning, saveTuning } from '../bench/tuning';
import type { AdapterReport } from '../gpu/gpu';
import type { WorkerEngine } from '../worker';

const DEFAULTS_ITEM = 'perturb-gpu-defaults';

/** Undefined where the browser lets this page keep nothing: then nothing was kept. */
function allowed(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** For the engine to ask. */
export const tunings = { getItem: (item: string) => allowed()?.getItem(item) ?? null };

/** What is kept for the adapter, or why it is not used. */
export const kept = signal<LoadedTuning>({});

/** Whether experiments run the default kernels, whatever is kept. Outlives the page, as the tuning does. */
export const defaultsOnly = signal(tunings.getItem(DEFAULTS_ITEM) !== null);

/** As the engine found it when it started; one that runs the defaults has not asked. */
export async function findKept({ adapter, tuningKey, tuning }: WorkerEngine): Promise<void> {
  kept.value = defaultsOnly.value ? await loadTuning(tunings, adapter, tuningKey) : tuning;
}

/** @throws DOMException where the browser does not let it be kept */
export async function keep(tuned: Tuned): Promise<void> {
  await saveTuning(localStorage, tuned);
}

export const forget = (adapter: AdapterReport): Promise<void> => forgetTuning(localStorage, adapter);

/** @throws DOMException where the browser does not let it be kept: it then holds until the page is loaded again */
export function rememberDefaults(only: boolean): void {
  defaultsOnly.value = only;
  if (only) allowed()?.setItem(DEFAULTS_ITEM, '1');
  else allowed()?.removeItem(DEFAULTS_ITEM);
}
