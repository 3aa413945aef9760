// Figures by their structure: the right marks at the right places, named axes, nothing that is not a number.

import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import { curvesSvg } from '../../src/report/curves';
import { agreementPng, mapSvg } from '../../src/report/map';
import { type Panel, panelSvg } from '../../src/report/panel';
import { tick } from '../../src/report/style';
import { sweepPanels } from '../../src/report/sweep-figures';
import type { DecisionMap } from '../../src/theory/map';
import { groups, parseSvg, pathPoints, texts } from './svg';

const HOSTILE = `a <b> & "c" 'd' ]]> \u0001`;

describe('a panel', () => {
  const xs = [1, 2, 3, 4];
  const panel: Panel = {
    title: 'Title',
    xLabel: 'input dimension d',
    yLabel: 'accuracy',
    series: [
      { name: 'f', points: xs.map((x) => ({ x, mean: x / 5, low: x / 5 - 0.1, high: x / 5 + 0.1 })) },
      { name: 'g', points: xs.map((x) => ({ x, mean: x / 10 })) },
      { name: 'g, plain', points: xs.map((x) => ({ x, mean: x / 20 })), dashed: true, like: 'g' },
    ],
    published: [
      { series: 'f', x: 1, y: 0.2, uncertainty: 0.01, verdict: 'inside' },
      { series: 'f', x: 2, y: 0.9, verdict: 'outside' },
      { series: 'g', x: 2, y: 0.3, verdict: 'uncertain' },
      { series: 'g', x: 3, y: 0.3, verdict: 'inside' },
    ],
    yDomain: [0, 1],
  };
  const root = parseSvg(panelSvg(panel));

  it('has its title, its axes by name, and a legend of all it shows', () => {
    const words = texts(root);
    expect(words[0] === 'Title' || words.includes('Title')).toBe(true);
    for (const word of ['input dimension d', 'accuracy', 'f', 'g', 'g, plain', 'interval'])
      expect(words).toContain(word);
    for (const verdict of ['inside', 'outside', 'uncertain']) expect(words).toContain(`published, ${verdict}`);
  });

  it('draws a line a series, a band where there are intervals, a mark a point', () => {
    const lines = groups(root, 'line').map((group) => group.querySelector('path')!);
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(pathPoints(line)).toHaveLength(4);
    expect(groups(root, 'area').filter((group) => group.querySelector('path'))).toHaveLength(1);
    const [f, g, plain] = groups(root, 'line').map((group) => [
      group.getAttribute('stroke'),
      group.getAttribute('stroke-dasharray'),
    ]);
    expect(f![0]).not.toBe(g![0]);
    expect(plain![0]).toBe(g![0]);
    expect([f![1], g![1]]).toEqual([null, null]);
    expect(plain![1]).not.toBeNull();
    expect(root.querySelectorAll('[aria-label^="published, "]')).toHaveLength(4);
  });

  it('puts points where their values are', () => {
    const frame = root.querySelector('rect[aria-label="frame"]')!;
    const [top, height] = ['y', 'height'].map((name) => Number(frame.getAttribute(name))) as [number, number];
    const line = pathPoints(groups(root, 'line')[0]!.querySelector('path')!);
    for (const [i, [, y]] of line.entries()) expect(y).toBeCloseTo(top + height * (1 - xs[i]! / 5), 2);
    const gaps = line.slice(1).map(([x], i) => x - line[i]![0]);
    for (const gap of gaps) expect(gap).toBeCloseTo(gaps[0]!, 2);
  });

  it('marks the three verdicts differently, not by colour alone', () => {
    const shapes = ['inside', 'outside', 'uncertain'].map((verdict) => {
      const mark = root.querySelector(`[aria-label="published, ${verdict}"]`)!;
      return [mark.tagName, mark.getAttribute('d'), mark.parentElement!.getAttribute('fill')].join('|');
    });
    expect(new Set(shapes).size).toBe(3);
  });

  it('leaves gaps for what is not a number, and stands alone with one point or none', () => {
    const series = [{ name: 'f', points: [1, Number.NaN, 3, 4].map((mean, x) => ({ x, mean: mean / 5 })) }];
    const gap = parseSvg(panelSvg({ ...panel, series, published: [] }));
    expect(groups(gap, 'line')[0]!.querySelector('path')!.getAttribute('d')!.match(/M/g)).toHaveLength(2);
    const one = [{ name: 'f', points: [{ x: 3, mean: 0.5, low: 0.4, high: 0.6 }] }];
    const alone = parseSvg(panelSvg({ ...panel, series: one, published: [] }));
    expect(groups(alone, 'rule')[0]!.querySelectorAll('line')).toHaveLength(1);
    parseSvg(panelSvg({ ...panel, series: [], published: [] }));
    parseSvg(panelSvg({ ...panel, series: [{ name: 'f', points: [] }], published: [], xScale: 'log' }));
  });

  it('has a logarithmic axis on request, and refuses what is not on it', () => {
    const series = [{ name: 'f', points: [1, 10, 100].map((x) => ({ x, mean: 0.5 })) }];
    const log = parseSvg(panelSvg({ ...panel, series, published: [], xScale: 'log' }));
    const [a, b, c] = pathPoints(groups(log, 'line')[0]!.querySelector('path')!);
    expect(b![0] - a![0]).toBeCloseTo(c![0] - b![0], 2);
    const zero = [{ name: 'f', points: [{ x: 0, mean: 0.5 }] }];
    expect(() => panelSvg({ ...panel, series: zero, published: [], xScale: 'log' })).toThrow(/x = 0/);
    expect(() => panelSvg({ ...panel, series })).toThrow('no series "g"');
    const few = [{ name: 'f', points: [30, 50, 70].map((x) => ({ x, mean: 0.5 })) }];
    const labels = texts(parseSvg(panelSvg({ ...panel, series: few, published: [], xScale: 'log' })));
    for (const label of ['30', '50', '70']) expect(labels).toContain(label);
  });

  it('takes any text as text', () => {
    const named = { ...panel.series[0]!, name: HOSTILE };
    const hostile = { ...panel, title: HOSTILE, xLabel: HOSTILE, yLabel: HOSTILE, series: [named], published: [] };
    const svg = panelSvg(hostile);
    expect(svg).not.toContain('<b>');
    expect(svg).not.toContain('\u0001');
    expect(texts(parseSvg(svg)).filter((text) => text.includes('a <b> & "c"'))).toHaveLength(4);
  });

  it('draws what lies outside a given axis at its edge', () => {
    const high = parseSvg(panelSvg({ ...panel, yDomain: [0, 0.5] }));
    const frame = high.querySelector('rect[aria-label="frame"]')!;
    const top = Number(frame.getAttribute('y'));
    for (const [, y] of pathPoints(groups(high, 'line')[0]!.querySelector('path')!))
      expect(y).toBeGreaterThanOrEqual(top);
  });
});

