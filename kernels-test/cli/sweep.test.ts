// `perturb sweep` with a stand-in for the engine: what is computed, what is kept and what is told.

import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSweep } from '../../src/cli/sweep';
import { readCells, SweepStore } from '../../src/cli/sweep-store';
import { DeviceLostError, GpuUnavailableError } from '../../src/gpu/errors';
import { DivergenceError } from '../../src/network/divergence';
import { cli, FakeServices, fakeResult, names, temporary } from './fakes';
import { cellFiles, failing, folder, GRID, json, report } from './sweeps';

describe('perturb sweep', () => {
  it('keeps every cell, writes results and prints a table', async () => {
    const dir = await folder();
    const { code, out, err, services } = await cli(dir, ['sweep', 'grid.json']);
    expect(code).toBe(0);
    expect(services.runs).toHaveLength(6);
    const target = join(dir, 'runs/grid');
    expect(await names(target)).toEqual([
      'cells',
      'report.html',
      'results.csv',
      'results.jsonl',
      'summary.json',
      'sweep.json',
    ]);
    expect(await cellFiles(target)).toHaveLength(6);
    expect(out).toContain('Mean ± standard deviation over the seeds');
    expect(out).toContain('98.76 ± 0.00 %');
    expect(err).toContain('6 of 6 experiments done');
    expect((await readFile(join(target, 'results.jsonl'), 'utf8')).trimEnd().split('\n')).toHaveLength(6);
    expect(await json(join(target, 'summary.json'))).toMatchObject({ cells: { total: 6, finished: 6, failed: 0 } });
    expect(services.disposed).toBe(1);
  });

  it('computes only what is new when the grid has grown, and nothing when it has not', async () => {
    const dir = await folder();
    const first = await cli(dir, ['sweep', 'grid.json', '--out', 'o', '--quiet']);
    expect([first.err, first.out]).toEqual(['', expect.stringContaining('written to o: report.html')]);
    const again = await cli(dir, ['sweep', 'grid.json', '--out', 'o', '--json']);
    expect(again.services.engines).toEqual([]);
    expect(JSON.parse(again.out)).toMatchObject({ cells: { finished: 6 } });
    await writeFile(join(dir, 'grid.json'), JSON.stringify({ ...GRID, seeds: 3 }));
    const more = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect(more.services.runs.map(({ seed }) => seed)).toEqual([2, 2, 2]);
    expect(more.err).toContain('6 of 9 experiments were finished before');
    expect(await json(join(dir, 'o/summary.json'))).toMatchObject({ cells: { finished: 9 } });
  });

  it('reads a base configuration of its own, with its files beside it, and --set over it', async () => {
    const dir = await folder({ base: 'sub/base.json', vary: [{ key: 'network.width', values: [2, 3] }] });
    await mkdir(join(dir, 'sub'));
    await writeFile(join(dir, 'sub/base.json'), '{ "data": { "n": 60 }, "seed": 9 }');
    await writeFile(join(dir, 'sub/beside.txt'), 'here');
    const services = new FakeServices();
    let read = '';
    services.run = async (config, { readFile: reader }) => {
      read = new TextDecoder().decode(await reader('beside.txt'));
      return fakeResult(config);
    };
    const { code } = await cli(dir, ['sweep', 'grid.json', '--set', 'data.d=4', '--device', 'acme'], services);
    expect(code).toBe(0);
    expect(services.runs).toMatchObject([
      { data: { n: 60, d: 4 }, seed: 9, network: { width: 2 } },
      { data: { n: 60, d: 4 }, seed: 9, network: { width: 3 } },
    ]);
    expect(services.engines).toEqual([{ adapter: 'acme' }]);
    expect(read).toBe('here');
  });

  it('writes a report that says how to run it again, from the grid it keeps or from where its files are', async () => {
    const dir = await folder();
    await cli(dir, ['sweep', 'grid.json', '--out', 'o', '--set', 'data.n=60']);
    expect(await report(dir)).toContain('npx perturb sweep sweep.json --out .');
    const again = await cli(join(dir, 'o'), ['sweep', 'sweep.json', '--out', '.']);
    expect([again.code, again.services.runs.length]).toEqual([0, 0]);
    await writeFile(join(dir, 'grid.json'), JSON.stringify({ base: { perturbation: { targets: 't.npy' } }, seeds: 2 }));
    await cli(dir, ['sweep', 'grid.json', '--out', 'o', '--set', 'loss="logistic"']);
    expect(await report(dir)).toContain(
      'npx perturb sweep grid.json --set &#39;loss=&quot;logistic&quot;&#39; --out o</code>',
    );
  });

  it('keeps the arrays of a cell in a directory of its own, and misses them when they are gone', async () => {
    const dir = await folder({ base: { save: ['perturbations'] }, seeds: 2 });
    await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    const { sweep } = await readSweep('grid.json', [], dir);
    const [first, second] = sweep.cells.map(({ hash }) => join(dir, 'o/cells', hash));
    expect(await names(first!)).toEqual(['R.npy', 'config.json', 'history.npz', 'result.json']);
    await rm(second!, { recursive: true });
    const { err, services } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect(err).toMatch(/is computed again: its saved arrays, .* are gone/);
    expect(services.runs.map(({ seed }) => seed)).toEqual([1]);
    expect(await names(second!)).toContain('R.npy');
  });

  it('records a diverged experiment as that, once, and ends well', async () => {
    const dir = await folder({ seeds: 2 });
    const services = new FakeServices();
    services.run = async (config) => {
      if (config.seed === 1)
        throw new DivergenceError({ epoch: 7, what: 'loss', lr: 1, firstLoss: 0, stage: 'learning' });
      return fakeResult(config);
    };
    const { code, out } = await cli(dir, ['sweep', 'grid.json', '--out', 'o'], services);
    expect(code).toBe(0);
    expect(out).toContain('Diverged, and in none of these numbers: 1 of 2');
    expect(await json(join(dir, 'o/summary.json'))).toMatchObject({
      cells: { finished: 1, failed: 0, diverged: 1 },
      diverged: [{ seed: 1, at: { stage: 'learning', what: 'loss', epoch: 7 } }],
    });
    // It is known, and not tried again.
    expect((await cli(dir, ['sweep', 'grid.json', '--out', 'o'])).services.runs).toEqual([]);
  });

  it('takes a cell directory without its file for unfinished', async () => {
    const dir = await folder({ base: { save: ['perturbations'] } });
    const { sweep } = await readSweep('grid.json', [], dir);
    const store = await SweepStore.open(join(dir, 'o'));
    await store.close();
    const own = join(dir, 'o/cells', sweep.cells[0]!.hash);
    await mkdir(own);
    await writeFile(join(own, 'old.npy'), 'old');
    const { code, services } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect([code, services.runs.length]).toEqual([0, 1]);
    expect(await names(own)).not.toContain('old.npy');
  });
});

