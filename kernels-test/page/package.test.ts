// The package as npm packs it: its exports, its types, its size, and that it works where it is installed: in Node, through
// a bundler, and from a plain script tag with an import map.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPageServer } from '../../src/cli/page-server';
import { startChromium } from './chromium';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Bytes that a page loads, gzipped, for the core with its shaders. */
const BUDGET = 60_000;
const ENTRIES = ['', '/node', '/files', '/theory', '/sweep', '/bench', '/report', '/worker'] as const;

let folder: string;
let tarball: string;
/** An otherwise empty project where the package is installed. */
let app: string;
let installed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perturb-package-'));
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT });
  tarball = join(folder, JSON.parse(stdout)[0].filename);
  app = join(folder, 'app');
  installed = join(app, 'node_modules', 'perturb-gpu');
  await mkdir(installed, { recursive: true });
  await exec('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  // Its dependencies as npm would put them beside it; fetching them anew would test the registry.
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), '@sparticuz/chromium']) {
    const link = join(app, 'node_modules', name);
    await mkdir(join(link, '..'), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
  }
  await writeFile(join(app, 'package.json'), '{ "type": "module", "private": true }');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('publint finds nothing', async () => {
  const { buffer, byteOffset, byteLength } = await readFile(tarball);
  const packed = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const { messages, pkg } = await publint({ pack: { tarball: packed }, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg!))).toEqual([]);
});

test('are the types wrong? No', async () => {
  const cli = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  // ES modules only, since long supported by Node's require; node10 knows no exports.
  const arguments_ = [
    cli,
    tarball,
    '--profile',
    'esm-only',
    '--format',
    'json',
    '--exclude-entrypoints',
    'worker/host',
  ];
  // It ends with an exit code of 1 when anything is wrong.
  const { stdout } = await exec(process.execPath, arguments_, { maxBuffer: 2 ** 26 });
  const { analysis } = JSON.parse(stdout);
  expect(Object.keys(analysis.entrypoints)).toHaveLength(ENTRIES.length + 1);
});

