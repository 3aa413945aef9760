import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HostMatrix } from '../../src/data/dataset';
import { GLYPH_VARIANTS } from '../../src/data/glyph-strokes';
import { drawGlyphs, ELEMENTS_PER_GLYPH, glyphDataset } from '../../src/data/glyphs';
import { PhiloxStream } from '../../src/data/philox';
import { STREAMS } from '../../src/data/streams';
import { expectInputError } from './helpers';

const glyphs = (n: number, p: number, q: number, size = 20) => ({ kind: 'glyphs', n, classes: [p, q], size }) as const;
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Share of test rows nearer to the mean of their own class. */
function nearestMean(x: HostMatrix, y: Float32Array, testX: HostMatrix, testY: Float32Array): number {
  const d = x.cols;
  const means = [new Float64Array(d), new Float64Array(d)];
  const counts = [0, 0];
  for (let i = 0; i < x.rows; i++) {
    const side = y[i] === 1 ? 0 : 1;
    counts[side]!++;
    for (let j = 0; j < d; j++) means[side]![j]! += x.values[i * d + j]!;
  }
  let right = 0;
  for (let i = 0; i < testX.rows; i++) {
    const distance = means.map((mean, side) => {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += (testX.values[i * d + j]! - mean[j]! / counts[side]!) ** 2;
      return sum;
    });
    if (distance[0]! < distance[1]! === (testY[i] === 1)) right++;
  }
  return right / testX.rows;
}

