// A finished run as the files of its result directory. Bytes only: who writes them, and where, is decided elsewhere, so
// that the command line stores them and the page offers them for download.

import { encodeNpy } from '../data/npy';
import { encodeNpz } from '../data/npz';
import { resolvedJson } from './config';
import type { ExperimentResult } from './types';

/** One file of the result directory. */
export interface Artifact {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Array names become file names, so they must not be able to leave the directory. */
const SAFE_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** The content of result.json: everything but the configuration, the history and the arrays. */
export const resultDocument = (result: ExperimentResult): Readonly<Record<string, unknown>> => ({
  metrics: result.metrics,
  loss: result.loss,
  trainer: result.trainer,
  device: result.device,
  versions: result.versions,
  timing: result.timing,
  memory: result.memory,
});

/**
 * JSON text with two spaces of indent and a final newline. A number that JSON cannot hold (the loss of a training that
 * diverged) becomes null: written out by hand here because a reader must be able to rely on it.
 */
export const toJson = (document: unknown): string =>
  `${JSON.stringify(document, (_, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? null : value), 2)}\n`;

/** Every file of the result directory except pictures and reports, in the order they are written. */
export function resultArtifacts(result: ExperimentResult): Artifact[] {
  const utf8 = new TextEncoder();
  const { standardLoss, standardLr, learningLoss, learningLr } = result.history;
  const history = Object.entries({ standardLoss, standardLr, learningLoss, learningLr });
  const arrays = Object.entries(result.arrays).map(([name, { shape, data }]) => {
    if (!SAFE_NAME.test(name)) throw new Error(`"${name}" is not a name for a saved array`);
    return { name: `${name}.npy`, bytes: encodeNpy(shape, data) };
  });
  return [
    { name: 'config.json', bytes: utf8.encode(toJson(resolvedJson(result.config))) },
    { name: 'result.json', bytes: utf8.encode(toJson(resultDocument(result))) },
    {
      name: 'history.npz',
      bytes: encodeNpz(Object.fromEntries(history.map(([name, data]) => [name, { shape: [data.length], data }]))),
    },
    ...arrays,
  ];
}
