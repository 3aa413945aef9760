// Files for the loaders in Node. The only file here that touches the platform.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ReadFile } from './dataset';

/**
 * A reader of paths relative to `baseDir` (absolute paths stand for themselves). It rejects as Node does; the loaders turn
 * that into an InputError.
 */
export function nodeReadFile(baseDir: string): ReadFile {
  return async (path) => {
    const buffer = await readFile(resolve(baseDir, path));
    // A plain Uint8Array: Buffer's slice is a view, where the loaders rely on a copy.
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  };
}
