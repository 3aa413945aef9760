// The eight golden cases (kernels-test/golden/README.md), number by number.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { nodeReadFile } from '../../src/data/node';
import { parseNpy } from '../../src/data/npy';
import { Engine } from '../../src/engine';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import type { ExperimentConfig, ExperimentResult } from '../../src/experiment/types';
import { type MatmulVariant, matmulLayout, subgroupLanes } from '../../src/kernels/variant';
import { Network } from '../../src/network/network';
import { Panels, planBlocks, Samples } from '../../src/network/samples';
import { perturb } from '../../src/perturbation/perturb';
import { expectSameBits, normwise, padRows, rowLength, useEngine } from '../helpers';
import { distant, numbersOf } from './helpers';

const bound = useEngine();
const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
const CASES = readdirSync(GOLDEN)
  .filter((name) => /^p\d_/.test(name))
  .sort();
const TOLERANCE = 1e-4;

const ARRAYS = ['f_W', 'f_b', 'g_W', 'g_b', 'R', 'f_X', 'g_X', 'f_test', 'g_test'] as const;
const HISTORY = ['standardLoss', 'standardLr', 'learningLoss', 'learningLr'] as const;

const array = (file: string) => parseNpy(readFileSync(`${GOLDEN}/${file}`), file);
const numbers = (file: string) => Float64Array.from(array(file).data as Float64Array);
const json = (file: string) => JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf8'));
const configOf = (name: string): ExperimentConfig => parseConfig(json(`${name}/config.json`));
const dropsIn = (lr: ArrayLike<number>) =>
  Array.from(lr).filter((rate, t, all) => t > 0 && rate < all[t - 1]! * 0.5).length;

const results = new Map<string, Promise<ExperimentResult>>();
/** The run of a case; the same promise for all tests that look at it. */
function resultOf(name: string, matmul: MatmulVariant): Promise<ExperimentResult> {
  const key = `${name} ${matmul}`;
  if (!results.has(key)) results.set(key, run(name, matmul));
  return results.get(key)!;
}
function run(name: string, matmul: MatmulVariant): Promise<ExperimentResult> {
  const engine = new Engine(bound.gpu, { matmul });
  return runExperiment(engine, configOf(name), { readFile: nodeReadFile(`${GOLDEN}/${name}`) });
}

test('all eight cases are here', () => {
  expect(CASES.map((name) => name.slice(0, 2))).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8']);
});

for (const matmul of ['subgroup', 'tiled'] as const) {
  describe(`golden cases, ${matmul} kernels`, () => {
    test.for(CASES)('%s', async (name, { skip }) => {
      if (matmul === 'subgroup' && subgroupLanes(bound.gpu) === null)
        skip('the adapter has no subgroups of a fixed size');
      const result = await resultOf(name, matmul);
      expect(result.trainer.kernels.matmul).toBe(matmul);
      const load = (names: readonly string[]) =>
        Object.fromEntries(names.map((each) => [each, numbers(`${name}/expected/${each}.npy`)]));
      expect(distant(result, { arrays: load(ARRAYS), history: load(HISTORY) }, TOLERANCE)).toEqual([]);
      for (const each of ARRAYS) {
        expect([each, result.arrays[each]!.shape]).toEqual([each, array(`${name}/expected/${each}.npy`).shape]);
      }
      const { metrics, loss, lrDrops } = json(`${name}/expected.json`);
      const { cosine: _, ...exact } = metrics;
      const { cosine: __, ...ours } = result.metrics;
      for (const [key, value] of Object.entries(exact))
        expect(ours[key as keyof typeof ours], key).toBeCloseTo(value as number, 12);
      expect(Object.keys(ours).sort()).toEqual(Object.keys(exact).sort());
      // The last loss is that before the last update, as in the history, or after it, as the case says.
      for (const stage of ['standard', 'learning'] as const) {
        expect(Math.abs(result.loss[stage] - loss[stage]), `last ${stage} loss`).toBeLessThanOrEqual(
          TOLERANCE * Math.abs(loss[stage]),
        );
        expect(dropsIn(result.history[`${stage}Lr`]), `${stage} drops`).toBe(lrDrops[stage]);
      }
      expect(bound.gpu.liveArrays).toBe(0);
    });
  });
}

describe('perturbations of all three kinds from the trained f', () => {
  test.for(CASES)('%s', async (name) => {
    const config = configOf(name);
    const matmul = subgroupLanes(bound.gpu) === null ? 'tiled' : 'subgroup';
    const { arrays } = await resultOf(name, matmul);
    const X = array(`${name}/X.npy`);
    const [n, d] = X.shape as [number, number];
    const { width: m, slope } = config.network;
    const { gpu } = bound;
    const layout = matmulLayout(gpu, m);
    const init = { W: arrays.f_W!.data, b: arrays.f_b!.data, a: arrays.f_a!.data };
    using network = await Network.create(gpu, { d, m, slope }, init, 0, { W: 0, b: 0, a: 0 });
    const blocks = planBlocks(gpu, n, d, layout.words);
    using samples = Samples.allocate(gpu, 'X', blocks, d);
    samples.arrays[0]!.write(padRows(X.data as Float32Array, d, rowLength(d)));
    using panels = Panels.allocate(gpu, blocks, d);
    await panels.fill(gpu, samples);
    using targets = gpu.upload('targets', Float32Array.from(numbers(`${name}/targets.npy`)));
    const { size, k = Math.max(1, Math.floor(d / 20)) } = config.perturbation;
    for (const kind of ['l2', 'linf', 'l0'] as const) {
      using r = await perturb(gpu, network, panels, targets, layout, { kind, size, k });
      expect([kind, normwise(await r.read(), numbers(`${name}/expected/R_${kind}.npy`)) <= TOLERANCE]).toEqual([
        kind,
        true,
      ]);
    }
  });
});

describe('the same run twice', () => {
  test.for(['p2_sgauss_b_odd_leaky', 'p6_plateau_fires'])('%s is bit-identical', async (name) => {
    for (const matmul of subgroupLanes(bound.gpu) === null ? (['tiled'] as const) : (['subgroup', 'tiled'] as const)) {
      const first = await resultOf(name, matmul);
      const second = await run(name, matmul);
      expect(Object.keys(second.arrays)).toEqual(Object.keys(first.arrays));
      const again = numbersOf(second);
      for (const [key, values] of Object.entries(numbersOf(first))) expectSameBits(key, again[key]!, values);
      expect(second.metrics).toEqual(first.metrics);
      expect(second.loss).toEqual(first.loss);
    }
  });
});
