// A checkpoint in storage: a document (JSON) that says of which run it is and where that stands, with a checksum of itself;
// and the arrays (.npz), which the document names with their size and SHA-256. The command line keeps the two as files,
// a page in its IndexedDB or private files. Store the arrays first: then whatever document is there is of a whole checkpoint.

import type { ReadFile } from '../data/dataset';
import { InputError, type InputErrorDetails } from '../data/input-error';
import { encodeNpz, parseNpz } from '../data/npz';
import { sha256 } from '../data/sha256';
import { toJson } from './artifacts';
import type { Checkpoint } from './checkpoint';
import { parseConfig, resolvedJson } from './config';
import { isPlainObject } from './config-problems';
import { contentHash } from './plan';
import type { ExperimentConfig } from './types';

/** Of the format; another version is not read. */
const VERSION = 1;
/** A zip without its 64-bit extension holds 4 GiB, and platforms hash just under 2 GiB at once; what is larger is not kept. */
export const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** What a run must find again to end with the same bits. */
export interface RunIdentity {
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** A checkpoint and the run that it is of. */
export interface KeptRun extends RunIdentity {
  readonly config: ExperimentConfig;
  /** What paths in the configuration are relative to; empty where they are mere names. */
  readonly baseDir: string;
  /** SHA-256 of every file that the configuration names, by its path; see {@link watchedReader}. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly checkpoint: Checkpoint;
}

export interface EncodedCheckpoint {
  readonly document: string;
  /** The arrays; a name for each place that a run can stand at. */
  readonly state: { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> };
}

/** Bytes that the arrays of a checkpoint take; more than {@link MOST_BYTES} cannot be encoded. */
export const checkpointBytes = ({ arrays }: Checkpoint): number =>
  Object.values(arrays).reduce((sum, { byteLength }) => sum + byteLength, 0);

/** @throws RangeError when it is larger than {@link MOST_BYTES} */
export async function encodeCheckpoint({ checkpoint, ...run }: KeptRun): Promise<EncodedCheckpoint> {
  const size = checkpointBytes(checkpoint);
  if (size > MOST_BYTES) throw new RangeError(`a checkpoint of ${size} bytes is more than ${MOST_BYTES}`);
  const arrays = Object.entries(checkpoint.arrays).map(([name, data]) => [name, { shape: [data.length], data }]);
  const bytes = encodeNpz(Object.fromEntries(arrays), { level: 0 });
  const { stage, epoch, facts } = checkpoint;
  const name = `state-${stage}-${epoch}.npz`;
  const state = { name, bytes: bytes.length, sha256: await sha256(bytes) };
  const config = resolvedJson(run.config);
  const body = JSON.parse(toJson({ version: VERSION, ...run, config, stage, epoch, facts, state })) as unknown;
  return { document: toJson({ ...(body as object), check: await contentHash(body) }), state: { name, bytes } };
}

/**
 * Reads a checkpoint back.
 * @param readState gives the arrays by the name that they were encoded under
 * @param about what errors say: the file of the document, and what to do
 * @throws InputError when it is not whole, or of another version
 */
export async function decodeCheckpoint(
  document: string,
  readState: (name: string) => Promise<Uint8Array>,
  about: InputErrorDetails = { file: 'the checkpoint', remedy: 'Delete it and run from the beginning.' },
): Promise<KeptRun> {
  const refuse = (message: string, cause?: unknown) => new InputError(message, { ...about, cause });
  const read = plainObjectIn(document);
  if (!read) throw refuse('the checkpoint is not whole');
  const { check, ...body } = read;
  if (body.version !== VERSION) throw refuse('the checkpoint was written by another version of perturb-gpu');
  if (check !== (await contentHash(body))) throw refuse('the checkpoint was changed since it was written');
  const { version: _, config, state, stage, epoch, facts, ...run } = body as unknown as KeptBody;
  const bytes = await readState(state.name).catch((cause) => {
    throw refuse(`its arrays, ${state.name}, are gone`, cause);
  });
  if (bytes.length !== state.bytes || (await sha256(bytes)) !== state.sha256) {
    throw refuse(`its arrays, ${state.name}, are damaged`);
  }
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const arrays = [...parseNpz(view, state.name, { maxBytes: 2 ** 32 })].map(([name, { data }]) => [name, data]);
  return {
    ...run,
    config: parseConfig(config, about.file === undefined ? {} : { file: about.file }),
    checkpoint: { stage, epoch, facts, arrays: Object.fromEntries(arrays) as Checkpoint['arrays'] },
  };
}

type KeptBody = Omit<KeptRun, 'config' | 'checkpoint'> &
  Omit<Checkpoint, 'arrays'> & {
    readonly version: number;
    readonly config: unknown;
    readonly state: { readonly name: string; readonly bytes: number; readonly sha256: string };
  };

function plainObjectIn(text: string): Record<string, unknown> | undefined {
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
    const now = await sha256(bytes);
    const then = before[path];
    if (then !== undefined && then !== now) {
      throw new InputError('the file has changed since the checkpoint was written', {
        file: path,
        remedy: 'Bring back the file as it was, or run from the beginning.',
      });
    }
    inputs[path] = now;
    return bytes;
  };
}