describe('glyphDataset', () => {
  test('balanced, first half +1, with image, names and the training mean', () => {
    const set = glyphDataset(glyphs(7, 3, 8, 16), 1, 4);
    expect([...set.y]).toEqual([1, 1, 1, 1, -1, -1, -1]);
    expect([...set.testY!]).toEqual([1, 1, -1, -1]);
    expect(set.x).toMatchObject({ rows: 7, cols: 256, scale: 1 / 255 });
    expect(set.testX).toMatchObject({ rows: 4, cols: 256, scale: 1 / 255, subtract: set.x.subtract });
    expect(set.image).toEqual({ width: 16, height: 16, channels: 1 });
    expect(set.classNames).toEqual(['3', '8']);
    const mean = [...set.x.values].reduce((sum, value) => sum + value, 0) / (7 * 256 * 255);
    expect(Math.abs(set.x.subtract - mean)).toBeLessThanOrEqual(0.5e-4 + 1e-12);
    expect(set.x.subtract * 1e4).toBeCloseTo(Math.round(set.x.subtract * 1e4), 9);
    expect(set.x.subtract).toBeGreaterThan(0.05);
  });

  test('the digits that are drawn are the ones the labels say, at an odd n too', () => {
    const { x } = glyphDataset(glyphs(7, 3, 8, 16), 1, 1);
    const threes = drawGlyphs(7, [3, 3], 16, 1, STREAMS.glyphs);
    const eights = drawGlyphs(7, [8, 8], 16, 1, STREAMS.glyphs);
    const split = 4 * 256;
    expect([...x.values]).toEqual([...threes.subarray(0, split), ...eights.subarray(split)]);
  });

  test('1000 test glyphs by default; a single training glyph is of the first class', () => {
    const set = glyphDataset(glyphs(1, 0, 1, 8), 0);
    expect(set.testX!.rows).toBe(1000);
    expect([...set.y]).toEqual([1]);
  });

  test('same seed, same bytes; another seed, stream or digit, other bytes', () => {
    const one = glyphDataset(glyphs(20, 1, 2), 5, 20);
    const again = glyphDataset(glyphs(20, 1, 2), 5, 20);
    expect(again).toEqual(one);
    const others = [
      one.testX!.values,
      glyphDataset(glyphs(20, 1, 2), 6, 20).x.values,
      glyphDataset(glyphs(20, 2, 1), 5, 20).x.values,
    ];
    expect(new Set([one.x.values, ...others].map((bytes) => digest(bytes as Uint8Array))).size).toBe(4);
  });

  test('the drawing does not change unnoticed', () => {
    // Sums, not bytes: another engine's sine may move a pixel by one level. Recorded from Node 20.
    const sums = Array.from({ length: 10 }, (_, digit) =>
      drawGlyphs(50, [digit, digit], 28, 0, STREAMS.glyphs).reduce((sum, value) => sum + value, 0),
    );
    const recorded = [1473308, 781396, 1418502, 1334310, 1295005, 1318394, 1308495, 1061751, 1543779, 1307289];
    for (const [digit, sum] of sums.entries()) expect(Math.abs(sum - recorded[digit]!)).toBeLessThan(50);
  });

  test('glyph i does not depend on how many are drawn', () => {
    const few = drawGlyphs(6, [4, 4], 20, 2, STREAMS.glyphs);
    const many = drawGlyphs(31, [4, 4], 20, 2, STREAMS.glyphs);
    expect(Buffer.compare(few, many.subarray(0, few.length))).toBe(0);
  });

  test('a glyph stays within its share of the stream', () => {
    const used: number[] = [];
    const original = PhiloxStream.prototype.uniform;
    const seek = PhiloxStream.prototype.seek;
    let count = 0;
    PhiloxStream.prototype.uniform = function () {
      count++;
      return original.call(this);
    };
    PhiloxStream.prototype.seek = function (element) {
      used.push(count);
      count = 0;
      seek.call(this, element);
    };
    try {
      for (let digit = 0; digit < 10; digit++) drawGlyphs(3, [digit, digit], 8, 0, STREAMS.glyphs);
    } finally {
      PhiloxStream.prototype.uniform = original;
      PhiloxStream.prototype.seek = seek;
    }
    expect(Math.max(...used)).toBe(21);
    expect(ELEMENTS_PER_GLYPH).toBeGreaterThanOrEqual(21);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('digit %i: ink on paper, smooth edges, away from the border', (digit) => {
    const [n, size] = [200, 28];
    const pixels = drawGlyphs(n, [digit, digit], size, 4, STREAMS.glyphs);
    let [paper, grey, ink, border] = [0, 0, 0, 0];
    for (let i = 0; i < pixels.length; i++) {
      const value = pixels[i]!;
      const column = i % size;
      const row = Math.floor(i / size) % size;
      if (value === 0) paper++;
      else if (value < 200) grey++;
      else ink++;
      if (value > 0 && (row === 0 || column === 0 || row === size - 1 || column === size - 1)) border++;
    }
    expect(paper / pixels.length).toBeGreaterThan(0.6);
    expect(ink / pixels.length).toBeGreaterThan(0.03);
    expect(grey / pixels.length).toBeGreaterThan(0.03);
    expect(border / n).toBeLessThan(1);
    // No two alike.
    const rows = Array.from({ length: n }, (_, i) => digest(pixels.subarray(i * size * size, (i + 1) * size * size)));
    expect(new Set(rows).size).toBe(n);
  });

  test.each([
    [1, 2],
    [3, 8],
    [4, 9],
    [1, 7],
    [0, 6],
  ])('%i against %i: the nearest class mean gets 80 to 99.5 percent of the test glyphs', (p, q) => {
    const set = glyphDataset(glyphs(600, p, q), 0, 600);
    const share = nearestMean(set.x, set.y, set.testX!, set.testY!);
    expect(share).toBeGreaterThan(0.8);
    expect(share).toBeLessThan(0.995);
  });

  test('every way of writing is a list of strokes inside the unit square', () => {
    expect(GLYPH_VARIANTS.length).toBe(10);
    for (const variant of GLYPH_VARIANTS.flat()) {
      for (const stroke of variant) {
        expect(stroke.length % 2).toBe(0);
        expect(stroke.length).toBeGreaterThanOrEqual(4);
        expect(stroke.every((value) => value >= 0 && value <= 1)).toBe(true);
      }
    }
  });

  test('2000 glyphs of 28 x 28 take well under a second', () => {
    const times = [0, 1, 2].map((seed) => {
      const start = performance.now();
      drawGlyphs(2000, [3, 5], 28, seed, STREAMS.glyphs);
      return performance.now() - start;
    });
    // 80 ms measured; the cores are shared, so the best of three and a wide margin.
    expect(Math.min(...times)).toBeLessThan(600);
  });

  test('refuses what cannot be drawn', async () => {
    const draw = (source: ReturnType<typeof glyphs>, rows?: number) => () => glyphDataset(source, 0, rows);
    await expectInputError(draw(glyphs(0, 1, 2)), /0 glyphs/, { key: 'data.n' });
    await expectInputError(draw(glyphs(2.5, 1, 2)), /2\.5 glyphs/, { key: 'data.n' });
    await expectInputError(draw(glyphs(1e9, 1, 2)), /cannot be drawn/, { key: 'data.n' });
    await expectInputError(draw(glyphs(5, 1, 1)), /both classes are 1/, { key: 'data.classes' });
    await expectInputError(draw(glyphs(5, 1, 10)), /10 is no class/, { key: 'data.classes' });
    await expectInputError(draw(glyphs(5, 1, 2, 7)), /7 pixels/, { key: 'data.size' });
    await expectInputError(draw(glyphs(5, 1, 2, 257)), /257 pixels/, { key: 'data.size' });
    await expectInputError(draw(glyphs(5, 1, 2), 0), /0 is no number of test points/, { key: 'test.n' });
    expect(glyphDataset(glyphs(1, 1, 2, 256), 0, 1).x.cols).toBe(65_536);
  });
});
