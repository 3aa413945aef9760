// Many runs in one process: two at a time on one device, cancelled and disposed at any moment.

import { expect, test } from 'vitest';
import { createEngine, DeviceLostError, DisposedError, Engine, GpuOutOfMemoryError, runExperiment } from '../../src';
import { createEngine as createNodeEngine } from '../../src/node';
import { expectSameBits, testEngine, useEngine } from '../helpers';
import { numbersOf, smallConfig } from './helpers';

const bound = useEngine();

const config = (changes: Record<string, unknown> = {}) =>
  smallConfig({ save: ['networks', 'perturbations', 'outputs'], ...changes });

test('two runs on one device give the bits of each alone', async () => {
  const configs = [config(), config({ trainer: 'direct', loss: 'logistic', seed: 5 })];
  const alone = [];
  for (const each of configs) alone.push(numbersOf(await runExperiment(bound.engine, each)));
  const together = await Promise.all(configs.map((each) => runExperiment(bound.engine, each)));
  for (const [at, result] of together.entries()) {
    for (const [name, values] of Object.entries(numbersOf(result))) expectSameBits(name, values, alone[at]![name]!);
  }
  expect(bound.gpu.liveArrays).toBe(0);
});

test('two engines on one device, one disposed while the other runs', async () => {
  const other = await createEngine({ device: bound.gpu.device });
  const [first, second] = await Promise.allSettled([
    runExperiment(bound.engine, config()),
    (async () => {
      const running = runExperiment(other, config());
      setTimeout(() => other.dispose(), 30);
      return running;
    })(),
  ]);
  expect(first.status).toBe('fulfilled');
  if (second.status === 'rejected') expect(second.reason).toBeInstanceOf(DisposedError);
  expect([other.gpu.currentBytes, other.gpu.liveArrays]).toEqual([0, 0]);
});

/** Runs to the end once to know how long it takes, then breaks off at moments spread over that. */
async function atMoments(count: number, act: (engine: Engine, delay: number) => Promise<void>): Promise<void> {
  const began = performance.now();
  await runExperiment(bound.engine, config());
  const took = performance.now() - began;
  for (let k = 0; k < count; k++) await act(bound.engine, (took * k) / count);
}

test('cancelled at any moment: the reason comes back and nothing is left', async () => {
  await atMoments(10, async (engine, delay) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), delay);
    const error = await runExperiment(engine, config({ theory: { cosine: true } }), { signal: controller.signal }).then(
      () => reason,
      (thrown: unknown) => thrown,
    );
    expect(error).toBe(reason);
    expect(engine.gpu.liveArrays).toBe(0);
  });
});

test('disposed while running: a clean error, and no memory', async () => {
  await atMoments(4, async (_, delay) => {
    const mine = await testEngine();
    setTimeout(() => mine.dispose(), delay);
    const error = await runExperiment(mine, config({ standard: { lr: 0.5, epochs: 3000 } })).catch(
      (thrown: unknown) => thrown,
    );
    mine.dispose();
    if (error instanceof Error) expect([DisposedError.name, DeviceLostError.name]).toContain(error.name);
    expect([mine.gpu.currentBytes, mine.gpu.liveArrays]).toEqual([0, 0]);
  });
});

test('an engine of Node on a device that is given', async () => {
  const engine = await createNodeEngine({ device: bound.gpu.device });
  await runExperiment(engine, config());
  engine.dispose();
  expect(engine.gpu.currentBytes).toBe(0);
});

test('a run that cannot fit is refused before anything is allocated, with both sizes', async () => {
  const engine = new Engine(bound.gpu, { availableMemory: () => 2 ** 20 });
  const before = bound.gpu.peakBytes;
  const big = smallConfig({ data: { kind: 'gauss', n: 100_000, d: 700 } });
  const error = await runExperiment(engine, big).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GpuOutOfMemoryError);
  expect((error as Error).message).toMatch(/^the run needs about [\d.]+ MiB of device memory; 1\.0 MiB are free\.$/);
  expect(bound.gpu.peakBytes).toBe(before);
  await expect(
    runExperiment(new Engine(bound.gpu, { availableMemory: () => 2 ** 30 }), config()),
  ).resolves.toBeDefined();
});
