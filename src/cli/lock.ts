// One process a directory: a lock file that names its holder. A holder that was killed cannot take its lock away, so a
// lock whose process is gone is taken over.

import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../data/input-error';
import { readBoundedText } from './bounded-read';

export const LOCK_FILE = 'lock.json';
/** Bytes of a lock, amply: what is longer is none of ours. */
const MOST_LOCK = 2 ** 12;

/** Whether this is a lock that was moved aside, left behind by a process that was killed doing it. */
export const isAside = (name: string): boolean => /^\.lock\.json\.partial-[0-9a-f]{12}-old$/.test(name);

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the kernel's own unit: a number that comes again belongs to another. Null where unknown. */
  readonly began: string | null;
}

export interface Lock {
  /** The process that held it and is gone, when it was taken over. */
  readonly takenFrom?: number;
  release(): Promise<void>;
}

/** Start time of a process and the boot it belongs to, on Linux; null elsewhere. */
async function beganAt(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // Field 22; the second is the name in brackets, which may hold anything.
    return `${boot.trim()} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The holder a lock file names; undefined when there is none, null when it cannot be read as one. */
async function holderOf(path: string): Promise<Holder | null | undefined> {
  try {
    const holder = JSON.parse(await readBoundedText(path, MOST_LOCK)) as Partial<Holder> | null;
    return typeof holder?.pid === 'number' && typeof holder.host === 'string' ? (holder as Holder) : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : null;
  }
}

async function isGone(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return false;
  if (!isAlive(holder.pid)) return true;
  return holder.began !== null && holder.began !== (await beganAt(holder.pid));
}

/**
 * Takes the lock of a directory that exists.
 * @throws InputError while another process holds it, or a process on another machine may
 */
export async function takeLock(directory: string): Promise<Lock> {
  const path = join(directory, LOCK_FILE);
  const own = join(directory, `.${LOCK_FILE}.partial-${randomBytes(6).toString('hex')}`);
  const text = JSON.stringify({ pid: process.pid, host: hostname(), began: await beganAt(process.pid) });
  let takenFrom: number | undefined;
  try {
    for (;;) {
      try {
        await writeFile(own, text);
        // A link, unlike a write, makes the file appear with its content and fails when it is there.
        await link(own, path);
        break;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // ENOENT: the holder, clearing up after a killed process, took our half for one of its files.
        if (code !== 'EEXIST' && code !== 'ENOENT') throw error;
      }
      const holder = await holderOf(path);
      if (holder === undefined) continue;
      if (holder === null || !(await isGone(holder))) throw held(directory, path, holder);
      if (await moveAway(path, own, holder)) takenFrom = holder.pid;
    }
  } finally {
    await rm(own, { force: true });
  }
  // What cannot be cleared away is in nobody's way.
  await removeAside(directory).catch(() => {});
  const release = async () => {
    if ((await holderOf(path))?.pid === process.pid) await rm(path, { force: true });
  };
  return { release, ...(takenFrom === undefined ? {} : { takenFrom }) };
}

/** Takes a dead holder's lock away, unless another process took it over first: then that one's is put back. */
async function moveAway(path: string, own: string, dead: Holder): Promise<boolean> {
  const aside = `${own}-old`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const moved = await holderOf(aside);
  const expected = moved?.pid === dead.pid && moved.began === dead.began;
  if (!expected) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
  return expected;
}

/**
 * Removes locks moved aside that nobody will remove any more. Only those of dead holders: a living process may have moved a lock
 * aside just now, and put back what it finds to be a living one's.
 */
async function removeAside(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).filter(isAside)) {
    const holder = await holderOf(join(directory, name));
    if (holder && (await isGone(holder))) await rm(join(directory, name), { force: true });
  }
}

function held(directory: string, path: string, holder: Holder | null): InputError {
  const who = holder
    ? `process ${holder.pid}${holder.host === hostname() ? '' : ` on ${holder.host}`}`
    : 'another process';
  return new InputError(`the output directory is in use by ${who}`, {
    file: directory,
    key: '--out',
    remedy: `Wait for it to end, or name another directory. If it is certain that nothing runs there, delete ${path}.`,
  });
}
