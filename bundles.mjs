// The bundles that pages load and the library's, as build.mjs writes them to dist/ and the tests elsewhere.
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

/**
 * Every shader as a module of its own, so that one is loaded with what uses it: esbuild never parts a file among chunks.
 * The kernels' `import * as shaders from './generated'` becomes an import of the descriptors that the file names.
 */
const shaders = {
  name: 'shaders',
  setup({ onLoad, onResolve }) {
    const folder = fileURLToPath(new URL('src/kernels/', import.meta.url));
    onLoad({ filter: /[\\/]src[\\/]kernels[\\/][\w-]+\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const all = "import * as shaders from './generated';";
      if (!text.includes(all)) return undefined;
      const names = [...new Set(Array.from(text.matchAll(/\bshaders\.(\w+)/g), ([, name]) => name))];
      const imports = names.map((name) => `import { ${name} as shader_${name} } from 'shader:${name}';`);
      const contents = text.replace(all, imports.join(' ')).replace(/\bshaders\.(\w+)/g, 'shader_$1');
      return { contents, loader: 'ts' };
    });
    onResolve({ filter: /^shader:/ }, ({ path }) => ({ path, namespace: 'shader', sideEffects: false }));
    onLoad({ filter: /^shader:/, namespace: 'shader' }, async ({ path }) => {
      const name = path.slice('shader:'.length);
      const lines = (await readFile(`${folder}generated.ts`, 'utf8')).split('\n');
      const own = [`import ${name}Code `, `export const ${name} = `].map((start) =>
        lines.find((line) => line.startsWith(start)),
      );
      return { contents: own.join('\n').replace(/ as const satisfies \w+;$/, ';'), loader: 'ts', resolveDir: folder };
    });
  },
};

/** What is loaded on demand, and the entries that nobody uses without the core. */
const ON_CORE = [
  ...['data/readers', 'experiment/extras', 'network/gram', 'perturbation/span'],
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
  sourcemap: true,
  logLevel: 'warning',
  plugins: [wgsl, shaders],
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
