// The theory in an experiment: golden cases, what is saved, and the same numbers however the work is cut.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { nodeReadFile } from '../../src/data/node';
import { parseNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import type { Progress } from '../../src/experiment/types';
import { subgroupLanes } from '../../src/kernels/variant';
import { expectSameBits, normwise, useEngine } from '../helpers';
import { numbersOf, smallConfig } from './helpers';

const bound = useEngine();
const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';
const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
const CASES = readdirSync(GOLDEN)
  .filter((name) => /^p\d_/.test(name))
  .sort();
const TOLERANCE = 1e-4;

const numbers = (file: string) =>
  Float64Array.from(parseNpy(readFileSync(`${GOLDEN}/${file}`), file).data as Float64Array);
const json = (file: string) => JSON.parse(readFileSync(`${GOLDEN}/${file}`, 'utf8'));

describe('golden cases', () => {
  test.for(CASES)('%s', async (name, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const { metrics, map } = json(`${name}/expected.json`);
    const raw = json(`${name}/config.json`);
    const config = parseConfig({ ...raw, theory: { cosine: true, map }, save: ['theory'] });
    const result = await runExperiment(bound.engine, config, { readFile: nodeReadFile(`${GOLDEN}/${name}`) });
    expect(Math.abs(result.metrics.cosine! - metrics.cosine)).toBeLessThanOrEqual(TOLERANCE * metrics.cosine);
    for (const array of ['direction', 'map_f', 'map_g', 'map_f_hat', 'map_g_hat', 'map_projected'] as const) {
      const distance = normwise(result.arrays[array]!.data, numbers(`${name}/expected/${array}.npy`));
      expect(distance, array).toBeLessThanOrEqual(TOLERANCE);
    }
    expect(Array.from(result.arrays.map_agree!.data)).toEqual(Array.from(numbers(`${name}/expected/map_agree.npy`)));
    expect(bound.gpu.liveArrays).toBe(0);
  });
});

describe('in an experiment', () => {
  const theory = { cosine: true, map: { resolution: 7, limits: [-3, 3] } };
  test('shapes, progress and timing of what is asked for', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const events: Progress[] = [];
    const onProgress = (event: Progress) => void events.push(event);
    const result = await runExperiment(bound.engine, smallConfig({ theory, save: ['theory'] }), { onProgress });
    const shapes = Object.fromEntries(Object.entries(result.arrays).map(([name, { shape }]) => [name, shape]));
    const grid = [7, 7];
    expect(shapes).toEqual({
      direction: [100, 20],
      map_f: grid,
      map_g: grid,
      map_agree: grid,
      map_f_hat: grid,
      map_g_hat: grid,
      map_projected: [100, 2],
    });
    for (const [name, { shape, data }] of Object.entries(result.arrays)) {
      expect([name, data.length]).toEqual([name, shape[0]! * shape[1]!]);
      expect(data.every(Number.isFinite), name).toBe(true);
    }
    expect(result.map).toMatchObject({ ...theory.map, f: result.arrays.map_f!.data });
    expect(result.timing.theorySeconds).toBeGreaterThan(0);
    const stages = events.map(({ stage }) => stage).filter((stage, at, all) => stage !== all[at - 1]);
    expect(stages).toEqual(['prepare', 'standard', 'perturbation', 'theory', 'learning', 'theory', 'evaluation']);
  });
  test('nothing of it is there unless asked for, and asking for it changes nothing else', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const save = ['networks', 'perturbations', 'outputs'];
    const [plain, all] = [
      await runExperiment(bound.engine, smallConfig({ save })),
      await runExperiment(bound.engine, smallConfig({ save, theory })),
    ];
    expect(plain.metrics).not.toHaveProperty('cosine');
    expect(plain).not.toHaveProperty('map');
    expect(plain.timing).not.toHaveProperty('theorySeconds');
    expect(Object.keys(all.arrays)).toEqual(Object.keys(plain.arrays));
    const again = numbersOf(all);
    for (const [name, values] of Object.entries(numbersOf(plain))) expectSameBits(name, again[name]!, values);
  });
  test('Phi from drawn neurons: near the closed form, by the seed alone, and nothing else changes', async ({
    skip,
  }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const save = ['theory', 'outputs'];
    const run = (phi: 'exact' | { draws: number }, seed = 0) =>
      runExperiment(bound.engine, smallConfig({ seed, theory: { ...theory, phi }, save }));
    const [draws, few] = [{ draws: 1000 }, { draws: 20 }];
    const [exact, drawn, again, fewer] = [await run('exact'), await run(draws), await run(draws), await run(few)];
    expect(drawn.config.theory.phi).toEqual(draws);
    expect(again.metrics).toEqual(drawn.metrics);
    for (const [name, { data }] of Object.entries(drawn.arrays)) expectSameBits(name, again.arrays[name]!.data, data);
    const off = (of: typeof exact, name: string) => normwise(of.arrays[name]!.data, exact.arrays[name]!.data);
    for (const name of ['direction', 'map_f_hat', 'map_g_hat']) {
      // The relative standard error of Phi, which is 1/4 for inputs at a right angle, is sqrt(3 / draws) there.
      expect(off(drawn, name), name).toBeLessThan(3 * Math.sqrt(3 / 1000));
      expect(off(drawn, name), name).toBeGreaterThan(1e-4);
      expect(off(fewer, name), name).toBeGreaterThan(off(drawn, name));
    }
    expect(Math.abs(drawn.metrics.cosine! - exact.metrics.cosine!)).toBeLessThan(3 * Math.sqrt(3 / 1000));
    for (const name of ['map_f', 'map_g', 'map_agree', 'map_projected', 'f_X', 'g_X']) {
      expectSameBits(name, drawn.arrays[name]!.data, exact.arrays[name]!.data);
    }
    expect(bound.gpu.liveArrays).toBe(0);
  });
  test('a map of one class only is refused before anything is trained', async ({ skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    const stages: string[] = [];
    const config = smallConfig({ data: { kind: 'gauss', n: 1, d: 5 }, theory });
    const run = runExperiment(bound.engine, config, { onProgress: ({ stage }) => void stages.push(stage) });
    await expect(run).rejects.toMatchObject({ name: 'InputError', key: 'theory.map' });
    expect(stages).toEqual(['prepare']);
    expect(bound.gpu.liveArrays).toBe(0);
  });
});
