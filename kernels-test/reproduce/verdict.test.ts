// Maxima, intervals and verdicts on made-up numbers.

import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import { statistics } from '../../src/experiment/statistics';
import type { Cell, PanelPoint } from '../../src/reproduce/cells';
import { panelDocument, panelRows } from '../../src/reproduce/document';
import { panelPlot } from '../../src/reproduce/figure';
import { compareMaps, readMap, zeroCrossing } from '../../src/reproduce/maps';
import { originOf } from '../../src/reproduce/origin';
import type { PublishedFigure, PublishedMap, PublishedPanel } from '../../src/reproduce/published';
import type { Scale } from '../../src/reproduce/scale';
import {
  bestOf,
  type CellMetrics,
  countClose,
  countVerdicts,
  panelCurves,
  plainOf,
  verdictOf,
} from '../../src/reproduce/verdict';
import type { DecisionMap } from '../../src/theory/map';

const RATES = [
  [1, 1],
  [1, 0.1],
  [0.1, 1],
  [0.1, 0.1],
] as const;

const cellOf = (id: string, seed: number): Cell => ({
  id,
  seed,
  runs: RATES.map(([standardLr, learningLr]) => ({ standardLr, learningLr, config: parseConfig({ seed }) })),
});

/** Metrics of the four pairs of learning rates. */
const four = (accuracy: readonly number[], agreement: readonly (number | null)[]): CellMetrics =>
  accuracy.map((standardAccuracy, at) => ({ standardAccuracy, agreement: agreement[at]! }));

const origin = (scale: Scale, points: readonly PanelPoint[]) =>
  originOf(
    points.flatMap(({ cells }) => cells),
    new Map(),
    { scale, seeds: 2 },
  );

describe('a cell', () => {
  const cell = cellOf('a', 0);
  const metrics = four([0.7, 0.9, 0.6, 0.8], [0.5, 0.4, 0.95, null]);
  test('the maximum is taken for each metric on its own', () => {
    expect(bestOf(metrics, 'standardAccuracy')).toBe(0.9);
    expect(bestOf(metrics, 'agreement')).toBe(0.95);
    expect(bestOf(metrics, 'cosine')).toBeUndefined();
  });
  test('the plain value is that of the default learning rates', () => {
    expect(plainOf(cell, metrics, 'standardAccuracy')).toBe(0.7);
    expect(plainOf(cell, metrics, 'agreement')).toBe(0.5);
    const reversed = { ...cell, runs: [...cell.runs].reverse() };
    expect(plainOf(reversed, [...metrics].reverse(), 'standardAccuracy')).toBe(0.7);
  });
});

describe('verdicts', () => {
  // Mean 0.9, standard deviation 0.01: with t(2) = 4.3027 the interval is 0.9 -+ 0.0497.
  const ours = statistics([0.89, 0.9, 0.91]);
  const flat = statistics([0.9, 0.9, 0.9]);
  test.for([
    [0.9496, false, 'inside'],
    [0.8504, false, 'inside'],
    [0.9499, false, 'near'],
    [0.951, false, 'outside'],
    [0.849, false, 'outside'],
    [0.9, true, 'uncertain'],
    [null, false, 'uncertain'],
  ] as const)('%s, uncertain %s: %s', ([y, uncertain, verdict]) => {
    expect(verdictOf(y, uncertain, ours)).toBe(verdict);
  });
  test('without spread, and of one seed, only the mean counts', () => {
    expect(verdictOf(0.93, false, flat)).toBe('near');
    expect(verdictOf(0.96, false, flat)).toBe('outside');
    expect(verdictOf(0.93, false, statistics([0.9]))).toBe('near');
  });
  test('are counted', () => {
    const counts = countVerdicts([{ verdict: 'inside' }, { verdict: 'near' }, { verdict: 'inside' }]);
    expect(counts).toEqual({ inside: 2, near: 1, outside: 0, uncertain: 0 });
  });
});

