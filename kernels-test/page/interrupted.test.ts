// Runs that are interrupted on the page: by a lost device, a worker that dies, a reload, a closed window. Each is gone on
// with from where it was kept, and ends with the bits of a run that was never interrupted.

import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, run by the build
import { buildPage } from '../../bundles.mjs';
import { encodeNpy } from '../../src/data/npy';
import { parseNpz } from '../../src/data/npz';
import { parseConfig } from '../../src/experiment/config';
import { linkOf } from '../../src/web/config-link';
import { expectSameBits } from '../helpers';
import { beforeWorker, download, drop, IN_WORKER, keptIn, openLink, phase, ready, run, stored } from './laboratory';
import { useSite } from './site';

const site = useSite((folder) => buildPage(folder));

/** How many losses at random moments; the long mode asks for 20. */
const LOSSES = Number(process.env.PERTURB_PAGE_LOSSES ?? 3);

const training = { lr: 0.1, epochs: 200 };
const EXPERIMENT = {
  trainer: 'direct',
  data: { kind: 'gauss', n: 200, d: 40 },
  network: { width: 64 },
  standard: training,
  perturbation: { size: 0.5 },
  learning: training,
  theory: { cosine: true, map: { resolution: 20 } },
  save: ['networks', 'perturbations', 'outputs'],
};
const LINK = linkOf(parseConfig(EXPERIMENT));

/** All numbers of the run that is done. */
async function numbers(page: Page): Promise<Map<string, Float32Array>> {
  const files = ['arrays.npz', 'history.npz'];
  const read = [];
  for (const name of files) read.push(...parseNpz(await download(page, name), name));
  return new Map(read.map(([name, { data }]) => [name, data as Float32Array]));
}

function expectSame(actual: Map<string, Float32Array>, expected: Map<string, Float32Array>): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  expect(actual.size).toBeGreaterThan(10);
  for (const [name, values] of expected) expectSameBits(name, actual.get(name)!, values);
}

let whole: Promise<Map<string, Float32Array>> | undefined;
/** The numbers of the run that nothing interrupts, computed once. */
function uninterrupted(): Promise<Map<string, Float32Array>> {
  whole ??= (async () => {
    await beginRun();
    await phase(site.page, 'done');
    return numbers(site.page);
  })();
  return whole;
}

async function beginRun(): Promise<void> {
  await openLink(site.page, site.url, LINK);
  await run(site.page);
}

/** Changes the first number of every stored state, and back when done again. */
const damage = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open('perturb-gpu');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const transaction = opening.result.transaction('states', 'readwrite');
          opening.result.close();
          transaction.oncomplete = () => resolve();
          transaction.onabort = () => reject(transaction.error);
          const all = transaction.objectStore('states').openCursor();
          all.onsuccess = () => {
            const { result } = all;
            if (!result) return;
            const { value } = result;
            const [values] = Object.values(value.state.arrays) as Float32Array[];
            values![0] = -values![0]!;
            result.update(value);
            result.continue();
          };
        };
      }),
  );

const inWorker = (page: Page, script: string) => page.workers().at(-1)!.evaluate(script);
const resumeButton = (page: Page) => page.locator('.notice button:has-text("Resume at epoch")');

