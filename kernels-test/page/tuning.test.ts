// The page chooses its kernels by measurement and keeps the choice: runs take it and say so, what does not fit is refused
// aloud, and it can be switched off and forgotten.

import { strFromU8 } from 'fflate';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, run by the build
import { buildPage } from '../../bundles.mjs';
import { readTuning } from '../../src/bench/documents';
import { parseNpz } from '../../src/data/npz';
import { parseConfig } from '../../src/experiment/config';
import { shapeClass, type TunedChoice } from '../../src/kernels/tuning';
import { linkOf } from '../../src/web/config-link';
import { expectSameBits } from '../helpers';
import { beforeWorker, download, faults, IN_WORKER, openLink, phase, run, stored } from './laboratory';
import { useSite } from './site';

const site = useSite((folder) => buildPage(folder));

const SHAPE = { n: 64, d: 20, m: 32 };
const training = { lr: 0.1, epochs: 12 };
const EXPERIMENT = {
  trainer: 'direct',
  data: { kind: 'shifted-gauss', n: SHAPE.n, d: SHAPE.d },
  network: { width: SHAPE.m },
  ...{ standard: training, learning: training, save: ['networks'] },
};
const LINK = linkOf(parseConfig(EXPERIMENT));

const kept = (page: Page) =>
  page.evaluate(() => Object.entries(localStorage).filter(([item]) => item.startsWith('perturb-gpu-tuning-')));
const openBenchmark = (page: Page) => page.click('.tabs button:has-text("Benchmark")');
const tuningPanel = (page: Page, text: string) => page.waitForSelector(`.tuning-panel:has-text("${text}")`);

/** Tunes for the experiment that is set up. */
async function tune(page: Page): Promise<void> {
  await openBenchmark(page);
  await page.click('.tuning-panel button:has-text("Tune")');
  await page.waitForSelector('.verdict-list', { timeout: 60_000 });
}

let made: ReturnType<typeof keepHere> | undefined;
async function keepHere(): Promise<readonly [item: string, text: string][]> {
  const { page } = site;
  await openLink(page, site.url, LINK);
  await tune(page);
  await tuningPanel(page, 'The defaults were the fastest');
  return kept(page);
}

/** All that the page keeps when it has tuned, done once. */
function keptHere(): ReturnType<typeof keepHere> {
  made ??= keepHere();
  return made;
}

/** The same with a choice in it that is not the default's. */
async function anotherChoice(): Promise<readonly [item: string, text: string]> {
  const [item, text] = (await keptHere())[0]!;
  const choice: TunedChoice = {
    ...{ variant: 'tiled', tile: { rows: 1, columns: 1 }, speedup: 1.25, measuredAt: '64/20/32' },
    date: '2026-11-22T00:00:00Z',
  };
  return [item, JSON.stringify({ ...JSON.parse(text), choices: { [shapeClass(SHAPE)]: choice } })];
}

/** Counts, from the next page on, how often what is kept is read. */
async function countReads(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    const { getItem } = Storage.prototype;
    const counted = Object.assign(globalThis, { tuningReads: 0 });
    Storage.prototype.getItem = function (item) {
      if (item.startsWith('perturb-gpu-tuning-')) counted.tuningReads++;
      return getItem.call(this, item);
    };
  });
  return () => page.evaluate(() => (globalThis as unknown as { readonly tuningReads: number }).tuningReads);
}

/** Opens the experiment with something kept, or nothing. */
async function openWith(item: string, text: string | undefined): Promise<void> {
  const { page } = site;
  await page.goto(site.url);
  await page.evaluate(
    ([name, value]) => (value === undefined ? localStorage.clear() : localStorage.setItem(name, value)),
    [item, text] as const,
  );
  await openLink(page, site.url, LINK);
}

/** Runs the experiment: which kernels ran, and all numbers. */
async function ran(page: Page) {
  await page.click('.tabs button:has-text("Laboratory")');
  await run(page);
  await phase(page, 'running');
  await phase(page, 'done');
  const { trainer, versions } = JSON.parse(strFromU8(await download(page, 'result.json')));
  const W = parseNpz(await download(page, 'arrays.npz'), 'arrays.npz').get('g_W')!.data as Float32Array;
  await page.click('.menu summary');
  return { kernels: trainer.kernels, versions, facts: await page.textContent('.facts'), W };
}

