// The command, or a script, as a bundle of its own, to be run as a process.

import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** A script, and what takes it away. */
export interface Bundle {
  readonly script: string;
  readonly remove: () => Promise<void>;
}

/** Bundles the command, with the real engine unless a plugin puts another in its place. */
export const bundleCommand = (name: string, plugins: Plugin[] = []): Promise<Bundle> =>
  bundleScript(new URL('../../src/cli/main.ts', import.meta.url), name, plugins);

export async function bundleScript(entry: URL, name: string, plugins: Plugin[] = []): Promise<Bundle> {
  // Inside node_modules, so that the packages the bundle leaves out are found from there.
  const outdir = fileURLToPath(new URL(`../../node_modules/.cache/perturb-${name}-${process.pid}/`, import.meta.url));
  await build({
    entryPoints: [fileURLToPath(entry)],
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'node',
    packages: 'external',
    loader: { '.wgsl': 'text' },
    logLevel: 'error',
    plugins,
  });
  const script = join(outdir, basename(entry.pathname).replace(/\.ts$/, '.js'));
  return { script, remove: () => rm(outdir, { recursive: true, force: true }) };
}

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