const panel: PublishedPanel = {
  xLabel: 'x',
  xLog: false,
  publishedSeed: 0,
  set: {},
  vary: { 'data.d': [1, 2, 3] },
  learningRates: { standard: [1, 0.1], learning: [1, 0.1] },
  published: {
    standardAccuracy: { y: [0.5, 0.9, 0.9], halfWidth: [0.003, 0.003, 0.02], uncertain: { '2': 'hidden' } },
    agreement: { y: [0.5, 0.5, null], halfWidth: [0.003, 0.003, 0.003], uncertain: { '2': 'off the axis' } },
  },
};

describe('a panel', () => {
  const points: PanelPoint[] = [1, 2, 3].map((x, index) => ({
    index,
    x,
    cells: [0, 1].map((seed) => cellOf(`${x}-${seed}`, seed)),
  }));
  const outcomes = new Map([
    ['2-0', four([0.8, 0.9, 0.1, 0.1], [0.5, 0.6, 0.7, 0.8])],
    ['2-1', four([0.9, 0.8, 0.1, 0.1], [0.4, 0.4, 0.4, 0.4])],
    ['3-1', four([0.6, 0.7, 0.1, 0.1], [null, null, null, null])],
  ]);
  const curves = panelCurves(panel, points, outcomes);

  test('a point without a finished cell is left out; one with some has what there is', () => {
    expect(curves.map(({ metric }) => metric)).toEqual(['standardAccuracy', 'agreement']);
    const [accuracy, agreement] = curves;
    expect(accuracy!.best.map(({ x, values }) => [x, values])).toEqual([
      [2, [0.9, 0.9]],
      [3, [0.7]],
    ]);
    expect(accuracy!.plain.map(({ x, values }) => [x, values])).toEqual([
      [2, [0.8, 0.9]],
      [3, [0.6]],
    ]);
    expect(agreement!.best.map(({ x, values }) => [x, values])).toEqual([[2, [0.8, 0.4]]]);
  });
  test('each published point is beside ours at the same x', () => {
    expect(curves[0]!.published).toEqual([
      { x: 2, y: 0.9, halfWidth: 0.003, distance: 0, verdict: 'inside' },
      { x: 3, y: 0.9, halfWidth: 0.02, distance: expect.closeTo(0.2, 12), verdict: 'uncertain', note: 'hidden' },
    ]);
    // 0.5 is 0.1 from the mean of 0.8 and 0.4; what is uncertain does not count.
    expect(curves.map(({ published }) => countClose(published))).toEqual([1, 0]);
  });
  test('as a table: a line a point, empty where there is nothing', () => {
    const figure: PublishedFigure = { id: 'made-up', title: 'Made up', panels: [panel] };
    const document = panelDocument(figure, panel, curves, origin('paper', points));
    expect(document).toMatchObject({
      panel: 1,
      xKey: 'data.d',
      verdicts: { inside: 2, near: 0, outside: 0, uncertain: 1 },
    });
    const [head, ...rows] = panelRows(document);
    expect(head!.slice(0, 4)).toEqual(['metric', 'data.d', 'seeds', 'best over learning rates mean']);
    expect(rows.map((row) => row.slice(0, 4))).toEqual([
      ['standardAccuracy', 2, 2, 0.9],
      ['standardAccuracy', 3, 1, 0.7],
      ['agreement', 2, 2, expect.closeTo(0.6, 12)],
    ]);
    expect(rows[1]!.slice(4)).toEqual([null, null, 0.6, null, null, 0.9, 0.02, 'uncertain', 'hidden']);
    for (const row of rows) expect(row).toHaveLength(head!.length);
  });
});