test('tuning says of every variant what became of it and why, and is kept where the browser lets it', async () => {
  const { page } = site;
  await openLink(page, site.url, LINK);
  await openBenchmark(page);
  await tuningPanel(page, 'Nothing is kept for this device');
  await page.evaluate(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException('the quota has been exceeded', 'QuotaExceededError');
    };
  });
  await tune(page);
  await page.waitForSelector('.notice:has-text("does not let this page keep")');
  expect(await kept(page)).toEqual([]);
  const verdicts = await page.locator('.verdict-list[data-shape="64/20/32"] li').allTextContents();
  const of = (status: string) => verdicts.filter((text) => text.includes(status));
  expect(of('chosen')).toHaveLength(2);
  expect(of('chosen')[0]).toMatch(/^forwardsubgroupchosen[\d.]+ msthe default; no other is clearly faster$/);
  expect(of('slower')).toHaveLength(2);
  expect(of('slower')[1]).toMatch(/^weight-gradienttiledslower[\d.,]+ ms[\d.]+ times the time of subgroup/);
  expect(of('refused')).toEqual([]);
  expect(of('absent').join()).toMatch(/subgroup-f16.*no half precision.*matrix-f16absentthe matrix kernel/);
  expect(await faults(page)).toEqual([]);
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.click('.tuning-panel button:has-text("Download JSON")'),
  ]);
  expect(file.suggestedFilename()).toBe('tuning.json');

  const all = await keptHere();
  expect(all.map(([item]) => item)).toEqual(['perturb-gpu-tuning-google-swiftshader-webgpu']);
  const text = all[0]![1];
  expect(readTuning(text, JSON.parse(text).key)).toMatchObject({ value: { choices: {} } });
});

test('what is kept is what runs, to the same bits, and the result says so; switched off or forgotten, the defaults', async () => {
  const { page } = site;
  const [item, text] = await anotherChoice();
  const reads = await countReads(page);
  await openWith(item, text);
  expect(await reads()).toBe(1);
  const tuned = await ran(page);
  const reason = expect.stringMatching(
    /^tuned on 2026-11-22 \(\w{8}\): 1\.25 times the default's speed at 64\/20\/32$/,
  );
  expect(tuned.kernels).toMatchObject({ matmul: 'tiled', tile: '64x64', reason });
  expect(tuned.versions.tuning).toMatch(/^\d+\/\d+\/\d+ tiled 1x1$/);
  expect(tuned.facts).toContain('tiled kernels: tuned on 2026-11-22');
  expectSameBits('g_W', (await ran(page)).W, tuned.W);

  await openBenchmark(page);
  await tuningPanel(page, 'tiled, tiles of 64 × 64 for shapes of about 64 / 20 / 32: 1.25 times');
  await page.check('#field-tuning-defaults');
  await tuningPanel(page, 'Kept, and not used');
  const plain = await ran(page);
  expect(plain.kernels).toMatchObject({ matmul: 'subgroup', reason: expect.not.stringMatching('tun') });
  expect(plain.versions.tuning).toBeUndefined();
  await openLink(page, site.url, LINK);
  await openBenchmark(page);
  await tuningPanel(page, 'Kept, and not used');
  expect(await page.isChecked('#field-tuning-defaults')).toBe(true);
  await page.uncheck('#field-tuning-defaults');
  await page.click('text=Forget what is kept');
  await tuningPanel(page, 'Nothing is kept for this device');
  expect(await kept(page)).toEqual([]);
  const again = await ran(page);
  expect(again.kernels).toEqual(plain.kernels);
  expectSameBits('g_W', again.W, plain.W);
});

test.for([
  ['of another driver or version', (text: string) => text.replace(/"key":"\w{4}/, '"key":"0000'), 'its key is 0000'],
  ['that is damaged', (text: string) => text.slice(0, -5), 'it is no JSON'],
] as const)('a tuning %s is refused aloud, by the run as well, until it is forgotten', async ([, spoil, why]) => {
  const { page } = site;
  const [item, text] = await anotherChoice();
  await openWith(item, spoil(text));
  await page.waitForSelector(`.notice:has-text("is not used"):has-text("${why}")`);
  expect(await faults(page)).toEqual([]);
  const { kernels, facts } = await ran(page);
  expect(kernels).toMatchObject({
    matmul: 'subgroup',
    reason: expect.stringContaining(`the tuning kept for this adapter is not used: ${why}`),
  });
  expect(facts).toContain(why);
  await page.click('.notice button:has-text("To the benchmark")');
  await tuningPanel(page, `What is kept is refused: ${why}`);
  await page.click('.notice button:has-text("Forget it")');
  await tuningPanel(page, 'Nothing is kept for this device');
  expect(await page.locator('.notice').count()).toBe(0);
});

test('a run is not gone on with by other kernels than it was begun with', async () => {
  const { page } = site;
  const [item, text] = await anotherChoice();
  await beforeWorker(page, IN_WORKER);
  await openWith(item, undefined);
  const long = { ...EXPERIMENT, data: { kind: 'gauss', n: 200, d: 40 }, standard: { lr: 0.01, epochs: 50_000 } };
  await openLink(page, site.url, linkOf(parseConfig(long)));
  await run(page);
  await stored(page, 'standard');
  await openWith(item, text);
  await page.click('.notice button:has-text("Resume at epoch")');
  await page.waitForSelector('.notice:has-text("It was computed with another choice of kernels")');
});
