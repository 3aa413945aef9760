// What a visitor does on the laboratory page, for its tests.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import { linkOf } from '../../src/web/config-link';

/** A run of a second. */
export const SHORT = linkOf(
  parseConfig({
    data: { kind: 'shifted-gauss', n: 64, d: 20 },
    network: { width: 32 },
    standard: { lr: 0.1, epochs: 12 },
    learning: { lr: 0.1, epochs: 12 },
    save: ['networks'],
  }),
);

/** Waits for the phase of the run. By the clock, not by frames: a browser whose device was destroyed may draw none for a while. */
export const phase = (page: Page, name: string, timeout = 110_000) =>
  page.waitForFunction((wanted) => document.querySelector('.status')?.getAttribute('data-phase') === wanted, name, {
    timeout,
    polling: 100,
  });
export const ready = (page: Page) => page.waitForSelector('.device[data-engine="ready"]', { timeout: 30_000 });
export const readout = (page: Page, id: string) => page.textContent(`[data-readout="${id}"] .readout-value`);
export const run = (page: Page) => page.click('.run-bar .primary');

/** Opens an experiment by its link, anew. */
export async function openLink(page: Page, url: string, hash: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${url}#${hash}`);
  await ready(page);
}

/** Drops files onto the page as a visitor does. */
export async function drop(page: Page, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  const plain = Object.entries(files).map(([name, bytes]) => [name, [...bytes]] as const);
  const transfer = await page.evaluateHandle((all) => {
    const made = new DataTransfer();
    for (const [name, bytes] of all) made.items.add(new File([Uint8Array.from(bytes)], name));
    return made;
  }, plain);
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
}

/** The bytes of a download by the name of its file. */
export async function download(page: Page, name: string): Promise<Uint8Array> {
  if (!(await page.getAttribute('.menu', 'open').then((value) => value !== null))) await page.click('.menu summary');
  const [file] = await Promise.all([page.waitForEvent('download'), page.click(`.menu li button:has-text("${name}")`)]);
  expect(file.suggestedFilename()).toBe(name);
  return new Uint8Array(await readFile(await file.path()));
}

/** Puts a line of script in front of a worker's own. */
export const beforeWorker = (page: Page, script: string) =>
  page.route('**/worker-host.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${script}\n${await response.text()}` });
  });

/** Hands the device to the test, and makes ten seconds between two states a tenth of one. */
export const IN_WORKER = `
  const make = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) { return (self.device = await make.apply(this, args)); };
  const now = performance.now.bind(performance);
  performance.now = () => 100 * now();`;

/** Where the runs stand that are kept in the page's storage. */
export const keptIn = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<{ stage: string; epoch: number }[]>((resolve, reject) => {
        const opening = indexedDB.open('perturb-gpu');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const all = opening.result.transaction('runs').objectStore('runs').getAll();
          opening.result.close();
          all.onsuccess = () => resolve(all.result.map(({ stage, epoch }) => ({ stage, epoch })));
        };
      }),
  );

/** Waits until a state of one of the trainings has been stored that stands past its first epoch. */
export const stored = (page: Page, wanted: 'standard' | 'learning') =>
  expect
    .poll(async () => (await keptIn(page)).some(({ stage, epoch }) => stage === wanted && epoch > 0), {
      timeout: 60_000,
    })
    .toBe(true);

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is, in words. */
export async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + failureSummary)))`);
}
