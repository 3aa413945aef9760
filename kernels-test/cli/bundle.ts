// The command as a bundle of its own, to be run as a process.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** Bundles the command, with the real engine unless a plugin puts another in its place. @returns the script, and what takes it away */
export async function bundleCommand(
  name: string,
  plugins: Plugin[] = [],
): Promise<{ script: string; remove: () => Promise<void> }> {
  // Inside node_modules, so that the packages the bundle leaves out are found from there.
  const outdir = fileURLToPath(new URL(`../../node_modules/.cache/perturb-${name}-${process.pid}/`, import.meta.url));
  await build({
    entryPoints: [fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))],
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
  return { script: join(outdir, 'main.js'), remove: () => rm(outdir, { recursive: true, force: true }) };
}

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
