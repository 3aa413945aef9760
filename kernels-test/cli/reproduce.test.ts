// `perturb reproduce` with an engine that only pretends: what runs, what is kept, what is written and said.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ExperimentConfig } from '../../src/experiment/types';
import { DeviceLostError } from '../../src/gpu/errors';
import { FIGURE_IDS } from '../../src/reproduce/published';
import type { DecisionMap } from '../../src/theory/map';
import { headings, parsePage, rowsIn } from '../report/html';
import { cli, FakeIo, FakeServices, fakeResult, names, temporary } from './fakes';

const PANEL = ['reproduce', 'shifted-gauss-a', '--panel', '1', '--out', 'out'];

const json = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'));

const page = async (...path: string[]) => parsePage(await readFile(join(...path), 'utf8'));

/** f and its prediction are zero on y = x; g is positive all over, so a quarter of 2 x 2 points differ. */
function straightMap(): DecisionMap {
  const f = Float32Array.of(0.5, 1, -1, 0.5);
  const fHat = Float32Array.of(-14, 0, 0, 14);
  const ones = new Float32Array(4).fill(1);
  return {
    resolution: 2,
    limits: [-7, 7],
    f,
    g: ones,
    agree: Float32Array.of(1, 1, 0, 1),
    fHat,
    gHat: fHat,
    projected: Float32Array.of(1, 1),
    labels: Float32Array.of(1),
  };
}

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
    expect(await names(join(cwd, 'out'))).toEqual(['cells', 'index.html', 'shifted-gauss-a', 'summary.json']);
    expect(await readdir(join(cwd, 'out/cells'))).toHaveLength(8);
    expect(await names(join(cwd, 'out/shifted-gauss-a'))).toEqual([
      'panel-1.csv',
      'panel-1.json',
      'panel-1.svg',
      'report.html',
    ]);
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

  test('takes a new device when one is lost, and keeps what was finished', async () => {
    const services = new FakeServices();
    services.run = async (config) => {
      if (services.runs.length === 10) throw new DeviceLostError('reset');
      return fakeResult(config);
    };
    const { code, err } = await cli(await temporary(), PANEL, services);
    expect(code).toBe(0);
    expect(err).toMatch(/Going on from the points and seeds that are finished on a new device \(1 of at most 3\)/);
    expect(err).toMatch(/8 points and seeds, 2 kept from before; 24 experiments/);
    expect([services.engines.length, services.disposed]).toEqual([2, 2]);
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
    const lead = (await page(cwd, 'out/shifted-gauss-a/report.html')).querySelector('.lead')!.textContent;
    expect(lead).toContain('Unfinished: 2 of 8 points and seeds of the panels below are computed;');
    expect((await cli(cwd, PANEL)).services.runs).toHaveLength(24);
    expect((await json(cwd, 'out/summary.json')).panels).toMatchObject([{ finished: 8, cells: 8 }]);
  });

  test('the first page has every panel of the same scale and seeds, and the way to its report', async () => {
    const cwd = await temporary();
    await cli(cwd, ['reproduce', 'shifted-gauss-a', '--panel', '5', '--out', 'out', '--seeds', '1'], new Rates());
    await cli(cwd, PANEL, new Rates());
    await cli(cwd, ['reproduce', 'shifted-gauss-a-mini', '--panel', '1', '--out', 'out'], new Rates());
    const document = await page(cwd, 'out/index.html');
    const sections = ['Shifted Gauss, scenario a', 'Shifted Gauss, scenario a, the excerpt of the main text'];
    expect(headings(document)).toEqual(['Verdict', ...sections, 'Go on']);
    const cards = [...document.querySelectorAll('.card')];
    expect(cards.map((card) => [card.getAttribute('href'), card.querySelector('.name')!.textContent])).toEqual([
      ['shifted-gauss-a/report.html', '1. Input dimension d'],
      ['shifted-gauss-a-mini/report.html', '1. Input dimension d'],
    ]);
    expect(cards.every((card) => card.querySelector('img'))).toBe(true);
    const [first] = rowsIn(document, 'Verdict');
    const { verdicts } = await json(cwd, 'out/shifted-gauss-a/panel-1.json');
    const { inside, near, outside, uncertain } = verdicts;
    expect(first!.slice(1, 6)).toEqual(['1 of 8', ...[inside, near, outside, uncertain].map(String)]);
    expect(document.querySelector('pre')!.textContent).toContain('perturb reproduce all');
  });

  test('a damaged or foreign document of an earlier panel is left out of the overview, with a warning', async () => {
    const cwd = await temporary();
    await mkdir(join(cwd, 'out/shifted-gauss-a-mini'), { recursive: true });
    await mkdir(join(cwd, 'out/cells'));
    await writeFile(join(cwd, 'out/shifted-gauss-a-mini/panel-1.json'), '{"scale"');
    await writeFile(join(cwd, 'out/shifted-gauss-a-mini/panel-2.json'), '{"scale": "small", "seeds": 2}');
    const { code, err } = await cli(cwd, PANEL, new Rates());
    expect(code).toBe(0);
    for (const panel of [1, 2]) expect(err).toContain(`warning: shifted-gauss-a-mini/panel-${panel}.json is not that`);
    expect((await page(cwd, 'out/index.html')).querySelectorAll('.card')).toHaveLength(1);
  });

  test("figures without the published runs' own numbers are left out, or refused", async () => {
    const cwd = await temporary();
    const argv = ['reproduce', 'maps', '--seeds', 'published', '--data-dir', '.', '--out', 'out'];
    const { err } = await cli(cwd, argv);
    expect(err).toMatch(
      /left out, as each has samples that the authors drew on a GPU.*: maps 1, maps 2, maps 3, maps 4\./,
    );
    // The others came as far as their files, which are not there.
    expect(err).toMatch(/train-images/);
    const none = await cli(cwd, ['reproduce', 'gauss-a', '--seeds', 'published', '--out', 'out']);
    expect(none.code).toBe(2);
    expect(none.err).toMatch(/--seeds[\s\S]*Give a number of seeds/);
  });

  test('the report has every panel that is there, verdicts, and how to run it again', async () => {
    const cwd = await temporary();
    await cli(cwd, ['reproduce', 'shifted-gauss-a', '--panel', '5', '--out', 'out'], new Rates());
    await cli(cwd, [...PANEL, '--device', 'Fake Adapter'], new Rates());
    const document = await page(cwd, 'out/shifted-gauss-a/report.html');
    expect(headings(document)).toEqual([
      'Verdict',
      'Panel 1: Input dimension d',
      'Panel 5: Slope γ',
      'How the published values differ',
      'How it ran',
      'Run it again',
    ]);
    // A figure for each of three metrics, in both panels.
    expect(document.querySelectorAll('figure img')).toHaveLength(6);
    // Published: 0.512 at d = 10. The seeds gave 0.6 and 0.601: half-width 12.706 * 0.000707 * sqrt 1.5 = 0.0110.
    expect(rowsIn(document, 'Panel 1: Input dimension d')).toContainEqual([
      'g on clean data',
      '10',
      '0.512 ± 0.003',
      '0.601 (0.589 to 0.612)',
      '0.601 (0.589 to 0.612)',
      '2',
      'outside',
    ]);
    const text = document.body.textContent!;
    for (const part of [
      'not the published setting',
      'direct',
      'forward tiled',
      'Fake Adapter 3000',
      'perturb-gpu 0.1.0',
      "npx perturb reproduce shifted-gauss-a --scale small --seeds 2 --device 'Fake Adapter' --out out",
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toMatch(/NaN|undefined|\[object|Unfinished/);
    // The same cells with other learning rates: the maximum is not the plain value.
    expect(rowsIn(document, 'Panel 1: Input dimension d')).toContainEqual(
      expect.arrayContaining(['agreement of f and g', '10', '0.890 (0.890 to 0.890)', '0.800 (0.800 to 0.800)']),
    );
  });

  test.for([
    ['1', false],
    ['2', true],
  ] as const)('with %s seeds a point, a share inside an interval: %s', async ([seeds, inside]) => {
    const cwd = await temporary();
    await cli(cwd, [...PANEL, '--seeds', seeds], new Rates());
    for (const place of ['out/shifted-gauss-a/report.html', 'out/index.html']) {
      const meanings = (await page(cwd, place)).body.textContent!;
      expect(meanings.includes('are in the 95 % prediction interval of a single seed.')).toBe(inside);
      expect(meanings.includes('certain published points are near ours.')).toBe(!inside);
    }
  });

  test('maps have the picture of a seed with the published lines, and a report', async () => {
    const cwd = await temporary();
    const services = new FakeServices();
    services.run = async (config) => ({ ...fakeResult(config), map: straightMap() });
    const { code } = await cli(cwd, ['reproduce', 'maps', '--panel', '1', '--out', 'out'], services);
    expect(code).toBe(0);
    const document = await page(cwd, 'out/maps/report.html');
    const source = document.querySelector('figure img')!.getAttribute('src')!;
    expect(atob(source.split(',')[1]!)).toContain('aria-label="published, predicted g = 0"');
    // The zero line of the fake is y = x; a published point of f is at (-5.18, -5.13).
    expect(rowsIn(document, 'Panel 1: Shifted Gauss (a)')).toContainEqual([
      'predicted f = 0',
      '−5.18',
      '−5.13',
      '−5.180 (−5.180 to −5.180)',
      '2',
      'near',
    ]);
    expect(document.querySelector('figcaption')!.textContent).toContain('different signs on 25.00 % of the area');
    expect(document.body.textContent).toContain('estimated from 100 drawn neurons, as published');
  });

  test('interrupted in its first panel, the report names those that it has nothing of', async () => {
    const cwd = await temporary();
    const io = new FakeIo(cwd);
    const services = new FakeServices();
    services.run = async (config, { signal }) => {
      if (services.runs.length === 5) io.controller.abort();
      signal.throwIfAborted();
      return fakeResult(config);
    };
    expect((await cli(cwd, ['reproduce', 'shifted-gauss-a-mini', '--out', 'out'], services, io)).code).toBe(130);
    const document = await page(cwd, 'out/shifted-gauss-a-mini/report.html');
    expect(document.querySelector('.lead')!.textContent).toContain('and nothing of panel 2;');
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
    [['reproduce', 'shifted-gaus'], /there is no figure "shifted-gaus"[\s\S]*Did you mean shifted-gauss-a\?/],
    [['reproduce', 'cosine', '--panel', '7'], /cosine has 6 panels, not 7/],
    [['reproduce', 'cosine', '--panel', '0'], /--panel must be a whole number of at least 1/],
    [['reproduce', 'cosine', '--seeds', 'two'], /--seeds must be a whole number[\s\S]*or --seeds published/],
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
    expect(err).toMatch(/left out, as each needs the files of mnist: cosine 5\. Fetch them .*--data-dir/);
    expect(services.runs.every(({ theory, learning }) => theory.cosine && learning.epochs === 0)).toBe(true);
  });
});

async function filled(cwd: string): Promise<FakeServices> {
  await writeFile(join(cwd, 'mine.txt'), 'mine');
  return new FakeServices();
}
