// Reading a file that may be of any length: one that was named by mistake must not fill the memory before it is refused.

import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of a document that is read whole, at most: configurations, cells and reports are far below. */
export const MOST_DOCUMENT = 2 ** 26;

/** A file or a pipe as bytes. @throws RangeError when it is longer than `most`; then no more than that was read */
export async function readBounded(path: string, most: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const stat = await handle.stat();
    if (stat.size > most) throw new RangeError(`it has ${stat.size} bytes, more than ${most}`);
    return await (stat.isFile() ? sized(handle, stat.size) : unsized(handle, most));
  } finally {
    await handle.close();
  }
}

/** As {@link readBounded}, as text with whatever mark it begins with. */
export async function readBoundedText(path: string, most = MOST_DOCUMENT): Promise<string> {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readBounded(path, most));
}

async function sized(handle: FileHandle, size: number): Promise<Uint8Array> {
  // Into what was sized now: a file that grows meanwhile is cut off, and then is no whole document.
  const bytes = new Uint8Array(size);
  let at = 0;
  while (at < bytes.length) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

async function unsized(handle: FileHandle, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of handle.createReadStream({ autoClose: false })) {
    pieces.push(piece);
    length += piece.length;
    if (length > most) throw new RangeError(`it has more than ${most} bytes`);
  }
  return Buffer.concat(pieces, length);
}
