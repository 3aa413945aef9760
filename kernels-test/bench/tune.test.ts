// Choosing variants by measurement: what is reported, what is kept, and that a run takes what was kept and says so.

import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BenchReport } from '../../src/bench/bench';
import type { BenchShape } from '../../src/bench/cases';
import { decide, tune } from '../../src/bench/tune';
import { tunedEngine, tuningKey } from '../../src/bench/tuned-engine';
import { forgetTuning, loadTuning, saveTuning } from '../../src/bench/tuning';
import { tuningFiles } from '../../src/cli/tuning-files';
import { Engine } from '../../src/engine';
import { runExperiment } from '../../src/experiment/run';
import type { AdapterReport } from '../../src/gpu/gpu';
import { shapeClass, type TunedChoice, type Tuning, tunedLayout } from '../../src/kernels/tuning';
import { temporary } from '../cli/fakes';
import { useEngine, variants, withShaders } from '../helpers';
import { smallConfig } from '../pipeline/helpers';

const bound = useEngine();
const SHAPE = { n: 130, d: 96, m: 132 };
const FAST = { shapes: [SHAPE], rounds: 2, seconds: 1e-3, quick: true } as const;

describe('tune', () => {
  test('one variant is chosen for an operation, every other has its reason, none is refused', async () => {
    const { kernels, tuning } = await tune(bound.engine, FAST);
    for (const kernel of ['forward', 'weight-gradient']) {
      const own = kernels.filter((each) => each.kernel === kernel);
      expect(own.filter(({ status }) => status === 'chosen')).toHaveLength(1);
      for (const { reason } of own) expect(reason).not.toBe('');
      for (const name of variants(bound.gpu)) expect(own.map(({ variant }) => variant)).toContain(name);
    }
    expect(kernels.filter(({ status }) => status === 'refused')).toEqual([]);
    expect(kernels.some(({ variant, status }) => variant === 'matrix-f16' && status === 'absent')).toBe(true);
    expect(tuning.key).toBe(await tuningKey(bound.gpu));
  });

  /** A report in which each variant takes so long, ten per cent around the middle. */
  const measured = (seconds: Readonly<Record<string, number>>): BenchReport => {
    const rows = (['forward', 'weight-gradient'] as const).flatMap((kernel) =>
      Object.entries(seconds).map(([variant, median]) => ({
        ...{ kernel, shape: SHAPE, variant, median, min: 0.95 * median, max: 1.05 * median },
        chosen: variant === 'tiled',
      })),
    );
    return { date: '2026-11-22T00:00:00Z', rows, skipped: [] } as unknown as BenchReport;
  };
  const tiled = () => new Engine(bound.gpu, { matmul: 'tiled' });

  test('the default loses its place to what is clearly faster, and the choice is carried over', async ({ skip }) => {
    if (!variants(bound.gpu).includes('subgroup')) skip('one variant is all there is');
    const { tuning, kernels } = await decide(tiled(), measured({ tiled: 2, subgroup: 1, 'subgroup-f16': 0.1 }));
    const choice = { variant: 'subgroup', speedup: 2, measuredAt: '130/96/132', date: '2026-11-22T00:00:00Z' };
    expect(tuning.choices).toEqual({ [shapeClass(SHAPE)]: choice });
    expect(kernels.filter(({ kernel }) => kernel === 'forward')).toMatchObject([
      { variant: 'tiled', status: 'slower', reason: '2.00 times the time of subgroup' },
      { variant: 'subgroup', status: 'chosen', reason: expect.stringMatching(/faster than the default/) },
      { variant: 'subgroup-f16', status: 'unasked' },
    ]);
    expect(tunedLayout(bound.gpu, { n: 120, d: 100, m: 120 }, { tuning }).reason).toMatch(/tuned on/);
  });

  test('a lead within the spread changes nothing', async ({ skip }) => {
    if (!variants(bound.gpu).includes('subgroup')) skip('one variant is all there is');
    const { tuning, kernels } = await decide(tiled(), measured({ tiled: 1, subgroup: 0.93 }));
    expect(tuning.choices).toEqual({});
    expect(kernels.map(({ status }) => status)).toEqual(['chosen', 'slower', 'chosen', 'slower']);
    expect(kernels[1]!.reason).toMatch(/not clearly less/);
  });

  test('a wrong variant is refused by name', async () => {
    using broken = withShaders(bound.gpu, ({ name, code }) =>
      name === 'forward_tiled' ? code.replace('if (k < d)', 'if (k + 1u < d)') : code,
    );
    const { kernels } = await tune(new Engine(broken), FAST);
    expect(kernels.find(({ variant, kernel }) => variant === 'tiled' && kernel === 'forward')).toMatchObject({
      status: 'refused',
      reason: expect.stringMatching(/off by/),
    });
  });
});

