// Marching squares on functions whose zero lines are known.

import { describe, expect, it } from 'vitest';
import { thin, zeroLines } from '../../src/report/zero-lines';

const SIZE = 41;

/** Values on a grid from -1 to 1, row 0 at y = 1. */
const grid = (f: (x: number, y: number) => number) =>
  Float32Array.from({ length: SIZE ** 2 }, (_, p) => {
    const [x, y] = [(2 * (p % SIZE)) / (SIZE - 1) - 1, 1 - (2 * Math.floor(p / SIZE)) / (SIZE - 1)];
    return f(x, y);
  });

const coordinates = (line: readonly (readonly [number, number])[]) =>
  line.map(([x, y]) => [(2 * x) / (SIZE - 1) - 1, 1 - (2 * y) / (SIZE - 1)] as const);

describe('zero lines', () => {
  it('of a linear function are straight, exact, and end at the edge', () => {
    const [line, ...others] = zeroLines(
      grid((x, y) => 3 * x - y + 0.21),
      SIZE,
    );
    expect(others).toEqual([]);
    // Exact but for float32 values over steps of 0.05 to 0.15: a share of a step is good to 1e-7 / 0.05.
    for (const [x, y] of coordinates(line!)) expect(Math.abs(3 * x - y + 0.21)).toBeLessThan(1e-6);
    for (const end of [line!.at(0)!, line!.at(-1)!]) {
      expect(end.some((value) => value === 0 || value === SIZE - 1)).toBe(true);
    }
  });

  it('of a circle close, and are off by no more than linear interpolation is', () => {
    const [line, ...others] = zeroLines(
      grid((x, y) => x * x + y * y - 0.5),
      SIZE,
    );
    expect(others).toEqual([]);
    expect(line!.at(0)).toEqual(line!.at(-1));
    const h = 2 / (SIZE - 1);
    // The error of interpolating a function with second derivative 2 is h^2 / 4 of its value, over its slope 2 r.
    for (const [x, y] of coordinates(line!)) {
      expect(Math.abs(Math.hypot(x, y) - Math.sqrt(0.5))).toBeLessThan(h ** 2 / 4 / (2 * 0.65));
    }
    const length = coordinates(line!).reduce((sum, [x, y], i, all) => {
      const [px, py] = all[Math.max(0, i - 1)]!;
      return sum + Math.hypot(x - px, y - py);
    }, 0);
    expect(Math.abs(length / (2 * Math.PI * Math.sqrt(0.5)) - 1)).toBeLessThan(0.01);
  });

  it('of two circles are two, and of x y without its axes four branches in all', () => {
    expect(
      zeroLines(
        grid((x, y) => Math.min(Math.hypot(x - 0.5, y), Math.hypot(x + 0.5, y)) - 0.3),
        SIZE,
      ),
    ).toHaveLength(2);
    expect(
      zeroLines(
        grid((x, y) => x * y - 0.01),
        SIZE,
      ),
    ).toHaveLength(2);
  });

  it('part at a saddle as its middle says', () => {
    // Middle positive: the two negative corners are cut off on their own.
    expect(zeroLines(Float32Array.of(3, -1, -1, 3), 2)).toEqual([
      [
        [0.75, 0],
        [1, 0.25],
      ],
      [
        [0.25, 1],
        [0, 0.75],
      ],
    ]);
    // Middle negative: the two positive ones.
    const ends = zeroLines(Float32Array.of(1, -3, -3, 1), 2).map((line) => line.map(([x, y]) => x + y));
    expect(ends).toEqual([
      [0.25, 0.25],
      [1.75, 1.75],
    ]);
  });

  it('are none where nothing changes its sign, or nothing is a number', () => {
    expect(zeroLines(new Float32Array(9), 3)).toEqual([]);
    expect(zeroLines(new Float32Array(9).fill(-2), 3)).toEqual([]);
    expect(zeroLines(new Float32Array(9).fill(Number.NaN), 3)).toEqual([]);
    const holed = grid((x) => x);
    holed[20 * SIZE + 20] = Number.NaN;
    expect(zeroLines(holed, SIZE)).toHaveLength(2);
  });
});

describe('thinning', () => {
  it('keeps both ends and no neighbours nearer than asked', () => {
    const line = Array.from({ length: 101 }, (_, i) => [i / 10, 0] as const);
    const kept = thin(line, 1);
    expect(kept.at(0)).toEqual([0, 0]);
    expect(kept.at(-1)).toEqual([10, 0]);
    expect(kept.length).toBeLessThanOrEqual(11);
    expect(kept.length).toBeGreaterThan(8);
  });
});
