// The configuration of a run: a file or nothing, --set and --save over it, checked to the end before a device is made.

import { dirname, resolve } from 'node:path';
import { InputError } from '../data/input-error';
import { applySets, parseConfig, SAVE_ITEMS, setKeys } from '../experiment/config';
import { isPlainObject } from '../experiment/config-problems';
import { parseConfigText } from '../experiment/config-text';
import type { ExperimentConfig } from '../experiment/types';
import { readBoundedText } from './bounded-read';

export interface ConfigArguments {
  readonly file?: string;
  readonly sets: readonly string[];
  /** The value of --save: items separated by commas, in place of those in the file. */
  readonly save?: string;
}

export interface ReadConfig {
  readonly config: ExperimentConfig;
  /** What paths in the configuration are relative to. */
  readonly baseDir: string;
}

/** A JSON file's document. @param what the file is, for messages */
export async function readDocument(file: string, cwd: string, what = 'configuration'): Promise<unknown> {
  let text: string;
  try {
    text = await readBoundedText(resolve(cwd, file));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = { ENOENT: 'does not exist', EISDIR: 'is a directory', EACCES: 'may not be read' }[String(code)];
    throw new InputError(`the ${what} file ${why ?? `cannot be read: ${message}`}`, {
      file,
      remedy:
        what === 'configuration' ? 'Name a JSON file, or leave it out to run with the defaults.' : 'Name a JSON file.',
      cause,
    });
  }
  return parseConfigText(text, file);
}

function saveItems(save: string): string[] {
  const items = save.split(',').map((item) => item.trim());
  if (items.includes('')) {
    throw new InputError(`--save ${JSON.stringify(save)} has an empty item`, {
      key: 'save',
      remedy: `Write a list such as --save networks,perturbations; there are ${SAVE_ITEMS.join(', ')}.`,
    });
  }
  return items;
}

export async function readConfig({ file, sets, save }: ConfigArguments, cwd: string): Promise<ReadConfig> {
  const written = file === undefined ? undefined : await readDocument(file, cwd);
  let document = applySets(written, sets);
  if (save !== undefined && isPlainObject(document)) document = { ...document, save: saveItems(save) };
  const source = {
    ...(file === undefined ? {} : { file }),
    sets: setKeys(sets),
  };
  const config = parseConfig(document, source);
  return { config, baseDir: file === undefined ? cwd : dirname(resolve(cwd, file)) };
}
