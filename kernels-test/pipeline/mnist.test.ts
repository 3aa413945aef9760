// Real data: MNIST, 1 against 2, from ../shared/data/mnist; skipped by name where that is absent.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ReadFile } from '../../src/data/dataset';
import { nodeReadFile } from '../../src/data/node';
import { encodeNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import { ADAPTER, Draws, expectClose, useEngine } from '../helpers';
import { accuracy, agreement, networkOf, outputs, perturbations } from '../reference/network';
import { train } from '../reference/training';
import { distant } from './helpers';

const MNIST = fileURLToPath(new URL('../../../shared/data/mnist', import.meta.url));
const there = existsSync(MNIST);
const bound = useEngine();

/** Images and labels of the two classes, the first `most` of the file, read without the code under test. */
async function twoClasses(split: 'train' | 't10k', most: number): Promise<{ pixels: Uint8Array; labels: Uint8Array }> {
  const unpack = async (name: string) => gunzipSync(await readFile(`${MNIST}/${split}-${name}-ubyte.gz`));
  const images = (await unpack('images-idx3')).subarray(16);
  const labels = (await unpack('labels-idx1')).subarray(8);
  const rows = [...labels.keys()].filter((i) => labels[i] === 1 || labels[i] === 2).slice(0, most);
  const pixels = new Uint8Array(rows.length * 784);
  for (const [at, i] of rows.entries()) pixels.set(images.subarray(i * 784, (i + 1) * 784), at * 784);
  return { pixels, labels: Uint8Array.from(rows, (i) => labels[i]!) };
}

/** An IDX file: big-endian magic and sizes, then bytes. */
function idx(sizes: readonly number[], bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + 4 * sizes.length + bytes.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x800 + sizes.length);
  for (const [at, size] of sizes.entries()) view.setUint32(4 + 4 * at, size);
  out.set(bytes, 4 + 4 * sizes.length);
  return out;
}

