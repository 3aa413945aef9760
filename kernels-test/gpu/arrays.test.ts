// Arrays on the device: what they hold, and the account of memory.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Engine } from '../../src/engine';
import * as shaders from '../../src/kernels/generated';
import { grid1d } from '../../src/kernels/step';
import { testEngine, useEngine } from '../helpers';

const bound = useEngine();

describe('arrays', () => {
  test('start as zeros', async () => {
    using array = bound.gpu.array('fresh', 1000);
    expect((await array.readUint()).every((value) => value === 0)).toBe(true);
  });
  test('longer than a piece of a transfer: every element arrives, at any offset', async () => {
    const length = 2 ** 20 + 5;
    const values = Uint32Array.from({ length }, (_, i) => (i * 2654435761) >>> 0);
    using array = bound.gpu.array('long', length + 3, 'u32');
    array.write(values, 3);
    expect(Buffer.compare(Buffer.from((await array.readUint(3)).buffer), Buffer.from(values.buffer))).toBe(0);
    expect(await array.readUint(0, 4)).toEqual(Uint32Array.of(0, 0, 0, values[0]!));
  });
  test('reads started together do not mix', async () => {
    const arrays = [1, 2, 3, 4, 5].map((value) => bound.gpu.upload('many', new Float32Array(value * 100).fill(value)));
    const read = await Promise.all(arrays.map((array) => array.read()));
    for (const [at, values] of read.entries()) expect(values).toEqual(new Float32Array((at + 1) * 100).fill(at + 1));
    for (const array of arrays) array.dispose();
  });
  test('copy and clear', async () => {
    using from = bound.gpu.upload('from', Float32Array.of(1, 2, 3, 4));
    using to = bound.gpu.upload('to', Float32Array.of(9, 9, 9, 9));
    await bound.gpu.batch('copy').copy(from, 1, to, 2, 2).submit();
    expect(await to.read()).toEqual(Float32Array.of(9, 9, 2, 3));
    await bound.gpu.batch('clear').clear(to).submit();
    expect(await to.read()).toEqual(new Float32Array(4));
  });
  test('dispatches of a batch see what those before them wrote, copies between them too', async () => {
    using a = bound.gpu.upload('a', Float32Array.of(1));
    using b = bound.gpu.upload('b', Float32Array.of(0));
    const kernel = await bound.gpu.kernel(shaders.add);
    const batch = bound.gpu.batch('chain');
    for (let i = 0; i < 10; i++) {
      batch.dispatch(kernel, { a, b }, { count: 1, scale: 1 }, [1]);
      batch.copy(b, 0, a, 0, 1);
    }
    await batch.submit();
    expect(await b.read()).toEqual(Float32Array.of(2 ** 9)); // 1, 2, 4, ...
  });
});

describe('memory', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await testEngine();
  });
  afterAll(() => engine.dispose());

  test('is counted, with its peak, and given back', () => {
    const { gpu } = engine;
    expect(gpu.currentBytes).toBe(0);
    const a = gpu.array('a', 1000);
    const b = gpu.array('b', 500);
    a.dispose();
    a.dispose(); // twice is once
    expect(gpu.currentBytes).toBe(2000);
    expect(gpu.peakBytes).toBe(6000);
    gpu.resetPeak();
    expect(gpu.peakBytes).toBe(2000);
    b.dispose();
    expect([gpu.currentBytes, gpu.peakBytes, gpu.liveArrays]).toEqual([0, 2000, 0]);
  });
  test('`using` frees at the end of the block, after an error too', () => {
    const { gpu } = engine;
    expect(() => {
      using array = gpu.array('a', 1000);
      expect(gpu.currentBytes).toBe(array.bytes);
      throw new Error('inside');
    }).toThrow('inside');
    expect(gpu.currentBytes).toBe(0);
  });
  test('a read counts its staging memory, which is kept for the next unless it is large', async () => {
    const { gpu } = engine;
    using array = gpu.array('a', 1000);
    using large = gpu.array('large', 2 ** 16);
    const own = array.bytes + large.bytes;
    const make = vi.spyOn(gpu.device, 'createBuffer');
    try {
      await array.read();
      expect(gpu.currentBytes).toBe(own + 4096);
      for (let round = 0; round < 3; round++) await array.read(round, 100);
      expect(make).toHaveBeenCalledTimes(1);
      gpu.resetPeak();
      await large.read();
      expect(gpu.peakBytes).toBe(own + large.bytes);
      expect(gpu.currentBytes).toBe(own);
    } finally {
      make.mockRestore();
    }
  });
  test('the engine frees everything, parameters included', async () => {
    const own = await testEngine();
    const a = own.gpu.upload('a', Float32Array.of(1));
    const b = own.gpu.upload('b', Float32Array.of(2));
    await own.kernels.add({ a, b, count: 1 });
    expect(own.gpu.currentBytes).toBeGreaterThan(8);
    own.dispose();
    own.dispose();
    expect([own.gpu.currentBytes, own.gpu.liveArrays, a.disposed]).toEqual([0, 0, true]);
  });
  test('parameters of many values do not pile up: they are destroyed, but not under a batch that holds them', async () => {
    const { gpu } = engine;
    using a = gpu.upload('a', new Float32Array(1000).fill(1));
    using b = gpu.array('b', 1000);
    const before = gpu.currentBytes;
    const destroy = vi.spyOn(Object.getPrototypeOf(a.buffer) as GPUBuffer, 'destroy');
    try {
      const kernel = await gpu.kernel(shaders.add);
      const held = gpu.batch('held').dispatch(kernel, { a, b }, { count: 1000, scale: 3 }, grid1d(gpu, 1000));
      for (let count = 1; count <= 700; count++) {
        gpu.batch('many').dispatch(kernel, { a, b }, { count, scale: 0 }, grid1d(gpu, count)).send();
      }
      await gpu.finish();
      expect(gpu.currentBytes - before).toBeLessThanOrEqual(16 * 300);
      const forgotten = destroy.mock.calls.length;
      expect(forgotten).toBeGreaterThan(400);
      await held.submit();
      expect(destroy).toHaveBeenCalledTimes(forgotten + 1);
      expect(await b.read()).toEqual(new Float32Array(1000).fill(3));
    } finally {
      destroy.mockRestore();
    }
  });
});