function fakeMap(resolution: number, samples = 60): DecisionMap {
  const limits = [-2, 3] as const;
  const at = (f: (x: number, y: number) => number) =>
    Float32Array.from({ length: resolution ** 2 }, (_, p) => {
      const step = 5 / (resolution - 1);
      return f(-2 + step * (p % resolution), 3 - step * Math.floor(p / resolution));
    });
  const [f, g] = [at((x, y) => x - y), at((x, y) => x - y - 1)];
  return {
    resolution,
    limits,
    f,
    g,
    agree: f.map((value, p) => (Math.sign(value) === Math.sign(g[p]!) ? 1 : 0)),
    fHat: at((x, y) => x + y),
    gHat: at((x, y) => Math.hypot(x, y) - 1),
    projected: Float32Array.from({ length: 2 * samples }, (_, e) => (e === 0 ? 9 : Math.sin(e))),
    labels: Float32Array.from({ length: samples }, (_, i) => (i % 3 ? 1 : -1)),
  };
}

describe('a decision map', () => {
  const map = fakeMap(50);
  const root = parseSvg(mapSvg(map, { title: HOSTILE }));
  const frame = root.querySelector('rect[aria-label="frame"]')!;
  const [left, top, width, height] = ['x', 'y', 'width', 'height'].map((name) => Number(frame.getAttribute(name))) as [
    number,
    number,
    number,
    number,
  ];

  it('is square, and shows the agreement at its own resolution under everything else', () => {
    expect(width).toBe(height);
    const image = root.querySelector('image')!;
    const box = ['x', 'y', 'width', 'height'].map((name) => Number(image.getAttribute(name)));
    expect(box).toEqual([left, top, width, height]);
    const href = image.getAttribute('href') ?? image.getAttribute('xlink:href')!;
    const png = decode(Uint8Array.from(atob(href.split(',')[1]!), (sign) => sign.charCodeAt(0)));
    expect([png.width, png.height]).toEqual([50, 50]);
    const colour = (p: number) => [...png.data.subarray(3 * p, 3 * p + 3)].join();
    const same = colour(0);
    for (const [p, agree] of map.agree.entries()) expect(colour(p) === same).toBe(agree === map.agree[0]);
    expect(image.getAttribute('image-rendering')).toBe('pixelated');
  });

  it('has the four zero lines where they are, the predicted ones dashed', () => {
    const lines = groups(root, 'line');
    expect(lines).toHaveLength(4);
    expect(lines.map((line) => line.hasAttribute('stroke-dasharray'))).toEqual([false, false, true, true]);
    expect(new Set(lines.map((line) => line.getAttribute('stroke'))).size).toBe(4);
    const half = 5 / 49 / 2;
    const unit = width / (5 + 2 * half);
    const value = ([x, y]: [number, number]) => [(x - left) / unit - 2 - half, 3 + half - (y - top) / unit] as const;
    const points = lines.map((line) =>
      [...line.querySelectorAll('path')].flatMap((path) => pathPoints(path).map(value)),
    );
    // Paths are written to a thousandth of a unit of the figure.
    for (const [x, y] of points[0]!) expect(Math.abs(x - y)).toBeLessThan(1e-4);
    for (const [x, y] of points[1]!) expect(Math.abs(x - y - 1)).toBeLessThan(1e-4);
    for (const [x, y] of points[2]!) expect(Math.abs(x + y)).toBeLessThan(1e-4);
    for (const [x, y] of points[3]!) expect(Math.abs(Math.hypot(x, y) - 1)).toBeLessThan((5 / 49) ** 2 / 2);
  });

  it('shows the samples by class, those outside left out, and says what is what', () => {
    const dots = groups(root, 'dot').filter((group) => group.closest('[aria-label="legend"]') === null);
    expect(dots.map((group) => group.children.length)).toEqual([40, 19]);
    const words = texts(root);
    for (const word of [
      'f = 0',
      'g = 0',
      'predicted f = 0',
      'predicted g = 0',
      'same sign',
      'signs differ',
      'class +1',
    ]) {
      expect(words).toContain(word);
    }
    expect(words).toContain('coefficient of the unit mean of class +1');
    expect(words).toContain('coefficient of the unit mean of class −1');
  });

  it('stays small at any resolution and with any number of samples', () => {
    const sizes = [mapSvg(fakeMap(400, 20_000)).length, mapSvg(fakeMap(1000, 20_000)).length];
    for (const size of sizes) expect(size).toBeLessThan(250_000);
    expect(agreementPng(fakeMap(1000)).length).toBeLessThan(60_000);
    expect(texts(parseSvg(mapSvg(fakeMap(50, 3000))))).toContain('class −1 (500 of 999)');
  });
});

