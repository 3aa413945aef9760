// Pictures, table and progress: what a person looks at.

import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { createReporter } from '../../src/cli/progress';
import { parseConfig } from '../../src/experiment/config';
import { seconds } from '../../src/report/format';
import { diverging, pictures } from '../../src/report/pictures';
import { resultTable } from '../../src/report/table';
import { FakeIo, fakeResult } from './fakes';

const pixel = (image: { width: number; data: ArrayLike<number> }, x: number, y: number) =>
  [0, 1, 2].map((channel) => image.data[3 * (y * image.width + x) + channel]);

describe('pictures', () => {
  const samples = {
    rows: 2,
    x: Float32Array.of(-1, 0, 1, 3, 5, 5, 5, 5),
    r: Float32Array.of(0, 0.02, -0.02, 0.01, 0, 0, 0, 0),
    labels: Float32Array.of(1, 1),
    targets: Float32Array.of(1, -1),
  };
  const made = Object.fromEntries(
    pictures({ image: { width: 2, height: 2, channels: 1 }, samples }).map(({ name, bytes }) => [name, decode(bytes)]),
  );

  it('are none for data that are no images', () => {
    expect(pictures({})).toEqual([]);
    expect(pictures(fakeResult(parseConfig({})))).toEqual([]);
  });

  it('show the sample from its least to its largest value, in squares', () => {
    const image = made['sample.png']!;
    const half = image.width / 2;
    expect(image).toMatchObject({ width: 168, height: 168, channels: 3 });
    expect(pixel(image, 0, 0)).toEqual([0, 0, 0]);
    expect(pixel(image, half - 1, half - 1)).toEqual([0, 0, 0]);
    expect(pixel(image, half, 0)).toEqual([64, 64, 64]);
    expect(pixel(image, 0, half)).toEqual([128, 128, 128]);
    expect(pixel(image, 167, 167)).toEqual([255, 255, 255]);
  });

  it('magnify the perturbation to full colour, white where it is zero', () => {
    const image = made['perturbation.png']!;
    expect(pixel(image, 0, 0)).toEqual([255, 255, 255]);
    expect(pixel(image, 100, 0)).toEqual(diverging(1));
    expect(pixel(image, 0, 100)).toEqual(diverging(-1));
    expect(pixel(image, 100, 100)).toEqual(diverging(0.5));
  });

  it('put all samples into one strip, a column each; a flat sample does not divide by zero', () => {
    const strip = made['samples.png']!;
    expect(strip).toMatchObject({ width: 2 * 168 + 3 * 6, height: 3 * 168 + 4 * 6 });
    expect(pixel(strip, 6, 6)).toEqual([0, 0, 0]);
    expect(pixel(strip, 6 + 174, 6 + 174)).toEqual([255, 255, 255]);
    expect(pixel(strip, 6 + 174, 6)).toEqual([128, 128, 128]);
    expect(pixel(strip, 0, 0)).toEqual(pixel(strip, 175, 100));
  });

  it('read colour images as planes', () => {
    const x = Float32Array.of(1, 0, 0, 1, 0, 0); // 2 x 1: red 1 0, green 0 1, blue 0 0
    const [sample, perturbation] = pictures({
      image: { width: 2, height: 1, channels: 3 },
      samples: { ...samples, rows: 1, x, r: x.map((value) => -value) },
    }).map(({ bytes }) => decode(bytes));
    expect(pixel(sample!, 0, 0)).toEqual([255, 0, 0]);
    expect(pixel(sample!, 167, 0)).toEqual([0, 255, 0]);
    expect(pixel(perturbation!, 0, 0)).toEqual([0, 128, 128]);
  });

  it('use colours whose two sides are equally dark, and darker the further from zero', () => {
    const light = (value: number) => {
      const [red, green, blue] = diverging(value);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    for (const value of [0.2, 0.5, 0.8, 1]) {
      expect(Math.abs(light(value) - light(-value))).toBeLessThan(30);
      expect(light(value)).toBeLessThan(light(value - 0.1));
      expect(light(-value)).toBeLessThan(light(0.1 - value));
    }
  });
});

describe('the table', () => {
  const text = resultTable(fakeResult(parseConfig({})), { writtenTo: 'runs/x' });
  const words = text.replace(/[│\s]+/g, ' ');

  it('says in words what was measured, on what, and how long it took', () => {
    for (const part of [
      'standard accuracy: f on its training data',
      'agreement of f and g on fresh points',
      '98.76 %',
      '91.23 %',
      '90.50 %',
      'direct: the cost model found it cheaper',
      'Fake Adapter 3000',
      'A software adapter: it computes on the CPU',
      '5.0 MiB',
      '2 min 11 s',
      'runs/x',
    ]) {
      expect(words).toContain(part);
    }
    expect(text).not.toContain('\u001b');
  });

  it('keeps to the width it is given', () => {
    for (const width of [80, 120]) {
      const lines = resultTable(fakeResult(parseConfig({})), { width }).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBe(width);
    }
  });

  it('says what was trained on, what was not measured and what diverged', () => {
    const result = fakeResult(parseConfig({ perturbation: { onData: true } }));
    const other = resultTable({
      ...result,
      metrics: { ...result.metrics, agreement: null },
      loss: { standard: Number.NaN, learning: 1 },
      device: { ...result.device, software: false },
    }).replace(/[│\s]+/g, ' ');
    expect(other).toContain('perturbed data');
    expect(other).toContain('no test points');
    expect(other).toContain('diverged');
    expect(other).not.toContain('software');
  });

  it('writes times as people do', () => {
    expect([0.004, 9.994, 12.34, 131.28].map(seconds)).toEqual(['0.00 s', '9.99 s', '12.3 s', '2 min 11 s']);
  });
});

describe('progress in a pipe', () => {
  const config = parseConfig({});

  it('is a line at the start of a stage, then one in two seconds and ten a stage at most', () => {
    const io = new FakeIo('.');
    const reporter = createReporter(io, config, false);
    for (let epoch = 0; epoch <= 1000; epoch++) {
      io.time += 100;
      reporter.report({ stage: 'standard', epoch, epochs: 1000, loss: -epoch / 7 });
    }
    const lines = io.err.trimEnd().split('\n');
    expect(lines[0]).toBe('training f on the data, 1000 epochs');
    expect(lines).toHaveLength(11);
    expect(lines[5]).toMatch(/^training f on the data: epoch 500 of 1000, loss -71\.43, 50\.\d s left$/);
    for (let epoch = 0; epoch <= 1000; epoch++) {
      io.time += 1;
      reporter.report({ stage: 'learning', epoch, epochs: 1000 });
    }
    expect(io.err.trimEnd().split('\n')).toHaveLength(12);
  });

  it('is a bar on a terminal, erased at the end, and lines on a dumb one', () => {
    const terminal = (term: string) => {
      const io = new FakeIo('.');
      io.env.TERM = term;
      const writes: string[] = [];
      const stderr = { write: (text: string) => void writes.push(text), isTTY: true, columns: 100, on: () => {} };
      const reporter = createReporter({ ...io, stderr, env: io.env, now: io.now }, config, false);
      reporter.report({ stage: 'standard', epoch: 500, epochs: 1000, loss: -1.5 });
      reporter.report({ stage: 'learning', epoch: 500, epochs: 1000, loss: -2.5 });
      reporter.stop();
      reporter.stop();
      return writes.join('');
    };
    expect(terminal('xterm')).toContain('###');
    expect(terminal('xterm')).toContain('training f');
    expect(terminal('dumb')).toMatch(/^training f/);
    expect(terminal('dumb')).not.toContain('\u001b');
  });
});
