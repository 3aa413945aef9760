// `perturb run` from its arguments to its exit code: what is printed where, what is written, what never is.

import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { parseNpy } from '../../src/data/npy';
import { parseConfig } from '../../src/experiment/config';
import {
  DeviceLostError,
  DisposedError,
  GpuOutOfMemoryError,
  GpuUnavailableError,
  GpuValidationError,
} from '../../src/gpu/errors';
import { DivergenceError } from '../../src/network/divergence';
import { cli, FakeIo, FakeServices, fakeResult, names, temporary } from './fakes';

const json = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

describe('perturb run', () => {
  it('runs the defaults without a file, prints a table, writes nothing and says so', async () => {
    const dir = await temporary();
    const { code, out, services } = await cli(dir, ['run']);
    expect(code).toBe(0);
    expect(services.runs).toEqual([parseConfig({})]);
    expect(out).toContain('98.76 %');
    expect(out).toContain('add --out DIR');
    expect(await names(dir)).toEqual([]);
    expect(services.disposed).toBe(1);
  });

  it('writes the whole result directory', async () => {
    const dir = await temporary();
    const args = ['run', '--set', 'data.kind=glyphs', '--set', 'standard.epochs=3', '--save', 'perturbations'];
    const { code, out } = await cli(dir, [...args, '--out', 'a/b/result']);
    expect(code).toBe(0);
    const target = join(dir, 'a/b/result');
    expect(await names(join(dir, 'a/b'))).toEqual(['result']);
    expect(await names(target)).toEqual([
      'R.npy',
      'config.json',
      'curves.svg',
      'history.npz',
      'perturbation.png',
      'report.html',
      'result.json',
      'sample.png',
      'samples.png',
      'sum.png',
    ]);
    expect(out).toContain('written to');
    expect(out).not.toContain('add --out');

    const config = await json(join(target, 'config.json'));
    expect(config.schemaVersion).toBe(1);
    expect(parseConfig(config)).toEqual(
      parseConfig({ data: { kind: 'glyphs' }, standard: { epochs: 3 }, save: ['perturbations'] }),
    );
    const result = await json(join(target, 'result.json'));
    expect(Object.keys(result)).toEqual(['metrics', 'loss', 'trainer', 'device', 'versions', 'timing', 'memory']);
    expect(result.metrics).toEqual({ standardAccuracy: 0.9876, perturbationAccuracy: 0.9123, agreement: 0.905 });

    const history = unzipSync(await readFile(join(target, 'history.npz')));
    expect(Object.keys(history).sort()).toEqual([
      'learningLoss.npy',
      'learningLr.npy',
      'standardLoss.npy',
      'standardLr.npy',
    ]);
    expect([...parseNpy(history['standardLoss.npy']!, 'h').data]).toEqual([-0, -1, -2]);
    const perturbations = parseNpy(await readFile(join(target, 'R.npy')), 'R.npy');
    expect(perturbations.shape).toEqual([2, 3]);
    expect([...perturbations.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('lays --set and --save over the file, and reads data beside the file', async () => {
    const dir = await temporary();
    await mkdir(join(dir, 'sub'));
    await writeFile(join(dir, 'sub/my.json'), '{"seed": 7, "data": {"n": 50}, "save": ["data"]}');
    await writeFile(join(dir, 'sub/beside.txt'), 'here');
    const services = new FakeServices();
    let read = '';
    services.run = async (config, { readFile }) => {
      read = new TextDecoder().decode(await readFile('beside.txt'));
      return fakeResult(config);
    };
    const args = ['run', 'sub/my.json', '--set', 'data.d=5', '--save', 'outputs, networks', '--out', 'o'];
    const { code } = await cli(dir, [...args, '--device', 'acme'], services);
    expect(code).toBe(0);
    expect(services.runs).toEqual([parseConfig({ seed: 7, data: { n: 50, d: 5 }, save: ['outputs', 'networks'] })]);
    expect(services.engines).toEqual([expect.objectContaining({ adapter: 'acme' })]);
    expect(read).toBe('here');
  });

  it('prints one JSON document on stdout and nothing else with --json', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    services.run = async (config, { onProgress }) => {
      onProgress({ stage: 'standard', epoch: 0, epochs: 10 });
      const result = fakeResult(config);
      return { ...result, loss: { standard: Number.NaN, learning: Number.NEGATIVE_INFINITY } };
    };
    const { code, out, err } = await cli(dir, ['run', '--json', '--out', 'o'], services);
    expect(code).toBe(0);
    const document = JSON.parse(out) as Record<string, unknown>;
    expect(document).toMatchObject({ config: { schemaVersion: 1, seed: 0 }, metrics: { agreement: 0.905 } });
    expect(document.loss).toEqual({ standard: null, learning: null });
    expect(err).toContain('training f');
    expect(await readFile(join(dir, 'o/result.json'), 'utf8')).not.toMatch(/NaN|Infinity/);
  });

  it('is silent but for the table with --quiet', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    services.run = async (config, { onProgress }) => {
      onProgress({ stage: 'standard', epoch: 0, epochs: 10 });
      return fakeResult(config);
    };
    const { out, err } = await cli(dir, ['run', '--quiet'], services);
    expect(err).toBe('');
    expect(out).toContain('98.76 %');
    expect(out).not.toContain('--out');
  });
});

describe('bad input', () => {
  it.each<[string, string[], RegExp]>([
    [
      'a misspelt option',
      ['run', '--sett', 'a=1'],
      /unknown option '--sett'[\s\S]*Did you mean --set\? See perturb run --help/,
    ],
    ['a misspelt data set', ['fetch', 'mnits'], /no data set "mnits"[\s\S]*Did you mean mnist\?/],
    ['an unknown command', ['rum'], /unknown command 'rum'[\s\S]*Did you mean run\?/],
    ['help for an unknown command', ['help', 'rum'], /unknown command 'rum'[\s\S]*Did you mean run\?/],
    ['an option without its value', ['run', '--out'], /argument missing/],
    ['one argument too many', ['run', 'a.json', 'b.json'], /too many arguments/],
    [
      'a misspelt key',
      ['run', '--set', 'network.widht=3'],
      /where: --set, network\.widht\nfix: {3}Write network\.width/,
    ],
    ['a --set without "="', ['run', '--set', 'seed'], /has no "="/],
    ['a wrong value', ['run', '--set', 'network.slope=1'], /network\.slope must be/],
    ['a missing file', ['run', 'none.json'], /does not exist[\s\S]*where: none\.json/],
    ['a directory as file', ['run', '.'], /is a directory/],
    ['an unknown array', ['run', '--save', 'networks,dta', '--out', 'o'], /did you mean "data"/],
    ['an empty list of arrays', ['run', '--save', '', '--out', 'o'], /empty item/],
    ['--save without --out', ['run', '--save', 'data'], /no effect without --out/],
  ])('%s exits with 2 before an engine is made', async (_, argv, text) => {
    const dir = await temporary();
    const { code, out, err, services } = await cli(dir, argv);
    expect(code).toBe(2);
    expect(err).toMatch(text);
    expect(err).toMatch(/^error: /);
    expect(err).toMatch(/^fix: {3}\S/m);
    expect(err).not.toMatch(/\n\s+at /);
    expect(out).toBe('');
    expect(services.engines).toEqual([]);
    expect(await names(dir)).toEqual([]);
  });

  it('names file, line and column of a syntax error', async () => {
    const dir = await temporary();
    await writeFile(join(dir, 'my.json'), '{\n  "seed": 1,\n}\n');
    const { code, err } = await cli(dir, ['run', 'my.json']);
    expect(code).toBe(2);
    expect(err).toContain('line 3, column 1');
    expect(err).toContain('where: my.json:3:1');
  });

  it('refuses an output directory that is taken, before the engine and without touching it', async () => {
    const dir = await temporary();
    await mkdir(join(dir, 'other'));
    await writeFile(join(dir, 'other/notes.txt'), 'mine');
    await cli(dir, ['run', '--out', 'done']);
    await writeFile(join(dir, 'file'), '');
    for (const [out, text] of [
      ['other', /is not empty/],
      ['done', /holds the result of another run/],
      ['file', /is a file/],
      ['file/below', /not a directory|is a file/],
    ] as const) {
      const { code, err, services } = await cli(dir, ['run', '--out', out]);
      expect(err).toMatch(text);
      expect(code).toBe(2);
      expect(services.engines).toEqual([]);
    }
    expect(await names(dir)).toEqual(['done', 'file', 'other']);
    expect(await names(join(dir, 'other'))).toEqual(['notes.txt']);
  });

  it('is one JSON document on stdout too with --json', async () => {
    const dir = await temporary();
    const { code, out, err } = await cli(dir, ['run', '--json', '--set', 'seed=-1']);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual({
      error: {
        kind: 'InputError',
        message: 'seed must be an integer from 0 to 9007199254740991, not -1',
        file: '--set',
        key: 'seed',
        remedy: 'Set seed to an integer from 0 to 9007199254740991.',
        exitCode: 2,
      },
    });
    expect(err).toContain('error: seed must be');
  });
});

describe('a run that fails', () => {
  it.each<[Error, number, RegExp]>([
    [new GpuUnavailableError('no adapter', 'Install a driver.'), 3, /error: no adapter\nfix: {3}Install a driver\./],
    [new GpuOutOfMemoryError('no room for W', 'W', 10), 4, /no room for W[\s\S]*smaller/],
    [new DeviceLostError('reset'), 5, /device was lost: reset/],
    [
      new DivergenceError({ epoch: 12, what: 'loss', lr: 1, firstLoss: 0, stage: 'standard', remedy: 'Lower it.' }),
      6,
      /the training of f diverged: loss is not finite at epoch 12\nwhere: standard\nfix: {3}Lower it\./,
    ],
    [new GpuValidationError('bad binding', 'matmul'), 1, /bad binding/],
    [new DisposedError('The engine'), 1, /disposed/],
    [new InputError('bad bytes', { file: 'X.npy', offset: 12, remedy: 'Copy it again.' }), 2, /where: X\.npy, byte 12/],
    [new TypeError('x is not a function\nmore'), 1, /a fault in perturb-gpu: x is not a function\nfix:/],
    [
      new DOMException('stopped', 'AbortError'),
      130,
      /^interrupted; nothing of this run was written\nThe same command begins anew\./,
    ],
  ])('with %s exits with %i, disposes the engine and writes nothing', async (error, exit, text) => {
    const dir = await temporary();
    const services = new FakeServices();
    services.run = () => Promise.reject(error);
    const { code, out, err } = await cli(dir, ['run', '--out', 'a/o', '--quiet'], services);
    expect(code).toBe(exit);
    expect(err).toMatch(text);
    expect(err).not.toMatch(/\n\s+at /);
    expect(out).toBe('');
    // A lost device is replaced a few times.
    expect(services.engines).toHaveLength(error instanceof DeviceLostError ? 4 : 1);
    expect(services.disposed).toBe(services.engines.length);
    expect(await names(dir)).toEqual([]);
  });

  it('while the engine is made exits with its code', async () => {
    const services = new FakeServices();
    services.beforeEngine = () => {
      throw new GpuUnavailableError('no adapter', 'Install a driver.');
    };
    const { code, out } = await cli(await temporary(), ['run', '--json'], services);
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ error: { kind: 'GpuUnavailableError', exitCode: 3 } });
  });

  it('shows its stack only when PERTURB_DEBUG asks for it', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    services.run = () => Promise.reject(new TypeError('oops'));
    const io = new FakeIo(dir);
    io.env.PERTURB_DEBUG = '1';
    const { err } = await cli(dir, ['run', '--quiet'], services, io);
    expect(err).toMatch(/\n\s+at /);
  });
});

describe('an interruption', () => {
  it('during the run writes nothing, even when the pipeline returns after it', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    const io = new FakeIo(dir);
    services.run = async (config, { signal }) => {
      expect(signal).toBe(io.signal);
      io.controller.abort();
      return fakeResult(config);
    };
    const { code, out, err } = await cli(dir, ['run', '--out', 'o'], services, io);
    expect(code).toBe(130);
    expect(out).toBe('');
    expect(err).toMatch(/^interrupted; nothing of this run was written\nThe same command begins anew\..*\n$/);
    expect(services.disposed).toBe(1);
    expect(existsSync(join(dir, 'o'))).toBe(false);
  });

  it('while the engine is made disposes it and does not run', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    const io = new FakeIo(dir);
    services.beforeEngine = () => io.controller.abort();
    const { code } = await cli(dir, ['run'], services, io);
    expect(code).toBe(130);
    expect(services.disposed).toBe(1);
    expect(services.runs).toEqual([]);
  });
});
