// Files for the loaders in Node. The only file here that touches the platform.

import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ReadFile } from './dataset';

/** Bytes read at once: the system takes less than 2 GiB. */
const PIECE_BYTES = 2 ** 30;

/**
 * A reader of paths relative to `baseDir` (absolute paths stand for themselves). It rejects as Node does; the loaders turn
 * that into an InputError.
 */
export function nodeReadFile(baseDir: string): ReadFile {
  return async (path) => {
    const handle = await open(resolve(baseDir, path), 'r');
    try {
      const { size } = await handle.stat();
      // Pipes and the like have no size, and readFile takes no more than 2 GiB. Else piece by piece into a plain Uint8Array:
      // Buffer's slice is a view, where the loaders rely on a copy.
      if (size === 0) return new Uint8Array(await handle.readFile());
      const bytes = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const { bytesRead } = await handle.read(bytes, at, Math.min(PIECE_BYTES, size - at), at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    } finally {
      await handle.close();
    }
  };
}
