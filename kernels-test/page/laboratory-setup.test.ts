// Setting an experiment up on the laboratory page: from files that are dropped in, from links, from the paper's panels.

import { describe, expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, run by the build
import { buildPage } from '../../bundles.mjs';
import { encodeNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import { linkOf, parseLink } from '../../src/web/config-link';
import { PRESETS } from '../../src/web/presets';
import { idx } from '../data/helpers';
import { drop, openLink, phase, ready, run, SHORT } from './laboratory';
import { useSite } from './site';

const site = useSite((folder) => buildPage(folder));

describe('files', () => {
  const images = (n: number) => Uint8Array.from({ length: n * 64 }, (_, at) => ((at >> 6) % 2 ? at % 7 : at % 5) * 30);
  const labels = (n: number) => Uint8Array.from({ length: n }, (_, at) => (at % 2) + 3);
  const pair = { 'train-images': idx(0x803, [40, 8, 8], images(40)), 'train-labels': idx(0x801, [40], labels(40)) };

  test('IDX, npy and config.json are set up when dropped, and run; corrupt ones are named with what to do', async () => {
    const { page } = site;
    await ready(page);
    await drop(page, { 'train-images': pair['train-images'] });
    await page.waitForSelector('text=Now the file of labels');
    await drop(page, { 'train-labels': pair['train-labels'].subarray(0, 20) });
    await page.waitForSelector('.notice:has-text("train-labels cannot be used")');
    expect(await page.textContent('.notice')).toMatch(/ends early.*Download the file again/s);
    await drop(page, { 'train-labels': pair['train-labels'] });
    await page.waitForFunction(() => location.hash.includes('data.labels=train-labels'));
    expect(await page.inputValue('#field-class-0')).toBe('3');
    await page.fill('[name="standard.epochs"]', '5');
    await page.fill('[name="learning.epochs"]', '5');
    await run(page);
    await phase(page, 'done');
    expect(await page.locator('.gallery tbody tr').count()).toBe(8);

    await drop(page, { 'x.npy': Uint8Array.of(0x93, 78, 85, 77, 80, 89, 1), 'notes.txt': Uint8Array.of(104, 105) });
    await page.waitForSelector('.notice:has-text("x.npy cannot be used (and 1 more)")');
    const x = Float32Array.from({ length: 60 }, (_, at) => Math.sin(at));
    const y = Float32Array.from({ length: 20 }, (_, at) => (at % 2 ? 1 : -1));
    await drop(page, { 'x.npy': encodeNpy([20, 3], x), 'y.npy': encodeNpy([20], y) });
    await page.waitForFunction(() => location.hash.includes('data.x=x.npy'));
    expect(await page.locator('.notice').count()).toBe(0);
    await run(page);
    await phase(page, 'done');

    const config = { seed: 7, data: { kind: 'gauss', n: 30, d: 4 } };
    await drop(page, { 'config.json': new TextEncoder().encode(JSON.stringify(config)) });
    await page.waitForFunction((wanted) => location.hash === `#${wanted}`, linkOf(parseConfig(config)));
    await drop(page, { 'config.json': new TextEncoder().encode('{ "sed": 1 }') });
    await page.waitForSelector('.notice:has-text("did you mean seed")');
  });

  test('CIFAR-10 is set up when its batches are dropped, and runs', async () => {
    const { page } = site;
    await ready(page);
    const records = Uint8Array.from({ length: 20 * 3073 }, (_, at) =>
      at % 3073 === 0 ? 3 + (Math.floor(at / 3073) % 2) : (at * 31) % 251,
    );
    await drop(page, { 'data_batch_1.bin': records.subarray(0, 3000) });
    await page.waitForSelector('.notice:has-text("CIFAR-10 records of 3073 bytes")');
    await drop(page, { 'data_batch_1.bin': records });
    await page.waitForSelector('text=Now the test images');
    await drop(page, { 'test_batch.bin': records });
    await page.waitForFunction(() => location.hash.includes('data.kind=cifar10'));
    expect(await page.inputValue('#field-class-0')).toBe('3');
    await page.fill('[name="standard.epochs"]', '3');
    await page.fill('[name="learning.epochs"]', '3');
    await run(page);
    await phase(page, 'done');
    expect(await page.locator('.gallery tbody tr').count()).toBe(8);
  });

  test('an experiment whose files are not here says which, and what to do', async () => {
    const { page } = site;
    await openLink(page, site.url, 'data.kind=mnist&data.dir=mnist');
    await run(page);
    await page.waitForSelector('.notice:has-text("train-images-idx3-ubyte")');
    expect(await page.textContent('.notice')).toMatch(/[Dd]rop/);
  });
});

describe('links', () => {
  test('what is typed is in the address, and a link opens as it was; a bad one gives the first experiment', async () => {
    const { page } = site;
    await openLink(page, site.url, SHORT);
    expect(await page.inputValue('[name="data.n"]')).toBe('64');
    await page.fill('[name="perturbation.size"]', '0.5');
    await page.waitForFunction(() => location.hash.includes('perturbation.size=0.5'));
    await page.fill('[name="data.d"]', '-3');
    await page.waitForSelector('#field-data-d-problem:has-text("an integer of at least 1")');
    expect(await page.isDisabled('.run-bar .primary')).toBe(true);
    await page.fill('[name="data.d"]', '30');
    await page.waitForFunction(() => location.hash.includes('data.d=30'));
    const hash = await page.evaluate(() => location.hash.slice(1));
    await openLink(page, site.url, hash);
    expect(await page.inputValue('[name="perturbation.size"]')).toBe('0.5');
    expect(await page.inputValue('[name="data.d"]')).toBe('30');

    await openLink(page, site.url, 'data.kind=glifs&%E0');
    await page.waitForSelector('.notice:has-text("does not describe an experiment")');
    expect(await page.inputValue('[name="data.n"]')).toBe('500');
  });

  test('are copied whole and as the setup stands now; where the browser refuses, the link is shown', async () => {
    const { page } = site;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await ready(page);
    expect(await page.evaluate(() => location.hash)).toBe('');
    const copied = async () => {
      await page.click('text=Copy link');
      await page.waitForSelector('text=Link copied');
      return parseLink(new URL(await page.evaluate(() => navigator.clipboard.readText())).hash);
    };
    expect(await copied()).toEqual(parseConfig(PRESETS[0].document));
    await page.waitForSelector('text=Copy link', { timeout: 10_000 });
    await page.fill('[name="perturbation.size"]', '0.25');
    expect((await copied()).perturbation.size).toBe(0.25);
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error('no leave'));
    });
    await page.waitForSelector('text=Copy link', { timeout: 10_000 });
    await page.click('text=Copy link');
    await page.waitForSelector('.notice:has-text("no leave")');
    expect(await page.textContent('.notice-text')).toContain(
      `${site.url}#${linkOf(parseConfig({ ...PRESETS[0].document, perturbation: { size: 0.25 } }))}`,
    );
  });

  test('a panel of the paper is one click, with what was published beside it; another asks before it cancels', async () => {
    const { page } = site;
    await ready(page);
    await page.click('text=The paper’s panels');
    await page.click('.panel-list button:has-text("Perturbation size ε")');
    await phase(page, 'running');
    await page.waitForFunction(() => location.hash.includes('data.kind=shifted-gauss'));
    expect(await page.textContent('.published')).toMatch(/g on clean data \d/);
    await page.click('[data-preset="glyphs"]');
    await page.waitForSelector('.notice:has-text("An experiment is under way")');
    expect(await page.evaluate(() => location.hash)).toContain('data.kind=shifted-gauss');
    await page.click('text=Keep it going');
    await phase(page, 'running');
    await page.click('[data-preset="glyphs"]');
    await page.click('text=Cancel it and start “Drawn digits”');
    await page.waitForFunction(() => location.hash.includes('data.kind=glyphs'));
    await phase(page, 'running');
    await page.click('.run-bar button:has-text("Cancel")');
    await phase(page, 'stopped');
    await page.click('.panel-list button:has-text("Perturbation size ε")');
    await page.click('.run-bar button:has-text("Cancel")');
    await phase(page, 'stopped');
    const before = await page.evaluate(() => location.hash);
    await page.focus('#panel-point');
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction((old) => location.hash !== old, before);
  });
});
