// The bundles that pages load and the library's, as build.mjs writes them to dist/ and the tests elsewhere.
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { minifyWgsl } from './src/kernels/minify.mjs';

const { version, dependencies, optionalDependencies } = JSON.parse(
  await readFile(new URL('package.json', import.meta.url), 'utf8'),
);
const absWorkingDir = new URL('.', import.meta.url).pathname;

/** Packages that are installed beside ours. */
export const installed = [...Object.keys(dependencies), ...Object.keys(optionalDependencies)];
// What a page loads carries its few small dependencies with it, so that one line of an import map is enough.
const inlined = ['fflate', 'valibot', 'fastest-levenshtein'];

/** Shaders as text without what only readers of the source need. */
const wgsl = {
  name: 'wgsl',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.wgsl$/ }, async ({ path }) => ({
      contents: minifyWgsl(await readFile(path, 'utf8')),
      loader: 'text',
    })),
};

export const common = {
  absWorkingDir,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  logLevel: 'warning',
  plugins: [wgsl],
  define: { PERTURB_VERSION: JSON.stringify(version) },
};
const browser = { ...common, platform: 'browser', minify: true };

/** The entries of package.json's exports. They share chunks: an error thrown by one is of the class that another exports. */
export async function buildLibrary(outdir) {
  const external = ['node:*', ...installed.filter((name) => !inlined.includes(name))];
  await Promise.all([
    build({
      ...browser,
      entryPoints: {
        index: 'src/index.ts',
        files: 'src/experiment/files.ts',
        theory: 'src/theory/index.ts',
        sweep: 'src/experiment/sweeps.ts',
        node: 'src/node.ts',
        worker: 'src/worker/index.ts',
      },
      outdir,
      splitting: true,
      chunkNames: 'lib-[hash]',
      external,
    }),
    // On its own: what it shares with the engine is little, and parted off it would make the engine's files larger.
    build({ ...browser, entryPoints: { report: 'src/report/index.ts' }, outdir, external }),
    // One file: whoever copies it beside a page needs nothing else.
    build({ ...browser, entryPoints: { 'worker-host': 'src/worker/start.ts' }, outdir }),
  ]);
}

/** The page: static files with relative addresses, so that it works from any path. It starts the library's own worker. */
export async function buildPage(outdir) {
  await Promise.all([
    build({
      ...browser,
      entryPoints: { main: 'src/web/main.tsx' },
      outdir,
      splitting: true,
      chunkNames: 'page-[hash]',
    }),
    build({
      ...browser,
      entryPoints: { 'worker-host': 'src/worker/start.ts', 'bench-worker': 'src/web/bench-worker.ts' },
      outdir,
    }),
  ]);
  for (const file of await readdir(new URL('src/web', import.meta.url))) {
    if (/\.(html|svg|png|webmanifest)$/.test(file)) {
      await copyFile(new URL(`src/web/${file}`, import.meta.url), `${outdir}/${file}`);
    }
  }
}
