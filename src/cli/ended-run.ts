// `perturb run --resume` of a run that has its result: it had ended. One that was killed between its result and the end of its
// checkpoint has the checkpoint still; only that is left to do.

import { join } from 'node:path';
import { InputError } from '../data/input-error';
import { toJson } from '../experiment/artifacts';
import { resolvedJson } from '../experiment/config';
import { CheckpointStore, checkpointDirectory, hasCheckpoint, readCheckpoint } from './checkpoint';
import { readConfig, readDocument } from './config-file';
import type { CliIo } from './io';
import { rebaseFiles } from './rebase';

/**
 * Says that the run to `directory` had ended, takes its checkpoint away, and prints with `json` what the run would have.
 * @param directory absolute; holds a result
 * @param place the directory as the user named it
 * @throws InputError when `json` asks for documents that cannot be read
 */
export async function tellEnded(directory: string, place: string, json: boolean, io: CliIo): Promise<void> {
  io.stderr.write(`${place} holds the result of that run: it had ended\n`);
  if (await hasCheckpoint(directory)) await removeOwn(directory, io);
  if (!json) return;
  const [config, result] = await Promise.all([
    readDocument(join(directory, 'config.json'), io.cwd),
    readDocument(join(directory, 'result.json'), io.cwd, 'result'),
  ]);
  io.stdout.write(toJson({ config, ...(result as object) }));
}

/** Takes the checkpoint away if it is of the run whose result lies there; else says why it is left. */
async function removeOwn(directory: string, io: CliIo): Promise<void> {
  const left = (why: string) => io.stderr.write(`warning: ${checkpointDirectory(directory)} is left: ${why}\n`);
  try {
    if (!(await sameRun(directory))) {
      left('it is of a run with another configuration; delete it when it is not needed');
      return;
    }
    const store = await CheckpointStore.open(directory);
    try {
      await store.remove();
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    left(error.message);
  }
}

/** Whether checkpoint and result are of the same configuration; paths in config.json are relative to its folder. */
async function sameRun(directory: string): Promise<boolean> {
  const kept = await readCheckpoint(directory);
  const { config } = await readConfig({ file: join(directory, 'config.json'), sets: [] }, directory);
  const moved = rebaseFiles(kept.config, kept.baseDir, directory);
  return toJson(resolvedJson(moved)) === toJson(resolvedJson(config));
}
