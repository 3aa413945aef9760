// Reading a checkpoint back. It may come from anywhere: a name in it is a name beside it, a size is what the file really has,
// and what it says is checked against a schema before anything is built from it.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { InputError } from '../data/input-error';
import { parseNpz } from '../data/npz';
import { checkpointFacts, epochCount, issueOf, trainingStage } from '../experiment/checkpoint-schema';
import { parseConfig } from '../experiment/config';
import { isPlainObject } from '../experiment/config-problems';
import { parseConfigText } from '../experiment/config-text';
import { contentHash } from '../experiment/plan';
import { checkpointDirectory, FILE, type KeptRun, MOST_BYTES, STATE_NAME, sha256, VERSION } from './checkpoint';

/** Of checkpoint.json; it has a number a neuron at most. */
const MOST_TEXT = 2 ** 26;
/** What a zip adds to its arrays, amply. */
const ZIP_BYTES = 2 ** 20;

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

/** A file as bytes. @throws RangeError, nothing read, when it is longer than `most` or no plain file */
async function readBounded(path: string, most: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new RangeError('it is no plain file');
    if (stat.size > most) throw new RangeError(`it has ${stat.size} bytes, more than ${most}`);
    // Into what was sized now: a file that grows meanwhile is cut off, and then fails its checksum.
    const bytes = new Uint8Array(stat.size);
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await handle.close();
  }
}

/**
 * Reads the checkpoint of a run back.
 * @throws InputError when there is none, or it is not whole, or of another version
 */
export async function readCheckpoint(out: string): Promise<KeptRun> {
  const directory = checkpointDirectory(out);
  const file = join(directory, FILE);
  const remedy = `Delete ${directory} and run from the beginning.`;
  const refuse = (message: string, details: { file?: string; offset?: number; cause?: unknown } = {}) =>
    new InputError(message, { file, key: '--resume', remedy, ...details });
  const text = await readBounded(file, MOST_TEXT).catch((cause) => {
    if (cause instanceof RangeError) throw refuse(`the checkpoint cannot be read: ${cause.message}`, { cause });
    throw new InputError(`there is no checkpoint of a run to ${out}`, {
      file,
      key: '--resume',
      remedy: 'Name the output directory that the interrupted run was given with --out.',
      cause,
    });
  });
  const document = documentOf(text, file, (why, place = file) =>
    refuse(`the checkpoint is not whole: ${why}`, { file: place }),
  );
  const { check, ...body } = document;
  if (body.version !== VERSION) throw refuse('the checkpoint was written by another version of perturb-gpu');
  if (check !== (await contentHash(body))) throw refuse('the checkpoint was changed since it was written');
  const parsed = v.safeParse(kept, body);
  if (!parsed.success) throw refuse(`the checkpoint was not written by perturb-gpu: ${issueOf(parsed.issues)}`);
  const { version: _, config, state, stage, epoch, facts, ...run } = parsed.output;
  const path = join(directory, state.name);
  const bytes = await readBounded(path, state.bytes).catch((cause) => {
    const why = cause instanceof RangeError ? `cannot be read: ${cause.message}` : 'are gone';
    throw refuse(`its arrays, ${state.name}, ${why}`, { file: path, cause });
  });
  if (bytes.length !== state.bytes) {
    throw refuse(`its arrays, ${state.name}, are damaged: cut off`, { file: path, offset: bytes.length });
  }
  if (sha256(bytes) !== state.sha256) {
    throw refuse(`its arrays, ${state.name}, are damaged: another checksum`, { file: path });
  }
  const arrays: Record<string, Float32Array> = {};
  for (const [name, { data }] of parseNpz(bytes, path, { maxBytes: state.bytes })) {
    if (!(data instanceof Float32Array)) throw refuse(`its array ${name} does not hold float32`, { file: path });
    arrays[name] = data;
  }
  return { ...run, config: parseConfig(config, { file }), checkpoint: { stage, epoch, facts, arrays } };
}

function documentOf(bytes: Uint8Array, file: string, refuse: (why: string, file?: string) => InputError) {
  let document: unknown;
  try {
    document = parseConfigText(new TextDecoder().decode(bytes), file);
  } catch (error) {
    if (error instanceof InputError) throw refuse(error.message, error.file);
    throw error;
  }
  if (!isPlainObject(document)) throw refuse('it is no object');
  return document;
}
