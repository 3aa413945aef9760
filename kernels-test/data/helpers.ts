// What the tests of this folder share: files in memory, gzip made by Node's zlib (not by the code under test), and a check
// that an error says what is wrong and where.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { ReadFile } from '../../src/data/dataset';
import { InputError } from '../../src/data/input-error';

/** The reference material beside the repository; tests that need it are skipped by name where it is absent. */
export const SHARED = fileURLToPath(new URL('../../../shared', import.meta.url));
export const hasShared = existsSync(`${SHARED}/data/mnist`);

export const gzip = (bytes: Uint8Array): Uint8Array => new Uint8Array(gzipSync(bytes));
export const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A copy with one byte changed. */
export function withByte(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value;
  return copy;
}

/** A reader over files in memory that rejects as Node does for a file that is not there. */
export function memoryFiles(files: Readonly<Record<string, Uint8Array>>): ReadFile {
  return async (path) => {
    const bytes = files[path];
    if (bytes) return bytes;
    throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' });
  };
}

/** Expects an InputError with these fields and a message that matches; every one must carry a remedy. */
export async function expectInputError(
  act: () => unknown,
  message: RegExp,
  where: { file?: string; key?: string; offset?: number } = {},
): Promise<void> {
  let error: unknown;
  try {
    await act();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(InputError);
  const input = error as InputError;
  expect(input.message).toMatch(message);
  expect(input.remedy.length).toBeGreaterThan(10);
  for (const [name, value] of Object.entries(where)) {
    expect({ [name]: input[name as 'file'] }).toEqual({ [name]: value });
  }
}

/** An IDX file written by hand: magic, big-endian sizes, data. */
export function idx(magic: number, sizes: readonly number[], data: readonly number[] | Uint8Array): Uint8Array {
  const header = new Uint8Array(4 + 4 * sizes.length);
  const view = new DataView(header.buffer);
  view.setUint32(0, magic);
  for (const [i, size] of sizes.entries()) view.setUint32(4 + 4 * i, size);
  return concat(header, data);
}

/** An .npy file of version 1 with this header text, padded by nothing. */
export function npy(header: string, data: ArrayBuffer | Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(`${header}\n`);
  const prefix = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8];
  return concat(prefix, text, new Uint8Array(data as ArrayBuffer));
}

const DESCR = { Float32Array: '<f4', Float64Array: '<f8', Uint8Array: '|u1', Int32Array: '<i4' } as const;

/** An .npy file of a typed array. */
export function npyOf(
  shape: readonly number[],
  data: Float32Array | Float64Array | Uint8Array | Int32Array,
): Uint8Array {
  const descr = DESCR[data.constructor.name as keyof typeof DESCR];
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return npy(
    `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.map((s) => `${s},`).join('')}), }`,
    bytes,
  );
}
