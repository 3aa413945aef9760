// Panels to experiments: the data of the project against the readings they were made from, and the experiments of a panel.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { axisKey, type Cell, mapCells, neededData, panelPoints, plainRate } from '../../src/reproduce/cells';
import { FIGURES, MAPS, type PublishedPanel } from '../../src/reproduce/published';
import { atScale, SMALL } from '../../src/reproduce/scale';

const SOURCE = fileURLToPath(new URL('../../../shared/published/figures.json', import.meta.url));

interface Read {
  config: Record<string, unknown> & { lrs_1: number[]; lrs_2: number[] };
  varied: Record<string, number[]>;
  series: Record<string, { y: (number | null)[]; unc: number[]; uncertain: { i: number; note: string }[] }>;
}

const NAMES: Readonly<Record<string, string>> = {
  shifted_Gauss_a: 'shifted-gauss-a',
  shifted_Gauss_a_mini: 'shifted-gauss-a-mini',
  shifted_Gauss_b: 'shifted-gauss-b',
  Gauss_a: 'gauss-a',
  Gauss_b: 'gauss-b',
  MNIST_a: 'mnist-a',
  MNIST_b: 'mnist-b',
  FMNIST_a: 'fashion-mnist-a',
  FMNIST_b: 'fashion-mnist-b',
  cossim: 'cosine',
};
const DATA: Readonly<Record<string, string>> = {
  shifted_gauss: 'shifted-gauss',
  gauss: 'gauss',
  MNIST: 'mnist',
  FMNIST: 'fashion-mnist',
};
const METRICS = {
  acc: 'standardAccuracy',
  adv_acc_for_natural: 'perturbationAccuracy',
  agreement: 'agreement',
  cossim: 'cosine',
};

/** The settings of an experiment in the words of figures.json, read off the configuration itself. */
function inTheirWords({ runs }: Cell) {
  const { config } = runs[0]!;
  const { data } = config;
  return {
    ...('d' in data ? { in_dim: data.d, n_sample: data.n } : {}),
    kind: data.kind,
    hidden_dim: config.network.width,
    slope: config.network.slope,
    loss_name: config.loss,
    epochs_1: config.standard.epochs,
    epochs_2: config.learning.epochs,
    perturbation_size: config.perturbation.size,
    on_original: config.perturbation.onData,
  };
}

const paper = { scale: 'paper', seeds: 1, dataDir: 'data' } as const;

describe.runIf(existsSync(SOURCE))('against ../shared/published/figures.json', () => {
  const { figures } = JSON.parse(readFileSync(SOURCE, 'utf8')) as { figures: Record<string, { panels: Read[] }> };

  test('every figure is there', () => {
    expect(Object.keys(figures).sort()).toEqual([...Object.keys(NAMES), 'map'].sort());
    expect(FIGURES.map(({ id }) => id)).toEqual(Object.values(NAMES));
  });

  test.for(Object.entries(NAMES))('%s: settings and learning rates of every point', async ([name, id]) => {
    const figure = FIGURES.find((each) => each.id === id)!;
    expect(figure.panels).toHaveLength(figures[name]!.panels.length);
    for (const [at, read] of figures[name]!.panels.entries()) {
      const points = await panelPoints(figure.panels[at]!, paper);
      const { lrs_1, lrs_2, seed: _, data_gen_method, dataset_name, ...config } = read.config;
      expect(points).toHaveLength(Object.values(read.varied)[0]!.length);
      for (const { index, cells } of points) {
        const varied = Object.entries(read.varied).map(([key, values]) => [key, values[index]]);
        const wanted = {
          ...config,
          ...Object.fromEntries(varied),
          kind: DATA[String(data_gen_method ?? dataset_name)],
        };
        const [cell] = cells as [Cell];
        // The cosine is of f alone: g is not trained.
        expect(inTheirWords(cell)).toEqual(id === 'cosine' ? { ...wanted, epochs_2: 0 } : wanted);
        const grid = lrs_1.flatMap((one) => (id === 'cosine' ? [plainRate(lrs_2)] : lrs_2).map((two) => [one, two]));
        expect(cell.runs.map(({ config: { standard, learning } }) => [standard.lr, learning.lr])).toEqual(grid);
        expect(cell.runs.map(({ standardLr, learningLr }) => [standardLr, learningLr])).toEqual(grid);
      }
    }
  });

  test.for(Object.entries(NAMES))('%s: values, how sure they are, and why not', ([name, id]) => {
    const { panels } = FIGURES.find((each) => each.id === id)!;
    for (const [at, { series }] of figures[name]!.panels.entries()) {
      const expected = Object.entries(series).map(([key, { y, unc, uncertain }]) => {
        const notes = Object.fromEntries(uncertain.map(({ i, note }) => [String(i), note]));
        return [METRICS[key as 'acc'], { y, halfWidth: unc, uncertain: notes }];
      });
      expect(panels[at]!.published).toEqual(Object.fromEntries(expected));
    }
  });

  test('the decision maps', async () => {
    const read = figures.map!.panels as unknown as {
      panel: string;
      limits: number[];
      config: Record<string, unknown>;
    }[];
    expect(MAPS.map(({ title }) => title)).toEqual(read.map(({ panel }) => panel));
    for (const [at, { limits, config }] of read.entries()) {
      const [cell] = (await mapCells(MAPS[at]!, { ...paper, resolution: 50 })) as [Cell];
      const { lr_1, lr_2, seed: _, data_gen_method, dataset_name, ...rest } = config;
      expect(inTheirWords(cell)).toEqual({ ...rest, kind: DATA[String(data_gen_method ?? dataset_name)] });
      const [{ config: ours }] = cell.runs as [Cell['runs'][0]];
      expect([ours.standard.lr, ours.learning.lr]).toEqual([lr_1, lr_2]);
      expect(ours.theory.map).toEqual({ resolution: 50, limits });
    }
  });
});

