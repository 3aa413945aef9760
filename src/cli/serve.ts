// `perturb serve`: the laboratory page on this machine, until interrupted.

import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../data/input-error';
import type { CliIo } from './io';
import { startPageServer } from './page-server';

export interface ServeArguments {
  readonly port?: string;
  readonly open?: boolean;
}

/** Beside the bundles; the page is built with them. */
const BUILT = fileURLToPath(new URL('./web', import.meta.url));

/** @param folder where the page's files are */
export async function serveCommand({ port, open }: ServeArguments, io: CliIo, folder = BUILT): Promise<void> {
  const wanted = portNumber(port);
  await access(join(folder, 'index.html')).catch((cause) => {
    throw new InputError('the page has not been built', { file: folder, remedy: 'Run npm run build first.', cause });
  });
  const server = await startPageServer(folder, wanted).catch((cause: NodeJS.ErrnoException) => {
    throw new InputError(`port ${wanted} cannot be listened on: ${cause.message}`, {
      key: '--port',
      remedy: 'Choose another port, or leave --port out for a free one.',
      cause,
    });
  });
  try {
    io.stdout.write(`${server.url}\n`);
    io.stderr.write('The page is shown on this machine only. Ctrl-C ends it.\n');
    if (open) openBrowser(server.url, io);
    await aborted(io.signal);
  } finally {
    await server.close();
  }
}

function portNumber(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) {
    throw new InputError(`"${text}" is not a port`, { key: '--port', remedy: 'Give a number from 1 to 65535.' });
  }
  return port;
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Asks the desktop to open the address; where there is none, says so. */
function openBrowser(url: string, io: CliIo): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  const cannot = () => io.stderr.write('No browser could be opened from here: open the address above.\n');
  const child = spawn(command!, args, { stdio: 'ignore', detached: true });
  child.on('error', cannot);
  child.on('exit', (code) => code !== 0 && code !== null && cannot());
  child.unref();
}
