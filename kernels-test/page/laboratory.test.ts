// The laboratory page in a real browser: an experiment from load to downloads, steering, and everything that can be
// missing.

import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { describe, expect, test, vi } from 'vitest';
// @ts-expect-error: plain JavaScript, run by the build
import { buildPage } from '../../bundles.mjs';
import { readConfig } from '../../src/cli/config-file';
import { parseNpz } from '../../src/data/npz';
import { parseConfig, resolvedJson } from '../../src/experiment/config';
import { linkOf } from '../../src/web/config-link';
import { PRESETS } from '../../src/web/presets';
import { cli, temporary } from '../cli/fakes';
import { beforeWorker, download, faults, openLink, phase, readout, ready, run, SHORT } from './laboratory';
import { slowness } from './machine-speed';
import { useSite } from './site';

const site = useSite((folder) => buildPage(folder));

/** Seconds on SwiftShader, from the contract of the page, on a calm machine. */
const FIRST_CURVE = 3;
const WHOLE_RUN = 30;
const LONG_TASK_MS = 50;
/** Of the machines that those seconds are meant for. */
const CORES = 2;
/** Whatever else a machine does only adds to what is timed: one that meets the seconds once can. */
const TRIES = 3;
/** Share of a machine from which on it is busy with other things. */
const OTHERS = 0.1;

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of processor, which the machine's load has no part in. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Processor milliseconds of every task on a main thread of a page. */
function tasksOfPages(events: readonly TraceEvent[]): number[] {
  const threads = events.filter(({ ph, name, args }) => ph === 'M' && name === 'thread_name' && args.name === MAIN);
  const mains = new Set(threads.map(({ pid, tid }) => `${pid} ${tid}`));
  return events.flatMap(({ name, pid, tid, tdur }) =>
    name === 'RunTask' && tdur !== undefined && mains.has(`${pid} ${tid}`) ? [tdur / 1000] : [],
  );
}
const MAIN = 'CrRendererMain';

/** A run that only ends when it is told to. */
const LONG = linkOf(
  parseConfig({ trainer: 'direct', data: { kind: 'gauss', n: 400 }, standard: { lr: 0.01, epochs: 50_000 } }),
);

