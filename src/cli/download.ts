// One file from the web: from the first mirror that gives it, continued where an earlier attempt stopped, and in its place
// only when its size and SHA-256 are right.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import type { PublishedFile } from '../data/downloads';
import { InputError } from '../data/input-error';

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Bytes that are there, of the bytes of the file. */
  readonly onProgress?: (bytes: number, total: number) => void;
  /** A mirror that sends nothing for so long is given up. */
  readonly idleMs?: number;
  /** Where to read about the data, for the words of an error. */
  readonly page: string;
}

const IDLE_MS = 30_000;
/** Attempts at a mirror whose connection ends early: the second goes on where the first stopped. */
const ATTEMPTS = 2;

const sizeOf = async (path: string): Promise<number | undefined> => (await stat(path).catch(() => undefined))?.size;

/** SHA-256 of a file, hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/**
 * Makes sure that `target` is the published file.
 * @param target absolute path; while bytes come in they are in a file beside it that ends in .part, and stay there when
 * the download is cut short, to be continued
 * @returns whether it had to be downloaded
 * @throws InputError when another file stands there, and when no mirror gives the file: with what each of them said
 */
export async function download(
  urls: readonly string[],
  target: string,
  file: PublishedFile,
  options: DownloadOptions,
): Promise<'present' | 'downloaded'> {
  if ((await sizeOf(target)) !== undefined) {
    if ((await sizeOf(target)) === file.bytes && (await sha256Of(target)) === file.sha256) return 'present';
    throw new InputError('a file of this name is there, but it is not the published one', {
      file: target,
      remedy: 'Move it away, or name another folder with --dir.',
    });
  }
  const part = `${target}.part`;
  const said: string[] = [];
  for (const url of urls) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      options.signal.throwIfAborted();
      const outcome = await receive(url, part, file, options);
      if (outcome.complete && (await accept(part, target, file))) return 'downloaded';
      const why = outcome.complete ? 'what it sent has another SHA-256' : outcome.why;
      said.push(`${url}: ${why}`);
      // Only a broken connection, and a wrong beginning left by an earlier attempt, are worth the same mirror again.
      if (!(outcome.complete ? outcome.resumed : outcome.again)) break;
    }
  }
  throw new InputError(`${file.name} could not be downloaded\n${[...new Set(said)].join('\n')}`, {
    file: target,
    remedy:
      `Without a network, download ${file.name} (${file.bytes} bytes) on another machine, from ${urls[0]} or as ${options.page} says, ` +
      `and copy it here. Its SHA-256 is ${file.sha256}.`,
  });
}

/** Puts a complete file in its place when it is the published one; else takes it away. */
async function accept(part: string, target: string, { sha256 }: PublishedFile): Promise<boolean> {
  if ((await sha256Of(part)) !== sha256) {
    await rm(part, { force: true });
    return false;
  }
  await rename(part, target);
  return true;
}

type Received =
  | { readonly complete: true; readonly resumed: boolean }
  | { readonly complete: false; readonly why: string; readonly again: boolean };

const failed = (why: string, again = false): Received => ({ complete: false, why, again });

/** Fetches what `part` lacks of the file. What came in before a failure stays in `part`. */
async function receive(url: string, part: string, file: PublishedFile, options: DownloadOptions): Promise<Received> {
  const have = await sizeOf(part);
  let start = have ?? 0;
  if (start > file.bytes) {
    await rm(part);
    start = 0;
  }
  if (start === file.bytes) return { complete: true, resumed: true };
  const idle = new AbortController();
  const restart = () => setTimeout(() => idle.abort(), options.idleMs ?? IDLE_MS);
  let timer = restart();
  let handle: FileHandle | undefined;
  try {
    const response = await fetch(url, {
      headers: { 'accept-encoding': 'identity', ...(start > 0 ? { range: `bytes=${start}-` } : {}) },
      signal: AbortSignal.any([options.signal, idle.signal]),
    });
    const body = response.body;
    const refused = refusal(response, start, file);
    if (refused || !body) {
      await body?.cancel();
      // A server that cannot go on from here may still send it from the beginning.
      if (response.status === 416) await rm(part, { force: true });
      return failed(refused ?? 'it sent no content', response.status === 416);
    }
    const resumed = response.status === 206;
    // Without support for ranges it is sent from the beginning.
    if (!resumed) start = 0;
    handle = await open(part, resumed ? 'a' : 'w');
    let bytes = start;
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = restart();
      bytes += chunk.length;
      if (bytes > file.bytes) break;
      await handle.writeFile(chunk);
      options.onProgress?.(bytes, file.bytes);
    }
    if (bytes > file.bytes) {
      await rm(part, { force: true });
      return failed(`it sent more than the ${file.bytes} bytes of the file`);
    }
    await handle.sync();
    if (bytes < file.bytes) return failed(`the connection ended after ${bytes} of ${file.bytes} bytes`, true);
    return { complete: true, resumed };
  } catch (error) {
    options.signal.throwIfAborted();
    if (idle.signal.aborted) return failed('it stopped sending', true);
    const { cause, message } = error as Error;
    if (isDisk(error)) throw diskError(error, part);
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : message;
    return failed(reason, handle !== undefined);
  } finally {
    clearTimeout(timer);
    await handle?.close();
  }
}

/** Why a response is of no use, or undefined. Decided before a byte of it is written. */
function refusal({ status, headers }: Response, start: number, { bytes }: PublishedFile): string | undefined {
  if (status !== 200 && status !== 206) return `it answered ${status}`;
  const length = headers.get('content-length');
  if (status === 206) {
    const range = headers.get('content-range') ?? '';
    const total = /\/(\d+)$/.exec(range)?.[1];
    if (!range.startsWith(`bytes ${start}-`)) return 'it sent another part of the file than was asked for';
    if (total !== undefined && Number(total) !== bytes) return `its file has ${total} bytes, not ${bytes}`;
    return undefined;
  }
  if (length !== null && Number(length) !== bytes) return `its file has ${length} bytes, not ${bytes}`;
  return undefined;
}

/** Errors of the file system carry a call that was made; those of the network do not come with a path. */
const isDisk = (error: unknown): boolean =>
  typeof (error as NodeJS.ErrnoException).path === 'string' || (error as NodeJS.ErrnoException).code === 'ENOSPC';

const diskError = (error: unknown, file: string): InputError =>
  new InputError((error as Error).message, {
    file,
    key: '--dir',
    remedy: 'Make the folder writable or free some space, or name another one; the same command goes on from there.',
    cause: error,
  });
