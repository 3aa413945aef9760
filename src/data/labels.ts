// Labels and targets: a vector of -1 and +1, checked entry by entry, since a 0 or a 2 would train without complaint.

import type { ReadFile } from './dataset';
import { readRequired, withKey } from './files';
import { InputError } from './input-error';
import { type NpyArray, parseNpy } from './npy';

/**
 * A one-dimensional array of -1 and +1, of any real or integer type, as float32 of its length.
 * @throws InputError for another shape or any other value
 */
export function signsFromNpy(array: NpyArray, file: string): Float32Array {
  if (array.shape.length !== 1) {
    throw new InputError(`labels must have one axis; the shape is (${array.shape.join(', ')})`, {
      file,
      remedy: 'Reshape them to (n,), for example with y.reshape(-1).',
    });
  }
  const signs = new Float32Array(array.data.length);
  for (let i = 0; i < signs.length; i++) {
    const value = Number(array.data[i]);
    if (value !== 1 && value !== -1) {
      throw new InputError(`label ${i} (counted from 0) is ${value}; labels are -1 or +1`, {
        file,
        remedy: 'Map the two classes to -1 and +1, for example with y * 2 - 1 where they are 0 and 1.',
      });
    }
    signs[i] = value;
  }
  return signs;
}

/**
 * The target labels of the perturbations: a .npy file with n entries, each -1 or +1.
 * @throws InputError with the key perturbation.targets
 */
export async function loadTargets(path: string, n: number, readFile: ReadFile): Promise<Float32Array> {
  const key = 'perturbation.targets';
  const bytes = await readRequired(readFile, path, key);
  return withKey(key, () => {
    const targets = signsFromNpy(parseNpy(bytes, path), path);
    if (targets.length === n) return targets;
    throw new InputError(`there are ${targets.length} targets for ${n} training samples`, {
      file: path,
      remedy: `Give one target for each sample: shape (${n},).`,
    });
  });
}