describe('the first experiment', () => {
  test('is quick', { timeout: TRIES * 120_000 }, async () => {
    const { page } = site;
    const beside = await page.context().newPage();
    await beside.goto(`${site.url}icon.svg`);
    const session = await page.context().browser()!.newBrowserCDPSession();
    /** Seconds so far: by the clock, of all processors idle, and of processor that this test and each process of the browser took. */
    const clock = async () => {
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      const { user, system } = process.cpuUsage();
      return {
        seconds: performance.now() / 1000,
        idle: cpus().reduce((sum, { times }) => sum + times.idle / 1000, 0),
        here: (user + system) / 1e6,
        browser: new Map(processInfo.map(({ id, cpuTime }) => [id, cpuTime])),
      };
    };
    type Clock = Awaited<ReturnType<typeof clock>>;
    const since = (before: Clock, now: Clock) => {
      const seconds = now.seconds - before.seconds;
      // Of processes that have ended meanwhile nothing is known.
      const processor = [...now.browser].reduce((sum, [id, spent]) => sum + spent - (before.browser.get(id) ?? 0), 0);
      const known = now.idle - before.idle + now.here - before.here + processor;
      return { seconds, processor, others: 1 - known / (cpus().length * seconds) };
    };
    for (let tries = 1; ; tries++) {
      await page.goto('about:blank');
      // What a browser does when it has just been started, or has left a page, is not what is timed.
      await vi.waitUntil(
        async () => {
          const from = await clock();
          await new Promise((resolve) => setTimeout(resolve, 300));
          return since(from, await clock()).processor < 0.03;
        },
        { timeout: 20_000, interval: 0 },
      );
      // A page that is not in front draws once a second.
      await beside.bringToFront();
      const slower = [await slowness(beside)];
      await page.bringToFront();
      const before = await clock();
      await page.goto(site.url);
      await ready(page);
      await run(page);
      await page.waitForSelector('[data-chart="loss-standard"] svg');
      const curve = since(before, await clock());
      await phase(page, 'done');
      const whole = since(before, await clock());
      await beside.bringToFront();
      slower.push(await slowness(beside));
      const times = slower.reduce((sum, each) => sum + each) / slower.length;
      const percent = (share: number) => `${Math.round(100 * share)} %`;
      console.log(
        [
          `first curve ${curve.seconds.toFixed(2)} s (${curve.processor.toFixed(2)} s of processor)`,
          `whole run ${whole.seconds.toFixed(1)} s (${whole.processor.toFixed(1)} s of processor)`,
          `the machine ${times.toFixed(2)} times slower than when calm`,
          `other programs took ${percent(curve.others)} and ${percent(whole.others)} of it`,
          `try ${tries} of ${TRIES}`,
        ].join('; '),
      );
      const most = { curve: times * FIRST_CURVE, whole: times * WHOLE_RUN };
      const met = (each: 'seconds' | 'processor', cores: number) =>
        curve[each] < cores * most.curve && whole[each] < cores * most.whole;
      if (met('seconds', 1) && met('processor', CORES)) return;
      if (tries < TRIES) continue;
      expect(curve.processor).toBeLessThan(CORES * most.curve);
      expect(whole.processor).toBeLessThan(CORES * most.whole);
      // On a machine that others work on, only the processor's time is the page's own.
      if (curve.others > OTHERS || whole.others > OTHERS) {
        console.log('the machine is busy with other things: only the processor is judged');
        return;
      }
      expect(curve.seconds).toBeLessThan(most.curve);
      expect(whole.seconds).toBeLessThan(most.whole);
    }
  });

  test('never holds the page up', { timeout: TRIES * 80_000 }, async () => {
    const { page } = site;
    const browser = page.context().browser()!;
    // All that is drawn, with fewer epochs between: a trace of the whole run takes longer to read than the run.
    const few = { lr: 1, epochs: 25 };
    const link = linkOf(parseConfig({ ...PRESETS[0].document, standard: few, learning: few }));
    for (let tries = 1; ; tries++) {
      await openLink(page, site.url, link);
      await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] });
      await run(page);
      await phase(page, 'done');
      await page.waitForSelector('[data-map="final"]');
      const tasks = tasksOfPages(JSON.parse((await browser.stopTracing()).toString()).traceEvents);
      const longest = Math.max(...tasks);
      console.log(`${tasks.length} tasks on the main thread, the longest ${longest.toFixed(1)} ms of processor`);
      expect(tasks.length).toBeGreaterThan(100);
      // As above: what the machine's other guests do only adds, and so does the browser's own housekeeping.
      if (longest <= LONG_TASK_MS) return;
      if (tries === TRIES) expect(longest).toBeLessThanOrEqual(LONG_TASK_MS);
    }
  });

  test('runs to its end, is seen on the way, and leaves files that the command line reads', async () => {
    const { page } = site;
    await page.setViewportSize({ width: 375, height: 800 });
    await ready(page);
    await run(page);
    await page.waitForSelector('[data-map="live"]', { timeout: 60_000 });
    await phase(page, 'done');

    expect(Number.parseFloat((await readout(page, 'standardAccuracy'))!)).toBeGreaterThan(90);
    // Chance is 50 %.
    expect(Number.parseFloat((await readout(page, 'perturbationAccuracy'))!)).toBeGreaterThan(75);
    expect(Number(await readout(page, 'cosine'))).toBeGreaterThan(0.8);
    expect(await page.locator('.gallery tbody tr').count()).toBe(8);
    // Each target that is not the sample's class is what f then says.
    expect(await page.textContent('.gallery-sum')).toMatch(
      /[1-8] have the other class for a target, and f says so of all/,
    );
    const labels = await page.locator('.gallery canvas').evaluateAll((all) => all.map((one) => one.ariaLabel));
    expect(labels).toHaveLength(24);
    expect(labels[0]).toMatch(/^Sample, a 1: f says 1, g says [12]$/);
    expect(labels[2]).toMatch(/^Sum, with the target [12]: f says [12], g says [12]$/);
    await page.waitForSelector('[data-map="final"]');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(375);
    // Nothing is cut off, and the whole table is seen without scrolling.
    const tooWide = await page
      .locator('.stage, .gallery-place')
      .evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).map(({ className }) => className));
    expect(tooWide).toEqual([]);

    const config = parseConfig(PRESETS[0].document);
    const folder = await temporary();
    await writeFile(join(folder, 'config.json'), await download(page, 'config.json'));
    expect((await readConfig({ file: 'config.json', sets: [] }, folder)).config).toEqual(config);
    const { metrics, timing } = JSON.parse(strFromU8(await download(page, 'result.json')));
    expect(await readout(page, 'perturbationAccuracy')).toBe(`${(100 * metrics.perturbationAccuracy).toFixed(1)}%`);
    expect(timing.totalSeconds).toBeGreaterThan(0);
    const history = parseNpz(await download(page, 'history.npz'), 'history.npz');
    expect(history.get('learningLoss')?.shape).toEqual([config.learning.epochs]);
    const arrays = parseNpz(await download(page, 'arrays.npz'), 'arrays.npz');
    expect(arrays.get('g_W')?.shape).toEqual([100, 400]);
    const directory = join(folder, 'result');
    await mkdir(directory);
    for (const [name, bytes] of Object.entries(unzipSync(await download(page, 'perturb-result.zip')))) {
      await writeFile(join(directory, name), bytes);
    }
    const again = await cli(folder, ['run', 'result/config.json', '--json']);
    expect([again.code, JSON.parse(again.out).config]).toEqual([0, resolvedJson(config)]);
  });

  test('f and g read a digit that is drawn by mouse, by key and by button; nothing is wrong for axe in light or dark', async () => {
    const { page } = site;
    const config = parseConfig({ ...PRESETS[0].document, theory: {} });
    await openLink(page, site.url, linkOf(config));
    expect(await faults(page)).toEqual([]);
    // Twice at once is once.
    await run(page);
    await page.click('.run-bar button:has-text("Pause")');
    await phase(page, 'paused');
    expect(await page.textContent('.draw-panel')).toMatch(/run is paused, and the engine with it/);
    await page.click('.run-bar button:has-text("Resume")');
    await phase(page, 'done');
    expect(await faults(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await faults(page)).toEqual([]);

    const said = (network: 'f' | 'g') => page.textContent(`[data-verdict="${network}"]`);
    const both = (digit: string) =>
      page.waitForFunction(
        (wanted) => [...document.querySelectorAll('[data-verdict]')].every(({ textContent }) => textContent === wanted),
        digit,
      );
    await page.locator('.pad').scrollIntoViewIfNeeded();
    const pad = (await page.locator('.pad').boundingBox())!;
    await page.mouse.move(pad.x + pad.width / 2, pad.y + pad.height * 0.15);
    await page.mouse.down();
    await page.mouse.move(pad.x + pad.width / 2, pad.y + pad.height * 0.85, { steps: 12 });
    await page.mouse.up();
    // A plain stroke is a one, for g too, which was never shown a digit.
    await both('1');
    await page.click('text=Clear');
    // A second finger draws nothing.
    await page.dispatchEvent('.pad', 'pointerdown', { isPrimary: false, pointerId: 9, clientX: 50, clientY: 50 });
    expect(await page.isDisabled('button:has-text("Clear")')).toBe(true);
    await page.waitForFunction(() => document.querySelector('[data-verdict="g"]')?.textContent === '–');
    await page.focus('.pad');
    await page.keyboard.press('Space');
    for (let k = 0; k < 12; k++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await both('1');
    await page.keyboard.press('Delete');
    await page.click('text=Write a 2 for me');
    await page.waitForFunction(() => document.querySelector('[data-verdict="g"]')?.textContent !== '–');
    expect(['1', '2']).toContain(await said('f'));
  });
});

