// How a page notices that a worker is no more. A browser that ends one, or a script in it that calls close(), raises no event;
// but the Web Locks that it held are let go. So the worker holds one for as long as it lives, and the page asks for the same.

/** What a worker's global scope has of what is needed here: nothing in browsers without Web Locks. */
export interface LockScope {
  readonly navigator?: { readonly locks?: LockManager };
}

/**
 * In the worker: takes a lock of its own, never to let go of it. Resolves with its name once it is held; undefined where there
 * are no locks to be had (no secure context, a sandboxed frame), and the end of this worker cannot be noticed.
 */
export async function holdLifeline({ navigator }: LockScope): Promise<string | undefined> {
  if (!navigator?.locks) return undefined;
  const { locks } = navigator;
  const name = `perturb-gpu worker ${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    const held = () => {
      resolve(name);
      return new Promise<never>(() => {});
    };
    locks.request(name, held).catch(() => resolve(undefined));
  });
}

/** In the page: calls `gone` when the worker that holds the lock is no more, ended by this page or not. */
export function whenCut(name: string, gone: () => void): void {
  void navigator.locks.request(name, gone);
}
