// Kernels and their cache, the end of arrays, engines and devices, and small parts.

import { describe, expect, test, vi } from 'vitest';
import { create } from 'webgpu';
import type { GpuArray } from '../../src/gpu/array';
import { DeviceLostError, DisposedError } from '../../src/gpu/errors';
import { formatBytes } from '../../src/gpu/format';
import { Gpu } from '../../src/gpu/gpu';
import { packParams } from '../../src/gpu/shader';
import * as shaders from '../../src/kernels/generated';
import { fold, grid1d } from '../../src/kernels/step';
import { matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { createEngine } from '../../src/node';
import { testEngine, thrown, useEngine } from '../helpers';

const bound = useEngine();

describe('compilation', () => {
  test('requests while it compiles join it; later ones are answered from the cache', async () => {
    const gpu = new Gpu(bound.gpu.device, { adapter: bound.gpu.adapter, ownsDevice: false });
    const compile = vi.spyOn(gpu.device, 'createComputePipelineAsync');
    try {
      const kernels = await Promise.all([1, 2, 3].map(() => gpu.kernel(shaders.transpose)));
      expect(new Set(kernels).size).toBe(1);
      expect(await gpu.kernel(shaders.transpose)).toBe(kernels[0]);
      expect(compile).toHaveBeenCalledTimes(1);
      // Other constants are another pipeline, whatever the order they are named in.
      const bits = await gpu.kernel(shaders.philoxFill, { KIND: 3 });
      expect(await gpu.kernel(shaders.philoxFill, { KIND: 2 })).not.toBe(bits);
      expect(compile).toHaveBeenCalledTimes(3);
    } finally {
      compile.mockRestore();
      gpu.dispose();
    }
  });
  test('a kernel knows the constants it was compiled with', async () => {
    const kernel = await bound.gpu.kernel(shaders.inputGradient, { S: 16 });
    expect(kernel.constant('S')).toBe(16);
    expect(kernel.workgroupSize).toEqual([16]);
    expect((await bound.gpu.kernel(shaders.mirrorWithin)).workgroupSize).toEqual([8, 8]);
  });
  test('bind groups are made once for the same arrays and parameters', async () => {
    const gpu = new Gpu(bound.gpu.device, { adapter: bound.gpu.adapter, ownsDevice: false });
    const make = vi.spyOn(gpu.device, 'createBindGroup');
    try {
      const kernel = await gpu.kernel(shaders.add);
      const [a, b, c] = ['a', 'b', 'c'].map((label) => gpu.array(label, 4)) as [GpuArray, GpuArray, GpuArray];
      const batch = gpu.batch('cached');
      for (let i = 0; i < 5; i++) batch.dispatch(kernel, { a, b }, { count: 4, scale: 1 }, [1]);
      expect(make).toHaveBeenCalledTimes(1);
      batch.dispatch(kernel, { a, b }, { count: 3, scale: 1 }, [1]);
      batch.dispatch(kernel, { a: c, b }, { count: 3, scale: 1 }, [1]);
      batch.dispatch(kernel, { a: b, b: a }, { count: 3, scale: 1 }, [1]);
      expect(make).toHaveBeenCalledTimes(4);
      await batch.submit();
    } finally {
      make.mockRestore();
      gpu.dispose();
    }
  });
});

describe('after the end', () => {
  test('a disposed array', async () => {
    const array = bound.gpu.array('gone', 4);
    const other = bound.gpu.array('other', 4);
    array.dispose();
    const kernel = await bound.gpu.kernel(shaders.add);
    expect(() => array.buffer).toThrow(DisposedError);
    expect(() => array.write(new Float32Array(1))).toThrow(DisposedError);
    await expect(array.read()).rejects.toThrow(/"gone" was used after it was disposed/);
    const dispatch = () =>
      bound.gpu.batch('late').dispatch(kernel, { a: array, b: other }, { count: 4, scale: 1 }, [1]);
    expect(dispatch).toThrow(DisposedError);
    other.dispose();
  });
  test('a disposed array whose bind group is still known', async () => {
    const a = bound.gpu.array('gone', 4);
    const b = bound.gpu.array('other', 4);
    await bound.engine.kernels.add({ a, b, count: 4 });
    a.dispose();
    await expect(bound.engine.kernels.add({ a, b, count: 4 })).rejects.toThrow(DisposedError);
    b.dispose();
  });
  test('a disposed engine', async () => {
    const engine = await testEngine();
    const array = engine.gpu.array('a', 4);
    engine.dispose();
    expect(() => engine.gpu.array('b', 4)).toThrow(DisposedError);
    expect(() => engine.gpu.batch('b')).toThrow(DisposedError);
    expect(() => engine.gpu.kernel(shaders.add)).toThrow(DisposedError);
    await expect(array.read()).rejects.toThrow(DisposedError);
    await expect(engine.kernels.add({ a: array, b: array, count: 1 })).rejects.toThrow(DisposedError);
  });
  test('`await using` disposes the engine', async () => {
    let gpu: Gpu;
    {
      await using engine = await testEngine();
      gpu = engine.gpu;
    }
    expect(() => gpu.array('a', 1)).toThrow(DisposedError);
  });
});

describe('a device that someone else made', () => {
  // Dawn crashes when an instance is collected under a live device: kept for the whole file.
  const instances: GPU[] = [];
  async function device(): Promise<GPUDevice> {
    const instance = create([`adapter=${bound.gpu.adapter.name}`]);
    instances.push(instance);
    return (await instance.requestAdapter())!.requestDevice();
  }
  test('outlives the engine', async () => {
    const owned = await device();
    const engine = await createEngine({ device: owned });
    using a = engine.gpu.upload('a', Float32Array.of(1, 2));
    using b = engine.gpu.upload('b', Float32Array.of(3, 4));
    await engine.kernels.add({ a, b, count: 2 });
    expect(await b.read()).toEqual(Float32Array.of(4, 6));
    let lost = false;
    void owned.lost.then(() => {
      lost = true;
    });
    engine.dispose();
    owned.queue.submit([]);
    await owned.queue.onSubmittedWorkDone();
    expect(lost).toBe(false);
    // Another engine can take it over.
    const next = await createEngine({ device: owned });
    using c = next.gpu.upload('c', Float32Array.of(5));
    expect(await c.read()).toEqual(Float32Array.of(5));
    next.dispose();
    owned.destroy();
  });
  test('destroyed by its owner: the next call says so', async () => {
    const owned = await device();
    const engine = await createEngine({ device: owned });
    const a = engine.gpu.upload('a', Float32Array.of(1));
    owned.destroy();
    await expect(a.read()).rejects.toThrow(DeviceLostError);
    expect(() => engine.gpu.array('b', 1)).toThrow(DeviceLostError);
    expect(() => engine.gpu.batch('b')).toThrow(DeviceLostError);
    expect(() => engine.gpu.kernel(shaders.add)).toThrow(DeviceLostError);
    await expect(engine.gpu.finish()).rejects.toThrow(DeviceLostError);
    engine.dispose();
    expect(engine.gpu.currentBytes).toBe(0);
  });
  test('destroyed while a kernel compiles and while a batch runs', async () => {
    const owned = await device();
    const engine = await createEngine({ device: owned });
    using a = engine.gpu.upload('a', new Float32Array(1000));
    using b = engine.gpu.upload('b', new Float32Array(1000));
    await engine.kernels.add({ a, b, count: 1000 });
    const running = thrown(() => engine.kernels.add({ a, b, count: 999 }));
    const compiling = thrown(() => engine.gpu.kernel(shaders.transpose));
    owned.destroy();
    expect(await running).toBeInstanceOf(DeviceLostError);
    expect(await compiling).toBeInstanceOf(DeviceLostError);
    engine.dispose();
  });
});

describe('timing', () => {
  test('a timed batch takes more than no time on the device', async ({ skip }) => {
    if (!bound.gpu.features.has('timestamp-query')) skip('the adapter has no timestamp-query');
    using a = bound.gpu.array('a', 2 ** 20);
    using b = bound.gpu.array('b', 2 ** 20);
    const kernel = await bound.gpu.kernel(shaders.add);
    const batch = bound.gpu.batch('timed');
    expect(batch.timed()).toBe(true);
    for (let i = 0; i < 20; i++)
      batch.dispatch(kernel, { a, b }, { count: 2 ** 20, scale: 1 }, grid1d(bound.gpu, 2 ** 20));
    const began = performance.now();
    const seconds = await batch.submitTimed();
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual((performance.now() - began) / 1000 + 0.01);
  });
  test('submitTimed without timed', async () => {
    await expect(bound.gpu.batch('untimed').submitTimed()).rejects.toThrow(/timed\(\)/);
  });
});

describe('small parts', () => {
  test('fold keeps every workgroup within the limit and loses none', () => {
    const most = bound.gpu.limits.maxComputeWorkgroupsPerDimension;
    for (const groups of [1, most - 1, most, most + 1, 2 * most, 2 * most + 1, 1000 * most + 17]) {
      const [x, y = 1] = fold(bound.gpu, groups);
      expect(Math.max(x, y)).toBeLessThanOrEqual(most);
      expect(x * y).toBeGreaterThanOrEqual(groups);
      expect(x * y - groups).toBeLessThan(y);
    }
    expect(grid1d(bound.gpu, 64)).toEqual([1]);
    expect(grid1d(bound.gpu, 65)).toEqual([2]);
  });
  test('a folded grid reaches every element', async () => {
    const limits = { maxComputeWorkgroupsPerDimension: 7 } as GPUSupportedLimits;
    const gpu = Object.create(bound.gpu, { limits: { value: limits } }) as Gpu;
    const count = 64 * 7 * 3 + 5;
    const [x, y] = grid1d(gpu, count);
    expect(y).toBeGreaterThan(1);
    using a = bound.gpu.upload('a', new Float32Array(count).fill(1));
    using b = bound.gpu.array('b', count + 64);
    const kernel = await bound.gpu.kernel(shaders.add);
    await bound.gpu.batch('folded').dispatch(kernel, { a, b }, { count, scale: 1 }, [x, y!]).submit();
    const sums = await b.read();
    expect(sums.subarray(0, count).every((value) => value === 1)).toBe(true);
    expect(sums.subarray(count).every((value) => value === 0)).toBe(true);
  });
  test('parameters are packed where the shader expects them', () => {
    const params = {
      binding: 0,
      size: 16,
      fields: { u: { offset: 0, type: 'u32' }, f: { offset: 4, type: 'f32' }, i: { offset: 8, type: 'i32' } },
    } as const;
    const view = new DataView(packParams(params, { u: 2 ** 32 - 1, f: 0.5, i: -7 }));
    expect([view.getUint32(0, true), view.getFloat32(4, true), view.getInt32(8, true), view.byteLength]).toEqual([
      2 ** 32 - 1,
      0.5,
      -7,
      16,
    ]);
  });
  test.for([
    ['u', 2 ** 32],
    ['u', -1],
    ['u', 0.5],
    ['i', 2 ** 31],
    ['i', -(2 ** 31) - 1],
    ['i', Number.NaN],
  ] as const)('%s = %d is refused, where it would wrap in silence', ([name, value]) => {
    const params = {
      binding: 0,
      size: 16,
      fields: { u: { offset: 0, type: 'u32' }, i: { offset: 8, type: 'i32' } },
    } as const;
    expect(() => packParams(params, { u: 1, i: 1, [name]: value })).toThrow(RangeError);
  });
  test('bytes are written for people', () => {
    expect([0, 1023, 1024, 1536, 20 * 1024, 2 ** 30].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '20 KiB',
      '1.0 GiB',
    ]);
  });
  test('a layout covers the width with equal words', () => {
    for (const m of [1, 31, 32, 33, 64, 100, 101, 257]) {
      for (const variant of subgroupLanes(bound.gpu) === null
        ? (['tiled'] as const)
        : (['subgroup', 'tiled'] as const)) {
        const { group, words, lanes } = matmulLayout(bound.gpu, m, variant);
        expect(group).toBeLessThanOrEqual(32);
        expect(words * group).toBeGreaterThanOrEqual(m);
        expect((words - 1) * group).toBeLessThan(m);
        expect(lanes).toBe(variant === 'tiled' ? 16 : subgroupLanes(bound.gpu));
      }
    }
  });
});
