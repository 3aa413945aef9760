// Runs across messages: what is asked of the page is waited for, what the caller gave stays whole, a line can be left.

import { expect, test } from 'vitest';
import { runExperiment } from '../../src';
import { InputError } from '../../src/data/input-error';
import { encodeNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import type { Snapshot } from '../../src/experiment/snapshot';
import * as errors from '../../src/gpu/errors';
import { HalfRangeError } from '../../src/network/half-range';
import { predict } from '../../src/network/predict';
import { fromWire, toWire } from '../../src/worker/wire-error';
import { expectSameBits, useEngine } from '../helpers';
import { smallConfig } from '../pipeline/helpers';
import { engineBehindMessages } from './helpers';

const bound = useEngine();
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const config = smallConfig({ trainer: 'direct' });
const brief = { standard: { epochs: 3 }, learning: { epochs: 3 } };

test('bytes that a reader gives stay whole, a part of a larger buffer among them', async () => {
  using engine = await engineBehindMessages(bound.engine);
  const X = encodeNpy([4, 2], Float32Array.of(1, 2, 2, 1, -1, -2, -2, -1));
  const y = encodeNpy([4], Float32Array.of(1, 1, -1, -1));
  const archive = new Uint8Array(X.length + y.length);
  archive.set(X);
  archive.set(y, X.length);
  const files: Record<string, Uint8Array> = { X: archive.subarray(0, X.length), y: archive.subarray(X.length) };
  const own = parseConfig({ data: { kind: 'npy', x: 'X', y: 'y' }, network: { width: 5 }, ...brief });
  const readFile = async (path: string) => files[path]!;
  const first = await engine.runExperiment(own, { readFile });
  expect(archive).toEqual(Uint8Array.from([...X, ...y]));
  expect((await engine.runExperiment(own, { readFile })).metrics).toEqual(first.metrics);
});

test('a network and points that are asked about stay whole', async () => {
  using engine = await engineBehindMessages(bound.engine);
  const network = { W: Float32Array.of(1, 2, 3, 4), b: Float32Array.of(1, -1), a: Float32Array.of(1, 1), slope: 0 };
  const X = Float32Array.of(1, 1, -1, 0.5);
  const outputs = await predict(bound.gpu, network, X);
  for (let again = 0; again < 2; again++) expectSameBits('outputs', await engine.predict(network, X), outputs);
});

test('snapshots do not pile up: the run waits for each, and fails with one that fails', async () => {
  using engine = await engineBehindMessages(bound.engine);
  let open = 0;
  const seen: Snapshot['kind'][] = [];
  const onSnapshot = async ({ kind }: Snapshot) => {
    seen.push(kind);
    expect(++open).toBe(1);
    await sleep(20);
    open--;
  };
  const alone = await runExperiment(bound.engine, config);
  const { metrics } = await engine.runExperiment(config, { watch: { snapshots: 4, onSnapshot } });
  expect(metrics).toEqual(alone.metrics);
  expect(seen).toEqual([...Array(4).fill('training'), 'gallery', ...Array(4).fill('training')]);
  const fails = () => Promise.reject(new RangeError('the canvas is gone'));
  const failed = engine.runExperiment(config, { watch: { onSnapshot: fails } });
  await expect(failed).rejects.toThrow(new RangeError('the canvas is gone'));
  expect(bound.gpu.liveArrays).toBe(0);
});

test('a run that waits in the line is cancelled at once, and those behind it keep their place', async () => {
  using engine = await engineBehindMessages(bound.engine);
  const ended: string[] = [];
  const controller = new AbortController();
  const note = (name: string) => () => void ended.push(name);
  // Held at its first report, so that it cannot end before it is let go.
  let held = false;
  const onProgress = () => {
    if (!held) engine.pause();
    held = true;
  };
  const first = engine.runExperiment(config, { onProgress }).then(note('first'));
  const second = engine.runExperiment(config, { signal: controller.signal });
  const third = engine.runExperiment(config).then(note('third'));
  while (!held) await sleep(5);
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  await sleep(50);
  expect(ended).toEqual([]);
  engine.resume();
  await Promise.all([first, third]);
  expect(ended).toEqual(['first', 'third']);
});

test('a prediction waits while the engine is paused, and is answered while a run goes on', async () => {
  using engine = await engineBehindMessages(bound.engine);
  const network = { W: Float32Array.of(1, 2), b: Float32Array.of(1), a: Float32Array.of(1), slope: 0 };
  let answered = false;
  let asked: Promise<unknown> | undefined;
  const onProgress = ({ stage }: { stage: string }) => {
    if (stage !== 'learning' || asked) return;
    engine.pause();
    asked = engine.predict(network, Float32Array.of(1, 1)).then((outputs) => {
      answered = true;
      return outputs;
    });
  };
  let over = false;
  const run = engine
    .runExperiment(smallConfig({ trainer: 'direct', learning: { epochs: 1000 } }), { onProgress })
    .finally(() => {
      over = true;
    });
  while (!asked) await sleep(5);
  await sleep(100);
  expect(answered).toBe(false);
  engine.resume();
  expect(await asked).toEqual(Float32Array.of(4));
  expect(over).toBe(false);
  await run;
});

test('every error class of the package comes through as itself', () => {
  const made = [
    new errors.DeviceLostError('reset'),
    new errors.DisposedError('It'),
    new errors.GpuOutOfMemoryError('too much', 'X', 7),
    new errors.GpuUnavailableError('none', 'r'),
    new errors.GpuValidationError('refused', 'forward'),
    HalfRangeError.tooLarge('samples', 2),
    new InputError('bad', { file: 'X.npy', offset: 3, remedy: 'r' }),
  ];
  const classes = Object.entries(errors).filter(([name]) => name !== 'GpuError');
  for (const [name] of classes) expect(made.map((error) => error.name)).toContain(name);
  for (const error of made) {
    const back = fromWire(structuredClone(toWire(error)));
    expect(back).toBeInstanceOf(error.constructor);
    expect({ ...back, message: back.message, name: back.name }).toEqual(
      // What it does not say is absent, not undefined.
      JSON.parse(JSON.stringify({ ...error, message: error.message, name: error.name })),
    );
  }
});
