// Reading a file that may be of any length.

import { open } from 'node:fs/promises';

/** A file as bytes. @throws RangeError, nothing read, when it is longer than `most` or no plain file */
export async function readBounded(path: string, most: number): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new RangeError('it is no plain file');
    if (stat.size > most) throw new RangeError(`it has ${stat.size} bytes, more than ${most}`);
    // Into what was sized now: a file that grows meanwhile is cut off, and then fails its checksum.
    const bytes = new Uint8Array(stat.size);
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await handle.close();
  }
}
