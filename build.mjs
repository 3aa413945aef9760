// Builds everything that is made: the typed shader descriptors (from the WGSL, by reflection), the bundles (esbuild)
// and the type declarations (tsc).
//
//   node build.mjs              library + command + declarations into dist/
//   node build.mjs --generate   only src/kernels/generated.ts and src/kernels/generated/
//   node build.mjs --maps       the same, with source maps for a debugger
//   node build.mjs --quiet      say nothing unless something is wrong
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildLibrary, buildPage, common, installed } from './bundles.mjs';
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
const folder = 'src/kernels/generated';
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) if (!generated.has(`generated/${file}`)) rmSync(`${folder}/${file}`);
for (const [name, text] of generated) {
  const file = `src/kernels/${name}`;
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  writeFileSync(file, text);
  say(file);
}
if (process.argv.includes('--generate')) process.exit(0);

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  buildLibrary('dist'),
  ...(existsSync('src/web/main.tsx') ? [buildPage('dist/web')] : []),
  build({
    ...common,
    entryPoints: { cli: 'src/cli/main.ts' },
    outdir: 'dist',
    platform: 'node',
    splitting: true, // `perturb --help` must not load the engine
    chunkNames: 'cli-[hash]',
    banner: { js: '#!/usr/bin/env node' },
    external: installed,
  }),
]);
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
// tsc keeps imports without extensions, which Node's own resolution of types does not follow.
for (const entry of readdirSync('dist/types', { recursive: true })) {
  const file = `dist/types/${entry}`;
  if (!file.endsWith('.d.ts')) continue;
  const text = readFileSync(file, 'utf8').replace(/(from |import\()['"](\.\.?\/[^'"]+)['"]/g, (_all, how, path) => {
    const target = new URL(path, new URL(file, import.meta.url));
    return `${how}'${path}${existsSync(`${fileURLToPath(target)}.d.ts`) ? '.js' : '/index.js'}'`;
  });
  const head = /^(index|node|(?:theory|bench|report)\/index|experiment\/(?:files|sweeps)|worker\/\w+)\.d\.ts$/.test(
    entry,
  )
    ? '/// <reference types="@webgpu/types" />\n'
    : '';
  writeFileSync(file, head + text);
}
say('dist/: the library, the command, the page, declarations');
