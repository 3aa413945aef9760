// The directory of a sweep. Every finished cell is a file of its own, written, synced and renamed into place before the
// next is begun, so that a process killed at any moment leaves only whole files; what it left is read back and checked.
//
//   sweep.json                 base and grid as they were last run, a sweep that can be run itself
//   cells/HASH.json            a cell: its configuration and result, or why it failed
//   cells/HASH/                its result directory, where the configuration says "save"
//   results.jsonl, results.csv, summary.json, report.html      of what is finished when a run ends, by itself or not
//   lock.json                  while a process works here

import { access, constants, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../data/input-error';
import { resultDocument, toJson } from '../experiment/artifacts';
import { resolvedJson, SCHEMA_VERSION } from '../experiment/config';
import { isPlainObject } from '../experiment/config-problems';
import { contentHash } from '../experiment/plan';
import type { Cell } from '../experiment/sweep';
import type { CellDivergence, CellFailure, CellOutcome, CellSummary } from '../experiment/sweep-results';
import type { ExperimentResult } from '../experiment/types';
import { readBoundedText } from './bounded-read';
import { isAside, LOCK_FILE, type Lock, takeLock } from './lock';
import { asInputError, isPartial, replaceFile, type StoredFile, writeResult } from './store';

export const GRID_FILE = 'sweep.json';
const CELLS = 'cells';

/** A cell file that cannot be relied on. */
export interface BadCell {
  readonly file: string;
  readonly reason: string;
}

/** What a directory held of a sweep's cells. */
export interface KeptCells {
  readonly outcomes: Map<string, CellOutcome>;
  readonly bad: readonly BadCell[];
}

export class SweepStore {
  private constructor(
    readonly directory: string,
    private readonly lock: Lock,
  ) {}

  /** The process that was killed while it held the directory. */
  get takenFrom(): number | undefined {
    return this.lock.takenFrom;
  }

  /**
   * Makes the directory or takes up one that holds a sweep, and locks it.
   * @param directory absolute
   * @throws InputError when it holds anything else, cannot be written, or another process works in it
   */
  static async open(directory: string): Promise<SweepStore> {
    try {
      await mkdir(directory, { recursive: true });
      const present = await readdir(directory);
      const ours =
        present.includes(GRID_FILE) ||
        present.every((name) => isPartial(name) || isAside(name) || [LOCK_FILE, CELLS].includes(name));
      if (!ours) {
        throw new InputError('the output directory holds something that is not a sweep', {
          file: directory,
          key: '--out',
          remedy: 'Name a directory that does not exist yet, an empty one, or that of a sweep to continue.',
        });
      }
      await access(directory, constants.W_OK | constants.X_OK);
      const lock = await takeLock(directory);
      const store = new SweepStore(directory, lock);
      try {
        await mkdir(join(directory, CELLS), { recursive: true });
        for (const place of [directory, join(directory, CELLS)]) await removePartial(place);
      } catch (error) {
        await lock.release();
        throw error;
      }
      return store;
    } catch (error) {
      throw asInputError(error, directory);
    }
  }

  /** Lets other processes in. */
  close(): Promise<void> {
    return this.lock.release();
  }

  /** Writes a file of the directory, all at once. */
  write(name: string, text: string): Promise<void> {
    return replaceFile(join(this.directory, name), text);
  }

  /** Keeps the grid beside the cells, which marks the directory as a sweep's. */
  writeGrid(document: unknown): Promise<void> {
    return this.write(GRID_FILE, toJson(document));
  }

  /** Keeps a finished cell, its arrays before the file that says it is finished. @param files of its result directory */
  async keep(cell: Cell, result: ExperimentResult, files: readonly StoredFile[]): Promise<CellOutcome> {
    if (files.length > 0) {
      const target = join(this.directory, CELLS, cell.hash);
      // What stands there is of a process killed before it finished the cell.
      await rm(target, { recursive: true, force: true });
      await writeResult(target, files);
    }
    return this.#writeCell(cell, resultDocument(result));
  }

  /** Records why a cell has no result; it is tried again the next time. */
  fail(cell: Cell, error: CellFailure): Promise<CellOutcome> {
    return this.#writeCell(cell, { error });
  }

  /** Records where a cell diverged. */
  diverged(cell: Cell, diverged: CellDivergence): Promise<CellOutcome> {
    return this.#writeCell(cell, { diverged });
  }

  async #writeCell(cell: Cell, content: Readonly<Record<string, unknown>>): Promise<CellOutcome> {
    // As it will be read: numbers that JSON cannot hold are null from here on.
    const written = { config: resolvedJson(cell.config), ...content, finishedAt: new Date().toISOString() };
    const body = JSON.parse(toJson(written)) as Record<string, unknown>;
    await this.write(join(CELLS, `${cell.hash}.json`), toJson({ ...body, check: await contentHash(body) }));
    return outcomeOf(body);
  }
}

/** Reads back what a sweep's directory holds of these cells; one that is not there yet holds nothing. */
export async function readCells(directory: string, cells: readonly Cell[]): Promise<KeptCells> {
  const outcomes = new Map<string, CellOutcome>();
  const bad: BadCell[] = [];
  const present = await namesIn(join(directory, CELLS));
  for (const { hash, config } of cells) {
    const file = join(CELLS, `${hash}.json`);
    if (!present.has(`${hash}.json`)) continue;
    const read = await readCell(join(directory, file), hash);
    if ('reason' in read) bad.push({ file, reason: read.reason });
    else if (read.result && config.save.length > 0 && !present.has(hash)) {
      bad.push({ file, reason: `its saved arrays, ${join(CELLS, hash)}, are gone` });
    } else outcomes.set(hash, read);
  }
  return { outcomes, bad };
}

async function namesIn(directory: string): Promise<Set<string>> {
  try {
    return new Set(await readdir(directory));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return new Set();
    throw asInputError(error, directory);
  }
}

function outcomeOf(body: Readonly<Record<string, unknown>>): CellOutcome {
  const { error, diverged } = body;
  if (diverged) return { diverged: diverged as CellDivergence };
  return error ? { error: error as CellFailure } : { result: body as unknown as CellSummary };
}

/** Files and directories that a killed process had begun. */
async function removePartial(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (isPartial(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** A cell file's outcome, or why it cannot be relied on. */
async function readCell(path: string, hash: string): Promise<CellOutcome | { readonly reason: string }> {
  let document: unknown;
  try {
    document = JSON.parse(await readBoundedText(path));
  } catch (error) {
    if (error instanceof SyntaxError) return { reason: 'it is not whole' };
    return { reason: `it cannot be read: ${(error as Error).message}` };
  }
  if (!isPlainObject(document)) return { reason: 'it is not a cell' };
  const { check, ...body } = document;
  if (!isPlainObject(body.config) || typeof check !== 'string') return { reason: 'it is not a cell' };
  if (body.config.schemaVersion !== SCHEMA_VERSION) return { reason: 'another version of perturb-gpu wrote it' };
  if ((await contentHash(body.config)) !== hash) return { reason: 'it holds another configuration than its name says' };
  if ((await contentHash(body)) !== check) return { reason: 'it was changed since it was written' };
  return outcomeOf(body);
}
