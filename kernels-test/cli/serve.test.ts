// perturb serve: what it gives, what it refuses, and to whom.

import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createConnection, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startPageServer } from '../../src/cli/page-server';
import { serveCommand } from '../../src/cli/serve';
import { cli, FakeIo, temporary } from './fakes';

let folder: string;
let server: Awaited<ReturnType<typeof startPageServer>>;

beforeEach(async () => {
  folder = await temporary();
  const root = join(folder, 'web');
  await mkdir(join(root, 'deep'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(join(root, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(join(root, 'main.js'), 'export {};');
  await writeFile(join(root, 'deep', 'a.css'), 'p{}');
  server = await startPageServer(root, 0);
});
afterEach(() => server.close());

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** A request as written: fetch would tidy the path first. */
function ask(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Reply> {
  const { port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test.for([
  ['/', 'text/html; charset=utf-8', '<!doctype html><title>page</title>'],
  ['/index.html?seed=3', 'text/html; charset=utf-8', '<!doctype html><title>page</title>'],
  ['/main.js', 'text/javascript; charset=utf-8', 'export {};'],
  ['/deep/a.css', 'text/css; charset=utf-8', 'p{}'],
])('%s is served as what it is', async ([path, type, body]) => {
  const reply = await ask(path!);
  expect([reply.status, reply.headers['content-type'], reply.body]).toEqual([200, type, body]);
  expect(reply.headers['content-length']).toBe(String(body!.length));
  expect(reply.headers['x-content-type-options']).toBe('nosniff');
  expect(reply.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
  const head = await ask(path!, { method: 'HEAD' });
  expect([head.status, head.headers['content-length'], head.body]).toEqual([200, String(body!.length), '']);
});

test.for([
  '/../secret.txt',
  '/deep/../../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/..\\secret.txt',
  '/deep',
  '/deep/',
  '//main.js',
  '/main.js/',
  '/main.js%00',
  '/constructor',
])('%s leads nowhere', async (path) => {
  const reply = await ask(path);
  expect([reply.status, reply.body]).toEqual([404, 'There is no such file.\n']);
});

test('a page that is built anew under the server is served as it is now, and what is gone is 404', async () => {
  const root = join(folder, 'web');
  await rm(join(root, 'main.js'));
  await writeFile(join(root, 'main-2.js'), 'export const two = 2;');
  expect((await ask('/main.js')).status).toBe(404);
  expect((await ask('/main-2.js')).body).toBe('export const two = 2;');
  // As in the middle of a build.
  await rm(root, { recursive: true });
  expect((await ask('/')).status).toBe(404);
  await mkdir(root);
  await writeFile(join(root, 'index.html'), 'again');
  expect((await ask('/')).body).toBe('again');
});

test('a link out of the folder is not followed', async () => {
  await symlink(join(folder, 'secret.txt'), join(folder, 'web', 'link.txt'));
  expect((await ask('/link.txt')).status).toBe(404);
});

test('nothing may be inline, and nothing may come from elsewhere', async () => {
  const policy = (await ask('/')).headers['content-security-policy'];
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
});

test.for(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('%s is refused', async (method) => {
  const reply = await ask('/', { method });
  expect([reply.status, reply.headers.allow]).toEqual([405, 'GET, HEAD']);
});

test('a name of another site is refused', async () => {
  expect((await ask('/', { headers: { Host: 'evil.example' } })).status).toBe(403);
  expect((await ask('/', { headers: { Host: `localhost:${new URL(server.url).port}` } })).status).toBe(200);
});

test('no other address of this machine answers', async ({ skip }) => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each && !each.internal && each.family === 'IPv4');
  if (!outside) skip('this machine has no address but the loopback');
  const refused = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ host: outside!.address, port: Number(new URL(server.url).port) });
    socket.on('connect', () => resolve(false));
    socket.on('error', () => resolve(true));
  });
  expect(refused).toBe(true);
});

describe('the command', () => {
  test('prints where the page is, and ends when interrupted', async () => {
    const io = new FakeIo(folder);
    const served = serveCommand({}, io, join(folder, 'web'));
    while (io.out === '') await new Promise((resolve) => setTimeout(resolve, 5));
    const url = io.out.trim();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect((await fetch(url)).status).toBe(200);
    io.controller.abort();
    await served;
    await expect(fetch(url)).rejects.toThrow();
  });

  test('says what is wrong', async () => {
    const io = new FakeIo(folder);
    await expect(serveCommand({}, io, folder)).rejects.toThrow('the page has not been built');
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    await expect(serveCommand({ port: String(port) }, io, join(folder, 'web'))).rejects.toThrow(
      `port ${port} cannot be listened on`,
    );
    other.close();
    for (const bad of ['0', '70000', 'http', '80.5']) {
      const { code, err } = await cli(folder, ['serve', '--port', bad]);
      expect([code, err]).toEqual([2, expect.stringContaining(`"${bad}" is not a port`)]);
    }
  });
});
