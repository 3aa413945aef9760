import { describe, expect, test } from 'vitest';
import { bestOver, type Observation, overSeeds, statistics, studentT95 } from '../../src/experiment/statistics';

/** Two-sided 95 % quantiles of Student's t, from the tables of Abramowitz and Stegun (26.10), three decimals. */
const TABLE = [
  [2, 12.706],
  [3, 4.303],
  [4, 3.182],
  [5, 2.776],
  [6, 2.571],
  [10, 2.262],
  [31, 2.042],
  [121, 1.98],
] as const;

const observation = (
  values: Record<string, unknown>,
  seed: number,
  accuracy: number | null,
  other = 0,
): Observation => ({
  values,
  seed,
  measures: { accuracy, other },
});

describe('studentT95', () => {
  test.for(TABLE)('of %i values', ([n, t]) => {
    expect(Math.abs(studentT95(n) - t)).toBeLessThanOrEqual(5e-4);
  });
  test('two values exactly: t with one degree of freedom is Cauchy, tan(0.475 pi)', () => {
    expect(studentT95(2)).toBeCloseTo(Math.tan(0.475 * Math.PI), 8);
  });
});

describe('statistics', () => {
  test('of five values, by hand', () => {
    // Mean 3, squares of the deviations 4 + 1 + 0 + 1 + 4 = 10, variance 10 / 4.
    const { count, mean, standardDeviation, confidence95, prediction95 } = statistics([1, 2, 3, 4, 5]);
    expect([count, mean]).toEqual([5, 3]);
    expect(standardDeviation).toBeCloseTo(Math.sqrt(2.5), 14);
    // t = 2.776445: half-widths t sqrt(2.5 / 5) = 1.963243 and t sqrt(2.5 * 6 / 5) = 4.808944.
    expect(confidence95![0]).toBeCloseTo(3 - 1.963243, 5);
    expect(confidence95![1]).toBeCloseTo(3 + 1.963243, 5);
    expect(prediction95![0]).toBeCloseTo(3 - 4.808944, 5);
    expect(prediction95![1]).toBeCloseTo(3 + 4.808944, 5);
  });
  test('one value has a mean and no interval', () => {
    expect(statistics([0.7])).toEqual({
      count: 1,
      mean: 0.7,
      standardDeviation: null,
      confidence95: null,
      prediction95: null,
    });
  });
  test('equal values have intervals of no width', () => {
    expect(statistics([0.5, 0.5])).toMatchObject({
      standardDeviation: 0,
      confidence95: [0.5, 0.5],
      prediction95: [0.5, 0.5],
    });
  });
  test.for([[[]], [[1, Number.NaN]], [[Number.POSITIVE_INFINITY]]])('refuses %j', ([values]) => {
    expect(() => statistics(values as number[])).toThrow(RangeError);
  });
  test('the prediction interval holds one further value in 95 of 100 cases', () => {
    // Sums of twelve uniform numbers are normal enough; a fixed generator, so the count is always the same.
    let state = 1;
    const uniform = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const normal = () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);
    let inside = 0;
    for (let trial = 0; trial < 4000; trial++) {
      const { prediction95 } = statistics([normal(), normal(), normal(), normal()]);
      const next = normal();
      if (next >= prediction95![0] && next <= prediction95![1]) inside++;
    }
    // 3800 expected, standard deviation sqrt(4000 * 0.95 * 0.05) = 13.8: four of them.
    expect(Math.abs(inside - 3800)).toBeLessThan(56);
  });
});

describe('overSeeds', () => {
  test('groups by axis values, whatever the order of their keys', () => {
    const points = overSeeds([
      observation({ a: 1, b: 2 }, 0, 0.5),
      observation({ a: 2, b: 2 }, 0, 0.1),
      observation({ b: 2, a: 1 }, 1, 0.7),
    ]);
    expect(points.map(({ values }) => values)).toEqual([
      { a: 1, b: 2 },
      { a: 2, b: 2 },
    ]);
    expect(points[0]!.measures.accuracy).toMatchObject({ count: 2, mean: 0.6 });
    expect(points[1]!.measures.accuracy).toMatchObject({ count: 1, mean: 0.1, prediction95: null });
  });
  test('what was not measured does not count; a measure without any is left out', () => {
    const points = overSeeds([observation({}, 0, null), observation({}, 1, 0.25, Number.NaN)]);
    expect(points[0]!.measures).toMatchObject({ accuracy: { count: 1, mean: 0.25 }, other: { count: 1, mean: 0 } });
    expect(overSeeds([observation({}, 0, null)])[0]!.measures).not.toHaveProperty('accuracy');
  });
});

describe('bestOver', () => {
  const grid = [
    observation({ d: 1, lr: 0.1 }, 0, 0.6, 0.9),
    observation({ d: 1, lr: 1 }, 0, 0.8, 0.2),
    observation({ d: 1, lr: 0.1 }, 1, 0.7, 0.3),
    observation({ d: 1, lr: 1 }, 1, 0.5, 0.4),
    observation({ d: 2, lr: 0.1 }, 0, null, 0.1),
  ];
  test('takes each seed and each measure on its own, and says over how many', () => {
    expect(bestOver(grid, ['lr'])).toEqual([
      { values: { d: 1 }, seed: 0, measures: { accuracy: 0.8, other: 0.9 }, over: 2 },
      { values: { d: 1 }, seed: 1, measures: { accuracy: 0.7, other: 0.4 }, over: 2 },
      { values: { d: 2 }, seed: 0, measures: { accuracy: null, other: 0.1 }, over: 1 },
    ]);
  });
  test('the mean of maxima is not the maximum of means', () => {
    const [point] = overSeeds(bestOver(grid, ['lr']));
    expect(point!.measures.accuracy!.mean).toBeCloseTo(0.75, 14);
  });
});