describe('curves', () => {
  const draw = (loss: readonly number[], lr: readonly number[] = loss.map(() => 0.1)) => {
    const [values, rates] = [Float32Array.from(loss), Float32Array.from(lr)];
    const history = { standardLoss: values, standardLr: rates, learningLoss: values, learningLr: rates };
    return parseSvg(curvesSvg({ history, config: parseConfig({}) }));
  };
  const lossLine = (root: Element) => pathPoints(groups(root, 'line')[0]!.querySelector('path')!);

  it('are two losses and two learning rates, each with its axes named', () => {
    const root = draw([3, 2, 1]);
    expect(groups(root, 'line')).toHaveLength(4);
    const words = texts(root);
    expect(words.filter((word) => word === 'epoch')).toHaveLength(4);
    expect(words.filter((word) => word === 'learning rate')).toHaveLength(2);
    expect(words.filter((word) => word === 'loss')).toHaveLength(2);
    expect(words).toContain('Loss of g (on perturbations)');
    expect(lossLine(root)).toHaveLength(3);
  });

  it('choose the axis of the loss by what it does', () => {
    const fall = Array.from({ length: 50 }, (_, i) => 0.7 ** i);
    expect(texts(draw(fall))).toContain('loss (log scale)');
    const run = Array.from({ length: 50 }, (_, i) => -(1.5 ** i));
    expect(texts(draw(run))).toContain('loss (symlog scale)');
    expect(texts(draw(run.map((_, i) => -i)))).toContain('loss');
    // On its logarithmic axis an exponential is straight.
    const [a, b, c] = lossLine(draw(fall));
    expect(b![1] - a![1]).toBeCloseTo(c![1] - b![1], 1);
  });

  it('keep every peak of a long training in a small file', () => {
    const loss = Array.from({ length: 100_000 }, (_, i) => (i === 54_321 ? 50 : Math.sin(i / 1000)));
    const root = draw(loss);
    const points = lossLine(root);
    expect(points.length).toBeLessThan(1300);
    const ys = points.map(([, y]) => y).sort((a, b) => a - b);
    expect(ys[1]! - ys[0]!).toBeGreaterThan(100);
    expect(root.outerHTML.length).toBeLessThan(100_000);
  });

  it('draw a diverged training up to where it broke, and say so', () => {
    const root = draw([1, 2, Number.POSITIVE_INFINITY, Number.NaN]);
    expect(lossLine(root)).toHaveLength(2);
    expect(texts(root)).toContain('Loss of f: not finite from epoch 2 on');
    draw([Number.NaN, Number.NaN]);
  });

  it('stand with one epoch, with none, and with a learning rate of zero', () => {
    for (const loss of [[], [1], [0, 0, 0]]) draw(loss);
    draw([1, 2], [0, 0]);
  });

  it('label every step of a plateau schedule', () => {
    const words = texts(draw([1, 2, 3, 4], [5, 5, 0.5, 0.05]));
    for (const step of ['5', '0.5', '0.05']) expect(words).toContain(step);
  });
});

