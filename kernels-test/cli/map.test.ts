// `perturb map`: which configuration it runs, what it writes and where, and that it replaces only what it makes.

import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import type { ExperimentConfig, ExperimentResult } from '../../src/experiment/types';
import { DeviceLostError } from '../../src/gpu/errors';
import { cli, FakeServices, fakeResult, names, temporary } from './fakes';

/** Services whose runs have the map that they are asked for. */
function mapping(): FakeServices {
  const services = new FakeServices();
  services.run = async (config) => withMap(config);
  return services;
}

function withMap(config: ExperimentConfig): ExperimentResult {
  const { map } = config.theory;
  if (typeof map !== 'object') throw new Error('no map was asked for');
  const grid = () => Float32Array.from({ length: map.resolution ** 2 }, (_, p) => (p % 3) - 1);
  const grids = { f: grid(), g: grid(), agree: grid().fill(1), fHat: grid(), gHat: grid() };
  return {
    ...fakeResult(config),
    map: { ...map, ...grids, projected: Float32Array.of(0, 0), labels: Float32Array.of(1) },
  };
}

/** A directory with a finished run in it. */
async function finished(document: unknown = {}): Promise<string> {
  const dir = await temporary();
  await writeFile(join(dir, 'my.json'), JSON.stringify(document));
  expect((await cli(dir, ['run', 'my.json', '--out', 'runs/a', '--quiet'])).code).toBe(0);
  return dir;
}

describe('perturb map', () => {
  it('runs the configuration of a result directory again with a map, and adds two files to it', async () => {
    const dir = await finished({ data: { n: 30 }, save: ['networks'], theory: { cosine: true } });
    const before = await names(join(dir, 'runs/a'));
    const { code, out, err, services } = await cli(dir, ['map', 'runs/a'], mapping());
    expect(code).toBe(0);
    expect(services.runs).toHaveLength(1);
    expect(services.runs[0]).toMatchObject({
      data: { n: 30 },
      save: [],
      theory: { cosine: false, map: { resolution: 400, limits: [-7, 7] }, phi: 'exact' },
    });
    expect(await names(join(dir, 'runs/a'))).toEqual([...before, 'map.png', 'map.svg'].sort());
    expect(err).toContain('the whole experiment is run');
    expect(err).not.toContain('warning');
    expect(out).toContain('400 x 400 points from -7 to 7');
    expect(out).toContain('runs/a/map.svg');
  });

  it('takes resolution and limits over those of the configuration, and replaces an older map', async () => {
    const dir = await finished({ theory: { map: { resolution: 9, limits: [-1, 4] } } });
    const size = async () => decode(await readFile(join(dir, 'runs/a/map.png'))).width;
    expect((await cli(dir, ['map', 'runs/a', '--quiet'], mapping())).code).toBe(0);
    expect(await size()).toBe(9);
    const again = await cli(dir, ['map', 'runs/a/config.json', '--resolution', '5', '--quiet'], mapping());
    expect(again.err).toBe('');
    expect(again.services.runs[0]!.theory.map).toEqual({ resolution: 5, limits: [-1, 4] });
    expect(await size()).toBe(5);
    const limits = await cli(dir, ['map', 'runs/a', '--limits', '-2,2.5', '--quiet'], mapping());
    expect(limits.services.runs[0]!.theory.map).toEqual({ resolution: 9, limits: [-2, 2.5] });
  });

  it('writes the map of a bare configuration to --out', async () => {
    const dir = await finished();
    const { code } = await cli(dir, ['map', 'my.json', '--out', 'maps/x', '--resolution', '3', '--quiet'], mapping());
    expect(code).toBe(0);
    expect(await names(join(dir, 'maps/x'))).toEqual(['map.png', 'map.svg']);
  });

  it('says so when the run is not the one that lies there', async () => {
    const dir = await finished();
    const services = mapping();
    services.run = async (config) => {
      const result = withMap(config);
      return { ...result, metrics: { ...result.metrics, agreement: 0.1 } };
    };
    const { code, err } = await cli(dir, ['map', 'runs/a', '--resolution', '3', '--quiet'], services);
    expect(code).toBe(0);
    expect(err).toMatch(/^warning: the run gave other metrics than result\.json/);
  });

  it('says so when what lies there cannot be compared with', async () => {
    const dir = await finished();
    await truncate(join(dir, 'runs/a/result.json'), 2 ** 40);
    const { code, err } = await cli(dir, ['map', 'runs/a', '--resolution', '3', '--quiet'], mapping());
    expect(code).toBe(0);
    expect(err).toMatch(/^warning: result\.json cannot be read: it has 1099511627776 bytes.* not compared/);
  });

  it.each([
    [['map', 'nowhere'], /there is no file or directory "nowhere"/],
    [['map', 'my.json'], /does not say where its map goes/],
    [['map', 'runs/a', '--resolution', '1'], /where: --resolution\nfix: {3}Set --resolution to an integer/],
    [['map', 'runs/a', '--resolution', 'fine'], /error: --resolution must be .*, not "fine"/],
    [['map', 'runs/a', '--limits', '3,1'], /error: --limits must be .*\nwhere: --limits\n/],
    [['map', 'runs/a', '--limits', '3'], /error: --limits must be/],
    [['map', 'empty'], /does not exist/],
  ])('refuses %j before an engine is made', async (args, message) => {
    const dir = await finished();
    await mkdir(join(dir, 'empty'));
    const { code, err, services } = await cli(dir, args, mapping());
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(services.engines).toEqual([]);
  });

  it('begins anew on a new device when one is lost', async () => {
    const dir = await finished();
    const services = mapping();
    const run = services.run;
    services.run = (...args) =>
      services.runs.length === 1 ? Promise.reject(new DeviceLostError('reset')) : run(...args);
    const { code, err } = await cli(dir, ['map', 'my.json', '--out', 'o', '--quiet'], services);
    expect([code, err]).toEqual([0, expect.stringContaining('Going on from the beginning on a new device (1 of')]);
    expect(services.disposed).toBe(2);
  });

  it('writes nothing when it is interrupted', async () => {
    const dir = await finished();
    const services = mapping();
    services.run = () => Promise.reject(new DOMException('stopped', 'AbortError'));
    const { code } = await cli(dir, ['map', 'my.json', '--out', 'o', '--quiet'], services);
    expect(code).toBe(130);
    expect(await names(dir)).not.toContain('o');
    expect(services.disposed).toBe(1);
  });
});
