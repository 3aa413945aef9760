// `perturb fetch` against a server of our own: what a mirror can do wrong, and that nothing but the whole file is ever there.

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import tar from 'tar-fs';
import { afterEach, describe, expect, test } from 'vitest';
import { download } from '../../src/cli/download';
import { fetchCommand } from '../../src/cli/fetch';
import { DOWNLOADS, type PublishedData } from '../../src/data/downloads';
import { InputError } from '../../src/data/input-error';
import { FakeIo, temporary } from './fakes';

const CONTENT = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) % 251);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server that answers each request with the next of these, and the last from then on. */
async function mirror(...answers: Answer[]): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(ranges.length, answers.length - 1)]!;
    ranges.push(request.headers.range);
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, ranges };
}

const whole: Answer = (_, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
const missing: Answer = (_, response) => response.writeHead(404).end('no such file');
const corrupt: Answer = (_, response) =>
  response.writeHead(200).end(CONTENT.map((byte, i) => (i === 5 ? byte ^ 1 : byte)));
const cutAfter =
  (bytes: number): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length });
    // Time for what was sent to be read: a client drops what it has not when the connection breaks.
    response.write(CONTENT.subarray(0, bytes), () => setTimeout(() => response.destroy(), 200));
  };
const ranged: Answer = (request, response) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start === 0) return whole(request, response);
  const range = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
  response.writeHead(206, { 'content-range': range, 'content-length': CONTENT.length - start });
  response.end(CONTENT.subarray(start));
};

const FILE = { name: 'file.bin', bytes: CONTENT.length, sha256: sha256(CONTENT) };
const data = (...mirrors: string[]): Record<string, PublishedData> => ({
  ours: { mirrors, files: [FILE], page: 'a page' },
});

async function fetchFrom(cwd: string, ...mirrors: string[]): Promise<FakeIo> {
  const io = new FakeIo(cwd);
  await fetchCommand('ours', { dir: 'got' }, io, data(...mirrors));
  return io;
}

const failure = async (promise: Promise<unknown>): Promise<InputError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
};

async function expectFile(cwd: string): Promise<void> {
  expect(await readdir(join(cwd, 'got'))).toEqual(['file.bin']);
  expect(sha256(await readFile(join(cwd, 'got/file.bin')))).toBe(FILE.sha256);
}

