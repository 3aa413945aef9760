// The checkpoint of a run that writes to DIR is in DIR.checkpoint, beside it, since DIR is there when the run is finished and
// not before:
//
//   checkpoint.json    the configuration, where the run stands, and the name, size and SHA-256 of
//   state-EPOCH.npz    the arrays, written and synced before the file that names them
//   lock.json          while a process works on it
//
// A process killed at any moment leaves the old checkpoint or the new one; what it had begun is taken away by the next.

import { createHash } from 'node:crypto';
import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadFile } from '../data/dataset';
import { InputError } from '../data/input-error';
import { encodeNpz } from '../data/npz';
import { toJson } from '../experiment/artifacts';
import type { Checkpoint } from '../experiment/checkpoint';
import { resolvedJson } from '../experiment/config';
import { contentHash } from '../experiment/plan';
import type { ExperimentConfig } from '../experiment/types';
import { type Lock, takeLock } from './lock';
import { asInputError, isPartial, removeMade, replaceFile } from './store';

/** Of the files; another version is not read. */
export const VERSION = 1;
export const FILE = 'checkpoint.json';
/** A zip without its 64-bit extension holds 4 GiB; what is larger is not kept. */
export const MOST_BYTES = 2 ** 31;
/** Names of the files that hold the arrays. */
export const STATE_NAME = /^state-(standard|learning)-\d{1,15}\.npz$/;

/** What a run must find again to end with the same bits. */
export interface RunIdentity {
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
}

export interface KeptRun extends RunIdentity {
  readonly config: ExperimentConfig;
  /** What paths in the configuration are relative to. */
  readonly baseDir: string;
  /** SHA-256 of every file that the configuration names, by its path. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly checkpoint: Checkpoint;
}

export const checkpointDirectory = (out: string): string => `${out}.checkpoint`;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const bytesOf = ({ arrays }: Checkpoint): number =>
  Object.values(arrays).reduce((sum, { byteLength }) => sum + byteLength, 0);

export class CheckpointStore {
  #written: string | undefined;

  private constructor(
    readonly directory: string,
    private readonly lock: Lock,
    /** The first directory that was made for it. */
    private readonly made: string | undefined,
  ) {}

  /**
   * Makes the directory of checkpoints of a run, or takes it up, and locks it.
   * @throws InputError when another process works on it or it cannot be written
   */
  static async open(out: string): Promise<CheckpointStore> {
    const directory = checkpointDirectory(out);
    try {
      const made = await mkdir(directory, { recursive: true });
      const lock = await takeLock(directory);
      try {
        const store = new CheckpointStore(directory, lock, made);
        const names = await readdir(directory);
        for (const name of names) if (isPartial(name)) await rm(join(directory, name), { force: true });
        store.#written = names.find((name) => name === FILE);
        return store;
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw asInputError(error, directory);
    }
  }

  /** Whether it is small enough to be written. */
  static fits(checkpoint: Checkpoint): boolean {
    return bytesOf(checkpoint) <= MOST_BYTES;
  }

  /** Writes a checkpoint in place of the one before. */
  async write({ checkpoint, ...run }: KeptRun): Promise<void> {
    const arrays = Object.entries(checkpoint.arrays).map(([name, data]) => [name, { shape: [data.length], data }]);
    const bytes = encodeNpz(Object.fromEntries(arrays), { level: 0 });
    const name = `state-${checkpoint.stage}-${checkpoint.epoch}.npz`;
    await replaceFile(join(this.directory, name), bytes);
    const { stage, epoch, facts } = checkpoint;
    const state = { name, bytes: bytes.length, sha256: sha256(bytes) };
    const config = resolvedJson(run.config);
    const body = JSON.parse(toJson({ version: VERSION, ...run, config, stage, epoch, facts, state })) as unknown;
    await replaceFile(join(this.directory, FILE), toJson({ ...(body as object), check: await contentHash(body) }));
    this.#written = name;
    for (const other of await readdir(this.directory)) {
      if (other !== name && STATE_NAME.test(other)) await rm(join(this.directory, other), { force: true });
    }
  }

  /** Takes everything away: the result is there. */
  async remove(): Promise<void> {
    await rm(join(this.directory, FILE), { force: true });
    for (const name of await readdir(this.directory)) {
      if (STATE_NAME.test(name)) await rm(join(this.directory, name), { force: true });
    }
    this.#written = undefined;
  }

  /** Lets other processes in; without a checkpoint the directory goes too. */
  async close(): Promise<void> {
    await this.lock.release();
    if (this.#written === undefined) await removeMade(this.directory, this.made ?? this.directory);
  }
}

/** Whether a run to this directory was interrupted and can go on. What cannot be read is there all the same. */
export async function hasCheckpoint(out: string): Promise<boolean> {
  try {
    await access(join(checkpointDirectory(out), FILE));
    return true;
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

/**
 * A reader that notes the SHA-256 of every file, and refuses one that is not what it was.
 * @param before what the checkpoint says of them
 */
export function watchedReader(
  readFile: ReadFile,
  inputs: Record<string, string>,
  before: Readonly<Record<string, string>> = {},
): ReadFile {
  return async (path) => {
    const bytes = await readFile(path);
    const now = sha256(bytes);
    const then = before[path];
    if (then !== undefined && then !== now) {
      throw new InputError('the file has changed since the checkpoint was written', {
        file: path,
        key: '--resume',
        remedy: 'Bring back the file as it was, or run from the beginning.',
      });
    }
    inputs[path] = now;
    return bytes;
  };
}
