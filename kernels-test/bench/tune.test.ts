// Choosing variants by measurement: what is reported, what is kept, and that a run takes what was kept and says so.

import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { tune } from '../../src/bench/tune';
import { tuningFiles } from '../../src/cli/tuning-files';
import { Engine } from '../../src/engine';
import { runExperiment } from '../../src/experiment/run';
import { loadTuning, saveTuning, shapeClass, type Tuning, tunedLayout, tuningKey } from '../../src/kernels/tuning';
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

  test('another default loses its place to what is clearly faster, and the choice is carried over', async ({
    skip,
  }) => {
    if (!variants(bound.gpu).includes('subgroup')) skip('one variant is all there is');
    // On a CPU adapter the subgroup kernels are several times as fast.
    const slow = new Engine(bound.gpu, { matmul: 'tiled' });
    const { tuning, kernels } = await tune(slow, { ...FAST, shapes: [{ n: 300, d: 64, m: 64 }] });
    const choice = tuning.choices[shapeClass({ n: 300, d: 64, m: 64 })];
    expect(choice).toMatchObject({ variant: 'subgroup', measuredAt: '300/64/64' });
    expect(choice!.speedup).toBeGreaterThan(1.05);
    expect(kernels.find(({ variant }) => variant === 'tiled')).toMatchObject({ status: 'slower' });
    expect(tunedLayout(bound.gpu, { n: 280, d: 70, m: 60 }, { tuning }).reason).toMatch(/tuned on/);
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
  const choices = {
    [shapeClass({ n: 64, d: 16, m: 16 })]: { variant: 'tiled', speedup: 2, measuredAt: '64/16/16' },
  } as const;
  const tuning: Tuning = { schemaVersion: 1, key: 'abc', date: '2026-11-22T00:00:00Z', choices };

  test('is kept in files and found under its key alone', async () => {
    const files = tuningFiles({ XDG_CACHE_HOME: await temporary() });
    expect(await loadTuning(files, 'abc')).toBeUndefined();
    await saveTuning(files, tuning);
    expect(await loadTuning(files, 'abc')).toEqual(tuning);
    expect(await loadTuning(files, 'abd')).toBeUndefined();
    expect(await readdir(files.folder)).toEqual(['perturb-gpu-tuning-abc.json']);
    await files.setItem('perturb-gpu-tuning-abc', '{"half');
    expect(await loadTuning(files, 'abc')).toBeUndefined();
  });

  test('is what a run of its shape takes, and its result says so; other shapes and forced variants do not', async () => {
    const config = smallConfig({ data: { kind: 'shifted-gauss', n: 64, d: 16, shift: 0.3 }, network: { width: 16 } });
    const engine = new Engine(bound.gpu, { tuning });
    const { trainer } = await runExperiment(engine, config);
    expect(trainer.kernels).toMatchObject({
      matmul: 'tiled',
      reason: expect.stringMatching(/tuned on 2026-11-22 \(abc\): 2.00/),
    });
    expect(tunedLayout(bound.gpu, { n: 6400, d: 16, m: 16 }, { tuning }).reason).not.toMatch(/tuned/);
    expect(tunedLayout(bound.gpu, { n: 64, d: 16, m: 16 }, { tuning, matmul: 'tiled' }).reason).toBe('forced');
  });
});
