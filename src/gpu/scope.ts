// Things to dispose together, last first. (DisposableStack does it too, but Node 20 and many browsers lack it.)

import { GpuOutOfMemoryError } from './errors';

export class Scope {
  readonly #things: { dispose(): void }[] = [];

  /** Disposes `thing` with the scope, unless that happened before. */
  use<T extends { dispose(): void }>(thing: T): T {
    this.#things.push(thing);
    return thing;
  }

  dispose(): void {
    for (const thing of this.#things.splice(0).reverse()) thing.dispose();
  }
}

/** What is to be kept, once `work` is done in a scope of its own; disposed when that throws. */
export async function keptAfter<T extends { dispose(): void }>(
  kept: T,
  work: (scope: Scope) => Promise<void>,
): Promise<T> {
  const scope = new Scope();
  try {
    await work(scope);
    return kept;
  } catch (error) {
    kept.dispose();
    throw error;
  } finally {
    scope.dispose();
  }
}

/**
 * Waits for all, however some end: nothing of them goes on after it, and what they use may be disposed.
 * @param works false and undefined stand for nothing to do
 * @throws what the first in the list that failed did; out of memory before all, because one may be told what another ran out of
 */
export async function together(works: readonly (Promise<unknown> | false | undefined)[]): Promise<void> {
  const ended = await Promise.allSettled(works);
  const failed = ended.filter((work) => work.status === 'rejected').map(({ reason }) => reason as unknown);
  if (failed.length > 0) throw failed.find((error) => error instanceof GpuOutOfMemoryError) ?? failed[0];
}
