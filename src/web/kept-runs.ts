// Unfinished runs in this browser's own storage (IndexedDB), so that one outlives its device, its worker and its page. The
// facts of a run and its state are apart: listing the runs must not load their arrays.

import type { Checkpoint } from '../experiment/checkpoint';
import type { ExperimentConfig } from '../experiment/types';
import type { Held } from './dropped-files';
import type { Courses } from './live';

/** What computed a run; another one would not end with the same bits. */
export interface RunIdentity {
  readonly adapter: string;
  readonly browser: string;
  readonly engine: string;
}

/** All of a run but its arrays; structured data, files included. */
export interface KeptRun {
  readonly id: string;
  readonly config: ExperimentConfig;
  readonly identity: RunIdentity;
  readonly files: readonly Held[];
  /** What was seen of it so far. */
  readonly courses: Courses;
  /** Where its state stands, and when that was taken: milliseconds since 1970. */
  readonly stage: Checkpoint['stage'];
  readonly epoch: number;
  readonly at: number;
}

const DATABASE = 'perturb-gpu';
/** Of what is stored; stores of another version are emptied. */
const VERSION = 1;
const RUNS = 'runs';
const STATES = 'states';
/** Runs that nobody came back to are let go, the oldest first. */
const MOST_RUNS = 4;

const answered = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opening: Promise<IDBDatabase> | undefined;

async function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, VERSION);
  request.onupgradeneeded = () => {
    for (const name of request.result.objectStoreNames) request.result.deleteObjectStore(name);
    request.result.createObjectStore(RUNS, { keyPath: 'id' });
    request.result.createObjectStore(STATES);
  };
  const database = await answered(request);
  // Another window with a newer page must not wait for this one.
  database.onversionchange = () => {
    database.close();
    opening = undefined;
  };
  return database;
}

/** Everything in `work` happens, or nothing. */
async function transact<T>(
  mode: IDBTransactionMode,
  work: (runs: IDBObjectStore, states: IDBObjectStore) => Promise<T>,
): Promise<T> {
  opening ??= openDatabase();
  const database = await opening.catch((error) => {
    opening = undefined;
    throw error;
  });
  const transaction = database.transaction([RUNS, STATES], mode);
  const over = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  const [done] = await Promise.all([work(transaction.objectStore(RUNS), transaction.objectStore(STATES)), over]);
  return done;
}

/** Puts a run and its state in place of what was kept of it. @throws DOMException, such as for want of space */
export const putRun = (run: KeptRun, state: Checkpoint): Promise<void> =>
  transact('readwrite', async (runs, states) => {
    runs.put(run);
    states.put(state, run.id);
    const others = ((await answered(runs.getAll())) as KeptRun[]).filter(({ id }) => id !== run.id);
    for (const { id } of others.sort((a, b) => b.at - a.at).slice(MOST_RUNS - 1)) {
      runs.delete(id);
      states.delete(id);
    }
  });

/** Every run that is kept, the newest first. */
export const keptRuns = (): Promise<readonly KeptRun[]> =>
  transact('readonly', async (runs) => {
    const all = (await answered(runs.getAll())) as KeptRun[];
    return all.sort((a, b) => b.at - a.at);
  });

export const stateOf = (id: string): Promise<Checkpoint | undefined> =>
  transact('readonly', (_, states) => answered(states.get(id)) as Promise<Checkpoint | undefined>);

export const removeRun = (id: string): Promise<void> =>
  transact('readwrite', async (runs, states) => {
    runs.delete(id);
    states.delete(id);
  });
