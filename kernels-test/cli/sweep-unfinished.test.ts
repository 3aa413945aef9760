// Sweeps that end before they are done, whose cells fail or whose directory is not theirs: what is kept, and what the same
// command then does.

import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SweepStore } from '../../src/cli/sweep-store';
import { InputError } from '../../src/data/input-error';
import { DeviceLostError, GpuOutOfMemoryError } from '../../src/gpu/errors';
import { cli, FakeIo, FakeServices, fakeResult, names, temporary } from './fakes';
import { cellFiles, failing, folder, json, report } from './sweeps';

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
    ['a file far too long', (path) => truncate(path, 2 ** 40), /it has 1099511627776 bytes/],
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

  it('clears away the locks that processes were killed over while they moved them aside, and no living one', async () => {
    const dir = join(await temporary(), 'o');
    await mkdir(dir);
    const aside = (digit: string) => `.lock.json.partial-${digit.repeat(12)}-old`;
    const dead = { pid: 2 ** 22 + 1, host: hostname(), began: null };
    await writeFile(join(dir, aside('1')), JSON.stringify(dead));
    await writeFile(join(dir, aside('2')), JSON.stringify({ ...dead, pid: process.pid }));
    await writeFile(join(dir, aside('3')), JSON.stringify({ ...dead, host: 'elsewhere' }));
    const store = await SweepStore.open(dir);
    expect((await names(dir)).filter((name) => name.endsWith('-old'))).toEqual([aside('2'), aside('3')]);
    await store.close();
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