test('the input of a figure: curves of one colour, intervals within 0 and 1, published points that are on the axis', () => {
  const points: PanelPoint[] = [{ index: 2, x: 3, cells: [cellOf('a', 0), cellOf('b', 1)] }];
  const outcomes = new Map([
    ['a', four([0.9, 0.9, 0.9, 0.9], [0.5, 0.5, 0.5, 0.5])],
    ['b', four([0.8, 1, 0.8, 0.8], [0.6, 0.6, 0.6, 0.6])],
  ]);
  const figure: PublishedFigure = { id: 'made-up', title: 'Made up', panels: [panel] };
  const input = panelPlot(panelDocument(figure, panel, panelCurves(panel, points, outcomes), origin('small', points)));
  expect(input.title).toBe('Made up (2 seeds of ours, small scale, not the published setting)');
  expect(input.yLabel).toBe('best over learning rates');
  expect(input.series).toEqual([
    { name: 'f on its data', points: [{ x: 3, mean: 0.95, low: 0, high: 1 }] },
    {
      name: 'f on its data, default rates',
      points: [{ x: 3, mean: expect.closeTo(0.85, 12) }],
      dashed: true,
      like: 'f on its data',
    },
    { name: 'agreement of f and g', points: [{ x: 3, mean: 0.55, low: 0, high: 1 }] },
    {
      name: 'agreement of f and g, default rates',
      points: [{ x: 3, mean: 0.55 }],
      dashed: true,
      like: 'agreement of f and g',
    },
  ]);
  expect(input.published).toEqual([{ series: 'f on its data', x: 3, y: 0.9, uncertainty: 0.02, verdict: 'uncertain' }]);
});

describe('decision maps', () => {
  const resolution = 5;
  /** f_hat = y - x / 2 - 0.25 and g_hat = 1 on the grid of [-2, 2]. */
  const grid = (value: (x: number, y: number) => number) =>
    Float32Array.from({ length: resolution ** 2 }, (_, at) =>
      value((at % resolution) - 2, 2 - Math.floor(at / resolution)),
    );
  const map: DecisionMap = {
    resolution,
    limits: [-2, 2],
    f: grid(() => 1),
    g: grid(() => 1),
    agree: grid((x) => (x === 2 ? 0 : 1)),
    fHat: grid((x, y) => y - x / 2 - 0.25),
    gHat: grid(() => 1),
    projected: new Float32Array(),
    labels: new Float32Array(),
  };
  const published: PublishedMap = {
    title: 'made up',
    publishedSeed: 0,
    set: {},
    limits: [-2, 2],
    disagreementAtLeast: 0.1,
    zeroLines: {
      fHat: [
        [0.5, 0.6],
        [1, 1.4],
      ],
      gHat: [[0, 0]],
    },
  };

  test('the zero line is where the sign changes, between rows and columns', () => {
    expect(zeroCrossing(map, 'fHat', 0, 0)).toBeCloseTo(0.25, 6);
    expect(zeroCrossing(map, 'fHat', 0.5, 0)).toBeCloseTo(0.5, 6);
    expect(zeroCrossing(map, 'fHat', 2, 0)).toBeCloseTo(1.25, 6);
    expect(zeroCrossing(map, 'gHat', 0, 0)).toBeNull();
    expect(zeroCrossing(map, 'fHat', 3, 0)).toBeNull();
  });
  test('of several crossings the one near the published one', () => {
    const waves = { ...map, fHat: grid((_, y) => (Math.abs(y) >= 1 ? 1 : -1)) };
    expect(zeroCrossing(waves, 'fHat', 0, 2)).toBeCloseTo(0.5, 6);
    expect(zeroCrossing(waves, 'fHat', 0, -2)).toBeCloseTo(-0.5, 6);
  });
  test('readings, and their comparison', () => {
    const reading = readMap(published, map);
    expect(reading.disagreement).toBeCloseTo(0.2, 6);
    expect(reading.fHat[0]).toBeCloseTo(0.5, 6);
    expect(reading.gHat).toEqual([null]);
    const { lines, disagreement } = compareMaps(published, [reading, reading]);
    expect(lines.fHat.map(({ verdict }) => verdict)).toEqual(['near', 'outside']);
    expect(lines.gHat).toEqual([{ x: 0, ours: null, published: 0, verdict: 'outside' }]);
    expect(disagreement.ours.mean).toBeCloseTo(0.2, 6);
  });
});
