// Tunings on the disk, in the user's cache.

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TuningStorage } from '../bench/tuning';
import { readBoundedText } from './bounded-read';

/** Files of a folder (default: perturb-gpu in the user's cache), each there completely or not at all. */
export function tuningFiles(
  env: Readonly<Record<string, string | undefined>>,
): TuningStorage & { readonly folder: string } {
  const folder = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'perturb-gpu');
  const path = (key: string) => join(folder, `${key}.json`);
  return {
    folder,
    getItem: (key) =>
      readBoundedText(path(key)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      }),
    async setItem(key, value) {
      await mkdir(folder, { recursive: true });
      const fresh = `${path(key)}.${process.pid}`;
      await writeFile(fresh, value);
      await rename(fresh, path(key));
    },
  };
}
