// Files that are far too long, named by mistake or damaged: told as what they are, and never read into memory.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBounded, readBoundedText } from '../../src/cli/bounded-read';
import { cli, temporary } from './fakes';

/** A terabyte that takes no space. */
const HUGE = 2 ** 40;

async function makeHuge(path: string): Promise<void> {
  await writeFile(path, '', { flag: 'a' });
  await truncate(path, HUGE);
}

describe('a bounded read', () => {
  it('gives what has at most so many bytes', async () => {
    const path = join(await temporary(), 'x');
    await writeFile(path, '\uFEFFab');
    expect(await readBoundedText(path, 5)).toBe('\uFEFFab');
    await expect(readBounded(path, 4)).rejects.toThrow(new RangeError('it has 5 bytes, more than 4'));
  });

  it('gives a pipe to its end, and ends one that does not', async () => {
    const path = join(await temporary(), 'pipe');
    execFileSync('mkfifo', [path]);
    const said = writeFile(path, 'from a pipe');
    expect(await readBoundedText(path)).toBe('from a pipe');
    await said;
    await expect(readBounded('/dev/zero', 1e6)).rejects.toThrow(/more than 1000000 bytes/);
  });

  it('refuses a folder', async () => {
    await expect(readBounded(await temporary(), 1e6)).rejects.toThrow(/EISDIR/);
  });
});

describe('a file far too long', () => {
  it.for([
    [['run', 'huge.json'], /the configuration file cannot be read/],
    [['map', 'huge.json', '--out', 'o'], /the configuration file cannot be read/],
    [['sweep', 'huge.json'], /the sweep file cannot be read/],
    [['sweep', 'grid.json'], /the base configuration file cannot be read/],
    [['bench', '--compare', 'huge.json', 'huge.json'], /the benchmark report cannot be read/],
  ] as [string[], RegExp][])('is refused by %j, named, before an engine is made', async ([argv, message]) => {
    const dir = await temporary();
    await makeHuge(join(dir, 'huge.json'));
    await writeFile(join(dir, 'grid.json'), JSON.stringify({ base: 'huge.json' }));
    const { code, err, services } = await cli(dir, argv);
    expect([code, services.engines]).toEqual([2, []]);
    expect(err).toMatch(message);
    expect(err).toMatch(/it has 1099511627776 bytes, more than 67108864\nwhere: huge\.json\nfix: {3}\w/);
  });

  it('in place of a lock keeps the directory shut, as whatever is no lock does', async () => {
    const dir = await temporary();
    await writeFile(join(dir, 'grid.json'), '{ "seeds": 1 }');
    await mkdir(join(dir, 'o'));
    await makeHuge(join(dir, 'o/lock.json'));
    const { code, err } = await cli(dir, ['sweep', 'grid.json', '--out', 'o']);
    expect([code, err]).toEqual([2, expect.stringMatching(/in use by another process[\s\S]*delete .*lock\.json/)]);
    expect(existsSync(join(dir, 'o/lock.json'))).toBe(true);
  });

  it('in place of a cell of a reproduction is computed again; of a panel, it is told', async () => {
    const dir = await temporary();
    const reproduce = ['reproduce', 'shifted-gauss-a-mini', '--panel', '1', '--seeds', '1', '--out', 'out'];
    await cli(dir, reproduce);
    const [cell] = await readdir(join(dir, 'out/cells'));
    await makeHuge(join(dir, 'out/cells', cell!));
    expect((await cli(dir, reproduce)).services.runs.length).toBeGreaterThan(0);
    expect((await cli(dir, reproduce)).services.runs).toEqual([]);
    await makeHuge(join(dir, 'out/shifted-gauss-a-mini/panel-2.json'));
    const { code, err } = await cli(dir, reproduce);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/it has 1099511627776 bytes[\s\S]*panel-2\.json[\s\S]*Delete/),
    ]);
  });
});
