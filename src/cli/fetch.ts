// `perturb fetch`: the files of a public data set, as published, in a folder that a configuration can name.

import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DOWNLOADS, type PublishedData } from '../data/downloads';
import { InputError } from '../data/input-error';
import { bytes } from '../report/format';
import { type DownloadOptions, download } from './download';
import { InterruptedError } from './failure';
import type { CliIo } from './io';
import { oneOf } from './one-of';

export interface FetchArguments {
  readonly dir?: string;
  readonly quiet?: boolean;
}

const LINE_EVERY_MS = 2000;

/**
 * Fetches a data set. Files that are there and right are left as they are.
 * @param catalogue what there is to fetch, from where; tests put a server of their own in it
 * @throws InputError for a data set that is not known, and as {@link download}
 */
export async function fetchCommand(
  name: string,
  args: FetchArguments,
  io: CliIo,
  catalogue: Readonly<Record<string, PublishedData>> = DOWNLOADS,
): Promise<void> {
  const data = catalogue[name];
  if (!data) {
    throw new InputError(`there is no data set "${name}" to fetch`, {
      key: 'fetch',
      remedy: oneOf(name, Object.keys(catalogue)),
    });
  }
  const dir = resolve(io.cwd, args.dir ?? join('data', name));
  try {
    await mkdir(dir, { recursive: true });
    await fetchInto(dir, data, io, args.quiet ?? false);
  } catch (error) {
    if (io.signal.aborted) {
      throw new InterruptedError('interrupted; what came in is kept', 'The same command goes on from there.');
    }
    throw error;
  }
  const place = relative(io.cwd, dir) || '.';
  io.stdout.write(
    `${place} holds ${name} as published (SHA-256 checked).\nUse it with --set data.kind=${name} --set data.dir=${place}\n`,
  );
}

async function fetchInto(dir: string, data: PublishedData, io: CliIo, quiet: boolean): Promise<void> {
  const { files, mirrors, contents, page } = data;
  if (contents && (await allThere(dir, contents))) return;
  for (const file of files) {
    const urls = mirrors.map((mirror) => `${mirror}${file.name}`);
    const target = join(dir, file.name);
    const options: DownloadOptions = {
      signal: io.signal,
      page,
      ...(quiet ? {} : { onProgress: lines(io, file.name) }),
    };
    await download(urls, target, file, options);
    if (contents) await unpack(target, dir, contents, io.signal);
  }
}

/** A line now and then on stderr. */
function lines(io: CliIo, name: string): (done: number, total: number) => void {
  let last = -Infinity;
  return (done, total) => {
    if (done < total && io.now() - last < LINE_EVERY_MS) return;
    last = io.now();
    io.stderr.write(`${name}: ${bytes(done)} of ${bytes(total)}\n`);
  };
}

type Contents = NonNullable<PublishedData['contents']>;

async function allThere(dir: string, contents: Contents): Promise<boolean> {
  const sizes = await Promise.all(
    contents.names.map(async (name) => (await stat(join(dir, name)).catch(() => undefined))?.size),
  );
  return sizes.every((size) => size === contents.bytes);
}

/** Takes the wanted files out of a checked archive, all of them before the first is put in its place; then it can go. */
async function unpack(archive: string, dir: string, contents: Contents, signal: AbortSignal): Promise<void> {
  const tar = (await import('tar-fs')).default;
  const aside = await mkdtemp(join(dir, '.unpacking-'));
  try {
    const extract = tar.extract(aside, {
      ignore: (_, header) => header?.type === 'file' && !contents.names.includes(basename(header.name)),
      map: (header) => ({ ...header, name: basename(header.name) }),
    });
    await pipeline(createReadStream(archive), createGunzip(), extract, { signal });
    if (!(await allThere(aside, contents))) {
      throw new InputError('the archive does not hold the files it should', {
        file: archive,
        remedy: 'Delete it and fetch again.',
      });
    }
    for (const name of contents.names) await rename(join(aside, name), join(dir, name));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  await rm(archive);
}
