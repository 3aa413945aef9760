// The pages: self-contained, complete, and safe whatever stands in a configuration.

import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import type { ExperimentResult } from '../../src/experiment/types';
import { reportFiles } from '../../src/report/report';
import { sweepReport } from '../../src/report/sweep-report';
import { fakeResult } from '../cli/fake-result';
import { parseSvg } from './svg';

const HOSTILE = `"><script>alert('x')</script>&amp;<b>`;

/** A page after checking that it needs nothing from elsewhere. */
function parsePage(html: string): Document {
  const { document } = parseHTML(html);
  expect(html).toMatch(/^<!doctype html>/);
  expect(document.querySelectorAll('script, link, iframe, object, embed, base')).toHaveLength(0);
  for (const element of document.querySelectorAll('*')) {
    for (const name of ['src', 'href', 'srcset', 'action', 'data', 'poster', 'background']) {
      const target = element.getAttribute(name);
      if (target !== null) expect(target).toMatch(/^data:image\//);
    }
    for (const { name } of [...element.attributes]) expect(name).not.toMatch(/^on/);
  }
  expect(html).not.toMatch(/url\(|@import/);
  expect(document.title).toBe(document.querySelector('h1')!.textContent);
  return document as unknown as Document;
}

const textOf = (files: { name: string; bytes: Uint8Array }[], name: string) =>
  new TextDecoder().decode(files.find((file) => file.name === name)!.bytes);

const page = (result: ExperimentResult) => parsePage(textOf(reportFiles(result), 'report.html'));

const map: NonNullable<ExperimentResult['map']> = {
  resolution: 2,
  limits: [-1, 1],
  f: Float32Array.of(1, -1, 1, -1),
  g: Float32Array.of(1, 1, 1, 1),
  agree: Float32Array.of(1, 0, 1, 0),
  fHat: Float32Array.of(1, -1, 1, -1),
  gHat: Float32Array.of(1, -1, 1, -1),
  projected: Float32Array.of(0, 0),
  labels: Float32Array.of(1),
};

describe('the report of a run', () => {
  const config = parseConfig({ data: { kind: 'glyphs', classes: [3, 8] }, save: ['perturbations'] });
  const result = { ...fakeResult(config), map };
  const files = reportFiles(result);
  const document = page(result);
  const text = document.body.textContent!;

  it('comes with its figures as files', () => {
    expect(files.map(({ name }) => name)).toEqual(['report.html', 'curves.svg', 'map.svg']);
    parseSvg(textOf(files, 'curves.svg'));
    parseSvg(textOf(files, 'map.svg'));
    const [curves, drawnMap] = [...document.querySelectorAll('figure img')].map((image) => image.getAttribute('src')!);
    const inside = (source: string) =>
      new TextDecoder().decode(Uint8Array.from(atob(source.split(',')[1]!), (sign) => sign.charCodeAt(0)));
    expect(inside(curves!)).toBe(textOf(files, 'curves.svg'));
    expect(inside(drawnMap!)).toBe(textOf(files, 'map.svg'));
  });

  it('says what was measured, on what, how, and how to do it again', () => {
    for (const part of [
      '98.76 %',
      '91.23 %',
      '90.50 %',
      'glyphs, 3 against 8',
      'direct: cheaper',
      'Fake Adapter 3000',
      '5.0 MiB',
      '2 min 11 s',
      'perturb-gpu 0.1.0',
      'npx perturb run config.json --out again',
      '"schemaVersion": 1',
      '50.00 %',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toMatch(/NaN|undefined|\[object/);
  });

  it('shows the images with their labels and targets', () => {
    const heads = [...document.querySelectorAll('.samples thead th')].map((head) => head.textContent);
    expect(heads).toEqual(['', 'label 3\ntarget 8', 'label 8\ntarget 8']);
    expect(document.querySelectorAll('.samples img')).toHaveLength(6);
    for (const image of document.querySelectorAll('img')) expect(image.getAttribute('alt')).not.toBe('');
    expect(page(fakeResult(parseConfig({}))).querySelector('.samples')).toBeNull();
  });

  it('says what was not measured and what diverged', () => {
    const { metrics } = result;
    const other = page({
      ...fakeResult(parseConfig({ perturbation: { onData: true } })),
      metrics: { ...metrics, agreement: null, cosine: 0.5 },
      loss: { standard: Number.NaN, learning: 1 },
    }).body.textContent!;
    for (const part of ['no test points', '0.5000', 'diverged', 'samples plus their perturbations']) {
      expect(other).toContain(part);
    }
  });

  it('keeps markup in a configuration text', () => {
    const hostile = parseConfig({
      data: { kind: 'npy', x: HOSTILE, y: `${HOSTILE}.npy` },
      perturbation: { targets: HOSTILE },
    });
    const { device } = result;
    const document = page({ ...fakeResult(hostile), device: { ...device, name: HOSTILE } });
    const text = document.body.textContent!;
    expect(text).toContain(JSON.stringify(HOSTILE));
    expect(text).toContain(`${HOSTILE} (acme`);
    expect(document.querySelectorAll('b')).toHaveLength(0);
  });

  it('is the same text every time', () => {
    expect(textOf(reportFiles(result), 'report.html')).toBe(textOf(files, 'report.html'));
  });
});

describe('the report of a sweep', () => {
  const statistics = (mean: number) => ({
    count: 2,
    mean,
    standardDeviation: 0.01,
    confidence95: [mean - 0.1, mean + 0.1] as const,
    prediction95: [mean - 0.2, mean + 0.2] as const,
  });
  const sweep = {
    title: HOSTILE,
    lead: HOSTILE,
    seeds: [0, 1],
    axes: [
      {
        keys: ['data.d', 'standard.lr'],
        values: [
          [10, 0.1],
          [20, 1],
        ],
      },
    ],
    points: [10, 20].map((d) => ({ values: { 'data.d': d }, metrics: { agreement: statistics(0.5) } })),
    failures: [{ values: { 'data.d': HOSTILE }, seed: 3, error: { message: HOSTILE } }],
    facts: [['device', HOSTILE]] as const,
    document: JSON.stringify({ [HOSTILE]: HOSTILE }),
    command: `perturb sweep ${HOSTILE}`,
  };

  it('has axes, a panel a metric, all numbers, failures, and how to run it again', () => {
    const document = parsePage(sweepReport(sweep));
    const text = document.body.textContent!;
    expect(document.querySelectorAll('figure img')).toHaveLength(1);
    expect(document.querySelectorAll('details tbody tr')).toHaveLength(2);
    for (const part of ['10, 0.1; 20, 1', '0.3 to 0.7', '0.4 to 0.6', 'Not computed', `perturb sweep ${HOSTILE}`]) {
      expect(text).toContain(part);
    }
    expect(document.querySelectorAll('b')).toHaveLength(0);
  });

  it('gives the maximum over axes a section of its own, and shows figures that it is given', () => {
    const bestOver = { keys: ['standard.lr'], points: sweep.points };
    const figures = [{ svg: '<svg xmlns="http://www.w3.org/2000/svg"/>', description: 'a "figure"', caption: '<i>' }];
    const document = parsePage(sweepReport({ ...sweep, bestOver, figures, failures: [] }));
    const heads = [...document.querySelectorAll('h2')].map((head) => head.textContent);
    expect(heads).toEqual([
      'What was varied',
      'Figures',
      'Over the seeds',
      'Maximum over standard.lr',
      'How it ran',
      'Run it again',
    ]);
    expect(document.querySelector('img')!.getAttribute('alt')).toBe('a "figure"');
    expect(document.querySelector('figcaption')!.textContent).toBe('<i>');
  });

  it('has its numbers in the open when they make no figure', () => {
    const document = parsePage(sweepReport({ ...sweep, points: sweep.points.slice(0, 1) }));
    expect(document.querySelector('details')).toBeNull();
    expect(document.body.textContent).toContain('0.3 to 0.7');
  });
});
