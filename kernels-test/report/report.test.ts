// The pages: self-contained, complete, and safe whatever stands in a configuration.

import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/experiment/config';
import { expandSweep } from '../../src/experiment/sweep';
import { parseGrid } from '../../src/experiment/sweep-grid';
import { type CellOutcome, rowsOf, summarise } from '../../src/experiment/sweep-results';
import type { ExperimentResult } from '../../src/experiment/types';
import { reportFiles } from '../../src/report/report';
import { sweepReport } from '../../src/report/sweep-report';
import { fakeResult } from '../cli/fake-result';
import { HOSTILE, headings, parsePage, rowsIn } from './html';
import { parseSvg } from './svg';

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
    const [f, g, drawnMap] = [...document.querySelectorAll('figure img')].map((image) => image.getAttribute('src')!);
    const inside = (source: string) =>
      new TextDecoder().decode(Uint8Array.from(atob(source.split(',')[1]!), (sign) => sign.charCodeAt(0)));
    for (const column of [f, g]) expect(inside(column!)).toContain('learning rate');
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
  const GRID = {
    base: { data: { n: 50 } },
    vary: [
      {
        keys: ['data.d', 'perturbation.size'],
        values: [
          [10, 0.1],
          [20, 0.2],
        ],
      },
      { key: 'standard.lr', values: [0.5, 1] },
    ],
    seeds: 2,
    bestOver: ['standard.lr'],
  };

  /** Accuracies that tell seeds and learning rates apart; the combinations that `fate` names have no outcome or an error. */
  async function report(grid: unknown, fate: (at: number) => 'done' | 'failed' | 'missing' = () => 'done') {
    const parsed = parseGrid(grid);
    const sweep = await expandSweep(parsed, parsed.base);
    const outcomes = new Map<string, CellOutcome>();
    for (const [at, { hash, config }] of sweep.cells.entries()) {
      const agreement = 0.5 + 0.1 * config.standard.lr + 0.01 * config.seed;
      const result = {
        ...fakeResult(config),
        metrics: { standardAccuracy: 0.9, perturbationAccuracy: 0.8, agreement },
      };
      if (fate(at) === 'done') outcomes.set(hash, { result });
      if (fate(at) === 'failed') outcomes.set(hash, { error: { kind: 'GpuError', message: HOSTILE, remedy: HOSTILE } });
    }
    const rows = rowsOf(sweep, outcomes);
    return parsePage(
      sweepReport({
        title: HOSTILE,
        summary: summarise(sweep, rows),
        rows,
        missing: sweep.combinations.filter(({ cell }) => cell && !outcomes.has(cell.hash)),
        document: { [HOSTILE]: HOSTILE },
        again: { where: HOSTILE, command: `perturb sweep ${HOSTILE}` },
      }),
    );
  }
  it('has axes, panels, all numbers, what it used and how to run it again', async () => {
    const document = await report(GRID);
    expect(headings(document)).toEqual([
      'What was varied',
      'State',
      'Best over standard.lr',
      'Over the seeds',
      'How it ran',
      'Run it again',
      'Base and grid',
    ]);
    const text = document.body.textContent!;
    for (const part of [
      '10, 0.1; 20, 0.2',
      'Seeds: 0, 1.',
      'trainer of f',
      'forward tiled',
      'Fake Adapter 3000',
      'perturb-gpu 0.1.0',
      'training g 17 min 20 s',
      '17 min 30 s for 8 experiments',
      `perturb sweep ${HOSTILE}`,
    ]) {
      expect(text).toContain(part);
    }
    // Three metrics, for the maximum and for every learning rate.
    expect(document.querySelectorAll('figure img')).toHaveLength(6);
    expect(document.querySelectorAll('b')).toHaveLength(0);
    expect(text).not.toMatch(/NaN|undefined|\[object|not computed yet/);
  });

  it('has mean, deviation and intervals of every point, and of the maximum, which its name tells', async () => {
    const document = await report(GRID);
    // Seeds at 0.55 and 0.56: s = 0.00707; t(1) = 12.706 times s / sqrt 2 and s sqrt 1.5 for the half-widths.
    expect(rowsIn(document, 'Over the seeds')).toContainEqual([
      '10',
      '0.1',
      '0.5',
      'agreement',
      '2',
      '0.555',
      '0.007071',
      '0.4915 to 0.6185',
      '0.445 to 0.665',
    ]);
    expect(rowsIn(document, 'Best over standard.lr')).toContainEqual([
      '10',
      '0.1',
      'best agreement',
      '2',
      '0.605',
      '0.007071',
      '0.5415 to 0.6685',
      '0.495 to 0.715',
    ]);
  });

  it('of an unfinished sweep says what is missing, and what failed', async () => {
    const document = await report(GRID, (at) => (at < 5 ? 'done' : at === 5 ? 'failed' : 'missing'));
    expect(document.querySelector('.lead')!.textContent).toContain('unfinished: 2 are not computed yet');
    expect(rowsIn(document, 'Not computed yet')).toEqual([
      ['data.d = 20, perturbation.size = 0.2, standard.lr = 1', '0'],
      ['data.d = 20, perturbation.size = 0.2, standard.lr = 1', '1'],
    ]);
    expect(rowsIn(document, 'Without a result')).toEqual([
      ['data.d = 20, perturbation.size = 0.2, standard.lr = 0.5', '1', HOSTILE],
    ]);
    expect(document.body.textContent).toContain('Maxima over fewer values, because the others have no result: 1.');
  });

  it('of nothing finished is a page too', async () => {
    expect(headings(await report(GRID, () => 'missing'))).toContain('Not computed yet');
  });

  it('has its numbers in the open when they make no figure', async () => {
    const document = await report({ base: {}, seeds: 2 });
    expect(document.querySelector('details')).toBeNull();
    expect(rowsIn(document, 'Over the seeds')).toHaveLength(3);
  });
});
