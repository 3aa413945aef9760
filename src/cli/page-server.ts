// The page's files over HTTP, for this machine only. What can be asked for is exactly what a listing of the folder finds, so
// no path, however written, leads anywhere else.

import { type FileHandle, open, readdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The only address that is listened on. */
const LOOPBACK = '127.0.0.1';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
};

/** Everything from here and nothing from elsewhere; pictures may be data: and blob: because the page draws them itself. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // The page is built anew under the same names.
  'Cache-Control': 'no-cache',
};

export interface PageServer {
  /** http://127.0.0.1:PORT/ */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the files of a folder.
 * @param port 0 for a free one
 * @throws what listening throws: EADDRINUSE, EACCES
 */
export async function startPageServer(folder: string, port: number): Promise<PageServer> {
  const files = await Files.of(folder);
  const server = createServer((request, response) => {
    void answer(files, server, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
  return {
    url: `http://${LOOPBACK}:${portOf(server)}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

/** The files of a folder by the path that asks for them. */
class Files {
  private constructor(
    private readonly folder: string,
    private listed: ReadonlyMap<string, string>,
  ) {}

  static async of(folder: string): Promise<Files> {
    return new Files(folder, await listFiles(folder));
  }

  /** What a path asks for, opened; undefined when there is no such file. A page that was built anew is listed anew. */
  async open(path: string): Promise<{ readonly name: string; readonly handle: FileHandle } | undefined> {
    const known = await this.#openListed(path);
    if (known) return known;
    this.listed = await listFiles(this.folder);
    return this.#openListed(path);
  }

  async #openListed(path: string) {
    const name = this.listed.get(path);
    if (name === undefined) return undefined;
    const handle = await open(name).catch(unlessGone);
    return handle && { name, handle };
  }
}

/** Passes errors on, except that a file or folder is not there (any more). */
function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}

async function listFiles(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true }).catch(unlessGone)) ?? [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(`/${relative(folder, file).split(sep).join('/')}`, file);
  }
  const index = files.get('/index.html');
  if (index) files.set('/', index);
  return files;
}

async function answer(files: Files, server: Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refuse = (status: number, text: string, more: Record<string, string> = {}) => {
    response.writeHead(status, { ...HEADERS, ...more, 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(request.method === 'HEAD' ? undefined : `${text}\n`);
  };
  // Another site whose name was made to point here (DNS rebinding) asks under its own name.
  const port = portOf(server);
  const { host } = request.headers;
  // Browsers leave the port of http out.
  const own = [LOOPBACK, 'localhost'].flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  if (host === undefined || !own.includes(host)) return refuse(403, 'Not for this host.');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(405, 'Only GET and HEAD.', { Allow: 'GET, HEAD' });
  }
  const path = (request.url ?? '/').replace(/[?#].*$/s, '');
  const file = await files.open(path);
  if (!file) return refuse(404, 'There is no such file.');
  const { name, handle } = file;
  try {
    const { size } = await handle.stat();
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    response.writeHead(200, { ...HEADERS, 'Content-Type': type, 'Content-Length': size });
    if (request.method === 'HEAD') response.end();
    else await pipeline(handle.createReadStream({ autoClose: false }), response);
  } finally {
    await handle.close();
  }
}
