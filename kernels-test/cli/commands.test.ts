// The other commands: help, version, devices, demo.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoConfigs } from '../../src/cli/demo';
import { ADAPTER, cli, FakeIo, FakeServices, fakeResult, names, temporary } from './fakes';

describe('help and version', () => {
  it('are printed on stdout and exit with 0', async () => {
    const dir = await temporary();
    const help = await cli(dir, ['--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    for (const word of ['run', 'devices', 'demo', 'Examples:', 'Exit codes:']) expect(help.out).toContain(word);
    expect((await cli(dir, ['run', '--help'])).out).toContain('data.kind=glyphs');
    const version = await cli(dir, ['--version']);
    expect(version.code).toBe(0);
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });

  it('without a command the help goes to stderr and the exit code is 2', async () => {
    const { code, out, err } = await cli(await temporary(), []);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('Usage: perturb');
  });
});

describe('perturb devices', () => {
  const software = { ...ADAPTER, name: 'lavapipe', software: true, chosen: false, reason: 'a GPU is there' };
  const refused = { ...ADAPTER, name: 'Old Card', usable: false, chosen: false, reason: 'too small a buffer' };

  it('lists every adapter with what it is good for', async () => {
    const services = new FakeServices();
    services.adapters = [ADAPTER, software, refused];
    const { code, out } = await cli(await temporary(), ['devices'], services);
    expect(code).toBe(0);
    for (const text of ['Fake Adapter 3000', 'taken by default', 'lavapipe', 'the CPU', 'Old Card', 'too small']) {
      expect(out).toContain(text);
    }
    expect(services.engines).toEqual([]);
  });

  it('is one document with --json', async () => {
    const services = new FakeServices();
    services.adapters = [ADAPTER, software];
    const { code, out } = await cli(await temporary(), ['devices', '--json'], services);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ adapters: [ADAPTER, software] });
  });

  it('exits with 3 when nothing can be used, with the list still there', async () => {
    const services = new FakeServices();
    services.adapters = [refused];
    const dir = await temporary();
    const plain = await cli(dir, ['devices'], services);
    expect(plain.code).toBe(3);
    expect(plain.out).toContain('Old Card');
    expect(plain.err).toContain('error: None of the adapters can be used.');
    const { code, out } = await cli(dir, ['devices', '--json'], services);
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ adapters: [{ name: 'Old Card' }], error: { exitCode: 3 } });
  });

  it('that cannot list prints the error as the one document', async () => {
    const services = new FakeServices();
    services.listAdapters = () => Promise.reject(new Error('no library'));
    const { code, out } = await cli(await temporary(), ['devices', '--json'], services);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ error: { kind: 'InternalError' } });
  });
});

describe('perturb demo', () => {
  it('has configurations of two kinds', () => {
    const configs = demoConfigs();
    expect(configs.map(({ data }) => data.kind)).toEqual(['glyphs', 'shifted-gauss']);
  });

  it('runs both on one engine, explains them, and writes two directories under runs', async () => {
    const dir = await temporary();
    const { code, out, services } = await cli(dir, ['demo']);
    expect(code).toBe(0);
    expect(services.runs).toEqual(demoConfigs());
    expect(services.engines).toHaveLength(1);
    expect(services.disposed).toBe(1);
    const made = await names(join(dir, 'runs'));
    expect(made).toEqual([expect.stringMatching(/^glyphs-\d/), expect.stringMatching(/^shifted-gauss-\d/)]);
    expect(await names(join(dir, 'runs', made[0]!))).toContain('samples.png');
    expect(await names(join(dir, 'runs', made[1]!))).not.toContain('samples.png');
    expect(out).toContain('random labels');
    expect(out.match(/98\.76 %/g)).toHaveLength(2);
    expect(out).toContain(`runs/${made[0]}/samples.png`);
  });

  it('can be run again and again, elsewhere and quietly', async () => {
    const dir = await temporary();
    for (let time = 0; time < 3; time++) {
      const { code, out, err } = await cli(dir, ['demo', '--out', 'x', '--quiet', '--device', 'software']);
      expect(code).toBe(0);
      expect(err).toBe('');
      expect(out).not.toContain('coin');
    }
    expect(await names(join(dir, 'x'))).toHaveLength(6);
    expect(await names(dir)).toEqual(['x']);
  });

  it('interrupted in the second experiment keeps the first, which is complete', async () => {
    const dir = await temporary();
    const services = new FakeServices();
    const io = new FakeIo(dir);
    services.run = async (config) => {
      if (config.data.kind !== 'glyphs') io.controller.abort();
      return fakeResult(config);
    };
    const { code } = await cli(dir, ['demo', '--quiet'], services, io);
    expect(code).toBe(130);
    const made = await names(join(dir, 'runs'));
    expect(made).toEqual([expect.stringMatching(/^glyphs-/)]);
    expect(await names(join(dir, 'runs', made[0]!))).toContain('result.json');
  });
});

describe('--no-tune', () => {
  it.for([
    ['run'],
    ['demo'],
    ['map', 'config.json', '--out', 'map'],
    ['sweep', 'grid.json'],
    ['sweep', 'grid.json', '--dry-run'],
    ['reproduce', 'shifted-gauss-a', '--panel', '1'],
  ])('of perturb %j asks for an engine with the default kernels', async (argv) => {
    const dir = await temporary();
    await writeFile(join(dir, 'config.json'), '{}');
    await writeFile(join(dir, 'grid.json'), '{ "vary": [{ "key": "data.n", "values": [10, 20] }] }');
    for (const [words, options] of [
      [argv, {}],
      [[...argv, '--no-tune'], { tune: false }],
    ] as const) {
      const services = new FakeServices();
      services.beforeEngine = () => {
        throw new Error('as far as this test goes');
      };
      await cli(dir, words, services);
      expect(services.engines).toEqual([options]);
    }
  });

  it('what the user should know of the engine is a warning', async () => {
    const services = new FakeServices();
    services.notices = ['the tuning kept for this adapter is not used: it is no JSON'];
    const { code, err } = await cli(await temporary(), ['run', '--quiet'], services);
    expect(code).toBe(0);
    expect(err).toBe('warning: the tuning kept for this adapter is not used: it is no JSON\n');
  });
});
