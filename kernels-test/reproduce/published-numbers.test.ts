// The published runs' own random numbers: where configurations have them, what they are read as, and that with the neurons
// behind the published map of MNIST (a) the predicted line of f is where it was read off.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadInit } from '../../src/data/init';
import { nodeReadFile } from '../../src/data/node';
import { parseConfig } from '../../src/experiment/config';
import { loadData, readTargets } from '../../src/experiment/prepare';
import { subgroupLanes } from '../../src/kernels/variant';
import { mapCells, panelPoints } from '../../src/reproduce/cells';
import { LINE_READING } from '../../src/reproduce/maps';
import { FIGURES, MAPS } from '../../src/reproduce/published';
import { fromPublishedNumbers, PUBLISHED_DRAWS, withPublishedNumbers } from '../../src/reproduce/published-numbers';
import { predictF } from '../../src/theory/outputs';
import { useEngine } from '../helpers';
import { placeOnDevice } from '../pipeline/helpers';

const MNIST = fileURLToPath(new URL('../../../shared/data/mnist', import.meta.url));
const bound = useEngine();
const readFile = withPublishedNumbers(nodeReadFile('.'));
const MAP = MAPS.find(({ title }) => title === 'MNIST (a)')!;

const mnist = (seed: number, width: number) =>
  fromPublishedNumbers(
    parseConfig({ seed, data: { kind: 'mnist', dir: MNIST }, network: { width }, theory: { phi: { draws: 100 } } }),
  );

describe("the published runs' own numbers", () => {
  test('are read as files: both networks of one generator, and the targets', async () => {
    const config = mnist(1, 20);
    const { standard, learning } = config;
    const f = await loadInit(standard.init!, 20, 784, readFile, 'standard.init');
    const g = await loadInit(learning.init!, 20, 784, readFile, 'learning.init');
    // torch.manual_seed(1), then as the authors' TwoLayerNet(784, 20) twice, a DataLoader between: PyTorch 1.13 on a CPU
    const first = [f.W, f.b, f.a, g.W, g.b, g.a].map((values) => values![0]!);
    const expected = [-0.025738, -1.057032, -0.01448, 0.005025, -0.54451, -0.373424];
    for (const [at, value] of first.entries()) expect(value).toBeCloseTo(expected[at]!, 5);
    const targets = await readTargets(config, 12700, readFile);
    expect(new Set(targets)).toEqual(new Set([-1, 1]));
    await expect(readFile('no-such-file')).rejects.toThrow();
  });

  test('take the place of seeds: one run a point, of the published seed', async () => {
    const options = { scale: 'paper', seeds: 'published', dataDir: MNIST } as const;
    const [panel] = FIGURES.find(({ id }) => id === 'mnist-b')!.panels;
    const points = await panelPoints(panel!, options);
    expect(points[0]!.cells.map(({ seed }) => seed)).toEqual([panel!.publishedSeed]);
    const [cell] = await mapCells(MAP, { ...options, resolution: 2 });
    const { config } = cell!.runs[0]!;
    expect(config.theory.phi).toMatchObject({ draws: PUBLISHED_DRAWS, init: { W: expect.stringContaining('phi_W') } });
    expect(config.standard.init).not.toEqual(config.learning.init);
  });

  test('are not to be had where the samples were drawn, too', () => {
    expect(() => fromPublishedNumbers(parseConfig({}))).toThrow(RangeError);
  });

  test.skipIf(!existsSync(MNIST))('put the predicted line of f where it was published', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip('the adapter has no subgroups of a fixed size');
    const { gpu } = bound;
    const config = mnist(0, 100);
    const { phi } = config.theory;
    if (phi === 'exact') throw new Error('drawn neurons were asked for');
    const { x, y } = (await loadData(config, readFile)).host!;
    const d = 784;
    const X = Float32Array.from(x.values, (value) => x.scale * value - x.subtract);
    const axes = [1, -1].map((label) => unitMean(X, y, label, d));
    const points = MAP.zeroLines.fHat.flatMap(([a, b]) =>
      [b - LINE_READING, b + LINE_READING].map((c) => axes[0]!.map((u, at) => a * u + c * axes[1]![at]!)),
    );
    const given = await loadInit(phi.init!, phi.draws, d, readFile, 'theory.phi.init');
    const placed = await placeOnDevice(gpu, X, X, y);
    const sampling = { draws: phi.draws, seed: 0, streams: { weights: 0, biases: 1 }, given };
    const values = await predictF(gpu, { ...placed, slope: 0 }, Float32Array.from(points.flat()), { sampling });
    placed.dispose();
    // Positive below the line, where the mean of the class +1 is nearer.
    const signs = Array.from(values, Math.sign);
    expect(signs).toEqual(MAP.zeroLines.fHat.flatMap(() => [1, -1]));
  });
});

function unitMean(X: Float32Array, y: Float32Array, label: number, d: number): number[] {
  const sum = new Array<number>(d).fill(0);
  for (const [k, own] of y.entries()) if (own === label) for (let c = 0; c < d; c++) sum[c]! += X[k * d + c]!;
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}
