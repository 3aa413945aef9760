// NumPy's .npy files: how arrays come in from Python and go back. What we write, numpy.load reads, byte for byte as np.save
// would have written it. Source: numpy.lib.format.
// Typed arrays are little-endian on every platform that has WebGPU; big-endian files are swapped on reading.

import { InputError } from './input-error';
import { LiteralError, type NpyHeader, parseNpyHeader } from './npy-header';

export type NpyData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

export type NpyType =
  | 'float16'
  | 'float32'
  | 'float64'
  | 'bool'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'int32'
  | 'uint64'
  | 'int64';

/** An array in C order (last index fastest), whatever order the file had. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly type: NpyType;
  readonly data: NpyData;
  /** Offset of the first data byte in the file, for error messages about single values. */
  readonly dataOffset: number;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
// numpy itself reads no header beyond 10,000 characters unless told to.
const MAX_HEADER = 10_000;

type Constructor = (new (buffer: ArrayBuffer) => NpyData) & { readonly BYTES_PER_ELEMENT: number };
// float16 has no typed array yet: read as its bits, then widened.
const TYPES: Readonly<Record<string, readonly [NpyType, Constructor]>> = {
  f2: ['float16', Uint16Array],
  f4: ['float32', Float32Array],
  f8: ['float64', Float64Array],
  b1: ['bool', Uint8Array],
  u1: ['uint8', Uint8Array],
  i1: ['int8', Int8Array],
  u2: ['uint16', Uint16Array],
  i2: ['int16', Int16Array],
  u4: ['uint32', Uint32Array],
  i4: ['int32', Int32Array],
  u8: ['uint64', BigUint64Array],
  i8: ['int64', BigInt64Array],
};

function readHeader(bytes: Uint8Array, file: string): { header: NpyHeader; start: number } {
  const fail = (message: string, offset: number): InputError =>
    new InputError(message, { file, offset, remedy: 'Write the file with numpy.save, or copy it again.' });
  for (let i = 0; i < MAGIC.length; i++) {
    if (bytes.length <= i) throw fail(`the .npy file ends after ${bytes.length} bytes`, bytes.length);
    if (bytes[i] !== MAGIC[i]) throw fail('not an .npy file: its first bytes are not \\x93NUMPY', i);
  }
  if (bytes.length < 8) throw fail(`the .npy file ends after ${bytes.length} bytes`, bytes.length);
  const major = bytes[6]!;
  if (major < 1 || major > 3) {
    throw fail(`unknown .npy version ${major}.${bytes[7]}; versions 1, 2 and 3 exist`, 6);
  }
  const prefix = major === 1 ? 10 : 12;
  if (bytes.length < prefix) throw fail(`the .npy file ends after ${bytes.length} bytes`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) throw fail(`the .npy header claims ${length} bytes; no real one passes ${MAX_HEADER}`, 8);
  const start = prefix + length;
  if (bytes.length < start) {
    throw fail(`the .npy header claims ${length} bytes but the file ends after ${bytes.length}`, bytes.length);
  }
  const text = new TextDecoder(major === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(prefix, start));
  try {
    return { header: parseNpyHeader(text), start };
  } catch (error) {
    if (!(error instanceof LiteralError)) throw error;
    throw fail(`malformed .npy header: ${error.message}`, prefix + error.position);
  }
}

/** Reverses the bytes of each element in place. */
function swapBytes(buffer: ArrayBuffer, size: number): void {
  const bytes = new Uint8Array(buffer);
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}

/** IEEE binary16 bits to the float32 of the same value; always exact. */
function widenHalf(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
  });
}

/** Reorders Fortran (first index fastest) to C order. */
function toCOrder<T extends NpyData>(data: T, shape: readonly number[]): T {
  const out = data.slice() as T;
  const index = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    out[to] = data[from]!;
    // Count up like an odometer, last axis first, and keep the Fortran offset in step.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      from -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/**
 * Parses an .npy file: versions 1 to 3, either byte order, either array order; float16 (widened to float32), float32,
 * float64, bool and all integers.
 * @param bytes the whole file
 * @returns an array that owns its memory
 * @throws InputError with file and offset for a bad magic, a malformed header, another element type (complex, strings,
 *   objects, structures), and data that are longer or shorter than the shape says
 */
export function parseNpy(bytes: Uint8Array, file: string): NpyArray {
  const { header, start } = readHeader(bytes, file);
  const { descr, shape, fortranOrder } = header;
  const known = /^[<>|=]/.test(descr) ? TYPES[descr.slice(1)] : undefined;
  const [type, Elements] = known ?? [];
  // '|' means byte order does not apply, which is true of single bytes only.
  if (!type || !Elements || (descr[0] === '|' && Elements.BYTES_PER_ELEMENT > 1)) {
    throw new InputError(`the .npy file holds ${descr}, which is not supported`, {
      file,
      offset: start,
      remedy: 'Convert it first, for example with numpy.save(path, array.astype(numpy.float32)).',
    });
  }
  const size = Elements.BYTES_PER_ELEMENT;
  const expected = shape.reduce((product, length) => product * length, size);
  const present = bytes.length - start;
  if (present !== expected) {
    const relation = present < expected ? 'ends early' : 'goes on after its data';
    throw new InputError(
      `the .npy file ${relation}: shape (${shape.join(', ')}) of ${type} needs ${expected} bytes, ${present} are there`,
      {
        file,
        offset: present < expected ? bytes.length : start + expected,
        remedy: 'Write the file again with numpy.save; it may have been cut off or appended to.',
      },
    );
  }
  const buffer = new ArrayBuffer(present);
  new Uint8Array(buffer).set(bytes.subarray(start));
  if (descr[0] === '>' && size > 1) swapBytes(buffer, size);
  const stored = new Elements(buffer);
  const data = type === 'float16' ? widenHalf(stored as Uint16Array) : stored;
  return {
    shape,
    type,
    data: fortranOrder && shape.length > 1 ? toCOrder(data, shape) : data,
    dataOffset: start,
  };
}

/**
 * A float32 array in C order as an .npy file (version 1.0, data aligned to 64 bytes), the same bytes as numpy.save writes.
 * @param shape sizes per axis; [] for a single number
 * @throws RangeError when shape and data disagree
 */
export function encodeNpy(shape: readonly number[], data: Float32Array): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new RangeError(`shape (${shape.join(', ')}) does not fit ${data.length} values`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  // numpy leaves room for the first axis to grow to 21 digits in place; matching it keeps our files byte-equal to its own.
  const growth = shape.length > 0 ? 21 - String(shape[0]).length : 0;
  const unpadded = 10 + dictionary.length + growth + 1;
  // One whole block more, not none, where the header already ends on a boundary: numpy's own arithmetic.
  const start = (Math.floor(unpadded / 64) + 1) * 64;
  const out = new Uint8Array(start + data.byteLength);
  out.fill(0x20, 10, start);
  out.set(MAGIC);
  out.set([1, 0, (start - 10) & 0xff, (start - 10) >>> 8], 6);
  for (let i = 0; i < dictionary.length; i++) out[10 + i] = dictionary.charCodeAt(i);
  out[start - 1] = 0x0a;
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return out;
}
