// perturb-gpu/report as pages load it: nothing of Node in it, and it draws.

import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import { expandSweep, parseGrid, rowsOf, summarise } from '../../src/experiment/sweeps';
import * as library from '../../src/report/index';
import { fakeResult } from '../cli/fake-result';
import { parsePage } from './html';

it('takes in nothing of Node and nothing of the command line', async () => {
  const { metafile } = await build({
    entryPoints: ['src/report/index.ts'],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    packages: 'external',
    loader: { '.wgsl': 'text' },
  });
  const inputs = Object.entries(metafile.inputs);
  expect(inputs.length).toBeGreaterThan(10);
  for (const [path] of inputs) expect(path).not.toMatch(/^src\/(cli|gpu)\//);
  const packages = inputs.flatMap(([, { imports }]) => imports.flatMap((each) => (each.external ? [each.path] : [])));
  // linkedom is asked for only where there is no document.
  expect([...new Set(packages)].sort()).toEqual([
    '@observablehq/plot',
    'fast-png',
    'fastest-levenshtein',
    'fflate',
    'linkedom',
    'valibot',
  ]);
});

it('makes a report of a result', () => {
  parsePage(library.runReport(fakeResult(parseConfig({}))));
});

it('makes a report of a sweep from what perturb-gpu/sweep gives', async () => {
  const document = { vary: [{ key: 'data.n', values: [10, 20] }], seeds: 2 };
  const sweep = await expandSweep(parseGrid(document), {});
  const rows = rowsOf(sweep, new Map(sweep.cells.map(({ hash, config }) => [hash, { result: fakeResult(config) }])));
  const again = { where: 'Anywhere:', command: 'perturb sweep grid.json' };
  const report = library.sweepReport({
    title: 'Mine',
    summary: summarise(sweep, rows),
    rows,
    missing: [],
    document,
    again,
  });
  expect(parsePage(report).querySelector('.lead')!.textContent).toMatch(/4 experiments over 2 points/);
});
