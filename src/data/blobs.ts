// Files that a page was given (dropped, chosen, fetched), as the readers of this package take files.

import type { ReadFile } from './dataset';
import { InputError } from './input-error';

/** Reads the files that a configuration names out of those a page holds. @param files by the path the configuration uses */
export function readBlobs(files: Readonly<Record<string, Blob>>): ReadFile {
  return async (path) => {
    const blob = Object.hasOwn(files, path) ? files[path] : undefined;
    if (!blob) {
      const held = Object.keys(files);
      throw new InputError('there is no such file here', {
        file: path,
        remedy:
          held.length > 0
            ? `Give it, or name one of ${held.join(', ')}.`
            : 'Give the file, for example by dropping it.',
      });
    }
    try {
      return new Uint8Array(await blob.arrayBuffer());
    } catch (cause) {
      throw new InputError(`the file cannot be read: ${(cause as Error).message}`, {
        file: path,
        remedy: 'Give it once more: it has changed or gone since.',
        cause,
      });
    }
  };
}
