// The library in a real browser: in the page and in a worker, with the answers that Node gives.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import type { ExperimentResult } from '../../src/experiment/types';
import { createEngine, runExperiment } from '../../src/node';
import { expectSameBits } from '../helpers';
import { distant, numbersOf, smallConfig } from '../pipeline/helpers';
import type { Sent } from './in-page';
import { addGolden, addLibrary, call, GOLDEN, useSite } from './site';

const site = useSite(async (folder) => {
  await addLibrary(folder);
  await addGolden(folder);
});

const CASES = readdirSync(GOLDEN)
  .filter((name) => /^p\d_/.test(name))
  .sort();
const TOLERANCE = 1e-4;
const ARRAYS = ['f_W', 'f_b', 'g_W', 'g_b', 'R', 'f_X', 'g_X', 'f_test', 'g_test'] as const;
const HISTORY = ['standardLoss', 'standardLr', 'learningLoss', 'learningLr'] as const;

const json = (file: string) => JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf8'));
const numbers = (file: string) =>
  Float64Array.from(parseNpy(readFileSync(`${GOLDEN}/${file}`), file).data as Float64Array);
const expected = (name: string, of: readonly string[]) =>
  Object.fromEntries(of.map((each) => [each, numbers(`${name}/expected/${each}.npy`)]));

const floats = (text: string) => new Float32Array(new Uint8Array(Buffer.from(text, 'base64')).buffer);

const short = smallConfig({ save: ['networks', 'data', 'outputs'] });
const long = smallConfig({
  trainer: 'direct',
  data: { kind: 'gauss', n: 2000, d: 200 },
  network: { width: 256 },
  standard: { lr: 0.01, epochs: 100000 },
});

describe('the same answers', () => {
  const golden = CASES.map((name) => ({ config: parseConfig(json(`${name}/config.json`)), files: `/golden/${name}` }));
  // And two whose numbers are drawn on the device.
  const drawn = [short, smallConfig({ data: { kind: 'gauss', n: 64, d: 50 }, loss: 'logistic', save: short.save })];
  const runs = [...golden, ...drawn.map((config) => ({ config, files: '' }))];
  let first: Promise<Sent[]> | undefined;
  /** What the page gave, run once for the tests that look at it. */
  const ranInPage = () => {
    first ??= call(site.page, 'runAll', 'page', runs);
    return first;
  };

  test('golden cases p1 to p8 in the page', async () => {
    expect(CASES).toHaveLength(8);
    const inPage = await ranInPage();
    for (const [at, name] of CASES.entries()) {
      const { metrics, arrays } = inPage[at]!;
      const ours = Object.fromEntries(Object.entries(arrays).map(([key, text]) => [key, floats(text)]));
      const named = Object.fromEntries(
        Object.entries(ours).map(([key, data]) => [key, { shape: [data.length], data }]),
      );
      const result = { arrays: named, history: ours } as unknown as ExperimentResult;
      const wanted = { arrays: expected(name, ARRAYS), history: expected(name, HISTORY) };
      expect([name, distant(result, wanted, TOLERANCE)]).toEqual([name, []]);
      const { cosine: _, ...exact } = json(`${name}/expected.json`).metrics;
      for (const [key, value] of Object.entries(exact)) {
        expect(metrics[key as keyof typeof metrics], `${name} ${key}`).toBeCloseTo(value as number, 12);
      }
    }
  });

  test('the worker gives the same bits', async () => {
    const inPage = await ranInPage();
    const inWorker = await call(site.page, 'runAll', 'worker', runs);
    for (const [at, { metrics, arrays, kernel }] of inWorker.entries()) {
      expect([metrics, kernel]).toEqual([inPage[at]!.metrics, inPage[at]!.kernel]);
      const other = Object.keys(inPage[at]!.arrays).filter((key) => arrays[key] !== inPage[at]!.arrays[key]);
      expect([runs[at]!.files, other]).toEqual([runs[at]!.files, []]);
    }
  });

  test('Node on the same kind of adapter gives the same bits', async () => {
    const inPage = await ranInPage();
    using engine = await createEngine({ adapter: 'swiftshader' });
    expect(engine.adapter.subgroupSize).toBe(inPage[0]!.adapter.subgroupSize);
    for (const [at, { config, files }] of runs.entries()) {
      // A few, because Dawn compiles every kernel anew: both losses, all kinds of perturbation, both scenarios.
      if (/p[1678]_/.test(files)) continue;
      const result = await runExperiment(engine, config, { baseDir: files.replace('/golden', GOLDEN) });
      expect(result.trainer.kernels.matmul).toBe(inPage[at]!.kernel);
      expect(result.metrics).toEqual(inPage[at]!.metrics);
      const there = inPage[at]!.arrays;
      for (const [key, values] of Object.entries(numbersOf(result))) {
        expectSameBits(`${files} ${key}`, floats(there[key]!), values);
      }
    }
  });
});

