// Checkpoints across messages: what the page keeps goes on, to the bits of the run that was never interrupted.

import { expect, test } from 'vitest';
import { type Checkpoint, DeviceLostError, runExperiment } from '../../src';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/experiment/files';
import { testEngine, useEngine } from '../helpers';
import { expectSameResult, smallConfig } from '../pipeline/helpers';
import { engineBehindMessages } from './helpers';

const bound = useEngine();

const stage = { lr: 0.5, epochs: 90 };
const config = smallConfig({ standard: stage, learning: stage, save: ['networks', 'perturbations', 'outputs'] });

const lengths = ({ arrays }: Checkpoint) => Object.values(arrays).map(({ length }) => length);

test('each continues to the same bits, and the run that left them is whole', async () => {
  const whole = await runExperiment(bound.engine, config);
  using engine = await engineBehindMessages(bound.engine);
  const all: Checkpoint[] = [];
  const keep = (checkpoint: Checkpoint) => void all.push(checkpoint);
  expectSameResult(await engine.runExperiment(config, { checkpoint: { keeper: { seconds: 0, keep } } }), whole);
  expect(new Set(all.map(({ stage: where }) => where))).toEqual(new Set(['standard', 'learning']));
  for (const from of [all[1]!, all.at(-2)!]) {
    const before = lengths(from);
    expectSameResult(await engine.runExperiment(config, { checkpoint: { from } }), whole);
    // It was copied: it can be used again.
    expect(lengths(from)).toEqual(before);
  }
});

test('one that was stored as bytes continues, too', async () => {
  const whole = await runExperiment(bound.engine, config);
  using engine = await engineBehindMessages(bound.engine);
  const all: Checkpoint[] = [];
  const keep = (checkpoint: Checkpoint) => void all.push(checkpoint);
  await engine.runExperiment(config, { checkpoint: { keeper: { seconds: 0, keep } } });
  const run = { ...engine.identity, config, baseDir: '', inputs: {}, checkpoint: all.at(-2)! };
  const { document, state } = await encodeCheckpoint(run);
  const kept = await decodeCheckpoint(document, async (name) => {
    expect(name).toBe(state.name);
    return state.bytes;
  });
  expect(kept).toEqual(run);
  expect(kept.versions['perturb-gpu']).toBe('source');
  const result = await engine.runExperiment(kept.config, { checkpoint: { from: kept.checkpoint } });
  expectSameResult(result, whole);
});

test('come when it is time, and when f is trained', async () => {
  using engine = await engineBehindMessages(bound.engine);
  const kept: [string, number][] = [];
  const keeper = { keep: ({ stage: where, epoch }: Checkpoint) => void kept.push([where, epoch]) };
  await engine.runExperiment(config, { checkpoint: { keeper } });
  expect(kept).toEqual([['learning', 0]]);
});

test('the run waits for a keeper that is slow, and fails with one that fails', async () => {
  using engine = await engineBehindMessages(bound.engine);
  let open = 0;
  let kept = 0;
  const slow = async () => {
    expect(++open).toBe(1);
    kept++;
    await new Promise((resolve) => setTimeout(resolve, 30));
    open--;
  };
  const onProgress = () => expect(open).toBe(0);
  await engine.runExperiment(config, { onProgress, checkpoint: { keeper: { seconds: 0, keep: slow } } });
  expect(kept).toBeGreaterThan(3);
  const full = () => Promise.reject(new RangeError('the disk is full'));
  await expect(engine.runExperiment(config, { checkpoint: { keeper: { keep: full } } })).rejects.toThrow(
    new RangeError('the disk is full'),
  );
});

test('a run whose keeper never answers is cancelled all the same', async () => {
  using engine = await engineBehindMessages(bound.engine);
  const controller = new AbortController();
  const keep = () => {
    setTimeout(() => controller.abort(new Error('enough')), 10);
    return new Promise<void>(() => {});
  };
  const run = engine.runExperiment(config, { signal: controller.signal, checkpoint: { keeper: { keep } } });
  await expect(run).rejects.toThrow('enough');
  await expect.poll(() => bound.gpu.liveArrays).toBe(0);
});

test('when the device is lost, the error says where the run goes on', async () => {
  const whole = await runExperiment(bound.engine, config);
  const mine = await testEngine();
  const lost = await engineBehindMessages(mine);
  let latest: Checkpoint | undefined;
  const keep = (checkpoint: Checkpoint) => {
    latest = checkpoint;
    if (checkpoint.stage === 'learning' && checkpoint.epoch > 0) mine.gpu.device.destroy();
  };
  const error = await lost.runExperiment(config, { checkpoint: { keeper: { seconds: 0, keep } } }).catch((e) => e);
  expect(error).toBeInstanceOf(DeviceLostError);
  expect(error.resumeFrom).toEqual({ stage: 'learning', epoch: latest!.epoch });
  expect(error.remedy).toContain(`epoch ${latest!.epoch} of the training of g`);
  expect((await lost.lost) as { resumeFrom?: unknown }).not.toHaveProperty('resumeFrom');
  mine.dispose();
  using engine = await engineBehindMessages(bound.engine);
  const result = await engine.runExperiment(config, { checkpoint: { from: latest! } });
  expectSameResult(result, whole);
});

test('without a checkpoint, a lost device says nothing of going on', async () => {
  const mine = await testEngine();
  const lost = await engineBehindMessages(mine);
  const onProgress = ({ stage: where }: { stage: string }) => {
    if (where === 'learning') mine.gpu.device.destroy();
  };
  const error = await lost.runExperiment(config, { onProgress }).catch((e) => e);
  expect([error.name, error.resumeFrom]).toEqual(['DeviceLostError', undefined]);
  mine.dispose();
});
