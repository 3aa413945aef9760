// What the GPU tests share: one engine a file: the adapter, and shaders that are rewritten.

import { afterAll, beforeAll, expect } from 'vitest';
import type { Engine } from '../src/engine';
import { Gpu } from '../src/gpu/gpu';
import type { ShaderDescriptor } from '../src/gpu/shader';
import { subgroupLanes } from '../src/kernels/variant';
import { createEngine } from '../src/node';

export * from './harness';

/** The adapter the tests run on: a name as --device takes it; empty for the best there is. */
export const ADAPTER = process.env.PERTURB_TEST_ADAPTER ?? '';

export function testEngine(): Promise<Engine> {
  return createEngine(ADAPTER ? { adapter: ADAPTER } : {});
}

/** One engine for the tests of a file. A test that leaves arrays behind fails the file. */
export function useEngine(): { readonly engine: Engine; readonly gpu: Gpu } {
  let engine: Engine | undefined;
  beforeAll(async () => {
    engine = await testEngine();
  });
  afterAll(() => {
    engine?.dispose();
    expect(engine?.gpu.currentBytes ?? 0).toBe(0);
  });
  const get = () => {
    if (!engine) throw new Error('the engine is made by beforeAll');
    return engine;
  };
  return {
    get engine() {
      return get();
    },
    get gpu() {
      return get().gpu;
    },
  };
}

/** What an action throws. @throws Error when it throws nothing */
export async function thrown(action: () => unknown): Promise<Error> {
  try {
    await action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** Matmul variants that this adapter can run. */
export function variants(gpu: Gpu): ('subgroup' | 'tiled')[] {
  return subgroupLanes(gpu) === null ? ['tiled'] : ['subgroup', 'tiled'];
}

/** A runtime on the same device whose shaders are rewritten before they compile: how the tests are tested. */
export function withShaders(gpu: Gpu, rewrite: (shader: ShaderDescriptor) => string): Gpu {
  const other = new Gpu(gpu.device, { adapter: gpu.adapter, ownsDevice: false });
  const compile = other.kernel.bind(other);
  other.kernel = ((shader: ShaderDescriptor, constants = {}) =>
    compile({ ...shader, code: rewrite(shader) }, constants)) as typeof other.kernel;
  return other;
}
