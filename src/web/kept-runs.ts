// Unfinished runs in this browser's own storage (IndexedDB), so that one outlives its device, its worker and its page. The
// facts of a run and its state are apart: listing the runs must not load their arrays.

import { sha256 } from '../data/sha256';
import type { Checkpoint } from '../experiment/checkpoint';
import type { RunPlace } from '../experiment/checkpoint-place';
import { contentHash } from '../experiment/plan';
import type { ExperimentConfig } from '../experiment/types';
import type { Held } from './dropped-files';
import type { Courses } from './live';

/** What computed a run; another one would not end with the same bits. */
export interface PageIdentity {
  readonly adapter: string;
  readonly browser: string;
  readonly engine: string;
  /** The tuning that its engine took; undefined: the default kernels. */
  readonly tuning: string | undefined;
}

/** All of a run but its arrays; structured data, files included. */
export interface StoredRun extends RunPlace {
  readonly id: string;
  readonly config: ExperimentConfig;
  readonly identity: PageIdentity;
  readonly files: readonly Held[];
  /** What was seen of it so far. */
  readonly courses: Courses;
  /** When its state was taken: milliseconds since 1970. */
  readonly at: number;
}

const DATABASE = 'perturb-gpu';
/** Of what is stored; stores of another version are emptied. */
const VERSION = 2;
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

/** What was thrown rather than reported, such as by put() of what cannot be cloned, would leave the transaction to be committed. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // A failed request has aborted it already.
  }
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
  const doing = work(transaction.objectStore(RUNS), transaction.objectStore(STATES)).catch((error) => {
    // An aborted transaction says why; its requests say only that it was.
    const { error: why } = transaction;
    if (!why) abort(transaction);
    throw why ?? error;
  });
  const [done] = await Promise.all([doing, over]);
  return done;
}

interface StoredState {
  readonly state: Checkpoint;
  /** Of all that is in it. */
  readonly check: string;
}

/** The platform hashes the arrays beside the page; packed as the files of the command line are, large ones would hold it up. */
async function checkOf({ arrays, ...rest }: Checkpoint): Promise<string> {
  const hashes: Record<string, string> = {};
  for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(arrays)) {
    hashes[name] = await sha256(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return contentHash({ ...rest, arrays: hashes });
}

/** Puts a run and its state in place of what was kept of it. @throws DOMException, such as for want of space */
export async function putRun(run: StoredRun, state: Checkpoint): Promise<void> {
  const stored: StoredState = { state, check: await checkOf(state) };
  await transact('readwrite', async (runs, states) => {
    runs.put(run);
    states.put(stored, run.id);
    const others = ((await answered(runs.getAll())) as StoredRun[]).filter(({ id }) => id !== run.id);
    for (const { id } of others.sort((a, b) => b.at - a.at).slice(MOST_RUNS - 1)) {
      runs.delete(id);
      states.delete(id);
    }
  });
}

/** Every run that is kept, the newest first. */
export const keptRuns = (): Promise<readonly StoredRun[]> =>
  transact('readonly', async (runs) => {
    const all = (await answered(runs.getAll())) as StoredRun[];
    return all.sort((a, b) => b.at - a.at);
  });

/** @throws RangeError when it is no longer what was stored */
export async function stateOf(id: string): Promise<Checkpoint | undefined> {
  const stored = await transact(
    'readonly',
    (_, states) => answered(states.get(id)) as Promise<StoredState | undefined>,
  );
  if (stored && (await checkOf(stored.state)) !== stored.check) throw new RangeError('the stored state is damaged');
  return stored?.state;
}

export const removeRun = (id: string): Promise<void> =>
  transact('readwrite', async (runs, states) => {
    runs.delete(id);
    states.delete(id);
  });
