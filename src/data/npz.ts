// .npz: several .npy files in a zip, what numpy.load gives back by name.
// Writing goes through fflate. Reading has its own walk over the directory, because fflate's unzip believes the sizes it finds
// (a header of 100 bytes can ask for 4 GB) and checks no checksum: a flipped bit would come back as a wrong number.
// Source: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.16.

import { inflateSync, zipSync } from 'fflate';
import { crc32 } from './crc32';
import { InputError } from './input-error';
import { encodeNpy, type NpyArray, parseNpy } from './npy';

/**
 * Encodes float32 arrays as a compressed .npz. The same arrays in the same order give the same bytes, on any day and in any
 * time zone.
 * @param arrays by name, without the extension
 * @param options level 0 stores them as they are: for large ones that are read once
 * @throws RangeError for an empty name or one with a slash, and when a shape does not fit its data
 */
export function encodeNpz(
  arrays: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
  { level = 6 }: { readonly level?: 0 | 6 } = {},
): Uint8Array<ArrayBuffer> {
  const files: Record<string, Uint8Array> = {};
  for (const [name, { shape, data }] of Object.entries(arrays)) {
    if (!/^[^/\\]+$/.test(name)) throw new RangeError(`'${name}' cannot be the name of an array in an .npz file`);
    files[`${name}.npy`] = encodeNpy(shape, data);
  }
  // fflate writes the date in local time; a date made in local time comes out the same everywhere.
  return zipSync(files, { level, mtime: new Date(1980, 0, 1) });
}

export interface NpzLimits {
  /** Most bytes that all entries together may unpack to (default 1 GiB). */
  readonly maxBytes?: number;
  /** Most entries (default 1024). */
  readonly maxEntries?: number;
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly localOffset: number;
}

const END_SIZE = 22;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
// Deflate cannot pack tighter than 258 bytes in 2 bits, about 1032 to 1.
const MAX_RATIO = 1032;

type Fail = (message: string, offset?: number) => never;

/** Reads the central directory and checks that it is all there and within the limits. */
function readDirectory(bytes: Uint8Array, view: DataView, fail: Fail, limits: Required<NpzLimits>): Entry[] {
  let end = bytes.length - END_SIZE;
  // The end record may be followed by a comment of up to 65535 bytes, whose length it states.
  const lowest = Math.max(0, end - 0xffff);
  const isEnd = (at: number): boolean =>
    view.getUint32(at, true) === 0x06054b50 && at + END_SIZE + view.getUint16(at + 20, true) === bytes.length;
  while (end >= lowest && !isEnd(end)) end--;
  if (end < lowest) fail('not a zip file, or cut off: it has no end record', bytes.length);
  const count = view.getUint16(end + 10, true);
  const directorySize = view.getUint32(end + 12, true);
  const directory = view.getUint32(end + 16, true);
  if (count === 0xffff || directory === 0xffffffff) fail('zip64 files are not supported', end);
  if (view.getUint16(end + 8, true) !== count || directory + directorySize !== end) {
    fail('the zip directory does not end where its end record says', end);
  }
  if (count > limits.maxEntries) fail(`the file has ${count} entries; the limit is ${limits.maxEntries}`, end + 10);
  const entries: Entry[] = [];
  let total = 0;
  let at = directory;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_SIZE > end || view.getUint32(at, true) !== 0x02014b50) fail('the zip directory is corrupt', at);
    if (view.getUint16(at + 8, true) & 1) fail('encrypted zip files are not supported', at + 8);
    const nameEnd = at + ENTRY_SIZE + view.getUint16(at + 28, true);
    const next = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) fail('the zip directory is corrupt', at);
    const entry: Entry = {
      name: new TextDecoder().decode(bytes.subarray(at + ENTRY_SIZE, nameEnd)),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      localOffset: view.getUint32(at + 42, true),
    };
    total += entry.size;
    if (total > limits.maxBytes) fail(`the entries unpack to more than the limit of ${limits.maxBytes} bytes`, at + 24);
    entries.push(entry);
    at = next;
  }
  if (at !== end) fail('the zip directory is longer than its entries', at);
  return entries;
}

/** Unpacks one entry and verifies size and checksum. */
function unpack(bytes: Uint8Array, view: DataView, fail: Fail, entry: Entry): Uint8Array {
  const local = entry.localOffset;
  if (local + LOCAL_SIZE > bytes.length || view.getUint32(local, true) !== 0x04034b50) {
    fail(`the entry ${entry.name} is not where the directory says`, local);
  }
  const start = local + LOCAL_SIZE + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const end = start + entry.packedSize;
  if (end > bytes.length) fail(`the entry ${entry.name} ends beyond the file`, bytes.length);
  const packed = bytes.subarray(start, end);
  let data: Uint8Array;
  if (entry.method === 0) {
    data = packed;
  } else if (entry.method === 8) {
    // Checked before fflate allocates what the header asks for.
    if (entry.size > MAX_RATIO * entry.packedSize) fail(`the entry ${entry.name} claims an impossible size`, local);
    try {
      data = inflateSync(packed, { out: new Uint8Array(entry.size) });
    } catch (cause) {
      return fail(`the entry ${entry.name} is corrupt: ${cause instanceof Error ? cause.message : cause}`, start);
    }
  } else {
    return fail(`the entry ${entry.name} uses compression method ${entry.method}; stored and deflate are read`, local);
  }
  if (data.length !== entry.size || crc32(data) !== entry.crc) {
    fail(`the entry ${entry.name} is corrupt: its length or checksum is wrong`, start);
  }
  return data;
}

/**
 * Reads an .npz file (stored or deflated entries, as numpy.savez and savez_compressed write them).
 * @param bytes the whole file
 * @returns arrays by name, without the extension, in file order
 * @throws InputError with file and offset for anything that is not a whole, intact zip of .npy files within the limits
 */
export function parseNpz(bytes: Uint8Array, file: string, limits: NpzLimits = {}): Map<string, NpyArray> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail: Fail = (message, offset) => {
    throw new InputError(message, {
      file,
      ...(offset === undefined ? {} : { offset }),
      remedy: 'Write the file again with numpy.savez, or copy it again.',
    });
  };
  const { maxBytes = 2 ** 30, maxEntries = 1024 } = limits;
  const arrays = new Map<string, NpyArray>();
  for (const entry of readDirectory(bytes, view, fail, { maxBytes, maxEntries })) {
    const name = entry.name.replace(/\.npy$/, '');
    if (name === entry.name) fail(`the entry ${entry.name} is no .npy file`, entry.localOffset);
    if (arrays.has(name)) fail(`the entry ${entry.name} comes twice`, entry.localOffset);
    arrays.set(name, parseNpy(unpack(bytes, view, fail, entry), `${file}:${entry.name}`));
  }
  return arrays;
}
