// The README's snippets for web pages, run as they stand.

import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, run by the build
import { buildLibrary } from '../../bundles.mjs';
import { useSite } from './site';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const section = /### In a web page\n(.*?)\n## /s.exec(readme)![1]!;
const snippets = [...section.matchAll(/```(html|js)\n(.*?)```/gs)].map(([, language, text]) => ({
  language,
  text: text!,
}));

/** As the import map of the first snippet does it, for all entries. */
const MAP = JSON.stringify({
  imports: {
    'perturb-gpu': './node_modules/perturb-gpu/dist/index.js',
    ...Object.fromEntries(
      ['worker', 'files'].map((name) => [`perturb-gpu/${name}`, `./node_modules/perturb-gpu/dist/${name}.js`]),
    ),
  },
});

const site = useSite(async (folder) => {
  const dist = join(folder, 'node_modules/perturb-gpu/dist');
  await mkdir(dist, { recursive: true });
  await buildLibrary(dist);
  for (const [at, { language, text }] of snippets.entries()) {
    const body =
      language === 'html' ? text : `<script type="importmap">${MAP}</script><script type="module">${text}</script>`;
    await writeFile(join(folder, `${at}.html`), `<!doctype html><link rel="icon" href="data:,">${body}`);
  }
});

test('there are three', () => {
  expect(snippets.map(({ language }) => language)).toEqual(['html', 'js', 'js']);
});

test.for([
  [0, /^Float32Array/],
  [1, /config\.json.*history\.npz/],
  [2, /agreement/],
] as [number, RegExp][])('snippet %i runs and ends with what it promises', async ([at, last]) => {
  // Its scripts are inline, which the pages that we serve forbid themselves.
  const page = await site.page.context().browser()!.newPage({ bypassCSP: true });
  const errors: string[] = [];
  const said: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => (message.type() === 'error' ? errors : said).push(message.text()));
  await page.goto(`${site.url}${at}.html`);
  await expect.poll(() => errors.at(-1) ?? said.at(-1), { timeout: 60_000, interval: 50 }).toMatch(last);
  expect(errors).toEqual([]);
  await page.close();
});
