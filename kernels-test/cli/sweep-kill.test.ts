// kill -9 at random moments of a sweep, with the real engine: no finished cell is lost, torn or computed twice, and the
// results are those of a sweep that nobody disturbed. PERTURB_SWEEP_KILLS=10 kills more often.

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSweep } from '../../src/cli/sweep';
import { readCells } from '../../src/cli/sweep-store';
import { bundleCommand, wait } from './bundle';

const KILLS = Number(process.env.PERTURB_SWEEP_KILLS ?? 3);

// Every kill meets unfinished cells: more of them than kills, each some tenths of a second, some with arrays to write.
const GRID = {
  base: {
    data: { n: 100, d: 10 },
    network: { width: 16 },
    standard: { epochs: 200, lr: 0.1 },
    learning: { epochs: 200, lr: 0.1 },
    trainer: 'direct',
  },
  vary: [{ key: 'save', values: [[], ['outputs', 'networks']] }],
  seeds: 4 * KILLS,
};

let dir = '';
let bundle: Awaited<ReturnType<typeof bundleCommand>>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perturb-kill-'));
  await writeFile(join(dir, 'grid.json'), JSON.stringify(GRID));
  bundle = await bundleCommand('sweep');
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await bundle.remove();
});

const cellsIn = async (out: string): Promise<string[]> =>
  (await readdir(join(dir, out, 'cells')).catch(() => [])).filter((name) => /^[0-9a-f]{64}\.json$/.test(name)).sort();

/** Content, inode and time of every finished cell: a file written anew has another inode. */
async function finished(out: string): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for (const name of await cellsIn(out)) {
    const path = join(dir, out, 'cells', name);
    const { ino, mtimeMs } = await stat(path);
    known.set(name, `${ino} ${mtimeMs} ${await readFile(path, 'utf8')}`);
  }
  return known;
}

/** Runs the sweep; `then` may kill it. */
async function sweep(out: string, then?: (kill: () => void, ended: () => boolean) => Promise<void>) {
  const child = spawn(process.execPath, [bundle.script, 'sweep', 'grid.json', '--out', out], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  let over = false;
  child.stderr.on('data', (data: Buffer) => {
    err += data;
  });
  const end = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      over = true;
      resolve(code);
    });
  });
  await then?.(
    () => child.kill('SIGKILL'),
    () => over,
  );
  return { code: await end, err };
}

/** Results without what no two runs have in common. */
async function results(out: string): Promise<unknown[]> {
  const text = await readFile(join(dir, out, 'results.jsonl'), 'utf8');
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return rows.map(({ seconds: _, ...row }) => row);
}

it(`survives ${KILLS} kills`, { timeout: 20_000 + 20_000 * KILLS }, async () => {
  const { sweep: planned } = await readSweep('grid.json', [], dir);
  const check = async (before: ReadonlyMap<string, string>) => {
    const after = await finished('killed');
    for (const [name, was] of before) expect(after.get(name), name).toBe(was);
    const { outcomes, bad } = await readCells(join(dir, 'killed'), planned.cells);
    expect(bad).toEqual([]);
    expect(outcomes.size).toBe(after.size);
    return after;
  };
  let known = new Map<string, string>();
  const progress: string[] = [];
  for (let count = 0; count < KILLS; count++) {
    const before = known.size;
    // Every other kill anywhere, start-up included; those between once a cell is finished, so that there is progress.
    const delay = Math.round(Math.random() * (count % 2 === 0 ? 150 : 1500));
    const { code, err } = await sweep('killed', async (kill, ended) => {
      while (count % 2 === 0 && !ended() && (await cellsIn('killed')).length === before) await wait(5);
      await wait(delay);
      kill();
    });
    expect(code, err).toBe(null);
    known = await check(known);
    progress.push(`${delay} ms: ${before} to ${known.size}`);
    if (before > 0 && err.includes('finished before')) {
      expect(err, progress.join('; ')).toContain(
        `${before} of ${planned.cells.length} experiments were finished before`,
      );
    }
  }
  expect(known.size, progress.join('; ')).toBeGreaterThan(0);
  expect(known.size, progress.join('; ')).toBeLessThan(planned.cells.length);
  const last = await sweep('killed');
  expect(last.code, last.err).toBe(0);
  expect(last.err).toContain(`${known.size} of ${planned.cells.length} experiments were finished before`);
  expect((await check(known)).size).toBe(planned.cells.length);
  const left = (await readdir(join(dir, 'killed'))).concat(await readdir(join(dir, 'killed/cells')));
  expect(left.filter((name) => name.startsWith('.') || name === 'lock.json')).toEqual([]);

  expect((await sweep('undisturbed')).code).toBe(0);
  expect(await results('killed')).toEqual(await results('undisturbed'));
  if (process.env.PERTURB_SWEEP_KILLS) process.stdout.write(`${progress.join('\n')}\n`);
});
