// The result directory, there completely or not at all: everything is written and synced into a hidden sibling, and one
// rename makes it appear. A crash, a full disk or Ctrl-C leaves the target as it was.

import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../data/input-error';

export interface StoredFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const ELSEWHERE = 'Name a directory that does not exist yet, or an empty one.';

const code = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** Errors of the file system as input errors on --out; what is not one passes through. */
export function asInputError(error: unknown, directory: string): unknown {
  if (error instanceof InputError || typeof code(error) !== 'string') return error;
  const taken = ['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(String(code(error)));
  const message = taken ? 'the output directory was taken while the run went on' : (error as Error).message;
  return new InputError(message, {
    file: directory,
    key: '--out',
    remedy: taken ? ELSEWHERE : 'Make the place writable or free some space, or name another directory.',
    cause: error,
  });
}

async function entries(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (code(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What an error about an output directory names, and what it advises when something is there. */
interface OutputOption {
  readonly key: string;
  readonly remedy: string;
}

/** The nearest directory on the way to `path` that is there already. */
async function existingAncestor(path: string): Promise<string> {
  for (let current = dirname(path); ; current = dirname(current)) {
    try {
      if ((await stat(current)).isDirectory()) return current;
      throw new InputError(`${current} is not a directory`, { file: path, key: '--out', remedy: ELSEWHERE });
    } catch (error) {
      if (code(error) !== 'ENOENT' || current === dirname(current)) throw error;
    }
  }
}

/** Whether a finished run has written its result there. */
export async function holdsResult(directory: string): Promise<boolean> {
  try {
    await access(join(directory, 'result.json'));
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String(code(error)))) return false;
    throw asInputError(error, directory);
  }
}

/** Refuses an output directory that could not be written at the end; asked before the run, which may take hours. */
export async function claimOutput(
  directory: string,
  option: OutputOption = { key: '--out', remedy: ELSEWHERE },
): Promise<void> {
  const refuse = (message: string) => new InputError(message, { file: directory, ...option });
  try {
    const path = resolve(directory);
    const present = await entries(path);
    if (await holdsResult(path)) throw refuse('the output directory holds the result of another run');
    if (present && present.length > 0) throw refuse('the output directory is not empty');
    await access(await existingAncestor(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    if (code(error) === 'ENOTDIR') throw refuse('the output directory is a file');
    throw asInputError(error, directory);
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Windows cannot sync a directory; there the rename is as durable as it gets.
    if (!['EPERM', 'EISDIR', 'EINVAL'].includes(String(code(error)))) throw error;
  } finally {
    await handle.close();
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The name that a file or directory has beside its place while it is written. */
const partialName = (name: string) => `.${name}.partial-${randomBytes(6).toString('hex')}`;

/** Whether this is what {@link partialName} made, left behind by a process that was killed. */
export const isPartial = (name: string): boolean => /^\..+\.partial-[0-9a-f]{12}$/.test(name);

/** Writes a file, or replaces it: it is there with the old content or with all of the new, whatever happens. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const partial = join(dirname(path), partialName(basename(path)));
  try {
    await writeSynced(partial, typeof content === 'string' ? new TextEncoder().encode(content) : content);
    await rename(partial, path);
    await sync(dirname(path));
  } catch (error) {
    // What went wrong first is what is told.
    await rm(partial, { force: true }).catch(() => {});
    throw asInputError(error, path);
  }
}

/** Takes away the empty directories that were made on the way, from the deepest up to `first`. */
export async function removeMade(deepest: string, first: string): Promise<void> {
  for (let current = deepest; current.startsWith(first); current = dirname(current)) {
    try {
      await rmdir(current);
    } catch {
      return;
    }
  }
}

/**
 * Writes the files as `directory`, atomically, and returns its absolute path.
 * @throws InputError when the place cannot be written or was taken; AbortError when `signal` fires before the rename
 */
export async function writeResult(
  directory: string,
  files: readonly StoredFile[],
  signal?: AbortSignal,
): Promise<string> {
  await claimOutput(directory);
  const wanted = resolve(directory);
  const parent = dirname(wanted);
  let made: string | undefined;
  let partial: string | undefined;
  try {
    made = await mkdir(parent, { recursive: true });
    // A link to an empty directory stays a link: what it points to is replaced.
    const target = await realpath(wanted).catch(() => wanted);
    partial = join(dirname(target), partialName(basename(target)));
    await mkdir(partial);
    for (const { name, bytes } of files) {
      if (!SAFE_NAME.test(name)) throw new Error(`"${name}" is not a name for a file in a result directory`);
      signal?.throwIfAborted();
      await writeSynced(join(partial, name), bytes);
    }
    await sync(partial);
    signal?.throwIfAborted();
    await rename(partial, target);
    await sync(dirname(target));
    return target;
  } catch (error) {
    if (partial) await rm(partial, { recursive: true, force: true });
    if (made) await removeMade(parent, made);
    throw asInputError(error, directory);
  }
}

/** A directory name under `parent` that nothing has yet: base-2026-01-31T12-00-00, with a counter when that is taken. */
export async function freshDirectory(parent: string, base: string, date: Date): Promise<string> {
  const stamp = date.toISOString().slice(0, 19).replaceAll(':', '-');
  for (let count = 1; ; count++) {
    const path = join(parent, `${base}-${stamp}${count === 1 ? '' : `-${count}`}`);
    if (!(await stat(path).catch(() => undefined))) return path;
  }
}
