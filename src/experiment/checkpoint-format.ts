// A checkpoint in storage: a document (JSON) that says of which run it is and where that stands, with a checksum of itself;
// and the arrays (.npz), which the document names with their size and SHA-256. The command line keeps the two as files,
// a page in its IndexedDB or private files. Store the arrays first: then whatever document is there is of a whole checkpoint.

import * as v from 'valibot';
import type { ReadFile } from '../data/dataset';
import { InputError, type InputErrorDetails } from '../data/input-error';
import { encodeNpz, parseNpz } from '../data/npz';
import { sha256 } from '../data/sha256';
import { toJson } from './artifacts';
import type { Checkpoint } from './checkpoint';
import { checkpointFacts, epochCount, issueOf, trainingStage } from './checkpoint-schema';
import { parseConfig, resolvedJson } from './config';
import { isPlainObject } from './config-problems';
import { parseConfigText } from './config-text';
import { contentHash } from './plan';
import type { ExperimentConfig } from './types';

/** Of the format; another version is not read. */
const VERSION = 1;
/** A zip without its 64-bit extension holds 4 GiB, and platforms hash just under 2 GiB at once; what is larger is not kept. */
export const MOST_BYTES = 2 ** 31 - 2 ** 20;

/** What a zip adds to its arrays, amply. */
const ZIP_BYTES = 2 ** 20;
/** What a document takes at most, in bytes: it has a number a neuron. */
export const MOST_TEXT = 2 ** 26;
/** Names of the arrays. */
export const STATE_NAME = /^state-(standard|learning)-\d{1,15}\.npz$/;

const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const kept = v.strictObject({
  version: v.literal(VERSION),
  device: v.string(),
  versions: v.record(v.string(), v.string()),
  config: v.unknown(),
  baseDir: v.string(),
  inputs: v.record(v.string(), digest),
  stage: trainingStage,
  epoch: epochCount,
  facts: checkpointFacts,
  state: v.strictObject({
    name: v.pipe(v.string(), v.regex(STATE_NAME)),
    bytes: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MOST_BYTES + ZIP_BYTES)),
    sha256: digest,
  }),
});

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
 * Reads a checkpoint back. It may come from anywhere: a name in it is one that {@link encodeCheckpoint} gives, and what it
 * says is checked against a schema before anything is built from it.
 * @param readState gives the arrays by the name that they were encoded under; it need not read more than `most` bytes
 * @param about what errors say: the file of the document, and what to do
 * @throws InputError when it is not whole, or of another version
 */
export async function decodeCheckpoint(
  document: string,
  readState: (name: string, most: number) => Promise<Uint8Array>,
  about: InputErrorDetails = { file: 'the checkpoint', remedy: 'Delete it and run from the beginning.' },
): Promise<KeptRun> {
  const refuse = (message: string, details: Partial<InputErrorDetails> = {}) =>
    new InputError(message, { ...about, ...details });
  const { check, ...body } = bodyOf(document, (why) => refuse(`the checkpoint is not whole: ${why}`));
  if (body.version !== VERSION) throw refuse('the checkpoint was written by another version of perturb-gpu');
  if (check !== (await contentHash(body))) throw refuse('the checkpoint was changed since it was written');
  const parsed = v.safeParse(kept, body);
  if (!parsed.success) throw refuse(`the checkpoint was not written by perturb-gpu: ${issueOf(parsed.issues)}`);
  const { version: _, config, state, stage, epoch, facts, ...run } = parsed.output;
  const { name } = state;
  const bytes = await readState(name, state.bytes).catch((cause) => {
    if (isAbsent(cause)) throw refuse(`its arrays, ${name}, are gone`, { cause });
    const remedy = cause instanceof RangeError ? {} : { remedy: `Make ${name} readable.` };
    throw refuse(`its arrays, ${name}, cannot be read: ${(cause as Error).message}`, { ...remedy, cause });
  });
  if (bytes.length < state.bytes) throw refuse(`its arrays, ${name}, are damaged: cut off`, { offset: bytes.length });
  if (bytes.length > state.bytes || (await sha256(bytes)) !== state.sha256) {
    throw refuse(`its arrays, ${name}, are damaged: another checksum`);
  }
  const arrays: Record<string, Float32Array> = {};
  for (const [key, { data }] of parseNpz(bytes, name, { maxBytes: state.bytes })) {
    if (!(data instanceof Float32Array)) throw refuse(`its array ${key} does not hold float32`);
    arrays[key] = data;
  }
  const file = about.file === undefined ? {} : { file: about.file };
  return { ...run, config: parseConfig(config, file), checkpoint: { stage, epoch, facts, arrays } };
}

/** Whether reading failed because there is nothing: as files say it, and as a page's storage does. */
const isAbsent = (error: unknown): boolean =>
  error instanceof Error && ((error as { code?: unknown }).code === 'ENOENT' || error.name === 'NotFoundError');

function bodyOf(text: string, refuse: (why: string) => InputError): Record<string, unknown> {
  let document: unknown;
  try {
    document = parseConfigText(text, 'the document');
  } catch (error) {
    if (error instanceof InputError) throw refuse(error.message);
    throw error;
  }
  if (!isPlainObject(document)) throw refuse('it is no object');
  return document;
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
