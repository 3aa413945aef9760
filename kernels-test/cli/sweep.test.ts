// `perturb sweep` with a stand-in for the engine: what is kept, what is computed, what an interrupted sweep goes on from.

import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSweep } from '../../src/cli/sweep';
import { readCells, SweepStore } from '../../src/cli/sweep-store';
import { InputError } from '../../src/data/input-error';
import { DeviceLostError, GpuOutOfMemoryError, GpuUnavailableError } from '../../src/gpu/errors';
import { DivergenceError } from '../../src/network/divergence';
import { cli, FakeIo, FakeServices, fakeResult, names, temporary } from './fakes';

const GRID = { base: { data: { n: 50 } }, vary: [{ key: 'data.d', values: [5, 6, 7] }], seeds: 2 };

async function folder(grid: unknown = GRID): Promise<string> {
  const dir = await temporary();
  await writeFile(join(dir, 'grid.json'), JSON.stringify(grid));
  return dir;
}
const cellFiles = async (dir: string) => (await names(join(dir, 'cells'))).filter((name) => name.endsWith('.json'));
const report = (dir: string) => readFile(join(dir, 'o/report.html'), 'utf8');
const json = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

/** Services that fail at the `at`-th experiment. */
/** Fails from the run `at` on, counted from 1, `times` times. */
function failing(at: number, error: Error, times = Infinity): FakeServices {
  const services = new FakeServices();
  services.run = async (config) => {
    if (services.runs.length >= at && services.runs.length < at + times) throw error;
    return fakeResult(config);
  };
  return services;
}

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
    await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
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

