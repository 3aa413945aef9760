// The checkpoint of a run that writes to DIR is in DIR.checkpoint, beside it, since DIR is there when the run is finished and
// not before:
//
//   checkpoint.json    the configuration, where the run stands, and the name, size and SHA-256 of
//   state-EPOCH.npz    the arrays, written and synced before the file that names them
//   lock.json          while a process works on it
//
// A process killed at any moment leaves the old checkpoint or the new one; what it had begun is taken away by the next.

import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadFile } from '../data/dataset';
import { InputError } from '../data/input-error';
import { encodeNpz, parseNpz } from '../data/npz';
import { toJson } from '../experiment/artifacts';
import type { Checkpoint } from '../experiment/checkpoint';
import { parseConfig, resolvedJson } from '../experiment/config';
import { isPlainObject } from '../experiment/config-problems';
import { contentHash } from '../experiment/plan';
import type { ExperimentConfig } from '../experiment/types';
import { type Lock, takeLock } from './lock';
import { asInputError, isPartial, removeMade, replaceFile } from './store';

/** Of the files; another version is not read. */
const VERSION = 1;
const FILE = 'checkpoint.json';
/** A zip without its 64-bit extension holds 4 GiB; what is larger is not kept. */
export const MOST_BYTES = 2 ** 31;

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

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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
      if (other !== name && /^state-.*\.npz$/.test(other)) await rm(join(this.directory, other), { force: true });
    }
  }

  /** Takes everything away: the result is there. */
  async remove(): Promise<void> {
    await rm(join(this.directory, FILE), { force: true });
    for (const name of await readdir(this.directory)) {
      if (/^state-.*\.npz$/.test(name)) await rm(join(this.directory, name), { force: true });
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
  const refuse = (message: string, cause?: unknown) =>
    new InputError(message, {
      file,
      key: '--resume',
      remedy: `Delete ${directory} and run from the beginning.`,
      cause,
    });
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new InputError(`there is no checkpoint of a run to ${out}`, {
      file,
      key: '--resume',
      remedy: 'Name the output directory that the interrupted run was given with --out.',
      cause,
    });
  });
  const document = documentOf(text);
  if (!document) throw refuse('the checkpoint is not whole');
  const { check, ...body } = document;
  if (body.version !== VERSION) throw refuse('the checkpoint was written by another version of perturb-gpu');
  if (check !== (await contentHash(body))) throw refuse('the checkpoint was changed since it was written');
  const { config, state, stage, epoch, facts, ...run } = body as unknown as KeptBody;
  const bytes = await readFile(join(directory, state.name)).catch((cause) => {
    throw refuse(`its arrays, ${state.name}, are gone`, cause);
  });
  if (bytes.length !== state.bytes || sha256(bytes) !== state.sha256)
    throw refuse(`its arrays, ${state.name}, are damaged`);
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const arrays = [...parseNpz(view, state.name, { maxBytes: 2 ** 32 })].map(([name, { data }]) => [name, data]);
  return {
    ...run,
    config: parseConfig(config, { file }),
    checkpoint: { stage, epoch, facts, arrays: Object.fromEntries(arrays) as Checkpoint['arrays'] },
  };
}

type KeptBody = Omit<KeptRun, 'config' | 'checkpoint'> &
  Omit<Checkpoint, 'arrays'> & {
    readonly config: unknown;
    readonly state: { readonly name: string; readonly bytes: number; readonly sha256: string };
  };

function documentOf(text: string): Record<string, unknown> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return isPlainObject(document) ? document : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
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