describe('a tuning', () => {
  const choices: Readonly<Record<string, TunedChoice>> = {
    [shapeClass({ n: 64, d: 16, m: 16 })]: {
      ...{ variant: 'tiled', tile: { rows: 2, columns: 2 } },
      ...{ speedup: 2, measuredAt: '64/16/16', date: '2026-11-22T00:00:00Z' },
    },
  };
  const tuning: Tuning = { schemaVersion: 1, key: 'abc', date: '2026-11-22T00:00:00Z', choices };
  const [name] = Object.keys(choices);
  const adapter: AdapterReport = {
    ...{ name: 'A GPU (of 256 bits)', vendor: '', architecture: '', description: '', backend: 'vulkan' },
    ...{ software: false, subgroupSize: 32 },
  };
  /** As measured at some shapes. */
  const measured = (own: Tuning, ...shapes: BenchShape[]) => {
    const rows = shapes.map((shape) => ({ shape }));
    return { tuning: own, report: { adapter, rows } as unknown as BenchReport };
  };
  const small = { n: 64, d: 16, m: 16 };

  test('is kept in a file of its adapter, and refused under another key until the next replaces it', async () => {
    const files = tuningFiles({ XDG_CACHE_HOME: await temporary() });
    expect(await loadTuning(files, adapter, 'abc')).toEqual({});
    expect(await saveTuning(files, measured(tuning, small))).toEqual(tuning);
    expect(await loadTuning(files, adapter, 'abc')).toEqual({ tuning });
    expect(await loadTuning(files, { ...adapter, name: 'another' }, 'abc')).toEqual({});
    expect((await loadTuning(files, adapter, 'abd')).refused).toMatch(/key is abc and not abd.* another driver/);
    expect(await saveTuning(files, measured({ ...tuning, key: 'abd', choices: {} }, { n: 1, d: 1, m: 1 }))).toEqual({
      ...tuning,
      key: 'abd',
      choices: {},
    });
    expect(await readdir(files.folder)).toEqual(['perturb-gpu-tuning-A-GPU-of-256-bits-vulkan.json']);
  });

  test('stays beside what was kept for other shapes, and goes where its own are measured anew', async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (item: string) => kept.get(item) ?? null,
      setItem: (item: string, value: string) => void kept.set(item, value),
      removeItem: (item: string) => void kept.delete(item),
    };
    await saveTuning(storage, measured(tuning, small));
    const wide = { n: 64, d: 16, m: 1000 };
    const next = { [shapeClass(wide)]: { ...choices[name!]!, measuredAt: '64/16/1000', date: '2026-11-23T00:00:00Z' } };
    const later = { ...tuning, date: '2026-11-23T00:00:00Z', choices: next };
    const both = { ...later, choices: { ...choices, ...next } };
    expect(await saveTuning(storage, measured(later, wide))).toEqual(both);
    expect(await loadTuning(storage, adapter, 'abc')).toEqual({ tuning: both });
    // The default was the fastest this time.
    expect(await saveTuning(storage, measured({ ...later, choices: {} }, small))).toEqual(later);
    await forgetTuning(storage, adapter);
    expect(await loadTuning(storage, adapter, 'abc')).toEqual({});
  });

  test('that fits makes an engine that says so; one that does not makes one that says why', async () => {
    const { gpu, settings } = bound.engine;
    const holding = (value: object | null) => ({ getItem: () => value && JSON.stringify(value) });
    expect((await tunedEngine(bound.engine, holding(null))).settings).toEqual(settings);
    const own = { ...tuning, key: await tuningKey(gpu) };
    const tuned = await tunedEngine(bound.engine, holding(own));
    const versions = { ...settings.versions, tuning: expect.stringMatching(`^${name} ${choices[name!]!.variant}`) };
    expect(tuned.settings).toEqual({ ...settings, tuning: own, versions });
    // What runs, not when it was chosen: a checkpoint of an earlier tuning with the same choices goes on.
    const again = await tunedEngine(bound.engine, holding({ ...own, date: '2027-01-01T00:00:00Z' }));
    expect(again.settings.versions).toEqual(tuned.settings.versions);
    const none = await tunedEngine(bound.engine, holding({ ...own, choices: {} }));
    expect(none.settings.versions).toEqual(settings.versions);
    const refused = await tunedEngine(bound.engine, holding(tuning));
    expect(refused.settings).toEqual({ ...settings, tuningRefused: expect.stringMatching(/key is abc/) });
  });

  const changed = (choice: object) => ({ ...tuning, choices: { [name!]: { ...choices[name!], ...choice } } });
  test.for([
    ['{"half', /no JSON/],
    [null, /the document must be an object/],
    [{ ...tuning, schemaVersion: 2 }, /schemaVersion must be 1/],
    [{ ...tuning, key: 'abd' }, /another driver/],
    [{ ...tuning, date: 'yesterday' }, /date must be a date/],
    [{ ...tuning, choices: { '1/1/1': choices[name!] } }, /choices\.1\/1\/1 was measured at 64\/16\/16/],
    [changed({ variant: 'fastest' }), /variant must be one of subgroup, tiled/],
    [changed({ tile: { rows: 3, columns: 1 } }), /tile\.rows must be 1 or 2/],
    [changed({ tile: { rows: 2, columns: 1 } }), /must be a tile that there is/],
    [changed({ variant: 'subgroup', tile: { rows: 1, columns: 1 } }), /tiled variant only/],
    [changed({ speedup: -1 }), /speedup must be a number above 0/],
    [changed({ measuredAt: 'here' }), /measuredAt must be a shape/],
    [changed({ more: 1 }), /more is not a known key/],
  ] as const)('that is damaged is refused whole: %j', async ([document, reason]) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document);
    const loaded = await loadTuning({ getItem: () => text }, adapter, 'abc');
    expect(loaded.tuning).toBeUndefined();
    expect(loaded.refused).toMatch(reason);
  });

  test('that is refused is said in the result, as one is that cannot run here', async () => {
    const { reason, variant } = tunedLayout(bound.gpu, { n: 64, d: 16, m: 16 }, { tuningRefused: 'it is no JSON' });
    expect(reason).toMatch(/; the tuning kept for this adapter is not used: it is no JSON$/);
    expect(variant).toBe(tunedLayout(bound.gpu, { n: 64, d: 16, m: 16 }, {}).variant);
  });

  test('whose file cannot be read, or is far too long, is refused, too', async () => {
    const file = 'perturb-gpu-tuning-A-GPU-of-256-bits-vulkan.json';
    const folder = tuningFiles({ XDG_CACHE_HOME: await temporary() });
    await mkdir(join(folder.folder, file), { recursive: true });
    expect((await loadTuning(folder, adapter, 'abc')).refused).toMatch(/cannot be read/);
    const huge = tuningFiles({ XDG_CACHE_HOME: await temporary() });
    await mkdir(huge.folder, { recursive: true });
    await writeFile(join(huge.folder, file), '');
    // A terabyte that takes no space.
    await truncate(join(huge.folder, file), 2 ** 40);
    expect((await loadTuning(huge, adapter, 'abc')).refused).toMatch(/it has 1099511627776 bytes, more than/);
  });

  test('is what a run of its shape takes, and its result says so; other shapes and forced variants do not', async () => {
    const config = smallConfig({ data: { kind: 'shifted-gauss', n: 64, d: 16, shift: 0.3 }, network: { width: 16 } });
    const engine = new Engine(bound.gpu, { tuning });
    const { trainer } = await runExperiment(engine, config);
    expect(trainer.kernels).toMatchObject({
      matmul: 'tiled',
      reason: expect.stringMatching(/tuned on 2026-11-22 \(abc\): 2.00/),
      tile: '128x128',
    });
    expect(tunedLayout(bound.gpu, { n: 6400, d: 16, m: 16 }, { tuning }).reason).not.toMatch(/tuned/);
    expect(tunedLayout(bound.gpu, { n: 64, d: 16, m: 16 }, { tuning, matmul: 'tiled' }).reason).toBe('forced');
  });
});