describe('a run', () => {
  test('is paused, goes on, is cancelled, and another one runs to its end', async () => {
    const { page } = site;
    await openLink(page, site.url, LONG);
    await run(page);
    await page.waitForSelector('[data-chart="loss-standard"] svg', { timeout: 30_000 });
    await page.click('text=Pause');
    await phase(page, 'paused');
    await page.waitForTimeout(500);
    const held = () => page.getAttribute('progress', 'value').then(Number);
    const at = await held();
    await page.waitForTimeout(500);
    expect(await held()).toBe(at);
    await page.click('text=Resume');
    await page.click('text=Pause');
    await page.click('text=Cancel');
    await phase(page, 'stopped');
    await page.evaluate((hash) => {
      location.hash = hash;
    }, SHORT);
    await run(page);
    await phase(page, 'done');
  });

  test('whose device is lost before anything was kept runs again on a new one', async () => {
    const { page } = site;
    await beforeWorker(
      page,
      `const make = GPUAdapter.prototype.requestDevice;
       GPUAdapter.prototype.requestDevice = async function (...args) { return (self.device = await make.apply(this, args)); };`,
    );
    await openLink(page, site.url, LONG);
    await run(page);
    await page.waitForSelector('[data-chart="loss-standard"] svg', { timeout: 30_000 });
    await page.workers().at(-1)!.evaluate('self.device.destroy()');
    await page.waitForSelector('.notice:has-text("The GPU device was lost")');
    // A slow machine may have kept a state by then.
    await page.locator('.notice[data-notice="engine"] button').first().click();
    await phase(page, 'running');
    await page.waitForSelector('[data-chart="loss-standard"] svg', { timeout: 30_000 });
    await page.click('.run-bar button:has-text("Cancel")');
    await phase(page, 'stopped');
  });
});