test('declarations stand on their own', async () => {
  const source = ENTRIES.map((entry, at) => `import * as e${at} from 'perturb-gpu${entry}'; export { e${at} };`);
  await writeFile(
    join(app, 'types.ts'),
    `${source.join('\n')}
import { createEngine, runExperiment, parseConfig } from 'perturb-gpu/node';
export const accuracy: Promise<number> = createEngine({ adapter: 'software' })
  .then((engine) => runExperiment(engine, parseConfig({})))
  .then(({ metrics }) => metrics.standardAccuracy);`,
  );
  const compilerOptions = {
    ...{ noEmit: true, strict: true, skipDefaultLibCheck: true, types: [] },
    ...{ target: 'es2022', lib: ['es2023', 'dom', 'esnext.disposable'], module: 'nodenext' },
  };
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  const given = [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'];
  const said = await exec(process.execPath, given, { cwd: app }).then(
    () => '',
    ({ stdout }) => stdout as string,
  );
  expect(said).toBe('');
});

test('Node imports every entry, and their error classes are the same', async () => {
  const script = `
    import { createEngine, runExperiment, parseConfig, InputError as B } from 'perturb-gpu/node';
    import { InputError as A } from 'perturb-gpu';
    ${ENTRIES.map((entry) => `await import('perturb-gpu${entry}');`).join('\n')}
    const engine = await createEngine();
    const { metrics } = await runExperiment(engine, parseConfig({ data: { n: 40, d: 8 }, standard: { epochs: 5 }, learning: { epochs: 5 } }));
    engine.dispose();
    let thrown;
    try { parseConfig({ nope: 1 }); } catch (error) { thrown = error; }
    console.log(JSON.stringify([A === B, thrown instanceof A, Object.keys(metrics)]));
    process.exit(0);`;
  await writeFile(join(app, 'main.js'), script);
  const { stdout } = await exec(process.execPath, ['main.js'], { cwd: app });
  const [same, isInput, metrics] = JSON.parse(stdout);
  expect([same, isInput]).toEqual([true, true]);
  expect(metrics).toEqual(['standardAccuracy', 'perturbationAccuracy', 'agreement']);
});

describe('a bundler', () => {
  const bundle = async (code: string, platform: 'browser' | 'node' = 'browser') => {
    const { outputFiles } = await build({
      stdin: { contents: code, resolveDir: app },
      bundle: true,
      format: 'esm',
      platform,
      minify: true,
      write: false,
      logLevel: 'silent',
      // Imported where there is no document, which a page has.
      external: ['linkedom'],
    });
    return outputFiles[0]!.text;
  };

  test.for(
    // The libraries that /report draws with look whether there is a `require`; kernels-test/report bundles that one.
    ENTRIES.filter((entry) => entry !== '/node' && entry !== '/report'),
  )('perturb-gpu%s has no Node code and no side effects', async (entry) => {
    const all = await bundle(`export * from 'perturb-gpu${entry}'`);
    expect(all.length).toBeGreaterThan(1000);
    expect(all).not.toMatch(/["'`]node:|\bprocess\.\w|\brequire\(/);
    expect(await bundle(`import 'perturb-gpu${entry}'`)).toBe('');
  });

  test('takes only what is used', async () => {
    // A part of a chunk that shaders are in as well.
    const some = await bundle(`import { parseConfig } from 'perturb-gpu'; console.log(parseConfig({}))`);
    expect(some).not.toContain('@compute');
    expect(some.length).toBeLessThan(40_000);
  });

  test('finds the worker beside the client', async () => {
    expect(await bundle(`export * from 'perturb-gpu/worker'`)).toMatch(
      /new URL\("\.\/worker-host\.js",import\.meta\.url\)/,
    );
    expect(await readFile(join(installed, 'dist/worker-host.js'), 'utf8')).not.toMatch(/\bimport\(|\bfrom"/);
  });
});

test('the core with its shaders keeps its size', async () => {
  const sizes = new Map<string, number>();
  const visit = async (file: string): Promise<void> => {
    if (sizes.has(file)) return;
    const text = await readFile(join(installed, 'dist', file), 'utf8');
    sizes.set(file, gzipSync(text, { level: 9 }).length);
    for (const [, next] of text.matchAll(/\b(?:from|import)"\.\/([^"]+)"/g)) await visit(next!);
  };
  await visit('index.js');
  expect(sizes.size).toBeGreaterThan(2);
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  expect(total, JSON.stringify(Object.fromEntries(sizes))).toBeLessThanOrEqual(BUDGET);
  const files = await readdir(join(installed, 'dist'));
  expect(files).toContain('worker-host.js');
});

test('a plain script tag with an import map', async ({ skip }) => {
  const chromium = await startChromium();
  if ('reason' in chromium) return skip(chromium.reason);
  const html = `<!doctype html><link rel="icon" href="data:,">
    <script type="importmap">{ "imports": { "perturb-gpu": "/dist/index.js", "perturb-gpu/worker": "/dist/worker.js" } }</script>
    <script type="module">
      import { parseConfig } from 'perturb-gpu';
      import { createWorkerEngine } from 'perturb-gpu/worker';
      const engine = await createWorkerEngine();
      const config = parseConfig({ data: { kind: 'glyphs', n: 40 }, network: { width: 16 }, standard: { epochs: 5 }, learning: { epochs: 5 } });
      const { metrics } = await engine.runExperiment(config);
      window.metrics = metrics;
    </script>`;
  await writeFile(join(installed, 'index.html'), html);
  const server = await startPageServer(installed, 0);
  try {
    // The page serves itself without inline scripts; here the inline script is what is tested.
    const page = await chromium.browser.newPage({ bypassCSP: true });
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(server.url);
    await page.waitForFunction('window.metrics !== undefined', undefined, { timeout: 60_000 });
    expect(Object.keys((await page.evaluate('window.metrics')) as object)).toContain('agreement');
    expect(errors).toEqual([]);
  } finally {
    await chromium.close();
    await server.close();
  }
});