describe('a run is gone on with, to the same bits', () => {
  test('after the device was lost', async () => {
    const { page } = site;
    await beforeWorker(page, IN_WORKER);
    const expected = await uninterrupted();
    await beginRun();
    await stored(page, 'learning');
    await inWorker(page, 'self.device.destroy()');
    await page.waitForSelector('.notice:has-text("The GPU device was lost")');
    // What happens meanwhile takes nothing away from what is told.
    await drop(page, { 'notes.txt': Uint8Array.of(104) });
    await page.waitForSelector('.notice:has-text("notes.txt cannot be used")');
    await page.click('.notice:has-text("notes.txt") button:has-text("Dismiss")');
    await resumeButton(page).click();
    await phase(page, 'done');
    expect(await page.locator('.notice').count()).toBe(0);
    expectSame(await numbers(page), expected);
    expect(await keptIn(page)).toEqual([]);
  });

  test('from the beginning, when the device was lost before the run had begun', async () => {
    const { page } = site;
    await beforeWorker(page, IN_WORKER);
    const expected = await uninterrupted();
    await openLink(page, site.url, LINK);
    // The lock of the run comes late.
    await page.evaluate(() => {
      const request = LockManager.prototype.request as (...args: unknown[]) => Promise<unknown>;
      LockManager.prototype.request = async function (this: LockManager, ...args: unknown[]) {
        await new Promise((resolve) => setTimeout(resolve, 3000));
        return request.apply(this, args);
      } as typeof LockManager.prototype.request;
    });
    await run(page);
    await inWorker(page, 'self.device.destroy()');
    await page.waitForSelector('.notice:has-text("The GPU device was lost")');
    await page.waitForTimeout(3500);
    await page.click('text=Restart and run again');
    await phase(page, 'done');
    expectSame(await numbers(page), expected);
    // One that is cancelled meanwhile does not begin.
    await run(page);
    await page.click('.run-bar button:has-text("Cancel")');
    await phase(page, 'stopped');
  });

  test.for([
    ['failed', `setTimeout(() => { throw new Error('out of its mind'); })`, 'out of its mind'],
    // As it stands, in the middle of its work and with no event: what a browser does that ends a worker. Nothing ends one from
    // outside: CDP closes no worker, and one that fills its heap takes the whole page along.
    ['went without a word', 'self.close()', 'worker is gone'],
  ] as const)('after the worker %s', async ([, script, told]) => {
    const { page } = site;
    await beforeWorker(page, IN_WORKER);
    const expected = await uninterrupted();
    await beginRun();
    await stored(page, 'learning');
    await inWorker(page, script);
    await page.waitForSelector(`.notice:has-text("The engine stopped"):has-text("${told}")`);
    await resumeButton(page).click();
    await phase(page, 'done');
    expectSame(await numbers(page), expected);
  });

  test('after the page was reloaded, and not while another window is at it', async () => {
    const { page } = site;
    await beforeWorker(page, IN_WORKER);
    const expected = await uninterrupted();
    await beginRun();
    await stored(page, 'standard');
    const other = await page.context().newPage();
    await other.goto(site.url);
    await ready(other);
    await other.waitForTimeout(300);
    expect(await other.locator('.notice').count()).toBe(0);
    await other.close();
    await page.goto('about:blank');
    await page.goto(site.url);
    await page.waitForSelector('.notice:has-text("A run was interrupted here")');
    await ready(page);
    await page.click('.notice button:has-text("Dismiss")');
    await page.click('.run-bar button:has-text("Resume at epoch")');
    await phase(page, 'done');
    expect(await page.evaluate(() => location.hash)).toBe(`#${LINK}`);
    expectSame(await numbers(page), expected);
    await page.reload();
    await ready(page);
    await page.waitForTimeout(300);
    expect(await page.locator('.notice').count()).toBe(0);
  });

  test('on files of one’s own, which are brought back; but not by another engine or from a damaged state', async () => {
    const { page } = site;
    await beforeWorker(page, IN_WORKER);
    await openLink(page, site.url, LINK);
    const x = Float32Array.from({ length: 8000 }, (_, at) => Math.sin(at));
    const y = Float32Array.from({ length: 200 }, (_, at) => (at % 3 ? 1 : -1));
    const phi = { draws: 10, init: { W: 'phi.npy' } };
    const config = { ...EXPERIMENT, data: { kind: 'npy', x: 'x.npy', y: 'y.npy' }, theory: { cosine: true, phi } };
    await drop(page, { 'config.json': new TextEncoder().encode(JSON.stringify(config)) });
    await drop(page, { 'x.npy': encodeNpy([200, 40], x), 'y.npy': encodeNpy([200], y) });
    await page.waitForSelector('text=200 labels');
    await run(page);
    await page.waitForSelector('.notice:has-text("phi.npy")');
    await drop(page, { 'phi.npy': encodeNpy([10, 40], x.subarray(0, 400)) });
    await page.waitForSelector('text=10 rows of 40 numbers');
    await run(page);
    await stored(page, 'learning');
    await page.goto('about:blank');
    const another = '**/*.js';
    await page.route(another, async (route) => {
      const response = await route.fetch();
      const script = await response.text();
      await route.fulfill({ response, body: script.replace(/"[0-9a-f]{64}"/, `"${'0'.repeat(64)}"`) });
    });
    await page.goto(site.url);
    await ready(page);
    await resumeButton(page).click();
    await page.waitForSelector('.notice:has-text("by another version of this page")');
    await page.unroute(another);
    await page.goto('about:blank');
    await page.goto(site.url);
    await ready(page);
    await damage(page);
    await run(page);
    await phase(page, 'running');
    await resumeButton(page).click();
    await page.click('text=Cancel it and start the interrupted run');
    await page.waitForSelector('.notice:has-text("the stored state is damaged")');
    await damage(page);
    await page.click('.run-bar button:has-text("Resume at epoch")');
    await phase(page, 'done');
    const resumed = await numbers(page);
    await run(page);
    await phase(page, 'running');
    await phase(page, 'done');
    expectSame(resumed, await numbers(page));
  });
});

describe(`a device that is lost at a random moment, ${LOSSES} times`, () => {
  test('leaves a run that ends as if nothing had been', { timeout: LOSSES * 40_000 + 60_000 }, async () => {
    const { page } = site;
    await beforeWorker(page, IN_WORKER);
    const expected = await uninterrupted();
    const began = performance.now();
    await beginRun();
    await phase(page, 'done');
    const length = performance.now() - began;
    expectSame(await numbers(page), expected);
    const told = { resumed: 0, again: 0, 'over before': 0 };
    for (let k = 0; k < LOSSES; k++) {
      await beginRun();
      // From the click to about the end; when the run is over already, only the engine is lost.
      await page.waitForTimeout(Math.random() * length);
      await inWorker(page, 'self.device.destroy()');
      await page.waitForSelector('.notice:has-text("The GPU device was lost")', { timeout: 20_000 });
      const action = page.locator('.notice[data-notice="engine"] button').first();
      const label = (await action.textContent())!;
      await action.click();
      if (label === 'Restart the engine') {
        told['over before']++;
        await ready(page);
      } else told[label.startsWith('Resume at') ? 'resumed' : 'again']++;
      await phase(page, 'done').catch(async (cause) => {
        const told = await page.locator('.status, .notice').allTextContents();
        throw new Error(`loss ${k} ("${label}") did not end: ${told.join(' | ')}`, { cause });
      });
      expectSame(await numbers(page), expected);
    }
    console.log(`${LOSSES} losses: ${JSON.stringify(told)}, the run takes ${(length / 1000).toFixed(1)} s`);
    expect(told.resumed + told.again + told['over before']).toBe(LOSSES);
  });
});