describe.skipIf(!there)('MNIST, 1 against 2 (needs ../shared/data/mnist)', () => {
  // Number by number: pixels through unpack_bytes, real sparsity, both networks, against float64.
  test('300 images, width 33, 40 + 40 epochs: as the float64 reference', async () => {
    const [n, d, m] = [300, 784, 33];
    const draws = new Draws(5);
    const data = await twoClasses('train', n);
    const held = await twoClasses('t10k', 100);
    const init = () => ({ W: draws.normal(m * d, 1 / 28), b: draws.normal(m), a: draws.normal(m, 1 / Math.sqrt(m)) });
    const [f0, g0] = [init(), init()];
    const targets = draws.signs(n);
    const files: Record<string, Uint8Array> = {
      'train-images': idx([n, 28, 28], data.pixels),
      'train-labels': idx([n], data.labels),
      'test-images': idx([100, 28, 28], held.pixels),
      'test-labels': idx([100], held.labels),
      targets: encodeNpy([n], targets),
    };
    for (const [name, { W, b, a }] of Object.entries({ f: f0, g: g0 })) {
      files[`${name}W`] = encodeNpy([m, d], W);
      files[`${name}b`] = encodeNpy([m], b);
      files[`${name}a`] = encodeNpy([m], a);
    }
    const stage = (name: string) => ({ lr: 0.01, epochs: 40, init: { W: `${name}W`, b: `${name}b`, a: `${name}a` } });
    const config = parseConfig({
      data: {
        kind: 'idx',
        images: 'train-images',
        labels: 'train-labels',
        testImages: 'test-images',
        testLabels: 'test-labels',
        classes: [1, 2],
        subtract: 0.1307,
      },
      network: { width: m },
      standard: stage('f'),
      perturbation: { kind: 'l2', size: 0.14, targets: 'targets' },
      learning: stage('g'),
      save: ['networks', 'perturbations', 'outputs'],
    });
    const read: ReadFile = async (path) => files[path]!;
    const result = await runExperiment(bound.engine, config, { readFile: read });

    const numbers = (pixels: Uint8Array) => Float64Array.from(pixels, (pixel) => pixel / 255 - 0.1307);
    const X = numbers(data.pixels);
    const y = Array.from(data.labels, (label) => (label === 1 ? 1 : -1));
    const plateau = { factor: 0.1, patience: 10, threshold: 1e-4 };
    const options = { loss: 'identity', lr: 0.01, epochs: 40, momentum: 0.9, plateau } as const;
    const standard = train(networkOf(f0, d, 0), X, y, options);
    const R = perturbations(standard.net, X, targets, { kind: 'l2', size: 0.14 });
    const learning = train(networkOf(g0, d, 0), R, targets, options);
    const [f_X, g_X] = [outputs(standard.net, X), outputs(learning.net, X)];
    const testX = numbers(held.pixels);
    const [f_test, g_test] = [outputs(standard.net, testX), outputs(learning.net, testX)];
    const arrays = { f_W: standard.net.W, g_W: learning.net.W, R, f_X, g_X, f_test, g_test };
    const history = { standardLoss: standard.loss, learningLoss: learning.loss };
    expect(distant(result, { arrays, history }, 1e-4)).toEqual([]);
    expect(result.metrics).toEqual({
      standardAccuracy: accuracy(f_X, y),
      perturbationAccuracy: accuracy(g_X, y),
      agreement: agreement(f_test, g_test),
    });
    expect(result.image).toEqual({ width: 28, height: 28, channels: 1 });
  });

  // Between seeds these metrics differ by 0.05 and more (numpy, 8 seeds of the full run: standard deviations 0.021, 0.046 and
  // 0.065), so a mean of a few seeds would have to be allowed so much that it says nothing. Instead the expected values are
  // those of a float64 numpy run on the very draws of each seed (Philox, so they are the same everywhere). Allowed are
  // the few points that lie so near the boundary that float32 puts them on the other side.
  type Metrics = readonly [standardAccuracy: number, perturbationAccuracy: number, agreement: number];
  const runSeeds = async (expected: readonly Metrics[], lr: number, dir: string, read: ReadFile) => {
    for (const [seed, wanted] of expected.entries()) {
      const stage = { lr, epochs: 100 };
      const config = parseConfig({
        seed,
        data: { kind: 'mnist', dir, classes: [1, 2] },
        network: { width: 100 },
        standard: stage,
        perturbation: { kind: 'l2', size: 0.14 },
        learning: stage,
      });
      const { metrics } = await runExperiment(bound.engine, config, { readFile: read });
      const found = [metrics.standardAccuracy, metrics.perturbationAccuracy, metrics.agreement!];
      expectClose(`seed ${seed}: accuracy, perturbation accuracy, agreement`, found, wanted, 0.004);
    }
  };

  test('reduced: the first 1,000 images, lr 0.1, 100 + 100 epochs, two seeds', async () => {
    const data = await twoClasses('train', 1000);
    const held = await twoClasses('t10k', 1000);
    const files: Record<string, Uint8Array> = {
      'x/train-images-idx3-ubyte': idx([1000, 28, 28], data.pixels),
      'x/train-labels-idx1-ubyte': idx([1000], data.labels),
      'x/t10k-images-idx3-ubyte': idx([held.labels.length, 28, 28], held.pixels),
      'x/t10k-labels-idx1-ubyte': idx([held.labels.length], held.labels),
    };
    const expected: Metrics[] = [
      [0.952, 0.956, 0.99081],
      [0.955, 0.939, 0.95865],
    ];
    await runSeeds(expected, 0.1, 'x', async (path) => files[path]!);
  });

  test.skipIf(/swiftshader/i.test(ADAPTER))(
    'full: 12,700 images, lr 0.01, 100 + 100 epochs, three seeds (not on SwiftShader: 150 s a seed)',
    async ({ skip }) => {
      if (/swiftshader/i.test(bound.gpu.adapter.name)) skip('SwiftShader takes 150 s a seed');
      const expected: Metrics[] = [
        [0.95764, 0.95551, 0.94028],
        [0.96323, 0.84724, 0.80551],
        [0.95638, 0.89504, 0.88821],
      ];
      await runSeeds(expected, 0.01, MNIST, nodeReadFile(MNIST));
    },
    600_000,
  );
});
