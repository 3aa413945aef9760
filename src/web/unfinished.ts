// Runs that were interrupted: what is kept of the one that goes on, and which one can be gone on with.

import { signal } from '@preact/signals';
import type { Checkpoint } from '../experiment/checkpoint';
import type { RunPlace } from '../experiment/checkpoint-place';
import type { WorkerEngine } from '../worker';
import { heldFor } from './dropped-files';
import { keptRuns, type PageIdentity, putRun, removeRun, type StoredRun, stateOf } from './kept-runs';
import { coursesNow } from './live';
import { say } from './notices';

/** SHA-256 of the worker's script, by the build: the shaders and all that computes. */
declare const PERTURB_ENGINE: string;

export interface Unfinished {
  readonly run: StoredRun;
  /** Where the browser would not store it. */
  readonly state?: Checkpoint;
}

/** The newest run that was interrupted and that no window of this browser works on. */
export const unfinished = signal<Unfinished | undefined>(undefined);

export const identityOn = ({ adapter, identity }: WorkerEngine): PageIdentity => ({
  adapter: JSON.stringify(adapter),
  browser: navigator.userAgent,
  engine: PERTURB_ENGINE,
  tuning: identity.versions.tuning,
});

/** What is another one than when the run began, in words; undefined when it would end with the same bits. */
export function changedSince({ identity }: StoredRun, now: PageIdentity): string | undefined {
  if (identity.adapter !== now.adapter) return 'on another GPU or driver';
  if (identity.browser !== now.browser) return 'by another version of this browser';
  if (identity.engine !== now.engine) return 'by another version of this page';
  return identity.tuning === now.tuning ? undefined : 'with another choice of kernels';
}

/** "epoch 40 of g": for buttons, where the words of experiment/checkpoint-place do not fit. */
export const shortPlace = ({ stage, epoch }: RunPlace): string =>
  `epoch ${epoch} of ${stage === 'standard' ? 'f' : 'g'}`;

const lockOf = (id: string) => `perturb-gpu run ${id}`;

/**
 * Does the work of a run while other windows can see that it is worked on; a window that closes lets go of it.
 * @returns false, and nothing is done, when another window is at it
 */
export async function asItsOnlyWindow(id: string, work: () => Promise<void>): Promise<boolean> {
  let taken = false;
  await navigator.locks.request(lockOf(id), { ifAvailable: true }, async (lock) => {
    taken = lock !== null;
    if (taken) await work();
  });
  return taken;
}

/** Keeps the newest state of one run. */
export class RunKeeper {
  /** What there is to go on from. */
  kept: Unfinished | undefined;
  readonly #about: Omit<StoredRun, 'courses' | 'stage' | 'epoch' | 'at'>;
  #stored: boolean;
  #told = false;

  /** @param before what was kept of the same run, which it goes on from or begins again */
  constructor(about: Pick<StoredRun, 'id' | 'config' | 'identity'>, before: Unfinished | undefined) {
    this.#about = { ...about, files: heldFor(about.config) };
    this.#stored = before !== undefined;
  }

  /** A run goes on whether its state can be stored or not. */
  readonly keep = async (state: Checkpoint): Promise<void> => {
    const { stage, epoch } = state;
    const run = { ...this.#about, courses: coursesNow(), stage, epoch, at: Date.now() };
    try {
      await putRun(run, state);
      this.#stored = true;
      this.kept = { run };
    } catch (error) {
      this.kept = { run, state };
      if (!this.#told) tellOfStorage(error, 'The run goes on, and can be resumed only until this page is closed.');
      this.#told = true;
    }
  };

  /** The run has come to its end. */
  async end(): Promise<void> {
    this.kept = undefined;
    if (this.#stored) await forgetRun(this.#about.id);
  }
}

function tellOfStorage(error: unknown, consequence: string): void {
  const { name, message } = error as DOMException;
  const full = name === 'QuotaExceededError';
  say('storage', {
    title: full ? 'The browser has no space left for this page.' : 'The browser does not let this page store its runs.',
    text: consequence,
    remedy: full
      ? 'Free some space on this device.'
      : `Allow this page to store data, or leave private browsing. The browser says: ${message || name}`,
  });
}

/** Lets a run go. */
export async function forgetRun(id: string): Promise<void> {
  if (unfinished.value?.run.id === id) unfinished.value = undefined;
  try {
    await removeRun(id);
  } catch (error) {
    tellOfStorage(error, 'What was kept of a run could not be removed, and may be offered again.');
  }
}

/** Looks for a run that a closed or reloaded page has left behind. A browser without storage has none. */
export async function findUnfinished(): Promise<void> {
  try {
    const { held = [] } = await navigator.locks.query();
    const atWork = new Set(held.map(({ name }) => name));
    const run = (await keptRuns()).find(({ id }) => !atWork.has(lockOf(id)));
    unfinished.value = run && { run };
  } catch {
    unfinished.value = undefined;
  }
}

export const loadState = async ({ run, state }: Unfinished): Promise<Checkpoint | undefined> =>
  state ?? (await stateOf(run.id));
