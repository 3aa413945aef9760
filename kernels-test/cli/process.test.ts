// The command as a real process, with a stand-in for the engine: signals, pipes, exit codes, and that Dawn stays unloaded
// until it is needed.

import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleCommand } from './bundle';
import { names, temporary } from './fakes';

const here = fileURLToPath(new URL('.', import.meta.url));

const ENGINE = `
import { fakeResult } from './fake-result';
process.stderr.write('engine loaded\\n');
export const createEngine = async () => ({ dispose() {}, adapter: { name: 'a fake' }, settings: {} });
export const listAdapters = async () => [];
export const tuningKey = async () => 'a fake';
export const tunedEngine = async (engine) => engine;
export async function runExperiment(engine, config, { onProgress, signal }) {
  onProgress({ stage: 'standard', epoch: 0, epochs: config.standard.epochs });
  const mode = process.env.FAKE_RUN;
  if (mode === undefined) return fakeResult(config);
  if (mode === 'throw') setTimeout(() => { throw new Error('from a callback'); }, 1);
  await new Promise((resolve, reject) => {
    setInterval(() => {}, 1000);
    if (mode === 'obey') signal.addEventListener('abort', () => reject(signal.reason));
  });
}`;

/** Puts {@link ENGINE} in the place of all that the command loads late. */
const standIn: Plugin = {
  name: 'stand-in',
  setup(setup) {
    setup.onResolve(
      { filter: /^\.\.\/(node|experiment\/(run|sweep-plan)|bench\/tuned-engine|\.\.\/kernels-test\/doctor)$/ },
      ({ importer }) => (importer.endsWith('services.ts') ? { path: 'engine', namespace: 'stand-in' } : undefined),
    );
    setup.onLoad({ filter: /.*/, namespace: 'stand-in' }, () => ({ contents: ENGINE, resolveDir: here }));
  },
};

let bundle: Awaited<ReturnType<typeof bundleCommand>>;
beforeAll(async () => {
  bundle = await bundleCommand('process', [standIn]);
});
afterAll(() => bundle?.remove());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command; `onText` sees stderr as it grows and may act on the child. */
async function command(
  cwd: string,
  argv: readonly string[],
  options: { run?: string; onErr?: (text: string, child: ReturnType<typeof spawn>) => void; closeOut?: boolean } = {},
): Promise<Ended> {
  const { FAKE_RUN: _, PERTURB_DEBUG: __, ...env } = process.env;
  const child = spawn(process.execPath, [bundle.script, ...argv], {
    cwd,
    env: options.run === undefined ? env : { ...env, FAKE_RUN: options.run },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => {
    out += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data;
    options.onErr?.(err, child);
  });
  if (options.closeOut) child.stdout.destroy();
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
}

describe('the process', () => {
  it('answers --help and bad input without loading the engine', async () => {
    const dir = await temporary();
    const [help, bad, usage] = await Promise.all([
      command(dir, ['--help']),
      command(dir, ['run', '--set', 'network.widht=3']),
      command(dir, ['run', '--bogus']),
    ]);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(bad).toMatchObject({ code: 2, out: '' });
    expect(usage).toMatchObject({ code: 2, out: '' });
    for (const { err } of [bad, usage]) expect(err).not.toContain('engine loaded');
  });

  it('runs, writes and prints one document', async () => {
    const dir = await temporary();
    const { code, out, err } = await command(dir, ['run', '--json', '--out', 'o']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toHaveProperty('metrics.agreement', 0.905);
    expect(err).toContain('engine loaded');
    expect(await names(join(dir, 'o'))).toEqual([
      'config.json',
      'curves.svg',
      'history.npz',
      'report.html',
      'result.json',
    ]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with 130 at %s, nothing written', async (signal) => {
    const dir = await temporary();
    const { code, out, err } = await command(dir, ['run', '--out', 'o'], {
      run: 'obey',
      onErr: (text, child) => text.endsWith('epochs\n') && child.kill(signal),
    });
    expect(code).toBe(130);
    expect(out).toBe('');
    expect(err.split('\n').slice(2)).toEqual([
      'interrupted; nothing of this run was written',
      expect.stringMatching(/^The same command begins anew\./),
      '',
    ]);
    expect(await names(dir)).toEqual([]);
  });

  it('ends at the second SIGINT when the first is not heeded', async () => {
    const dir = await temporary();
    let sent = 0;
    const { code } = await command(dir, ['run'], {
      run: 'ignore',
      onErr: (text, child) => {
        if (!text.includes('epochs') || sent > 0) return;
        sent = 1;
        child.kill('SIGINT');
        setTimeout(() => {
          sent = 2;
          child.kill('SIGINT');
        }, 200);
      },
    });
    expect(code).toBe(130);
    expect(sent).toBe(2);
  });

  it('keeps going when the reader of its output goes away', async () => {
    const dir = await temporary();
    const { code, err } = await command(dir, ['run', '--json', '--out', 'o'], { closeOut: true });
    expect(code).toBe(0);
    expect(err).not.toMatch(/EPIPE|\n\s+at /);
    expect(await names(join(dir, 'o'))).toContain('result.json');
  });

  it('says what broke outside of any promise in a block, not a stack', async () => {
    const { code, err } = await command(await temporary(), ['run'], { run: 'throw' });
    expect(code).toBe(1);
    expect(err).toContain('error: a fault in perturb-gpu: from a callback\nfix: ');
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('names the place of a syntax error behind a byte order mark', async () => {
    const dir = await temporary();
    await writeFile(join(dir, 'my.json'), '\uFEFF{"seed": 1 "x": 2}');
    const { code, err } = await command(dir, ['run', 'my.json']);
    expect(code).toBe(2);
    expect(err).toContain('where: my.json:1:12');
  });
});
