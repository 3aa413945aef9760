import { describe, expect, test } from 'vitest';
import { adapterMatches, adapterRank } from '../../src/gpu/dawn';
import type { AdapterReport } from '../../src/gpu/gpu';

const base = { vendor: '', architecture: '', description: '', backend: 'vulkan', software: true, subgroupSize: null };
const lavapipe: AdapterReport = {
  ...base,
  name: 'llvmpipe (LLVM 15.0.6, 256 bits)',
  vendor: 'mesa',
  architecture: 'software',
  description: 'llvmpipe: Mesa 25.0.7-2',
};
const swiftshader: AdapterReport = {
  ...base,
  name: 'SwiftShader Device (Subzero)',
  vendor: 'google',
  architecture: 'swiftshader',
};
const gpu: AdapterReport = { ...base, name: 'NVIDIA H100', vendor: 'nvidia', architecture: 'hopper', software: false };
const unknown: AdapterReport = { ...base, name: 'Some CPU device' };

describe('adapterRank', () => {
  test('real GPU before lavapipe before SwiftShader before other software', () => {
    const ranked = [unknown, swiftshader, gpu, lavapipe].sort((a, b) => adapterRank(b) - adapterRank(a));
    expect(ranked).toEqual([gpu, lavapipe, swiftshader, unknown]);
    expect(new Set(ranked.map(adapterRank)).size).toBe(4);
  });
  test('a real GPU whose name contains a software one stays a real GPU', () => {
    expect(adapterRank({ ...gpu, description: 'not llvmpipe' })).toBe(adapterRank(gpu));
  });
});

describe('adapterMatches', () => {
  test.for([
    [lavapipe, 'lavapipe', true],
    [lavapipe, 'LLVMPIPE', true],
    [lavapipe, 'mesa', true],
    [lavapipe, 'software', true],
    [lavapipe, 'swiftshader', false],
    [swiftshader, 'SwiftShader', true],
    [swiftshader, 'google', true],
    [swiftshader, 'software', true],
    [swiftshader, 'lavapipe', false],
    [gpu, 'h100', true],
    [gpu, 'hopper', true],
    [gpu, 'nvidia', true],
    [gpu, 'software', false],
    [gpu, 'lavapipe', false],
    [gpu, 'amd', false],
  ] as [AdapterReport, string, boolean][])('%o as %s: %s', ([report, wanted, matches]) => {
    expect(adapterMatches(report, wanted)).toBe(matches);
  });
  test('software means any adapter on the CPU, not one with that word in its name', () => {
    expect(adapterMatches({ ...gpu, name: 'Software Inc. GPU' }, 'software')).toBe(false);
  });
});
