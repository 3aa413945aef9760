// The one place where reading a configured file can fail: whatever the reader rejects with becomes an InputError that names
// the file and the configuration key, and a gzipped file is unpacked on the way.

import type { ReadFile } from './dataset';
import { type GunzipOptions, gunzip, isGzip } from './gzip';
import { InputError } from './input-error';

/** True for "no such file" from Node (ENOENT, ENOTDIR) and from the browser's file system (NotFoundError). */
function isMissing(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, name } = error as { code?: unknown; name?: unknown };
  return code === 'ENOENT' || code === 'ENOTDIR' || name === 'NotFoundError';
}

/**
 * Reads a file and unpacks it if it is gzipped. Undefined when there is no such file.
 * @throws InputError for a file that exists and cannot be read or unpacked
 */
export async function readIfPresent(
  readFile: ReadFile,
  path: string,
  key: string,
  options: GunzipOptions = {},
): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    if (isMissing(cause)) return undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`cannot read the file: ${reason}`, {
      file: path,
      key,
      remedy: `Check that ${key} names a file, not a folder, and that you may read it.`,
      cause,
    });
  }
  return isGzip(bytes) ? withKey(key, () => gunzip(bytes, path, options)) : bytes;
}

/**
 * Reads a file that must exist and unpacks it if it is gzipped.
 * @throws InputError naming the file and `key`
 */
export async function readRequired(
  readFile: ReadFile,
  path: string,
  key: string,
  options: GunzipOptions = {},
): Promise<Uint8Array> {
  const bytes = await readIfPresent(readFile, path, key, options);
  if (bytes) return bytes;
  throw new InputError('there is no such file', {
    file: path,
    key,
    remedy: `Correct ${key}; paths are relative to the folder of the configuration file.`,
  });
}

/** Runs a parser, which knows the file but not the configuration, and adds `key` to what it throws. */
export async function withKey<T>(key: string, parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof InputError) || error.key !== undefined) throw error;
    throw new InputError(error.message, {
      key,
      remedy: error.remedy,
      cause: error.cause,
      ...(error.file === undefined ? {} : { file: error.file }),
      ...(error.offset === undefined ? {} : { offset: error.offset }),
    });
  }
}

/** `dir` and `name` with exactly one slash between them. */
export function joinPath(dir: string, name: string): string {
  if (dir === '') return name;
  return /[\\/]$/.test(dir) ? `${dir}${name}` : `${dir}/${name}`;
}