describe('--dry-run', () => {
  it('prints cells, what they share and what they cost, and writes nothing', async () => {
    const dir = await folder();
    const { code, out, services } = await cli(dir, ['sweep', 'grid.json', '--dry-run']);
    expect(code).toBe(0);
    expect(services.runs).toEqual([]);
    expect(out).toMatch(/data\.d +│ seed +│ state/);
    expect(out).toContain('6 sets of samples, 6 trainings of f, 6 perturbations, 6 trainings of g');
    expect(out).toContain('multiply-adds');
    expect(await names(dir)).toEqual(['grid.json']);
  });

  it('knows what is finished, needs no adapter, and is one document with --json', async () => {
    const dir = await folder();
    await cli(dir, ['sweep', 'grid.json', '--out', 'o'], failing(3, new DeviceLostError('')));
    const before = await stat(join(dir, 'o'));
    const services = new FakeServices();
    services.beforeEngine = () => {
      throw new GpuUnavailableError('no adapter', 'Install a driver.');
    };
    const { code, out, err } = await cli(dir, ['sweep', 'grid.json', '--out', 'o', '--dry-run', '--json'], services);
    expect(code).toBe(0);
    expect(err).toContain('without one');
    expect(JSON.parse(out)).toMatchObject({
      experiments: 6,
      finished: 2,
      toRun: 4,
      cost: { trainingsOfF: 4, seconds: null },
    });
    expect((await stat(join(dir, 'o'))).mtimeMs).toBe(before.mtimeMs);
  });
});

describe('bad input', () => {
  it.each<[string, unknown, string[], RegExp]>([
    ['a missing grid', undefined, [], /the sweep file does not exist[\s\S]*where: grid\.json/],
    ['a missing base', { base: 'no.json' }, [], /the base configuration file does not exist[\s\S]*where: no\.json/],
    [
      'a misspelt key',
      { vary: [{ key: 'data.dd', values: [1] }] },
      [],
      /where: grid\.json, vary, data\.dd\nfix: {3}Write data\.d/,
    ],
    ['a --set of a varied key', GRID, ['--set', 'data.d=3'], /--set data\.d has no effect[\s\S]*where: --set, data\.d/],
    ['a --set of the wrong key', GRID, ['--set', 'network.widht=3'], /where: --set, network\.widht/],
  ])('%s exits with 2 before an engine is made', async (_, grid, args, text) => {
    const dir = await temporary();
    if (grid !== undefined) await writeFile(join(dir, 'grid.json'), JSON.stringify(grid));
    const { code, err, services } = await cli(dir, ['sweep', 'grid.json', ...args]);
    expect([code, services.engines.length]).toEqual([2, 0]);
    expect(err).toMatch(text);
    expect(existsSync(join(dir, 'runs'))).toBe(false);
  });
});

it('a cell file says all that is to be said of its result', async () => {
  const dir = await folder({ base: { data: { n: 50 } } });
  const services = new FakeServices();
  services.run = async (config) => ({ ...fakeResult(config), loss: { standard: Number.NaN, learning: -1 } });
  await cli(dir, ['sweep', 'grid.json', '--out', 'o'], services);
  const { sweep } = await readSweep('grid.json', [], dir);
  const { outcomes, bad } = await readCells(join(dir, 'o'), sweep.cells);
  expect(bad).toEqual([]);
  expect(outcomes.get(sweep.cells[0]!.hash)?.result).toMatchObject({
    loss: { standard: null, learning: -1 },
    device: { name: 'Fake Adapter 3000' },
    timing: { totalSeconds: 131.28 },
  });
});