describe('what can be missing', () => {
  test('without WebGPU the page says so, and what to do', async () => {
    const { page } = site;
    await beforeWorker(page, `Object.defineProperty(WorkerNavigator.prototype, 'gpu', { value: undefined });`);
    await page.goto(site.url);
    await page.waitForSelector('.notice:has-text("offers no WebGPU")');
    await page.waitForSelector('.run-bar button:has-text("Restart the engine")');
    expect(await faults(page)).toEqual([]);
  });

  test('a worker that cannot be loaded, or fails as it starts, is told, and tried again', async () => {
    const { page } = site;
    const script = '**/worker-host.js';
    site.allow(/404/);
    await page.route(script, (route) => route.fulfill({ status: 404, body: 'gone' }));
    await page.goto('about:blank');
    await page.goto(site.url);
    await page.waitForSelector('.notice:has-text("The engine did not start")');
    expect(await page.textContent('.notice')).toMatch(/worker did not start.*script can be loaded/s);
    await page.unroute(script);
    await beforeWorker(page, `throw new Error('broken');`);
    await page.click('text=Try again');
    await page.waitForSelector('.notice:has-text("broken")');
    expect(await page.isVisible('.run-bar button:has-text("Restart the engine")')).toBe(true);
    await page.unroute(script);
    await page.click('text=Try again');
    await ready(page);
    expect(await page.locator('.notice').count()).toBe(0);
  });

  test('where memory is short the page says so, and stays of use', async () => {
    const { page } = site;
    await beforeWorker(
      page,
      // What a device says that has no memory left, without filling this machine's.
      `const [push, pop, filters] = [GPUDevice.prototype.pushErrorScope, GPUDevice.prototype.popErrorScope, []];
       GPUDevice.prototype.pushErrorScope = function (filter) { filters.push(filter); return push.call(this, filter); };
       GPUDevice.prototype.popErrorScope = async function () {
         const refuse = filters.pop() === 'out-of-memory' && self.short;
         return (await pop.call(this)) ?? (refuse ? new GPUOutOfMemoryError('not enough memory left') : null);
       };`,
    );
    await openLink(page, site.url, SHORT);
    const [worker] = page.workers();
    await worker!.evaluate('self.short = true');
    await run(page);
    await page.waitForSelector('.notice:has-text("too little memory")');
    await worker!.evaluate('self.short = false');
    await run(page);
    await phase(page, 'done');
  });

  test('the benchmark starts, counts, and can be cancelled', async () => {
    const { page } = site;
    await ready(page);
    await page.click('text=Benchmark');
    await page.waitForFunction(() => location.hash === '#benchmark');
    await page.click('.run-bar .primary');
    await page.waitForSelector('.bench tbody tr', { timeout: 90_000 });
    expect(await faults(page)).toEqual([]);
    await page.click('text=Laboratory');
    expect(await page.isDisabled('.run-bar .primary')).toBe(true);
    expect(await page.textContent('.status')).toMatch(/benchmark is measuring/);
    await page.click('[data-preset="shifted-gauss"]');
    await page.waitForSelector('.notice:has-text("The benchmark is measuring")');
    await page.click('.tabs button:has-text("Benchmark")');
    await page.click('.run-bar button:has-text("Cancel")');
    await page.waitForSelector('[data-bench="idle"]');
    // A worker that goes without a word is told, too.
    await page.click('.run-bar .primary');
    await page.waitForSelector('.bench tbody tr', { timeout: 90_000 });
    await page.workers().at(-1)!.evaluate('self.close()');
    await page.waitForSelector('.notice:has-text("The browser has ended its worker")');
    await page.waitForSelector('[data-bench="idle"]');
  });
});
