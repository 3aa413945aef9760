// Builds everything that is made: the typed shader descriptors (from the WGSL, by reflection), the bundles (esbuild)
// and the type declarations (tsc).
//
//   node build.mjs              library + command + declarations into dist/
//   node build.mjs --generate   only src/kernels/generated.ts
//   node build.mjs --quiet      say nothing unless something is wrong
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minifyWgsl } from './src/kernels/minify.mjs';
import { describeShader, renderDescriptors } from './src/kernels/reflect.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));
process.chdir(root);
const quiet = process.argv.includes('--quiet');
const say = (text) => quiet || console.log(text);

const shaders = readdirSync('shaders')
  .filter((file) => file.endsWith('.wgsl'))
  .sort()
  .map((file) => describeShader(file.replace(/\.wgsl$/, ''), readFileSync(`shaders/${file}`, 'utf8')));
const generated = renderDescriptors(shaders);
const target = 'src/kernels/generated.ts';
let before = '';
try {
  before = readFileSync(target, 'utf8');
} catch {}
if (before !== generated) {
  writeFileSync(target, generated);
  say(`${target}: ${shaders.length} shaders`);
}
if (process.argv.includes('--generate')) process.exit(0);

const { version, dependencies, optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
rmSync('dist', { recursive: true, force: true });
/** Shaders as text without what only readers of the source need. */
const wgsl = {
  name: 'wgsl',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.wgsl$/ }, async ({ path }) => ({
      contents: minifyWgsl(await readFile(path, 'utf8')),
      loader: 'text',
    })),
};
const common = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  outdir: 'dist',
  sourcemap: true,
  logLevel: 'warning',
  plugins: [wgsl],
  define: { PERTURB_VERSION: JSON.stringify(version) },
};
const installed = [...Object.keys(dependencies), ...Object.keys(optionalDependencies)];
// What a page loads carries its few small dependencies with it, so that one line of an import map is enough.
const inlined = ['fflate', 'valibot', 'fastest-levenshtein'];
const browser = { ...common, platform: 'browser', minify: true };
await Promise.all([
  // The library's entries share their chunks, so that an error thrown by one is an instance of the class of another.
  build({
    ...browser,
    entryPoints: { index: 'src/index.ts', node: 'src/node.ts', worker: 'src/worker/index.ts' },
    splitting: true,
    chunkNames: 'lib-[hash]',
    external: ['node:*', ...installed.filter((name) => !inlined.includes(name))],
  }),
  // One file: whoever copies it beside a page needs nothing else.
  build({ ...browser, entryPoints: { 'worker-host': 'src/worker/start.ts' } }),
  build({
    ...common,
    entryPoints: { cli: 'src/cli/main.ts' },
    platform: 'node',
    splitting: true, // `perturb --help` must not load the engine
    chunkNames: 'cli-[hash]',
    banner: { js: '#!/usr/bin/env node' },
    external: installed,
  }),
]);
// The page: static files with relative addresses, so that it works from any path. It starts the library's own worker.
if (existsSync('src/web/main.tsx')) {
  await build({
    ...browser,
    entryPoints: { main: 'src/web/main.tsx' },
    outdir: 'dist/web',
    splitting: true,
    chunkNames: 'page-[hash]',
  });
  for (const file of readdirSync('src/web').filter((name) => /\.(html|svg|png|webmanifest)$/.test(name))) {
    copyFileSync(`src/web/${file}`, `dist/web/${file}`);
  }
  for (const file of ['worker-host.js', 'worker-host.js.map']) copyFileSync(`dist/${file}`, `dist/web/${file}`);
}
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
// tsc keeps imports without extensions, which Node's own resolution of types does not follow.
for (const entry of readdirSync('dist/types', { recursive: true })) {
  const file = `dist/types/${entry}`;
  if (!file.endsWith('.d.ts')) continue;
  const text = readFileSync(file, 'utf8').replace(/(from |import\()'(\.\.?\/[^']+)'/g, (_all, how, path) => {
    const target = new URL(path, new URL(file, import.meta.url));
    return `${how}'${path}${existsSync(`${fileURLToPath(target)}.d.ts`) ? '.js' : '/index.js'}'`;
  });
  const head = /^(index|node|worker\/index)\.d\.ts$/.test(entry) ? '/// <reference types="@webgpu/types" />\n' : '';
  writeFileSync(file, head + text);
}
say(`dist/: perturb-gpu ${version}`);
