import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { create } from 'webgpu';
import type { Engine } from '../../src/engine';
import type { GpuArray } from '../../src/gpu/array';
import {
  DeviceLostError,
  DisposedError,
  type GpuError,
  GpuOutOfMemoryError,
  GpuUnavailableError,
  GpuValidationError,
} from '../../src/gpu/errors';
import { formatBytes } from '../../src/gpu/format';
import { Gpu } from '../../src/gpu/gpu';
import { packParams, type ShaderDescriptor } from '../../src/gpu/shader';
import * as shaders from '../../src/kernels/generated';
import { fold, grid1d } from '../../src/kernels/step';
import { matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { createEngine } from '../../src/node';
import { testEngine, useEngine } from '../helpers';

const bound = useEngine();

/** A descriptor without bindings or parameters. */
const bare = (name: string, code: string): ShaderDescriptor => ({
  name,
  code,
  bindings: {},
  params: null,
  overrides: {},
  specialised: {},
  workgroupSize: [1],
  features: [],
});

async function thrown(action: () => unknown): Promise<Error> {
  try {
    await action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('errors say what failed and what to do', () => {
  test('a shader that does not compile: the kernel, the line and its text', async () => {
    const code = ['@compute @workgroup_size(1)', 'fn broken() {', '  let x: u32 = 1.5;', '}'].join('\n');
    const error = await thrown(() => bound.gpu.kernel(bare('broken', code)));
    expect(error).toBeInstanceOf(GpuValidationError);
    expect((error as GpuValidationError).label).toBe('broken');
    expect(error.message).toContain('broken.wgsl:3');
    expect(error.message).toContain('let x: u32 = 1.5;');
    expect((error as GpuError).remedy.length).toBeGreaterThan(20);
  });
  test('a failed compilation is not kept', async () => {
    const entry = '@compute @workgroup_size(1)\nfn later() {';
    await expect(bound.gpu.kernel(bare('later', `${entry} nonsense }`))).rejects.toThrow(GpuValidationError);
    const kernel = await bound.gpu.kernel(bare('later', `${entry} }`));
    bound.gpu.batch('later').dispatch(kernel, {}, {}, [1]).send();
    await bound.gpu.finish();
  });
  test('a missing entry point', async () => {
    const error = await thrown(() => bound.gpu.kernel(bare('absent', '@compute @workgroup_size(1)\nfn present() {}')));
    expect(error).toBeInstanceOf(GpuValidationError);
    expect(error.message).toContain('absent');
  });
  test('a constant the shader has not', async () => {
    await expect(bound.gpu.kernel(shaders.add, { S: 8 } as never)).rejects.toThrow(/add has no constant S/);
  });
  test('a feature the device has not', async () => {
    const shader = { ...bare('needy', ''), features: ['no-such-feature' as GPUFeatureName] };
    await expect(bound.gpu.kernel(shader)).rejects.toThrow(/needy needs the feature no-such-feature/);
  });
  test('an array larger than a binding: label, size, limit', async () => {
    const length = bound.gpu.maxArrayLength + 1;
    const error = await thrown(() => bound.gpu.array('everything', length));
    expect(error).toBeInstanceOf(GpuOutOfMemoryError);
    expect(error).toMatchObject({ label: 'everything', bytes: length * 4 });
    expect(error.message).toContain('everything');
    expect(error.message).toContain(formatBytes(length * 4));
    expect(bound.gpu.liveArrays).toBe(0);
  });
  test.for([0, -1, 1.5, Number.NaN])('an array of %d elements', (length) => {
    expect(() => bound.gpu.array('odd', length)).toThrow(RangeError);
  });
  test('a fault on the device is thrown by the submit it belongs to, and only by that one', async () => {
    using a = bound.gpu.upload('both', Float32Array.of(1, 2));
    using b = bound.gpu.upload('other', Float32Array.of(10, 20));
    const kernel = await bound.gpu.kernel(shaders.add);
    // One array bound for reading and for writing: WebGPU refuses the dispatch when it is submitted.
    const error = await thrown(() =>
      bound.gpu.batch('clash').dispatch(kernel, { a, b: a }, { count: 2, scale: 1 }, [1]).submit(),
    );
    expect(error).toBeInstanceOf(GpuValidationError);
    expect((error as GpuValidationError).label).toBe('clash');
    await bound.gpu.batch('fine').dispatch(kernel, { a, b }, { count: 2, scale: 1 }, [1]).submit();
    expect(await b.read()).toEqual(Float32Array.of(11, 22));
  });
  test('an adapter that does not exist', async () => {
    const error = await thrown(() => createEngine({ adapter: 'no such adapter' }));
    expect(error).toBeInstanceOf(GpuUnavailableError);
    expect(error.message).toContain('no such adapter');
    expect((error as GpuError).remedy).toContain('--device');
  });
});

describe('dispatches are checked before they are recorded', () => {
  let a: GpuArray;
  let words: GpuArray;
  beforeAll(() => {
    a = bound.gpu.array('a', 4);
    words = bound.gpu.array('words', 4, 'u32');
  });
  afterAll(() => {
    a.dispose();
    words.dispose();
  });
  const batch = () => bound.gpu.batch('checked');

  test('a missing binding', async () => {
    const kernel = await bound.gpu.kernel(shaders.add);
    expect(() => batch().dispatch(kernel, { a } as never, { count: 1, scale: 1 }, [1])).toThrow(TypeError);
    expect(() => batch().dispatch(kernel, { a } as never, { count: 1, scale: 1 }, [1])).toThrow(
      /add: binding b is missing/,
    );
  });
  test('a binding of the wrong type', async () => {
    const kernel = await bound.gpu.kernel(shaders.add);
    expect(() => batch().dispatch(kernel, { a: words, b: a }, { count: 1, scale: 1 }, [1])).toThrow(TypeError);
    expect(() => batch().dispatch(kernel, { a: words, b: a }, { count: 1, scale: 1 }, [1])).toThrow(
      /binding a takes f32, "words" holds u32/,
    );
  });
  test('a raw binding takes both', async () => {
    const kernel = await bound.gpu.kernel(shaders.philoxFill, { KIND: 3 });
    const zeros = { block_low: 0, block_high: 0, skip: 0, stream: 0, seed_low: 0, seed_high: 0, scale: 1 };
    for (const raw of [a, words]) {
      await batch()
        .dispatch(kernel, { raw }, { rows: 1, cols: 4, ld: 4, ...zeros }, [1])
        .submit();
    }
    expect(await words.readUint()).toEqual(await a.readUint());
  });
  test('a missing parameter, and one out of range', async () => {
    const kernel = await bound.gpu.kernel(shaders.add);
    expect(() => batch().dispatch(kernel, { a, b: a }, {} as never, [1])).toThrow(/parameter count is missing/);
    for (const count of [-1, 1.5, 2 ** 32]) {
      expect(() => batch().dispatch(kernel, { a, b: a }, { count, scale: 1 }, [1])).toThrow(RangeError);
    }
  });
  test('a grid larger than the device allows, an empty and a broken one', async () => {
    const kernel = await bound.gpu.kernel(shaders.add);
    const most = bound.gpu.limits.maxComputeWorkgroupsPerDimension;
    for (const grid of [[most + 1], [1, most + 1], [1, 1, most + 1], [0], [1.5]] as [number, number?, number?][]) {
      expect(() => batch().dispatch(kernel, { a, b: a }, { count: 1, scale: 1 }, grid)).toThrow(RangeError);
    }
    expect(() => batch().dispatch(kernel, { a, b: a }, { count: 1, scale: 1 }, [most + 1])).toThrow(/add: a grid of/);
  });
  test('a batch that was submitted', async () => {
    const kernel = await bound.gpu.kernel(shaders.add);
    const done = batch();
    await done.submit();
    expect(() => done.dispatch(kernel, { a, b: a }, { count: 1, scale: 1 }, [1])).toThrow(/already submitted/);
    expect(() => done.send()).toThrow(/already submitted/);
  });
  test('writing and reading outside an array', async () => {
    expect(() => a.write(new Float32Array(3), 2)).toThrow(RangeError);
    expect(() => a.write(new Float32Array(1), -1)).toThrow(RangeError);
    await expect(a.read(2, 3)).rejects.toThrow(RangeError);
    await expect(a.read(-1, 1)).rejects.toThrow(RangeError);
    expect(await a.read(4, 0)).toEqual(new Float32Array(0));
  });
});

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
    expect((await bound.gpu.kernel(shaders.transpose)).workgroupSize).toEqual([16, 16]);
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
