// The checkpoint of a run that writes to DIR is in DIR.checkpoint, beside it, since DIR is there when the run is finished and
// not before:
//
//   checkpoint.json          the configuration, where the run stands, and the name, size and SHA-256 of
//   state-STAGE-EPOCH.npz    the arrays, written and synced before the file that names them
//   lock.json                while a process works on it
//
// A process killed at any moment leaves the old checkpoint or the new one; what it had begun is taken away by the next.

import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../data/input-error';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type KeptRun,
  MOST_TEXT,
  STATE_NAME,
} from '../experiment/checkpoint-format';
import { readBounded } from './bounded-read';
import { type Lock, takeLock } from './lock';
import { asInputError, isPartial, removeMade, replaceFile } from './store';

const FILE = 'checkpoint.json';

export const checkpointDirectory = (out: string): string => `${out}.checkpoint`;

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

  /** Writes a checkpoint in place of the one before. */
  async write(run: KeptRun): Promise<void> {
    const {
      document,
      state: { name, bytes },
    } = await encodeCheckpoint(run);
    await replaceFile(join(this.directory, name), bytes);
    await replaceFile(join(this.directory, FILE), document);
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
 * Reads the checkpoint of a run back.
 * @throws InputError when there is none, or it is not whole, or of another version
 */
export async function readCheckpoint(out: string): Promise<KeptRun> {
  const directory = checkpointDirectory(out);
  const file = join(directory, FILE);
  const about = { file, key: '--resume', remedy: `Delete ${directory} and run from the beginning.` };
  const text = await readBounded(file, MOST_TEXT).catch((cause) => {
    if (cause instanceof RangeError) {
      throw new InputError(`the checkpoint cannot be read: ${cause.message}`, { ...about, cause });
    }
    if (['ENOENT', 'ENOTDIR'].includes(cause.code)) {
      throw new InputError(`there is no checkpoint of a run to ${out}`, {
        ...about,
        remedy: 'Name the output directory that the interrupted run was given with --out.',
        cause,
      });
    }
    throw new InputError(`the checkpoint cannot be read: ${cause.message}`, {
      ...about,
      remedy: `Make ${file} readable.`,
      cause,
    });
  });
  const state = (name: string, most: number) => readBounded(join(directory, name), most);
  return decodeCheckpoint(new TextDecoder().decode(text), state, about);
}