const figure = (id: string) => FIGURES.find((each) => each.id === id)!;
const panelOf = (id: string, number: number): PublishedPanel => figure(id).panels[number - 1]!;

describe('experiments of a panel', () => {
  test('one for each point, seed and pair of learning rates', async () => {
    const points = await panelPoints(panelOf('shifted-gauss-a', 1), { scale: 'paper', seeds: 3 });
    expect(points.map(({ x }) => x)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    const [{ cells }] = points as [(typeof points)[0]];
    expect(cells.map(({ seed }) => seed)).toEqual([0, 1, 2]);
    expect(cells.map(({ runs }) => runs[0]!.config.seed)).toEqual([0, 1, 2]);
    expect(cells[0]!.runs.map((run) => [run.standardLr, run.learningLr])).toEqual([
      [1, 1],
      [1, 0.1],
      [0.1, 1],
      [0.1, 0.1],
    ]);
  });

  test('the same point of two panels is the same cell; other seeds and settings are others', async () => {
    const options = { scale: 'paper', seeds: 2 } as const;
    const byInputs = await panelPoints(panelOf('shifted-gauss-a', 1), options);
    const bySize = await panelPoints(panelOf('shifted-gauss-a', 3), options);
    expect(bySize.at(-1)!.cells.map(({ id }) => id)).toEqual(byInputs.at(-1)!.cells.map(({ id }) => id));
    const ids = [...byInputs, ...bySize].flatMap(({ cells }) => cells.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length - 2);
  });

  test('the axis of a panel is what its label names, not the size that goes with it', () => {
    expect(axisKey(panelOf('shifted-gauss-a', 1))).toBe('data.d');
    expect(axisKey(panelOf('shifted-gauss-a', 3))).toBe('perturbation.size');
    expect(axisKey(panelOf('shifted-gauss-a', 6))).toBe('data.n');
  });

  test('data sets that have to be there', () => {
    expect(neededData(panelOf('mnist-a', 1))).toBe('mnist');
    expect(neededData(panelOf('fashion-mnist-b', 1))).toBe('fashion-mnist');
    expect(neededData(panelOf('gauss-a', 1))).toBeUndefined();
  });

  test('the plain learning rate is the default where the grid has it, else the largest', () => {
    expect(plainRate([1, 0.1])).toBe(1);
    expect(plainRate([10, 5, 1, 0.1])).toBe(1);
    expect(plainRate([0.001, 0.01])).toBe(0.01);
  });
});

describe('small scale', () => {
  test.for(
    FIGURES.flatMap(({ id, panels }) => panels.map((_, at) => [id, at + 1] as const)),
  )('%s panel %i: published points, brought within the limits', ([id, number]) => {
    const panel = panelOf(id, number);
    const points = atScale('small', panel);
    expect(points.length).toBeGreaterThan(1);
    expect(points.length).toBeLessThanOrEqual(SMALL.points);
    const axis = axisKey(panel);
    for (const { index, set } of points) {
      // What is plotted is at its published place.
      expect(set[axis]).toBe(panel.vary[axis]![index]);
      expect(Number(set['data.n'] ?? 0)).toBeLessThanOrEqual(SMALL['data.n']);
      expect(Number(set['network.width'])).toBeLessThanOrEqual(SMALL['network.width']);
      expect(Number(set['standard.epochs'])).toBeLessThanOrEqual(SMALL.epochs);
      expect(Number(set['learning.epochs'])).toBeLessThanOrEqual(SMALL.epochs);
    }
  });

  test('the first and the last point that fit are among them', () => {
    expect(atScale('small', panelOf('shifted-gauss-a', 1)).map(({ index }) => index)).toEqual([0, 3, 6, 9]);
    const sizes = atScale('small', panelOf('shifted-gauss-a', 6)).map(({ set }) => set['data.n']);
    expect([sizes[0], sizes.at(-1)]).toEqual([2, 1000]);
  });
});
