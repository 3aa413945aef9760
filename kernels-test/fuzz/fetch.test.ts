// Servers that answer anything: the file is in its place with its checksum, or an error says why not, and nothing else is left.

import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download } from '../../src/cli/download';
import { InputError } from '../../src/data/input-error';
import { temporary } from '../cli/fakes';
import { casesOf, LONG_TIMEOUT, SEED } from './settings';

const CONTENT = new Uint8Array(5000).map((_, i) => (7 * i) % 251);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const FILE = { name: 'file.bin', bytes: CONTENT.length, sha256: sha256(CONTENT) };

interface Answer {
  readonly status: number;
  /** What Content-Range and Content-Length say: the truth, nothing, or a lie. */
  readonly range: 'right' | 'none' | string;
  readonly length: 'right' | 'none' | number;
  /** Bytes that are sent of the part that was asked for. */
  readonly send: number;
  readonly spoil: boolean;
  readonly cut: boolean;
}

const answer: fc.Arbitrary<Answer> = fc.record({
  status: fc.oneof(
    { arbitrary: fc.constantFrom(200, 206), weight: 4 },
    { arbitrary: fc.constantFrom(204, 301, 304, 404, 416, 500, 503), weight: 1 },
  ),
  range: fc.oneof(
    fc.constantFrom('right', 'none'),
    fc.string({ maxLength: 12 }).map((text) => text.replace(/[^ -~]/g, '')),
  ),
  length: fc.oneof(fc.constant('right' as const), fc.constant('none' as const), fc.nat(20_000)),
  send: fc.oneof(fc.constant(CONTENT.length), fc.nat(CONTENT.length), fc.constant(9000)),
  spoil: fc.boolean(),
  cut: fc.boolean(),
});

let server: Server;
let answers: readonly Answer[] = [];
let asked = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { status, range, length, send, spoil, cut } = answers[Math.min(asked++, answers.length - 1)]!;
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const from = status === 206 ? start : 0;
    const body = Buffer.alloc(Math.max(0, Math.min(send, 9000) - (send > CONTENT.length ? 0 : from)));
    for (let i = 0; i < body.length; i++) body[i] = CONTENT[(from + i) % CONTENT.length]!;
    if (spoil && body.length > 0) body[body.length >> 1]! ^= 1;
    response.on('error', () => {});
    response.strictContentLength = false;
    const headers: Record<string, string> = { connection: 'close' };
    if (range === 'right') headers['content-range'] = `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}`;
    else if (range !== 'none') headers['content-range'] = range;
    if (length !== 'none') headers['content-length'] = String(length === 'right' ? body.length : length);
    response.writeHead(status, headers);
    response.write(body, () => (cut ? response.destroy() : response.end()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const numRuns = casesOf(0.002, 60);
test(`answers of a server: ${numRuns}, seed ${SEED}`, { timeout: LONG_TIMEOUT }, async () => {
  const folder = await temporary();
  const target = join(folder, 'file.bin');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (given) => {
      answers = given;
      asked = 0;
      await rm(target, { force: true });
      const options = { signal: new AbortController().signal, page: 'a page', idleMs: 100 };
      const outcome = await download([url, url], target, FILE, options).catch((error: unknown) => error);
      if (outcome === 'downloaded') {
        expect(sha256(await readFile(target))).toBe(FILE.sha256);
      } else {
        expect(outcome).toBeInstanceOf(InputError);
        expect(outcome).toMatchObject({ file: target });
        expect(await readdir(folder)).not.toContain('file.bin');
      }
      // What came in is never more than the file.
      const part = await stat(`${target}.part`).catch(() => undefined);
      expect(part?.size ?? 0).toBeLessThanOrEqual(FILE.bytes);
    }),
    { numRuns, seed: SEED },
  );
});
