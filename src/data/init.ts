// Initial parameters from files, for reproducing a run that began elsewhere.

import type { ReadFile } from './dataset';
import { readRequired, withKey } from './files';
import { InputError } from './input-error';
import { finiteFloat32 } from './matrix';
import { parseNpy } from './npy';

/** Paths of .npy files; a parameter without one is drawn at random. */
export interface InitFiles {
  readonly W?: string;
  readonly b?: string;
  readonly a?: string;
}

/** W (m x d, row-major), b (m), a (m): those that had a file. */
export interface InitValues {
  readonly W?: Float32Array;
  readonly b?: Float32Array;
  readonly a?: Float32Array;
}

/**
 * Loads the initial parameters that `init` names.
 * @param m width of the network
 * @param d input dimension
 * @param keyPrefix where the paths stand in the configuration, such as `standard.init`
 * @param widthKey what says how many neurons there are
 * @throws InputError for a missing or malformed file, a shape other than (m, d) or (m,), and values that are not finite
 */
export async function loadInit(
  init: InitFiles,
  m: number,
  d: number,
  readFile: ReadFile,
  keyPrefix: string,
  widthKey = 'network.width',
): Promise<InitValues> {
  const shapes = { W: [m, d], b: [m], a: [m] } as const;
  const values: { W?: Float32Array; b?: Float32Array; a?: Float32Array } = {};
  for (const name of ['W', 'b', 'a'] as const) {
    const path = init[name];
    if (path === undefined) continue;
    const key = `${keyPrefix}.${name}`;
    const bytes = await readRequired(readFile, path, key);
    values[name] = await withKey(key, () => {
      const array = parseNpy(bytes, path);
      const wanted = shapes[name];
      if (array.shape.length !== wanted.length || wanted.some((size, axis) => size !== array.shape[axis])) {
        const tuple = (shape: readonly number[]): string => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
        const from = name === 'W' ? `${widthKey} ${m} and ${d} inputs` : `${widthKey} ${m}`;
        throw new InputError(`${name} has shape ${tuple(array.shape)}, but ${from} need ${tuple(wanted)}`, {
          file: path,
          remedy: `Set ${widthKey} to the neurons of the file, or give a file of that shape.`,
        });
      }
      return finiteFloat32(array, path);
    });
  }
  return values;
}
