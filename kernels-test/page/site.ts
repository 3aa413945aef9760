// A site to test in: the library as it is packed, and the golden cases, served as `perturb serve` serves the page, opened
// in Chromium. What a page must never do fails the test that did it: an error on the console, a request to elsewhere.

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type PluginBuild } from 'esbuild';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
// @ts-expect-error: plain JavaScript, run by the build
import { buildLibrary, common } from '../../bundles.mjs';
import { startPageServer } from '../../src/cli/page-server';
import { type Chromium, startChromium } from './chromium';

export const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));

const HTML = '<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,">';

export interface Site {
  /** A fresh page of the site in a context of its own. */
  readonly page: Page;
  readonly url: string;
  /** Lets the browser complain of what a test breaks on purpose. */
  allow(complaint: RegExp): void;
}

/**
 * One browser and one site for the tests of a file, a page for each test.
 * @param fill adds files to the site's folder
 */
export function useSite(fill: (folder: string) => Promise<unknown>): Site {
  let chromium: Chromium | { readonly reason: string };
  let server: Awaited<ReturnType<typeof startPageServer>>;
  let folder: string;
  let context: BrowserContext | undefined;
  let page: Page | undefined;
  const errors: string[] = [];
  const allowed: RegExp[] = [];
  const foreign: string[] = [];

  beforeAll(async () => {
    chromium = await startChromium();
    if ('reason' in chromium) return;
    folder = await mkdtemp(join(tmpdir(), 'perturb-site-'));
    await writeFile(join(folder, 'index.html'), HTML);
    await fill(folder);
    server = await startPageServer(folder, 0);
  });
  afterAll(async () => {
    if ('reason' in chromium) return;
    await chromium.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async ({ skip }) => {
    if ('reason' in chromium) return skip(chromium.reason);
    context = await chromium.browser.newContext();
    page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(String(error)));
    context.on('request', (request) => {
      const own = request.url().startsWith(server.url) || /^(data|blob):/.test(request.url());
      if (!own) foreign.push(request.url());
    });
    await page.goto(server.url);
  });
  afterEach(async () => {
    await context?.close();
    page = undefined;
    const complaints = errors.splice(0).filter((text) => !allowed.some((pattern) => pattern.test(text)));
    allowed.length = 0;
    expect({ errors: complaints, foreign: foreign.splice(0) }).toEqual({ errors: [], foreign: [] });
  });
  return {
    get page() {
      if (!page) throw new Error('the page is made before each test');
      return page;
    },
    get url() {
      return server.url;
    },
    allow: (complaint) => {
      allowed.push(complaint);
    },
  };
}

/** The library's bundles in lib/, and what the tests do with them in the page. */
export async function addLibrary(folder: string): Promise<void> {
  await buildLibrary(join(folder, 'lib'));
  await build({
    ...common,
    entryPoints: ['in-page.ts', 'losing-worker.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url))),
    outdir: folder,
    plugins: [
      {
        name: 'library',
        setup: ({ onResolve }: PluginBuild) =>
          onResolve({ filter: /^\.\.\/\.\.\/src\/(index|worker)$/ }, ({ path }) => ({
            path: `/lib/${path.split('/').at(-1)}.js`,
            external: true,
          })),
      },
      ...common.plugins,
    ],
  });
}

/** Inputs of the golden cases in golden/. */
export async function addGolden(folder: string): Promise<void> {
  await cp(GOLDEN, join(folder, 'golden'), { recursive: true, filter: (path) => !path.includes('expected') });
}

type InPage = typeof import('./in-page');

/** Calls a function of in-page.ts in the page. */
export function call<Name extends keyof InPage>(
  page: Page,
  name: Name,
  ...args: Parameters<InPage[Name]>
): Promise<Awaited<ReturnType<InPage[Name]>>> {
  // As text: the test runner rewrites imports inside functions.
  const script = `import('/in-page.js').then((module) => module.${name}(...${JSON.stringify(args)}))`;
  return page.evaluate(script);
}
