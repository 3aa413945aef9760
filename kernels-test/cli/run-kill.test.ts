// kill -9 at random moments of a run with checkpoints, with the real engine: every one goes on, and the files are those of a
// run that nobody disturbed. PERTURB_RUN_KILLS=50 kills more often.

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasCheckpoint, readCheckpoint } from '../../src/cli/checkpoint';
import { bundleCommand, wait } from './bundle';

const KILLS = Number(process.env.PERTURB_RUN_KILLS ?? 3);
const settings = (trainer: string, loss: string) =>
  Object.entries({
    'data.n': 300,
    'data.d': 60,
    'network.width': 48,
    'standard.epochs': 1500,
    'learning.epochs': 1500,
    loss,
    trainer,
  }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
/** Trainers and losses take turns. */
const KINDS = [
  ['direct', 'identity'],
  ['gram', 'identity'],
  ['auto', 'logistic'],
] as const;

let dir = '';
let bundle: Awaited<ReturnType<typeof bundleCommand>>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'perturb-kill-'));
  bundle = await bundleCommand('run');
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await bundle.remove();
});

async function perturb(argv: readonly string[], during?: (kill: () => void, ended: () => boolean) => Promise<void>) {
  const child = spawn(process.execPath, [bundle.script, 'run', ...argv], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  let over = false;
  child.stderr.on('data', (data: Buffer) => {
    err += data;
  });
  const end = new Promise<number | null>((resolve) =>
    child.on('close', (code) => {
      over = true;
      resolve(code);
    }),
  );
  await during?.(
    () => child.kill('SIGKILL'),
    () => over,
  );
  return { code: await end, err };
}

/** Files whose bytes two equal runs share. */
async function arrays(out: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(join(dir, out))).filter((name) => /\.np[yz]$/.test(name));
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(dir, out, name))] as const)));
}

it(`survives ${KILLS} kills`, { timeout: 60_000 + 30_000 * KILLS }, async () => {
  const told: string[] = [];
  let killed = 0;
  for (let round = 0; killed < KILLS; round++) {
    const [trainer, loss] = KINDS[round % KINDS.length]!;
    const config = [...settings(trainer, loss), '--save', 'networks,perturbations,outputs'];
    const whole = `whole-${trainer}-${loss}`;
    if (round < KINDS.length) expect((await perturb([...config, '--out', whole])).code).toBe(0);
    const out = `killed-${round}`;
    // At most so many of one run: it makes progress between them, but not always.
    for (let times = 0; killed < KILLS && times < 4; times++) {
      const going = await hasCheckpoint(join(dir, out));
      const argv = going ? ['--resume', out] : [...config, '--out', out];
      const delay = Math.round(Math.random() * 600);
      const { code, err } = await perturb([...argv, '--checkpoint', '0'], async (kill, ended) => {
        // From the first checkpoint on, if there is none: a kill before it is a run from the beginning.
        while (times % 4 !== 3 && !going && !ended() && !(await hasCheckpoint(join(dir, out)))) await wait(5);
        await wait(delay);
        kill();
      });
      if (code === 0) break;
      expect(code, err).toBe(null);
      killed++;
      const kept = (await hasCheckpoint(join(dir, out))) ? await readCheckpoint(join(dir, out)) : undefined;
      told.push(
        `${trainer} ${loss} ${delay} ms: ${kept ? `${kept.checkpoint.stage} ${kept.checkpoint.epoch}` : 'nothing'}`,
      );
    }
    // A kill between the result and the end of the checkpoint leaves both.
    const kept = await hasCheckpoint(join(dir, out));
    if (kept || !(await readdir(dir)).includes(out)) {
      const argv = kept ? ['--resume', out] : [...config, '--out', out];
      const { code, err } = await perturb(argv);
      expect(code, err).toBe(0);
    }
    const expected = await arrays(whole);
    const found = await arrays(out);
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const [name, bytes] of expected)
      expect(found.get(name)!.equals(bytes), `${out} ${name}; ${told.join('; ')}`).toBe(true);
  }
  expect((await readdir(dir)).filter((name) => name.startsWith('.') || name.endsWith('.checkpoint'))).toEqual([]);
  if (process.env.PERTURB_RUN_KILLS) process.stdout.write(`${told.join('\n')}\n`);
});