describe('panels of a sweep', () => {
  const of = (mean: number) => {
    return {
      count: 3,
      mean,
      standardDeviation: 0.1,
      confidence95: null,
      prediction95: [mean - 0.5, mean + 0.5] as const,
    };
  };
  const point = (d: number, slope: number) => {
    return { values: { 'data.d': d, 'network.slope': slope, loss: 'identity' }, metrics: { agreement: of(0.9) } };
  };

  const slopes = (count: number) => Array.from({ length: count }, (_, s) => s / 10);
  const grid = (ds: readonly number[], ss: readonly number[]) => ({
    points: ss.flatMap((slope) => ds.map((d) => point(d, slope))),
    axes: [
      { keys: ['data.d'], values: ds.map((d) => [d]) },
      { keys: ['network.slope'], values: ss.map((slope) => [slope]) },
      { keys: ['loss'], values: [['identity']] },
    ],
  });

  it('have a metric each, over the axis with the most numbers, a line for each of the others that vary', () => {
    const { points, axes } = grid([100, 10, 1000], [0, 0.5]);
    const [panel, ...others] = sweepPanels(points, axes);
    expect(others).toEqual([]);
    expect(panel).toMatchObject({ title: 'agreement', xLabel: 'data.d', xScale: 'log' });
    expect(panel!.series.map(({ name }) => name)).toEqual(['network.slope = 0', 'network.slope = 0.5']);
    expect(panel!.series[0]!.points.map(({ x }) => x)).toEqual([10, 100, 1000]);
    // A share is not above 1, whatever a normal distribution says.
    expect(panel!.series[0]!.points[0]).toMatchObject({ low: 0.4, high: 1 });
    parseSvg(panelSvg(panel!));
  });

  it('have one line over keys that go together', () => {
    const points = [10, 20].map((d) => ({
      values: { 'data.kind': 'gauss', 'data.d': d, 'data.n': 5 * d },
      metrics: { agreement: of(0.9) },
    }));
    const axes = [
      { keys: ['data.kind', 'data.d', 'data.n'], values: points.map(({ values }) => Object.values(values)) },
    ];
    const panels = sweepPanels(points, axes);
    expect(panels).toHaveLength(1);
    expect(panels[0]).toMatchObject({
      xLabel: 'data.d',
      series: [{ name: 'agreement', points: [{ x: 10 }, { x: 20 }] }],
    });
  });

  it('are several where one would have more lines than can be told apart', () => {
    const { points, axes } = grid(slopes(9), slopes(3));
    const lrs = [0.01, 0.1, 1].map((lr) => [lr]);
    const all = lrs.flatMap(([lr]) =>
      points.map(({ values, metrics }) => ({ values: { ...values, 'standard.lr': lr }, metrics })),
    );
    const panels = sweepPanels(all, [...axes, { keys: ['standard.lr'], values: lrs }]);
    expect(panels.map(({ title }) => title)).toEqual(lrs.map(([lr]) => `agreement: standard.lr = ${lr}`));
    for (const { series } of panels) expect(series.map(({ points }) => points.length)).toEqual([9, 9, 9]);
  });

  it('are none without an axis of numbers, or with more than can be looked at', () => {
    const { points, axes } = grid([10], [0]);
    expect(sweepPanels(points, axes)).toEqual([]);
    expect(sweepPanels([], axes)).toEqual([]);
    const many = grid(slopes(15), slopes(14));
    expect(sweepPanels(many.points, many.axes)).toEqual([]);
  });
});

describe('a tick', () => {
  it.each([
    [0, '0'],
    [-0.25, '−0.25'],
    [1 / 3, '0.3333'],
    [10000, '10000'],
    [1e5, '1e5'],
    [-2.5e-7, '−2.5e−7'],
  ])('of %d is %s', (value, text) => {
    expect(tick(value)).toBe(text);
  });
});
