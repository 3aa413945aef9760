// From parsed arrays to what the pipeline takes: float32 that is finite, or bytes. Every value is looked at once, because one
// NaN in a file turns a whole training run to NaN with no hint of where it came from.

import type { HostMatrix } from './dataset';
import { InputError } from './input-error';
import type { NpyArray } from './npy';

/** Where element `index` of an array of this shape stands, in words; counted from 0 as in Python. */
function position(index: number, shape: readonly number[]): string {
  if (shape.length !== 2) return `element ${index} (counted from 0)`;
  return `row ${Math.floor(index / shape[1]!)}, column ${index % shape[1]!} (counted from 0)`;
}

/**
 * The values as float32; a float32 array is returned as it is, others are rounded to nearest.
 * @throws InputError for NaN, an infinity, or a number beyond float32, with its row and column
 */
export function finiteFloat32(array: NpyArray, file: string): Float32Array {
  const { data, shape } = array;
  const values = data instanceof Float32Array ? data : new Float32Array(data.length);
  const itemSize = array.type === 'float16' ? 2 : data.BYTES_PER_ELEMENT;
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    const rounded = Math.fround(value);
    if (!Number.isFinite(rounded)) {
      const overflow = Number.isFinite(value);
      throw new InputError(`${position(i, shape)} is ${value}${overflow ? ', beyond the range of float32' : ''}`, {
        file,
        // Of a Fortran-ordered file this is where the value would stand in C order; row and column are always right.
        offset: array.dataOffset + i * itemSize,
        remedy: overflow ? 'Rescale the data.' : 'Remove or replace the values that are not finite.',
      });
    }
    if (values !== data) values[i] = rounded;
  }
  return values;
}

/**
 * A two-dimensional array as a data matrix: float32 and float64 become float32, uint8 stays bytes (plain numbers, scale 1).
 * @throws InputError for another type or number of axes, no rows or no columns, and values that are not finite
 */
export function matrixFromNpy(array: NpyArray, file: string): HostMatrix {
  const [rows, cols] = array.shape;
  const shape = `(${array.shape.join(', ')})`;
  if (rows === undefined || cols === undefined || array.shape.length !== 2) {
    throw new InputError(`the data must have two axes, samples and inputs; the shape is ${shape}`, {
      file,
      remedy: 'Reshape it to (n, d), for example with x.reshape(len(x), -1).',
    });
  }
  if (rows === 0 || cols === 0) {
    throw new InputError(`the data are empty: the shape is ${shape}`, {
      file,
      remedy: 'Give at least one sample and one input.',
    });
  }
  if (array.type !== 'float32' && array.type !== 'float64' && array.type !== 'uint8') {
    throw new InputError(`the data are ${array.type}; float32, float64 and uint8 are taken`, {
      file,
      remedy: 'Convert them first, for example with x.astype(numpy.float32).',
    });
  }
  const values = array.data instanceof Uint8Array ? array.data : finiteFloat32(array, file);
  return { rows, cols, values, scale: 1, subtract: 0 };
}
