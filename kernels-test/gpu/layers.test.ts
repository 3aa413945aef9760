// Who may import whom (design.md, "Layout"), read from the import lines.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** Layers that each layer may import from; `entry` files sit on top of the library. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  gpu: [],
  kernels: ['gpu'],
  data: [],
  network: ['kernels', 'gpu'],
  perturbation: ['network', 'kernels', 'gpu'],
  theory: ['network', 'kernels', 'gpu'],
  engine: ['kernels', 'gpu'],
  bench: ['engine', 'network', 'kernels', 'gpu'],
  experiment: ['engine', 'network', 'perturbation', 'theory', 'data', 'kernels', 'gpu'],
  report: ['bench', 'experiment', 'theory', 'data'],
  reproduce: ['report', 'experiment', 'theory', 'data'],
  index: ['engine', 'experiment', 'network', 'perturbation', 'theory', 'data', 'kernels', 'gpu', 'report'],
  node: ['index', 'bench', 'engine', 'experiment', 'theory', 'data', 'gpu'],
  worker: ['index', 'bench', 'engine', 'experiment', 'network', 'data', 'gpu'],
  cli: ['node', 'index', 'bench', 'engine', 'reproduce', 'report', 'experiment', 'data', 'gpu'],
  web: ['worker', 'index', 'bench', 'engine', 'reproduce', 'report', 'experiment', 'theory', 'network', 'data', 'gpu'],
};
/** Files that may import node: modules, besides src/cli. Those of src/gpu are Dawn's and never reach a browser bundle. */
const NODE_FILES = ['data/node.ts', 'node.ts', 'gpu/dawn.ts', 'gpu/swiftshader.ts', 'gpu/listing.ts'];
/** May name a GPUDevice: src/gpu, and the engine, which only passes one on. */
const DEVICE_FILES = ['engine.ts'];

/** What src/gpu knows nothing of. */
const OF_LEARNING = /\b(epochs?|trainings?|learning|checkpoints?|perturbations?)\b/i;

interface Source {
  readonly path: string;
  readonly text: string;
}

const files: Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => ({ path, text: readFileSync(join(SRC, path), 'utf8') }));

const layerOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, ''));
const isNodeFile = (path: string) => NODE_FILES.includes(path) || layerOf(path) === 'cli';

function problems({ path, text }: Source): string[] {
  const found: string[] = [];
  const layer = layerOf(path);
  const allowed = ALLOWED[layer];
  if (!allowed) return [`${path}: ${layer} is no layer of the design`];
  const code = text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  for (const [, from, dynamic] of code.matchAll(/\bfrom '([^']+)'|\bimport\('([^']+)'\)/g)) {
    const target = (from ?? dynamic)!;
    if (target.startsWith('node:')) {
      if (!isNodeFile(path)) found.push(`${path} imports ${target}`);
    } else if (target === 'webgpu') {
      if (path !== 'gpu/dawn.ts') found.push(`${path} imports webgpu`);
    } else if (target.startsWith('.') && !target.endsWith('.wgsl')) {
      const to = posix.normalize(posix.join(posix.dirname(path), target));
      // The command ships one file of the tests: what `perturb doctor` checks.
      if (path === 'cli/services.ts' && to === '../kernels-test/doctor') continue;
      const other = layerOf(to);
      if (other !== layer && !allowed.includes(other)) found.push(`${path} imports ${to}: ${layer} -> ${other}`);
      // What a browser loads must not pull in a file that needs Node.
      if (!isNodeFile(path) && isNodeFile(`${to}.ts`)) found.push(`${path} imports ${to}, which needs Node`);
    }
  }
  if (/\bGPUDevice\b/.test(code) && layer !== 'gpu' && !DEVICE_FILES.includes(path))
    found.push(`${path} names GPUDevice`);
  const word = layer === 'gpu' && code.match(OF_LEARNING);
  if (word) found.push(`${path} speaks of learning: ${word[0]}`);
  return found;
}

describe('dependencies point one way', () => {
  test('the scan finds the sources', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(files.map(({ path }) => path)).toContain('gpu/gpu.ts');
  });
  test('src/', () => {
    expect(files.flatMap(problems)).toEqual([]);
  });
});

describe('an import the wrong way is noticed', () => {
  test.for([
    ['gpu/gpu.ts', "import { x } from '../kernels/step';", /gpu -> kernels/],
    ['kernels/data.ts', "import type { x } from '../network/network';", /kernels -> network/],
    ['data/npy.ts', "import { x } from '../gpu/gpu';", /data -> gpu/],
    ['network/direct.ts', "const x = await import('../experiment/run');", /network -> experiment/],
    ['network/direct.ts', "import { x } from '../perturbation/perturb';", /network -> perturbation/],
    ['experiment/run.ts', "import { x } from '../cli/run';", /experiment -> cli/],
    ['experiment/run.ts', "import { readFile } from 'node:fs';", /imports node:fs/],
    ['index.ts', "export { x } from './gpu/dawn';", /needs Node/],
    ['kernels/step.ts', 'export const x = (device: GPUDevice) => device;', /names GPUDevice/],
    ['kernels/step.ts', "import { create } from 'webgpu';", /imports webgpu/],
    ['gpu/errors.ts', "stage: 'standard' | 'learning';", /speaks of learning: learning/],
    ['other/x.ts', '', /no layer/],
  ] as [string, string, RegExp][])('%s: %s', ([path, text, complaint]) => {
    expect(problems({ path, text }).join('\n')).toMatch(complaint);
  });
});
