// The package as npm packs and installs it: its exports, its types, its size, and that it works there: in Node, through a
// bundler, and from a plain script tag with an import map. The README's snippets are run as they stand.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPageServer } from '../../src/cli/page-server';
import { snippets } from '../readme';
import { type Chromium, startChromium } from './chromium';
import { ROOT, run, useInstalled } from './installed';

/**
 * Bytes that a page loads, gzipped: the core with its shaders, and the worker's one file with all that runs may need.
 */
const CORE = 60_000;
const WORKER = 96_000;
/** Bytes of the tarball. */
const PACKED = 1_020_000;
const ENTRIES = ['', '/node', '/files', '/theory', '/sweep', '/bench', '/report', '/worker'] as const;

const bound = useInstalled();

test('npm installs it into an empty project', async ({ skip }) => {
  skip(bound.linked !== undefined, `npm has neither the dependencies in its cache nor a registry: ${bound.linked}`);
  const lock = JSON.parse(await readFile(join(bound.app, 'package-lock.json'), 'utf8'));
  const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) expect(lock.packages).toHaveProperty([`node_modules/${name}`]);
  const { stdout } = await run(join(bound.app, 'node_modules/.bin/perturb'), ['--version']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('publint finds nothing', async () => {
  const { buffer, byteOffset, byteLength } = await readFile(bound.tarball);
  const packed = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const { messages, pkg } = await publint({ pack: { tarball: packed }, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg!))).toEqual([]);
});

test('are the types wrong? No', async () => {
  const cli = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  // ES modules only, since long supported by Node's require; node10 knows no exports.
  const arguments_ = [
    cli,
    bound.tarball,
    '--profile',
    'esm-only',
    '--format',
    'json',
    '--exclude-entrypoints',
    'worker/host',
  ];
  // It ends with an exit code of 1 when anything is wrong.
  const { stdout } = await run(process.execPath, arguments_, { maxBuffer: 2 ** 26 });
  const { analysis } = JSON.parse(stdout);
  expect(Object.keys(analysis.entrypoints)).toHaveLength(ENTRIES.length + 1);
});

test('declarations stand on their own', async () => {
  const source = ENTRIES.map((entry, at) => `import * as e${at} from 'perturb-gpu${entry}'; export { e${at} };`);
  await writeFile(
    join(bound.app, 'types.ts'),
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
  await writeFile(join(bound.app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  const given = [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'];
  const said = await run(process.execPath, given, { cwd: bound.app }).then(
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
  await writeFile(join(bound.app, 'main.js'), script);
  const { stdout } = await run(process.execPath, ['main.js'], { cwd: bound.app });
  const [same, isInput, metrics] = JSON.parse(stdout);
  expect([same, isInput]).toEqual([true, true]);
  expect(metrics).toEqual(['standardAccuracy', 'perturbationAccuracy', 'agreement']);
});

describe('a bundler', () => {
  const bundle = async (code: string, platform: 'browser' | 'node' = 'browser') => {
    const { outputFiles } = await build({
      stdin: { contents: code, resolveDir: bound.app },
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
    expect(await readFile(join(bound.folder, 'dist/worker-host.js'), 'utf8')).not.toMatch(/\bimport\(|\bfrom"/);
  });

  test('is not needed for the page and its workers, which have no Node code either', async () => {
    const web = join(bound.folder, 'dist/web');
    const scripts = (await readdir(web)).filter((file) => file.endsWith('.js')).map((file) => join(web, file));
    expect(scripts.length).toBeGreaterThan(3);
    for (const file of [...scripts, join(bound.folder, 'dist/worker-host.js')]) {
      expect(await readFile(file, 'utf8'), file).not.toMatch(/["'`]node:|\bfrom"[^.]/);
    }
  });
});

test('the core with its shaders keeps its size', async () => {
  const sizes = new Map<string, number>();
  const visit = async (file: string): Promise<void> => {
    if (sizes.has(file)) return;
    const text = await readFile(join(bound.folder, 'dist', file), 'utf8');
    sizes.set(file, gzipSync(text, { level: 9 }).length);
    for (const [, next] of text.matchAll(/\b(?:from|import)"\.\/([^"]+)"/g)) await visit(next!);
  };
  await visit('index.js');
  expect(sizes.size).toBeGreaterThan(2);
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  expect(total, JSON.stringify(Object.fromEntries(sizes))).toBeLessThanOrEqual(CORE);
});

test('the worker and the package keep theirs', async () => {
  const host = await readFile(join(bound.folder, 'dist/worker-host.js'));
  expect(gzipSync(host, { level: 9 }).length).toBeLessThanOrEqual(WORKER);
  expect((await stat(bound.tarball)).size).toBeLessThanOrEqual(PACKED);
  const files = await readdir(bound.folder, { recursive: true });
  expect(
    files.filter((file) => file.startsWith('dist') && /\.(map|ts)$/.test(file) && !file.endsWith('.d.ts')),
  ).toEqual([]);
});

const IN_NODE = [...snippets(/^ts$/, '## The library'), ...snippets(/^js$/, '## How it is built')];
const IN_PAGE = snippets(/^(html|js)$/, '### In a web page');

test('the README has the snippets that are run below', () => {
  expect(IN_NODE).toHaveLength(3);
  expect(IN_PAGE.map(({ language }) => language)).toEqual(['html', 'js', 'js', 'js', 'js']);
  expect(snippets(/^(ts|js|html)$/)).toHaveLength(IN_NODE.length + IN_PAGE.length);
});

test.for([
  [0, /agreement: /],
  [1, /^Float32Array\(4\)/],
  [2, /^0 \{[\s\S]*agreement: [\s\S]*^1 \{/m],
] as [number, RegExp][])('snippet %i of the README runs in Node', async ([at, said]) => {
  // No snippet for Node has types in it.
  await writeFile(join(bound.app, `snippet-${at}.mjs`), IN_NODE[at]!.text);
  const { stdout } = await run(process.execPath, [`snippet-${at}.mjs`], { cwd: bound.app, maxBuffer: 2 ** 26 });
  expect(stdout.split('\n').slice(-20).join('\n')).toMatch(said);
});

describe('a plain script tag with the import map of the README', () => {
  const [map] = /<script type="importmap">.*?<\/script>/s.exec(IN_PAGE[0]!.text)!;
  let chromium: Chromium | { readonly reason: string };
  let server: Awaited<ReturnType<typeof startPageServer>>;
  beforeAll(async () => {
    for (const [at, { language, text }] of IN_PAGE.entries()) {
      const body = language === 'html' ? text : `${map}<script type="module">${text}</script>`;
      await writeFile(join(bound.app, `${at}.html`), `<!doctype html><link rel="icon" href="data:,">${body}`);
    }
    chromium = await startChromium();
    server = await startPageServer(bound.app, 0);
  });
  afterAll(async () => {
    if (!('reason' in chromium)) await chromium.close();
    await server.close();
  });

  test.for([
    [0, /^Float32Array/],
    [1, /agreement/],
    [2, /config\.json.*history\.npz/],
    [3, /agreement/],
    [4, /^\d{4}-\S+ (adapter on the CPU|tuned on \d)/],
  ] as [number, RegExp][])('snippet %i runs and ends with what it promises', async ([at, last], { skip }) => {
    if ('reason' in chromium) return skip(chromium.reason);
    // The page serves itself without inline scripts; here the inline script is what is tested.
    const page = await chromium.browser.newPage({ bypassCSP: true });
    const errors: string[] = [];
    const said: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => (message.type() === 'error' ? errors : said).push(message.text()));
    await page.goto(`${server.url}${at}.html`);
    await expect.poll(() => errors.at(-1) ?? said.at(-1), { timeout: 60_000, interval: 50 }).toMatch(last);
    expect(errors).toEqual([]);
    await page.close();
  });
});
