// What the runtime says when a call is wrong or the device refuses it.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { GpuArray } from '../../src/gpu/array';
import {
  DeviceLostError,
  type GpuError,
  GpuOutOfMemoryError,
  GpuUnavailableError,
  GpuValidationError,
} from '../../src/gpu/errors';
import { formatBytes } from '../../src/gpu/format';
import { Gpu } from '../../src/gpu/gpu';
import type { ShaderDescriptor } from '../../src/gpu/shader';
import * as shaders from '../../src/kernels/generated';
import { createEngine } from '../../src/node';
import { thrown, useEngine } from '../helpers';

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

describe('errors say what failed and what to do', () => {
  test('what fails a moment before the device tells of its loss is a lost device; what fails for itself is not', async () => {
    const adapter = bound.engine.adapter;
    const refused = () => Promise.reject(new Error('Buffer was unmapped before mapping was resolved'));
    const losing = { lost: new Promise((resolve) => setTimeout(() => resolve({ message: 'gone' }), 30)) };
    const lost = new Gpu(losing as unknown as GPUDevice, { adapter, ownsDevice: false });
    expect(await thrown(() => lost.during(refused()))).toBeInstanceOf(DeviceLostError);
    const error = await thrown(() => bound.gpu.during(refused()));
    expect(error.message).toMatch(/unmapped/);
  });

  test('a compilation that ends with the device is a lost device', async () => {
    const losing = {
      features: new Set(),
      pushErrorScope: () => {},
      popErrorScope: () => Promise.reject(new Error('no device')),
      createShaderModule: () => ({}),
      createComputePipelineAsync: () => Promise.reject(Object.assign(new Error('gone'), { reason: 'internal' })),
      lost: new Promise((resolve) => setTimeout(() => resolve({ message: 'gone' }), 30)),
    };
    const options = { adapter: bound.engine.adapter, ownsDevice: false };
    const lost = new Gpu(losing as unknown as GPUDevice, options);
    expect(await thrown(() => lost.kernel(bare('last', '')))).toBeInstanceOf(DeviceLostError);
  });
  test.for(['nonsense', 'fn other() {}'])('what the compiler refuses is not taken for a loss: "%s"', async (code) => {
    // A loss would be waited for.
    using wait = vi.spyOn(globalThis, 'setTimeout');
    await expect(bound.gpu.kernel(bare('refused', code))).rejects.toThrow(GpuValidationError);
    expect(wait).not.toHaveBeenCalled();
  });

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
