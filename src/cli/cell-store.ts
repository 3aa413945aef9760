// The directory of a reproduction. Every finished cell is a file of its own, whole or not there, so that a run that was
// ended at any moment is taken up where it was.
//
//   cells/HASH.json            a point of a panel with one seed, named by the hash of its configurations
//   lock.json                  while a process works here
//   FIGURE/panel-1.json, .csv, .svg and so on, FIGURE/report.html, and summary.json: written anew whenever a run ends
//   maps/map-1.json and so on, maps/map-1-seed-0/ and so on: grids and picture of a decision map

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../data/input-error';
import { toJson } from '../experiment/artifacts';
import { isPlainObject } from '../experiment/config-problems';
import { contentHash } from '../experiment/plan';
import type { CellOutcome, CellStore } from '../reproduce/run';
import { readBoundedText } from './bounded-read';
import { isAside, LOCK_FILE, type Lock, takeLock } from './lock';
import { asInputError, isPartial, replaceFile } from './store';

const CELLS = 'cells';

export class CellDirectory implements CellStore {
  private constructor(
    readonly directory: string,
    private readonly lock: Lock,
  ) {}

  /**
   * Makes the directory, or takes up one that holds a reproduction, and locks it.
   * @param directory absolute
   * @throws InputError when it holds anything else, cannot be written, or another process works in it
   */
  static async open(directory: string): Promise<CellDirectory> {
    try {
      await mkdir(directory, { recursive: true });
      const present = await readdir(directory);
      if (
        !present.includes(CELLS) &&
        !present.every((name) => name === LOCK_FILE || isPartial(name) || isAside(name))
      ) {
        throw new InputError('the output directory holds something that is not a reproduction', {
          file: directory,
          key: '--out',
          remedy: 'Name a directory that does not exist yet, an empty one, or that of a reproduction to continue.',
        });
      }
      const lock = await takeLock(directory);
      try {
        const cells = join(directory, CELLS);
        await mkdir(cells, { recursive: true });
        for (const name of await readdir(cells)) if (isPartial(name)) await rm(join(cells, name));
      } catch (error) {
        await lock.release();
        throw error;
      }
      return new CellDirectory(directory, lock);
    } catch (error) {
      throw asInputError(error, directory);
    }
  }

  /** Lets other processes in. */
  close(): Promise<void> {
    return this.lock.release();
  }

  /** A file that is not whole, too long for one, or was changed, counts as absent: the cell is computed again. */
  async load(id: string): Promise<CellOutcome | undefined> {
    try {
      const document: unknown = JSON.parse(await readBoundedText(this.#path(id)));
      if (!isPlainObject(document)) return undefined;
      const { check, ...outcome } = document;
      const whole = outcome.id === id && check === (await contentHash(outcome));
      return whole ? (outcome as unknown as CellOutcome) : undefined;
    } catch (error) {
      if (
        error instanceof SyntaxError ||
        error instanceof RangeError ||
        (error as NodeJS.ErrnoException).code === 'ENOENT'
      )
        return undefined;
      throw asInputError(error, this.directory);
    }
  }

  async save(outcome: CellOutcome): Promise<void> {
    await replaceFile(this.#path(outcome.id), toJson({ ...outcome, check: await contentHash(outcome) }));
  }

  /** Writes a file, in a folder of the directory when `name` has one. */
  async write(folder: string, name: string, text: string): Promise<void> {
    const place = join(this.directory, folder);
    try {
      await mkdir(place, { recursive: true });
    } catch (error) {
      throw asInputError(error, this.directory);
    }
    await replaceFile(join(place, name), text);
  }

  /** The text of a file of the directory; undefined when it is not there. */
  async read(...path: readonly string[]): Promise<string | undefined> {
    const file = join(this.directory, ...path);
    try {
      return await readBoundedText(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (error instanceof RangeError) {
        throw new InputError(`a file of the reproduction cannot be read: ${error.message}`, {
          file,
          remedy: 'Delete it: the same command writes it again.',
          cause: error,
        });
      }
      throw asInputError(error, this.directory);
    }
  }

  #path(id: string): string {
    return join(this.directory, CELLS, `${id}.json`);
  }
}
