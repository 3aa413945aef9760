// What is compiled before the clock of a stage starts: what its trainers need, and no more.

import { expect, onTestFinished, test, vi } from 'vitest';
import { warmUp } from '../../src/experiment/warm-up';
import { GpuOutOfMemoryError } from '../../src/gpu/errors';
import { matmulLayout, matmulVariant } from '../../src/kernels/variant';
import { testEngine } from '../helpers';
import { needsGram, smallConfig } from './helpers';

/** Kernels, with their constants, that runs over samples of these sizes ask for on an engine of their own. */
async function compiled(trainer: 'direct' | 'gram', sizes: readonly { n: number; d: number; live?: boolean }[]) {
  const engine = await testEngine();
  onTestFinished(() => engine.dispose());
  const kernel = vi.spyOn(engine.gpu, 'kernel');
  const asked = [];
  for (const { live = false, ...size } of sizes) {
    const config = { ...smallConfig({}), trainer } as const;
    kernel.mockClear();
    await warmUp(engine, config, matmulLayout(engine.gpu, config.network.width), {
      ...size,
      background: async () => (live ? new Float32Array(size.d) : undefined),
    });
    asked.push(kernel.mock.calls.map(([{ name }, constants]) => ({ name, ...constants }) as Record<string, unknown>));
  }
  return { gpu: engine.gpu, asked };
}

test('the kernels of the trainer that will run alone, once for a kind of run', async ({ skip }) => {
  const size = { n: 64, d: 8 };
  const { gpu, asked } = await compiled('direct', [size, size]);
  const direct = asked[0]!.map(({ name }) => name);
  expect(direct).toEqual(expect.arrayContaining(['plateau', 'momentum_update', 'margin_summary', 'input_gradient']));
  expect(direct.join()).not.toContain('gram_');
  expect(asked[1]).toEqual([]);
  needsGram(gpu, skip);
  const gram = (await compiled('gram', [size])).asked[0]!.map(({ name }) => name);
  expect(gram.join()).toContain('gram_identity');
  expect(gram).toContain('margin_summary');
  expect(gram).not.toContain('plateau');
});

test('the product of K as it will run: another number of inputs is another kind of run', async ({ skip }) => {
  const { gpu, asked } = await compiled('gram', [
    { n: 4096, d: 8 },
    { n: 4096, d: 512 },
  ]);
  needsGram(gpu, skip);
  const { variant } = matmulVariant(gpu);
  if (variant !== 'subgroup') skip('matmul_tiled is not cut by the size of K');
  const heights = asked.map((calls) => calls.filter(({ name }) => name === 'matmul_subgroup').map(({ R }) => R));
  expect(heights[0]).not.toContain(32);
  expect(heights[1]).toContain(32);
});

test('the product of K as it leaves out a background, where there is one', async ({ skip }) => {
  const size = { n: 4096, d: 512 };
  const { gpu, asked } = await compiled('gram', [size, { ...size, live: true }]);
  needsGram(gpu, skip);
  const { variant } = matmulVariant(gpu);
  if (variant !== 'subgroup') skip('matmul_tiled leaves nothing out');
  // Known without a background, it is another kind of run with one.
  const [plain, live] = asked as [(typeof asked)[0], (typeof asked)[0]];
  expect(live.map(({ name }) => name)).toEqual(expect.arrayContaining(['background_dot', 'pack_live_subgroup']));
  const products = live.filter(({ name, R }) => name === 'matmul_subgroup' && R === 32);
  expect(products.map(({ LIVE }) => LIVE)).toEqual([1, 0]);
  expect(plain.map(({ name }) => name)).not.toContain('pack_live_subgroup');
});

/** A warm-up of both ends of Gram training. */
async function warming() {
  const engine = await testEngine();
  onTestFinished(() => engine.dispose());
  const { gpu } = engine;
  const config = { ...smallConfig({}), trainer: 'gram' } as const;
  const layout = matmulLayout(gpu, config.network.width);
  // Another number of samples each time: what has been compiled for one is not compiled again.
  const warm = (n: number) => warmUp(engine, config, layout, { n, d: 8, background: async () => undefined });
  return { gpu, warm, held: gpu.liveArrays };
}

test('any kernel that fails ends the warm-up with its error, after the others and with nothing left on the device', async ({
  skip,
}) => {
  const { gpu, warm, held } = await warming();
  needsGram(gpu, skip);
  const compile = gpu.kernel.bind(gpu);
  const asked: string[] = [];
  let failing: string | undefined;
  vi.spyOn(gpu, 'kernel').mockImplementation((shader, constants) => {
    const key = shader.name + JSON.stringify(constants ?? {});
    asked.push(key);
    return key === failing ? Promise.reject(new Error(`no ${key}`)) : compile(shader, constants);
  });
  await warm(64);
  const keys = [...new Set(asked)];
  expect(keys.length).toBeGreaterThan(12);
  for (const [at, key] of keys.entries()) {
    failing = key;
    await expect(warm(65 + at), key).rejects.toThrow(`no ${key}`);
    expect(gpu.liveArrays, key).toBe(held);
    const then = asked.length;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked.length, key).toBe(then);
    // Not taken for done: the same again compiles what is missing.
    failing = undefined;
    await warm(65 + at);
    expect(gpu.liveArrays, key).toBe(held);
  }
});

test('out of memory is told as that, whichever part of the warm-up was the one to run out', async ({ skip }) => {
  const { gpu, warm, held } = await warming();
  needsGram(gpu, skip);
  const { device } = gpu;
  const create = device.createBuffer.bind(device);
  const pop = device.popErrorScope.bind(device);
  let made = 0;
  let refused = -1;
  let refusing = false;
  let label: string | undefined;
  // As a device out of memory answers: an invalid buffer, and what its scope says.
  vi.spyOn(device, 'createBuffer').mockImplementation((descriptor) => {
    if (descriptor.label === 'readback' || made++ !== refused) return create(descriptor);
    refusing = true;
    label = descriptor.label;
    device.pushErrorScope('validation');
    const invalid = create({ ...descriptor, usage: 0x80 | 0x01 });
    void pop();
    return invalid;
  });
  vi.spyOn(device, 'popErrorScope').mockImplementation(async () => {
    const mine = refusing;
    refusing = false;
    const told = await pop();
    return mine ? ({ message: 'no memory' } as GPUError) : told;
  });
  await warm(64);
  const all = made;
  expect(all).toBeGreaterThan(30);
  for (let at = 0; at < all; at++) {
    made = 0;
    refused = at;
    const error = await warm(65 + at).catch((reason: unknown) => reason);
    if (made <= at) continue;
    expect(error, label).toBeInstanceOf(GpuOutOfMemoryError);
    expect(gpu.liveArrays, label).toBe(held);
  }
});
