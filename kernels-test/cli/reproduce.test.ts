// `perturb reproduce` with an engine that only pretends: what runs, what is kept, what is written and said.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ExperimentConfig } from '../../src/experiment/types';
import { FIGURE_IDS } from '../../src/reproduce/published';
import { cli, FakeIo, FakeServices, fakeResult, names, temporary } from './fakes';

const PANEL = ['reproduce', 'shifted-gauss-a', '--panel', '1', '--out', 'out'];

const json = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'));

/** Accuracy grows with the learning rate of g, agreement falls with it. */
class Rates extends FakeServices {
  override run = async (config: ExperimentConfig) => {
    const { lr } = config.learning;
    const perturbationAccuracy = 0.5 + 0.1 * lr + 0.001 * config.seed;
    return {
      ...fakeResult(config),
      metrics: { standardAccuracy: 0.9, perturbationAccuracy, agreement: 0.9 - 0.1 * lr },
    };
  };
}

describe('perturb reproduce', () => {
  test('without a figure lists all there are', async () => {
    const { code, out, services } = await cli(await temporary(), ['reproduce']);
    expect(code).toBe(0);
    for (const id of FIGURE_IDS) expect(out).toContain(id);
    expect(services.engines).toHaveLength(0);
  });

  test('runs a panel, and writes it with the maximum over the learning rates of each metric', async () => {
    const cwd = await temporary();
    const { code, out, err, services } = await cli(cwd, PANEL, new Rates());
    expect(err).toMatch(/not the published setting/);
    expect(err).toMatch(/8 points and seeds; 32 experiments to run/);
    expect(code).toBe(0);
    expect(services.runs).toHaveLength(32);
    expect(await names(join(cwd, 'out'))).toEqual(['cells', 'shifted-gauss-a', 'summary.json']);
    expect(await readdir(join(cwd, 'out/cells'))).toHaveLength(8);
    expect(await names(join(cwd, 'out/shifted-gauss-a'))).toContain('panel-1.csv');
    const { metrics, scale, devices } = await json(cwd, 'out/shifted-gauss-a/panel-1.json');
    expect(scale).toBe('small');
    expect(devices).toEqual(['Fake Adapter 3000']);
    const [, perturbation, agreement] = metrics;
    expect(perturbation.best[0]).toMatchObject({ x: 10, values: [expect.closeTo(0.6), expect.closeTo(0.601)] });
    expect(perturbation.plain[0]).toMatchObject({ x: 10, values: [expect.closeTo(0.6), expect.closeTo(0.601)] });
    expect(agreement.best[0]).toMatchObject({ x: 10, values: [expect.closeTo(0.89), expect.closeTo(0.89)] });
    expect(agreement.plain[0]).toMatchObject({ x: 10, values: [expect.closeTo(0.8), expect.closeTo(0.8)] });
    expect(out).toMatch(/of 11 certain points are inside or near/);
    expect(out).toMatch(/best over learning rates/);
  });

  test('what is finished is not run again, and another seed adds to it', async () => {
    const cwd = await temporary();
    await cli(cwd, PANEL);
    const again = await cli(cwd, [...PANEL, '--json']);
    expect(again.services.runs).toHaveLength(0);
    expect(JSON.parse(again.out)).toMatchObject({
      scale: 'small',
      seeds: 2,
      panels: [{ panel: 1, finished: 8, cells: 8 }],
    });
    const more = await cli(cwd, [...PANEL, '--seeds', '3']);
    expect(more.err).toMatch(/12 points and seeds, 8 kept from before; 16 experiments/);
    expect(new Set(more.services.runs.map(({ seed }) => seed))).toEqual(new Set([2]));
  });

  test('interrupted it keeps what is finished, says so, and goes on from there', async () => {
    const cwd = await temporary();
    const io = new FakeIo(cwd);
    const services = new FakeServices();
    services.run = async (config, { signal }) => {
      if (services.runs.length === 10) io.controller.abort();
      signal.throwIfAborted();
      return fakeResult(config);
    };
    const { code, err } = await cli(cwd, PANEL, services, io);
    expect(code).toBe(130);
    expect(err).toMatch(/interrupted; 2 finished points and seeds are kept in out/);
    expect((await json(cwd, 'out/summary.json')).panels).toMatchObject([{ finished: 2, cells: 8 }]);
    expect((await cli(cwd, PANEL)).services.runs).toHaveLength(24);
    expect((await json(cwd, 'out/summary.json')).panels).toMatchObject([{ finished: 8, cells: 8 }]);
  });

  test('a kept file that is torn or changed is computed again', async () => {
    const cwd = await temporary();
    await cli(cwd, PANEL);
    const [one, other] = (await readdir(join(cwd, 'out/cells'))).map((name) => join(cwd, 'out/cells', name));
    await writeFile(one!, (await readFile(one!, 'utf8')).slice(0, 100));
    await writeFile(other!, (await readFile(other!, 'utf8')).replace('0.9876', '0.8876'));
    expect((await cli(cwd, PANEL)).services.runs).toHaveLength(8);
  });

  test('a folder of something else is left alone', async () => {
    const cwd = await temporary();
    const { code, err } = await cli(cwd, ['reproduce', 'shifted-gauss-a', '--out', '.'], await filled(cwd));
    expect(code).toBe(2);
    expect(err).toMatch(/not a reproduction/);
    expect(await names(cwd)).toEqual(['mine.txt']);
  });

  test.for([
    [['reproduce', 'shifted-gaus'], /there is no figure shifted-gaus[\s\S]*shifted-gauss-a/],
    [['reproduce', 'cosine', '--panel', '7'], /cosine has 6 panels, not 7/],
    [['reproduce', 'cosine', '--panel', '0'], /--panel must be a whole number of at least 1/],
    [['reproduce', 'cosine', '--seeds', 'two'], /--seeds must be a whole number/],
    [['reproduce', 'cosine', '--scale', 'big'], /--scale is small or paper, not big/],
    [['reproduce', 'mnist-a'], /needs the files of mnist[\s\S]*perturb fetch mnist/],
  ] as [string[], RegExp][])('%j is refused before an engine is made', async ([argv, message]) => {
    const { code, err, services } = await cli(await temporary(), argv);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(services.engines).toHaveLength(0);
  });

  test('panels whose files were not named are left out, and that is said', async () => {
    const cwd = await temporary();
    const { code, err, services } = await cli(cwd, ['reproduce', 'cosine', '--out', 'out']);
    expect(code).toBe(0);
    expect(err).toMatch(/left out: cosine 5 needs --data-dir with mnist/);
    expect(services.runs.every(({ theory, learning }) => theory.cosine && learning.epochs === 0)).toBe(true);
  });
});

async function filled(cwd: string): Promise<FakeServices> {
  await writeFile(join(cwd, 'mine.txt'), 'mine');
  return new FakeServices();
}
