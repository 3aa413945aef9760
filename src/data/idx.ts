// IDX, the format of MNIST and its relatives: a big-endian header of sizes, then bytes.
// The header is believed only after it agrees with the bytes present, and nothing is allocated: results are views.
// Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (the section on file formats).

import { InputError } from './input-error';

/** count images of height x width bytes each, row by row; `pixels` is a view of the file's bytes. */
export interface IdxImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

const MAGIC_IMAGES = 0x00000803;
const MAGIC_LABELS = 0x00000801;

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;

/** Checks magic, sizes and length; returns the sizes and the offset of the first data byte. */
function parseHeader(bytes: Uint8Array, file: string, magic: number, what: string): { sizes: number[]; start: number } {
  const fail = (message: string, offset: number, remedy: string): InputError =>
    new InputError(message, { file, offset, remedy });
  const again = 'Download the file again, or check that it is complete and unpacked.';
  const dimensions = magic & 0xff;
  const start = 4 + 4 * dimensions;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 0) throw fail('the file is empty', 0, again);
  if (bytes.length >= 4 && view.getUint32(0) !== magic) {
    const found = view.getUint32(0);
    const swapped =
      found === MAGIC_IMAGES ? ' (a file of images)' : found === MAGIC_LABELS ? ' (a file of labels)' : '';
    throw fail(
      `not an IDX file of ${what}: it starts with ${hex(found)}${swapped}, not ${hex(magic)}`,
      0,
      `Name an IDX file of ${what} here, in unsigned bytes.`,
    );
  }
  if (bytes.length < start) {
    throw fail(`the IDX header takes ${start} bytes but the file ends after ${bytes.length}`, bytes.length, again);
  }
  const sizes = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const zero = sizes.indexOf(0);
  if (zero >= 0) throw fail(`the IDX file holds no ${what}: its sizes are ${sizes.join(' x ')}`, 4 + 4 * zero, again);
  // A product of three u32 can pass 2^53; rounding does not matter then, since no file is that long.
  const expected = sizes.reduce((product, size) => product * size, 1);
  const present = bytes.length - start;
  if (present !== expected) {
    const relation = present < expected ? 'ends early' : 'goes on after its data';
    throw fail(
      `the IDX file ${relation}: sizes ${sizes.join(' x ')} need ${expected} bytes, ${present} are there`,
      present < expected ? bytes.length : start + expected,
      again,
    );
  }
  return { sizes, start };
}

/**
 * Parses an IDX file of unsigned byte images (magic 0x00000803).
 * @param bytes the unpacked file
 * @throws InputError with file and byte offset
 */
export function parseIdxImages(bytes: Uint8Array, file: string): IdxImages {
  const { sizes, start } = parseHeader(bytes, file, MAGIC_IMAGES, 'images');
  return { count: sizes[0]!, height: sizes[1]!, width: sizes[2]!, pixels: bytes.subarray(start) };
}

/**
 * Parses an IDX file of unsigned byte labels (magic 0x00000801). The result is a view of the file's bytes.
 * @param bytes the unpacked file
 * @throws InputError with file and byte offset
 */
export function parseIdxLabels(bytes: Uint8Array, file: string): Uint8Array {
  const { start } = parseHeader(bytes, file, MAGIC_LABELS, 'labels');
  return bytes.subarray(start);
}
