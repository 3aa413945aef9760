// The bundles that pages load and the library's, as build.mjs writes them to dist/ and the tests elsewhere.
import { createHash } from 'node:crypto';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
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

/** What is loaded on demand, and the entries that nobody uses without the core. */
const ON_CORE = [
  ...['data/readers', 'kernels/subgroup', 'experiment/extras', 'network/gram'],
  ...['network/half-operands', 'perturbation/span'],
  ...['bench/index', 'experiment/sweeps', 'node', 'theory/index'],
];

/**
 * Keeps the core in one piece. esbuild parts modules by who reaches them, and a core in twenty pieces compresses to 9 kB
 * more than one in five. So whatever is used with the core only is made to reach all of it, by an import that does nothing.
 */
const core = {
  name: 'core',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^core$/ }, () => ({ path: fileURLToPath(new URL('src/index.ts', import.meta.url)) }));
    onLoad({ filter: new RegExp(`[\\\\/]src[\\\\/](${ON_CORE.join('|')})\\.ts$`) }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\nimport 'core';`,
      loader: 'ts',
    }));
  },
};

export const common = {
  absWorkingDir,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  // Not in the package, where they were two thirds of it.
  sourcemap: process.argv.includes('--maps'),
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
        bench: 'src/bench/index.ts',
        files: 'src/experiment/files.ts',
        theory: 'src/theory/index.ts',
        sweep: 'src/experiment/sweeps.ts',
        node: 'src/node.ts',
        worker: 'src/worker/index.ts',
      },
      outdir,
      splitting: true,
      chunkNames: 'lib-[hash]',
      plugins: [...common.plugins, core],
      logOverride: { 'ignored-bare-import': 'silent' },
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
  await build({
    ...browser,
    entryPoints: { 'worker-host': 'src/worker/start.ts', 'bench-worker': 'src/web/bench-worker.ts' },
    outdir,
  });
  // What computes, so that a run is gone on with by the same shaders and code that began it.
  const engine = createHash('sha256')
    .update(await readFile(`${outdir}/worker-host.js`))
    .digest('hex');
  await build({
    ...browser,
    entryPoints: { main: 'src/web/main.tsx' },
    outdir,
    splitting: true,
    chunkNames: 'page-[hash]',
    define: { ...browser.define, PERTURB_ENGINE: JSON.stringify(engine) },
  });
  for (const file of await readdir(new URL('src/web', import.meta.url))) {
    if (/\.(html|svg|png|webmanifest)$/.test(file)) {
      await copyFile(new URL(`src/web/${file}`, import.meta.url), `${outdir}/${file}`);
    }
  }
}