describe('fetch', () => {
  test('a file that a mirror gives is in its place, and is not fetched twice', async () => {
    const cwd = await temporary();
    const { url, ranges } = await mirror(whole);
    const io = await fetchFrom(cwd, url);
    await expectFile(cwd);
    expect(io.err).toMatch(/file\.bin: .* of 97\.7 KiB/);
    expect(io.out).toMatch(/got holds ours/);
    await fetchFrom(cwd, url);
    expect(ranges).toEqual([undefined]);
  });

  test('after a 404 the next mirror is asked', async () => {
    const cwd = await temporary();
    const [bad, good] = [await mirror(missing), await mirror(whole)];
    await fetchFrom(cwd, bad.url, good.url);
    await expectFile(cwd);
    expect(bad.ranges).toHaveLength(1);
  });

  test('a connection that is cut goes on where it stopped', async () => {
    const cwd = await temporary();
    const { url, ranges } = await mirror(cutAfter(40_000), ranged);
    await fetchFrom(cwd, url);
    await expectFile(cwd);
    expect(ranges).toEqual([undefined, 'bytes=40000-']);
  });

  test('a mirror that stops sending is given up', async () => {
    const cwd = await temporary();
    const stuck = await mirror((_, response) => void response.writeHead(200).write(CONTENT.subarray(0, 10)));
    const good = await mirror(ranged);
    const options = { signal: new AbortController().signal, page: '', idleMs: 300 };
    await mkdir(join(cwd, 'got'));
    await download([stuck.url, good.url], join(cwd, 'got/file.bin'), FILE, options);
    await expectFile(cwd);
    expect(good.ranges).toEqual(['bytes=10-']);
  });

  test('an interruption keeps what came in, and says so', async () => {
    const cwd = await temporary();
    const io = new FakeIo(cwd);
    const { url } = await mirror((_, response) => {
      response.writeHead(200).write(CONTENT.subarray(0, 10), () => setTimeout(() => io.controller.abort(), 200));
    });
    await expect(fetchCommand('ours', { dir: 'got' }, io, data(url))).rejects.toThrow(
      /interrupted; what came in is kept/,
    );
    expect(await readdir(join(cwd, 'got'))).toEqual(['file.bin.part']);
  });

  test('what an earlier command left is continued', async () => {
    const cwd = await temporary();
    const cut = await mirror(cutAfter(30_000));
    await failure(fetchFrom(cwd, cut.url));
    expect(await readdir(join(cwd, 'got'))).toEqual(['file.bin.part']);
    const { url, ranges } = await mirror(ranged);
    await fetchFrom(cwd, url);
    await expectFile(cwd);
    expect(ranges).toEqual(['bytes=30000-']);
  });

  test('a server without ranges sends it from the beginning', async () => {
    const cwd = await temporary();
    await mkdir(join(cwd, 'got'));
    await writeFile(join(cwd, 'got/file.bin.part'), CONTENT.subarray(0, 1000));
    const { url } = await mirror(whole);
    await fetchFrom(cwd, url);
    await expectFile(cwd);
  });

  test('a wrong beginning from before is thrown away', async () => {
    const cwd = await temporary();
    await mkdir(join(cwd, 'got'));
    await writeFile(join(cwd, 'got/file.bin.part'), new Uint8Array(1000).fill(9));
    const { url, ranges } = await mirror(ranged);
    await fetchFrom(cwd, url);
    await expectFile(cwd);
    expect(ranges).toEqual(['bytes=1000-', undefined]);
  });

  test('a range that does not exist is answered with 416: from the beginning', async () => {
    const cwd = await temporary();
    await mkdir(join(cwd, 'got'));
    await writeFile(join(cwd, 'got/file.bin.part'), CONTENT.subarray(0, 1000));
    const { url } = await mirror((_, response) => response.writeHead(416).end(), whole);
    await fetchFrom(cwd, url);
    await expectFile(cwd);
  });

  test('a changed byte is noticed, and the next mirror asked', async () => {
    const cwd = await temporary();
    const [bad, good] = [await mirror(corrupt), await mirror(whole)];
    await fetchFrom(cwd, bad.url, good.url);
    await expectFile(cwd);
  });

  test.for([
    ['corrupt', corrupt, /another SHA-256/],
    [
      'shorter',
      (_, response) => response.writeHead(200, { 'content-length': 10 }).end('0123456789'),
      /has 10 bytes, not/,
    ],
    [
      'longer',
      (_, response) => response.writeHead(200).end(Buffer.concat([CONTENT, CONTENT])),
      /more than the 100000 bytes/,
    ],
    ['missing', missing, /answered 404/],
  ] as [string, Answer, RegExp][])('no mirror gives it (%s): nothing is there, and the error says what to do', async ([
    ,
    answer,
    why,
  ]) => {
    const cwd = await temporary();
    const { url } = await mirror(answer);
    const error = await failure(fetchFrom(cwd, url));
    expect(error.message).toMatch(why);
    expect(error.remedy).toMatch(/another machine/);
    expect(error.remedy).toContain(FILE.sha256);
    expect(await readdir(join(cwd, 'got'))).toEqual([]);
  });

  test('without a network the error names every mirror', async () => {
    const cwd = await temporary();
    const error = await failure(fetchFrom(cwd, 'http://127.0.0.1:1/', 'http://127.0.0.1:2/'));
    expect(error.message).toMatch(/127\.0\.0\.1:1.*\n.*127\.0\.0\.1:2/);
  });

  test('a file of the same name that is another one is left alone', async () => {
    const cwd = await temporary();
    await mkdir(join(cwd, 'got'));
    await writeFile(join(cwd, 'got/file.bin'), 'mine');
    const { url, ranges } = await mirror(whole);
    expect((await failure(fetchFrom(cwd, url))).message).toMatch(/not the published one/);
    expect(await readFile(join(cwd, 'got/file.bin'), 'utf8')).toBe('mine');
    expect(ranges).toEqual([]);
  });

  test('an archive is unpacked, without its other files, and taken away', async () => {
    const cwd = await temporary();
    const archive = await tarball({
      'a.bin': new Uint8Array(10),
      'b.bin': new Uint8Array(10),
      readme: new Uint8Array(3),
    });
    const { url, ranges } = await mirror((_, response) => response.writeHead(200).end(archive));
    const file = { name: 'all.tar.gz', bytes: archive.length, sha256: sha256(archive) };
    const catalogue = {
      ours: { mirrors: [url], files: [file], page: '', contents: { names: ['a.bin', 'b.bin'], bytes: 10 } },
    };
    for (let time = 0; time < 2; time++)
      await fetchCommand('ours', { dir: 'got', quiet: true }, new FakeIo(cwd), catalogue);
    expect((await readdir(join(cwd, 'got'))).sort()).toEqual(['a.bin', 'b.bin']);
    expect(ranges).toHaveLength(1);
  });

  test('an unknown data set is an error that names the known ones', async () => {
    const cwd = await temporary();
    const error = await failure(fetchCommand('minst', {}, new FakeIo(cwd)));
    expect(error.remedy).toContain('mnist, fashion-mnist, cifar10');
  });
});

test('what is published has sizes and checksums of the right form', () => {
  const files = Object.values(DOWNLOADS).flatMap((each) => each.files);
  expect(files).toHaveLength(9);
  for (const { bytes, sha256 } of files) {
    expect(bytes).toBeGreaterThan(4000);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(new Set(files.map((file) => file.sha256)).size).toBe(9);
});

/** A packed archive with these files in a folder. */
async function tarball(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const from = await temporary();
  await mkdir(join(from, 'folder'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(from, 'folder', name), bytes);
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar.pack(from)) chunks.push(chunk as Uint8Array);
  return new Uint8Array(gzipSync(Buffer.concat(chunks)));
}