describe('a device of the page', () => {
  test('is shared, never destroyed by us, and its loss is said plainly', async () => {
    const { metrics, value, lost, isDeviceLost } = await call(site.page, 'sharedDevice', short, long);
    expect(metrics.standardAccuracy).toBeGreaterThan(0.8);
    expect(value).toBe(7);
    expect(isDeviceLost).toBe(true);
    expect(lost).toMatchObject({ name: 'DeviceLostError', message: expect.stringMatching(/device was lost/) });
  });
});

describe('the worker', () => {
  test('is cancelled at once, paused and resumed', async () => {
    const { again, cancelled, seconds, bytesLeft, during, metrics } = await call(site.page, 'steer', short, long);
    // The very reason comes back, and no device memory stays behind.
    expect(cancelled).toMatchObject({ name: 'Error', message: 'enough' });
    expect(seconds).toBeLessThan(15);
    expect(bytesLeft).toBeLessThan(64 * 1024);
    expect(during).toBe(0);
    expect(again).toEqual([metrics, metrics]);
    using engine = await createEngine({ adapter: 'swiftshader' });
    expect((await runExperiment(engine, short)).metrics).toEqual(metrics);
  });

  test('passes errors on as they are', async () => {
    const bad = parseConfig({ data: { kind: 'npy', x: 'X.npy', y: 'y.npy' } });
    const wild = smallConfig({ standard: { lr: 1e38, epochs: 15 } });
    const seen = await call(site.page, 'failures', bad, wild, long);
    expect(seen.isInputError).toBe(true);
    expect(seen.wrong).toMatchObject({
      name: 'InputError',
      file: 'X.npy',
      remedy: expect.stringContaining('readFile'),
    });
    expect(seen.missing).toMatchObject({ name: 'InputError', message: 'gone', file: 'X', remedy: 'r' });
    expect(seen.diverged).toMatchObject({ stage: 'standard', lr: Math.fround(1e38) });
    expect(seen.disposed).toMatchObject({ name: 'DisposedError' });
    expect(seen.after).toMatchObject({ name: 'DisposedError' });
    expect(seen.noScript).toMatchObject({ name: 'WorkerError', message: expect.stringMatching(/did not start/) });
    expect(seen.elsewhere).toMatchObject({ name: 'WorkerError', remedy: expect.stringContaining('own origin') });
  });

  test('tells that its device is lost; a new one goes on from the checkpoint, to the same bits', async () => {
    const config = smallConfig({ trainer: 'direct', standard: { lr: 0.5, epochs: 600 }, save: ['networks'] });
    const { failed, told, after, place, resumed, whole } = await call(site.page, 'loseInWorker', config);
    expect(failed).toMatchObject({ name: 'DeviceLostError', resumeFrom: place });
    expect(place).toEqual({ stage: 'standard', epoch: expect.any(Number) });
    expect([told, after?.name]).toEqual(['DeviceLostError', 'DeviceLostError']);
    expect(Object.keys(resumed)).toEqual(Object.keys(whole));
    expect(Object.keys(whole).filter((name) => resumed[name] !== whole[name])).toEqual([]);
  });

  test('shows what it does without a long task in the page', async () => {
    const { kinds, agreement, metrics, long, same } = await call(site.page, 'watch', short);
    expect(kinds.filter((kind) => kind === 'gallery')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'training')).toHaveLength(10);
    expect(agreement).toBe(metrics.agreement);
    expect(same).toBe(true);
    expect(long.filter((milliseconds) => milliseconds > 50)).toEqual([]);
  });
});
