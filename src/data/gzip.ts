// Unpacking that a hostile or broken file cannot turn into an unbounded allocation: the output is streamed, counted as it
// comes, and dropped the moment it passes the limit. DecompressionStream exists in Node and browsers and checks the CRC.

import { InputError } from './input-error';

export interface GunzipOptions {
  /** Most bytes the unpacked file may have (default 1 GiB: five times MNIST's images as float32). */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 2 ** 30;
// Fed in slices, so that the decompressor's queue, not the whole output, is what waits when we stop early.
const SLICE = 64 * 1024;

/** True when the bytes start with gzip's magic number. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function sliced(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) {
        controller.close();
        return;
      }
      // A copy: the stream takes no shared memory, and 64 KiB cost nothing beside the unpacking.
      controller.enqueue(bytes.slice(offset, offset + SLICE));
      offset += SLICE;
    },
  });
}

/**
 * The bytes themselves, or what they unpack to when they start with gzip's magic number.
 * @param file the name for error messages
 * @throws InputError for a truncated or corrupt file, for anything after the compressed data (a second gzip member too, which
 *   browsers refuse and Node joins), and for output beyond `maxBytes`
 */
export async function gunzip(bytes: Uint8Array, file: string, options: GunzipOptions = {}): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    const reader = sliced(bytes).pipeThrough(new DecompressionStream('gzip')).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      total += value.length;
      if (total > maxBytes) {
        // Not awaited: what a cancelled decompressor still has to say does not matter, and it may say it late.
        reader.cancel().catch(() => {});
        throw new InputError(`the gzip file unpacks to more than the limit of ${maxBytes} bytes`, {
          file,
          remedy: 'Check that it is the right file; unpack it yourself if it really is that large.',
        });
      }
      chunks.push(value);
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`the gzip data are truncated or corrupt: ${reason}`, {
      file,
      remedy: 'Download or copy the file again.',
      cause,
    });
  }
  // The last four bytes repeat the unpacked length. Node's stream ignores zero padding and joins further members, browsers
  // refuse both; either way the length then disagrees, which makes every platform say the same.
  const stated = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(bytes.length - 4, true);
  if (stated !== total % 2 ** 32) {
    throw new InputError(`the gzip file says it unpacks to ${stated} bytes but unpacks to ${total}`, {
      file,
      offset: bytes.length - 4,
      remedy: 'There is something after the compressed data: download the file again, or pack it as one gzip member.',
    });
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
