// The plan of a sweep against what running it takes: which batches, how much device memory.

import { expect, test } from 'vitest';
import { runExperiments } from '../../src/experiment/run';
import { type Cell, expandSweep } from '../../src/experiment/sweep';
import { parseGrid } from '../../src/experiment/sweep-grid';
import { planSweep } from '../../src/experiment/sweep-plan';
import { runCells } from '../../src/experiment/sweep-run';
import type { ExperimentResult } from '../../src/experiment/types';
import { useEngine } from '../helpers';
import { needsGram } from './helpers';

const at = useEngine();
const noFiles = () => Promise.reject(new Error('no file is named'));

test.for([
  ['direct', { loss: 'identity', trainer: 'direct' }],
  ['gram, identity', { loss: 'identity', trainer: 'gram' }],
  ['gram, logistic', { loss: 'logistic', trainer: 'gram' }],
] as const)('device memory is foretold, %s', async ([, changes], { skip }) => {
  if (changes.trainer === 'gram') needsGram(at.gpu, skip);
  const grid = parseGrid({
    base: { data: { n: 600, d: 300 }, standard: { epochs: 3 }, learning: { epochs: 3 }, ...changes },
    vary: [
      { key: 'standard.lr', values: [0.1, 1] },
      { key: 'learning.lr', values: [0.1, 1] },
    ],
  });
  const { cells } = await expandSweep(grid, grid.base);
  const plan = await planSweep(
    at.gpu,
    cells.map(({ config }) => config),
    noFiles,
  );
  expect(plan.batches).toHaveLength(1);
  const results = new Map<Cell, ExperimentResult>();
  await runCells(
    plan.batches.map(({ runs }) => runs.map((run) => cells[run]!)),
    async (configs, onResult) =>
      expect(await runExperiments(at.engine, configs, { onResult, collect: false })).toEqual([]),
    {
      onResult: async (cell, result) => void results.set(cell, result),
      onFailure: (_, error) => Promise.reject(error),
    },
  );
  expect(results.size).toBe(4);
  const peak = Math.max(...[...results.values()].map(({ memory }) => memory.peakDeviceBytes));
  const { bytes } = plan.batches[0]!.estimate;
  // Masks, part sums and warm-up are left out, trainings that take turns are counted together: good for planning only.
  expect(bytes / peak).toBeGreaterThan(0.5);
  expect(bytes / peak).toBeLessThan(2);
});

test('halves are foretold too', async ({ skip }) => {
  if (!at.gpu.features.has('shader-f16' as GPUFeatureName)) skip('the adapter has no halves');
  const stage = { epochs: 3 };
  const base = {
    trainer: 'direct',
    data: { n: 3000, d: 300 },
    network: { width: 16 },
    standard: stage,
    learning: stage,
  };
  const grid = parseGrid({ base: { ...base, precision: 'f16' }, vary: [{ key: 'seed', values: [0] }] });
  const { cells } = await expandSweep(grid, grid.base);
  const configs = cells.map(({ config }) => config);
  const { bytes } = (await planSweep(at.gpu, configs, noFiles)).batches[0]!.estimate;
  const peaks: number[] = [];
  const onResult = (_: number, { memory }: ExperimentResult) => void peaks.push(memory.peakDeviceBytes);
  await runExperiments(at.engine, configs, { onResult });
  const peak = Math.max(...peaks);
  expect(bytes / peak).toBeGreaterThan(0.9);
  expect(bytes / peak).toBeLessThan(1.2);
});
