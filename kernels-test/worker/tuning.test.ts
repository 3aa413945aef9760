// Tunings that a page keeps, and an engine in a worker that asks for the one of its adapter.

import { expect, test } from 'vitest';
import { tuningKey } from '../../src/bench/tuned-engine';
import { saveTuning } from '../../src/bench/tuning';
import { runExperiment } from '../../src/experiment/run';
import { shapeClass, type TunedChoice } from '../../src/kernels/tuning';
import { useEngine, variants } from '../helpers';
import { smallConfig } from '../pipeline/helpers';
import { engineBehindMessages } from './helpers';

const bound = useEngine();
const config = smallConfig({ data: { kind: 'shifted-gauss', n: 64, d: 16, shift: 0.3 }, network: { width: 16 } });
const SHAPE = { n: 64, d: 16, m: 16 };
const date = '2026-11-22T00:00:00Z';

/** A page's storage, with a tuning under a key for the adapter of these tests. */
async function storageWith(key: string) {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (item: string) => kept.get(item) ?? null,
    setItem: (item: string, value: string) => void kept.set(item, value),
  };
  // Not what runs by default.
  const choice: TunedChoice = { variant: variants(bound.gpu).at(-1)!, speedup: 2, measuredAt: '64/16/16', date };
  const tuning = { schemaVersion: 1, key, date, choices: { [shapeClass(SHAPE)]: choice } } as const;
  const rows = [{ shape: SHAPE }];
  await saveTuning(storage, { tuning, report: { adapter: bound.engine.adapter, rows } as never });
  return { storage, tuning, kept };
}

test('what is kept for its adapter is taken, told and written into results; without a storage nothing is', async () => {
  const key = await tuningKey(bound.gpu);
  const { storage, tuning } = await storageWith(key);
  using engine = await engineBehindMessages(bound.engine, { tunings: storage });
  expect([engine.tuningKey, engine.tuning]).toEqual([key, { tuning }]);
  const { variant } = tuning.choices[shapeClass(SHAPE)]!;
  expect(engine.identity.versions.tuning).toBe(`${shapeClass(SHAPE)} ${variant}`);
  const { trainer, versions } = await engine.runExperiment(config);
  expect(trainer.kernels).toMatchObject({
    matmul: tuning.choices[shapeClass(SHAPE)]!.variant,
    reason: `tuned on 2026-11-22 (${key.slice(0, 8)}): 2.00 times the default's speed at 64/16/16`,
  });
  expect(versions.tuning).toBe(engine.identity.versions.tuning);
  using plain = await engineBehindMessages(bound.engine);
  expect([plain.tuning, plain.identity.versions]).toEqual([{}, bound.engine.settings.versions]);
  const alone = await runExperiment(bound.engine, config);
  expect((await plain.runExperiment(config)).trainer.kernels).toEqual(alone.trainer.kernels);
});

test('what was kept under another key, is damaged or cannot be read is refused, and results say why', async () => {
  const other = await storageWith('f'.repeat(32));
  const damaged = await storageWith(await tuningKey(bound.gpu));
  for (const item of damaged.kept.keys()) damaged.kept.set(item, '{"half');
  const denied = { getItem: () => Promise.reject(new Error('Access is denied')) };
  for (const [tunings, why] of [
    [other.storage, /its key is f{8} and not/],
    [damaged.storage, /it is no JSON/],
    [denied, /it cannot be read: Access is denied/],
  ] as const) {
    using engine = await engineBehindMessages(bound.engine, { tunings });
    expect(engine.tuning).toEqual({ refused: expect.stringMatching(why) });
    const { trainer, versions } = await engine.runExperiment(config);
    expect(trainer.kernels.reason).toContain(`the tuning kept for this adapter is not used: ${engine.tuning.refused}`);
    expect(versions.tuning).toBeUndefined();
  }
});