describe('an unfinished sweep', () => {
  it.each<[string, Error, number]>([
    ['a device that is lost again and again', new DeviceLostError('reset'), 5],
    ['a fault', new TypeError('oops'), 1],
  ])('after %s keeps what was finished and goes on from there', async (_, error, exit) => {
    const dir = await folder();
    const broken = await cli(dir, ['sweep', 'grid.json', '--out', 'o', '--quiet'], failing(4, error));
    expect(broken.code).toBe(exit);
    expect(broken.err).toContain('3 of 6 experiments are kept in o; the same command goes on from there');
    expect(await cellFiles(join(dir, 'o'))).toHaveLength(3);
    expect(existsSync(join(dir, 'o/lock.json'))).toBe(false);
    const { code, services } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect([code, services.runs.length]).toEqual([0, 3]);
  });

  it('takes a new device when one is lost, and computes only what is left', async () => {
    const dir = await folder();
    const { code, err, services } = await cli(
      dir,
      ['sweep', 'grid.json', '--out', 'o', '--quiet'],
      failing(4, new DeviceLostError('reset'), 2),
    );
    expect(code).toBe(0);
    expect(err).toMatch(
      /Going on from 3 of 6 experiments on a new device \(1 of at most 3\)\.\n.*\(2 of at most 3\)\.\n$/,
    );
    expect([services.runs.length, services.engines.length, services.disposed]).toEqual([8, 3, 3]);
    expect(await cellFiles(join(dir, 'o'))).toHaveLength(6);
  });

  it('after an interruption exits with 130 and says what is kept', async () => {
    const dir = await folder();
    const services = new FakeServices();
    const io = new FakeIo(dir);
    services.run = async (config, { signal }) => {
      if (services.runs.length === 3) io.controller.abort();
      signal.throwIfAborted();
      return fakeResult(config);
    };
    const { code, out, err } = await cli(dir, ['sweep', 'grid.json', '--out', 'o', '--quiet'], services, io);
    expect(code).toBe(130);
    expect(out).toBe('');
    expect(err).toBe('interrupted; 2 of 6 experiments are kept in o\nThe same command goes on from there.\n');
    expect(services.disposed).toBe(1);
    expect(await json(join(dir, 'o/summary.json'))).toMatchObject({ cells: { total: 6, finished: 2, failed: 0 } });
    expect(await report(dir)).toContain('unfinished: 4 are not computed yet');
    expect(
      (await cli(dir, ['sweep', 'sweep.json', '--out', '.'], new FakeServices(), new FakeIo(join(dir, 'o')))).code,
    ).toBe(0);
    expect(await report(dir)).not.toContain('not computed yet');
  });

  it.each<[string, (path: string) => Promise<void>, RegExp]>([
    ['a torn file', async (path) => writeFile(path, (await readFile(path)).subarray(0, 200)), /not whole/],
    ['an empty file', (path) => writeFile(path, ''), /not whole/],
    ['a foreign file', (path) => writeFile(path, '[1]'), /not a cell/],
    [
      'a changed number',
      async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('0.9876', '0.9976')),
      /was changed/,
    ],
    [
      'a changed configuration',
      async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('"n": 50', '"n": 51')),
      /another configuration/,
    ],
    [
      'another version',
      async (path) =>
        writeFile(path, (await readFile(path, 'utf8')).replace('"schemaVersion": 1', '"schemaVersion": 9')),
      /another version/,
    ],
  ])('with %s reports it and computes that cell again', async (_, spoil, reason) => {
    const dir = await folder();
    await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    const [name] = await cellFiles(join(dir, 'o'));
    const path = join(dir, 'o/cells', name!);
    const before = await json(path);
    await spoil(path);
    const { code, err, services } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect([code, services.runs.length]).toEqual([0, 1]);
    expect(err).toContain(`cells/${name} is computed again: `);
    expect(err).toMatch(reason);
    expect((await json(path)).config).toEqual(before.config);
  });

  it('clears away what a killed process had begun to write', async () => {
    const dir = await folder();
    await mkdir(join(dir, 'o/cells/.abc.partial-0123456789ab'), { recursive: true });
    await writeFile(join(dir, 'o/.sweep.json.partial-0123456789ab'), '{');
    const { code } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect(code).toBe(0);
    expect((await names(join(dir, 'o/cells'))).filter((name) => name.startsWith('.'))).toEqual([]);
    expect((await names(join(dir, 'o'))).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('a cell that fails', () => {
  it('is recorded, does not stop the others, is told by the exit code, and is tried again', async () => {
    const dir = await folder();
    const services = new FakeServices();
    services.run = async (config) => {
      if ('d' in config.data && config.data.d === 6) throw new GpuOutOfMemoryError('no room for W', 'W', 10);
      return fakeResult(config);
    };
    const { code, out, err } = await cli(dir, ['sweep', 'grid.json', '--out', 'o'], services);
    expect(code).toBe(4);
    expect(err).toContain('error: 2 of 6 combinations have no result; the first: no room for W');
    expect(out).toContain('data.d = 6, seed = 0: no room for W');
    expect(await json(join(dir, 'o/summary.json'))).toMatchObject({
      cells: { finished: 4, failed: 2 },
      failures: [{ values: { 'data.d': 6 }, seed: 0, error: { kind: 'GpuOutOfMemoryError' } }, { seed: 1 }],
    });
    const again = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect([again.code, again.services.runs.length]).toEqual([0, 2]);
  });

  it('for a file that is absent exits with 2, the others done', async () => {
    const grid = {
      vary: [{ keys: ['data'], values: [[{ kind: 'gauss' }], [{ kind: 'npy', x: 'x.npy', y: 'y.npy' }]] }],
    };
    const dir = await folder(grid);
    const { code, err, services } = await cli(dir, ['sweep', 'grid.json', '--json']);
    expect([code, services.runs.length]).toEqual([2, 1]);
    expect(err).toContain('1 of 2 combinations have no result; the first: there is no such file');
  });

  it('is none when the disk is full: then the sweep ends', async () => {
    const dir = await folder();
    const services = new FakeServices();
    services.run = async (config) => {
      await rm(join(dir, 'o/cells'), { recursive: true, force: true });
      await writeFile(join(dir, 'o/cells'), 'in the way');
      return fakeResult(config);
    };
    const { code, err } = await cli(dir, ['sweep', 'grid.json', '--out', 'o'], services);
    expect(code).toBe(2);
    expect(services.runs).toHaveLength(1);
    expect(err).toContain('0 of 6 experiments are kept');
  });
});

describe('the directory', () => {
  it('is refused when it holds something else, without touching it', async () => {
    const dir = await folder();
    await mkdir(join(dir, 'other'));
    await writeFile(join(dir, 'other/notes.txt'), 'mine');
    const { code, err, services } = await cli(dir, ['sweep', 'grid.json', '--out', 'other']);
    expect([code, services.engines.length]).toEqual([2, 0]);
    expect(err).toContain('is not a sweep');
    expect(await names(join(dir, 'other'))).toEqual(['notes.txt']);
    const file = await cli(dir, ['sweep', 'grid.json', '--out', 'grid.json']);
    expect(file.code).toBe(2);
  });

  it('is worked in by one process at a time', async () => {
    const dir = await folder();
    const store = await SweepStore.open(join(dir, 'o'));
    const { code, err, services } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect([code, services.engines.length]).toEqual([2, 0]);
    expect(err).toContain(`in use by process ${process.pid}`);
    await store.close();
    expect((await cli(dir, ['sweep', 'grid.json', '--out', 'o'])).code).toBe(0);
  });

  it('of all that want it at once lets one in', async () => {
    const dir = join(await temporary(), 'o');
    await mkdir(dir);
    const dead = { pid: 2 ** 22 + 1, host: hostname(), began: null };
    await writeFile(join(dir, 'lock.json'), JSON.stringify(dead));
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => SweepStore.open(dir)));
    const won = tries.filter(({ status }) => status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const each of tries) if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(InputError);
  });

  it.each<[string, () => Record<string, unknown>, boolean]>([
    ['a process that is gone', () => ({ pid: 2 ** 22 + 1, host: hostname(), began: null }), true],
    ['a process whose number went to another', () => ({ pid: process.pid, host: hostname(), began: 'then 1' }), true],
    ['a process of another machine', () => ({ pid: 2 ** 22 + 1, host: 'elsewhere', began: null }), false],
    ['what is no lock of ours', () => ({}), false],
  ])('with the lock of %s', async (_, holder, free) => {
    const dir = await folder();
    await mkdir(join(dir, 'o'));
    await writeFile(join(dir, 'o/lock.json'), JSON.stringify(holder()));
    const { code, err } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect(code).toBe(free ? 0 : 2);
    expect(err).toMatch(free ? /process \d+ was killed while it worked here/ : /in use by[\s\S]*delete .*lock\.json/);
    expect(existsSync(join(dir, 'o/lock.json'))).toBe(!free);
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
