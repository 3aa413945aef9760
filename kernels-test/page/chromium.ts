// Finding a Chromium and starting it so that WebGPU runs on SwiftShader: Debian's, or the one that npm brings
// (@sparticuz/chromium). PERTURB_TEST_CHROMIUM=npm takes the latter where both are.

import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { type Browser, chromium } from 'playwright-core';
import { extract } from 'tar-fs';

const DEBIAN = '/usr/bin/chromium';

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // Off the network.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

interface Found {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
  /** Folders made for it, to be removed at the end. */
  readonly made: readonly string[];
}

/** Where a Chromium is, or why there is none. */
async function findChromium(): Promise<Found | { readonly reason: string }> {
  if (process.env.PERTURB_TEST_CHROMIUM !== 'npm' && existsSync(DEBIAN)) {
    return { executablePath: DEBIAN, env: {}, made: [] };
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { reason: `no ${DEBIAN}, and the packed Chromium is for Linux on x64` };
  }
  const packed = await import('@sparticuz/chromium').then(
    (module) => module.default,
    () => undefined,
  );
  if (!packed) return { reason: `no ${DEBIAN}, and the optional package @sparticuz/chromium is not installed` };
  const executablePath = await packed.executablePath();
  if (spawnSync(executablePath, ['--version']).status === 0) return { executablePath, env: {}, made: [] };
  // A bare machine lacks libraries that Chromium needs; the package carries them, too.
  const bin = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', '..', 'bin');
  const libraries = await mkdtemp(join(tmpdir(), 'perturb-chromium-'));
  await pipeline(createReadStream(join(bin, 'al2023.tar.br')), createBrotliDecompress(), extract(libraries));
  const env = { LD_LIBRARY_PATH: join(libraries, 'lib') };
  const started = spawnSync(executablePath, ['--version'], { env: { ...process.env, ...env }, encoding: 'utf8' });
  if (started.status !== 0) throw new Error(`the Chromium of npm does not start: ${started.stderr}`);
  return { executablePath, env, made: [libraries] };
}

export interface Chromium {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** Starts it; says why where there is none. */
export async function startChromium(): Promise<Chromium | { readonly reason: string }> {
  const found = await findChromium();
  if ('reason' in found) return found;
  const { executablePath, env, made } = found;
  const browser = await chromium.launch({
    executablePath,
    args: FLAGS,
    // Its own choice of headless mode would be added to ours.
    ignoreDefaultArgs: ['--headless'],
    env: { ...(process.env as Record<string, string>), ...env },
  });
  return {
    browser,
    close: async () => {
      await browser.close();
      for (const folder of made) await rm(folder, { recursive: true, force: true });
    },
  };
}
