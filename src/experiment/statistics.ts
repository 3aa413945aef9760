// What several seeds say: mean, spread, and the two intervals that are asked for. The confidence interval is about the mean
// of all seeds; the prediction interval is about one more seed, which is what a published single run has to be held against.

import jStat from 'jstat';
import { canonical } from './plan';

/** A closed interval, [low, high]. */
export type Interval = readonly [number, number];

/** Of a sample of seeds. What one value cannot say is null. */
export interface Statistics {
  /** How many values there are. */
  readonly count: number;
  readonly mean: number;
  /** Of the sample, with count - 1 in the denominator. */
  readonly standardDeviation: number | null;
  /** 95 % confidence interval of the mean: mean -+ t s / sqrt(n). */
  readonly confidence95: Interval | null;
  /** 95 % prediction interval of the value of one further seed: mean -+ t s sqrt(1 + 1 / n). */
  readonly prediction95: Interval | null;
}

/** Numbers by name; null where one was not measured, or is not finite. */
export type Measures = Readonly<Record<string, number | null>>;

/** One experiment of a sweep: where it stands and what it gave. */
export interface Observation {
  /** Of every axis, by dotted key. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly measures: Measures;
}

/** The seeds of one point of a sweep. */
export interface PointStatistics {
  readonly values: Readonly<Record<string, unknown>>;
  readonly measures: Readonly<Record<string, Statistics>>;
}

/** The half-width of a two-sided 95 % interval in standard errors: Student's t with n - 1 degrees of freedom. */
export const studentT95 = (n: number): number => jStat.studentt.inv(0.975, n - 1);

/**
 * Statistics of a sample, taken as normal for the intervals; they are not cut at 0 or 1 for shares.
 * @throws RangeError for no value at all, or one that is not finite
 */
export function statistics(values: readonly number[]): Statistics {
  const count = values.length;
  if (count === 0 || !values.every(Number.isFinite))
    throw new RangeError('statistics need finite values, at least one');
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { count, mean, standardDeviation: null, confidence95: null, prediction95: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const standardDeviation = Math.sqrt(variance);
  const around = (error: number): Interval => {
    const half = studentT95(count) * error;
    return [mean - half, mean + half];
  };
  return {
    count,
    mean,
    standardDeviation,
    confidence95: around(standardDeviation / Math.sqrt(count)),
    prediction95: around(standardDeviation * Math.sqrt(1 + 1 / count)),
  };
}

/** Groups by content, in order of first appearance. */
function groupBy<T>(items: readonly T[], key: (item: T) => unknown): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = canonical(key(item));
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return [...groups.values()];
}

/** Every name that any of them measured, in order of first appearance. */
const measured = (observations: readonly Observation[]) => [
  ...new Set(observations.flatMap(({ measures }) => Object.keys(measures))),
];

const finite = (observations: readonly Observation[], name: string): number[] =>
  observations.map(({ measures }) => measures[name]).filter((value): value is number => Number.isFinite(value));

/** Statistics over the seeds of each point; values that are null do not count, and a measure without any is left out. */
export function overSeeds(observations: readonly Observation[]): PointStatistics[] {
  return groupBy(observations, ({ values }) => values).map((group) => {
    const samples = measured(group).map((name) => [name, finite(group, name)] as const);
    const measures = samples
      .filter(([, sample]) => sample.length > 0)
      .map(([name, sample]) => [name, statistics(sample)]);
    return { values: group[0]!.values, measures: Object.fromEntries(measures) };
  });
}

/** The best of a group of experiments that differ in some axes alone. */
export interface BestObservation extends Observation {
  /** How many experiments the maximum is over. */
  readonly over: number;
}

/**
 * The maximum over some axes, such as the learning rates, as the paper plots it: for each seed, and for each measure on its
 * own, so that the best accuracy and the best agreement may come from different experiments.
 * @param keys the axes to take the maximum over; the result's values are those of the others
 */
export function bestOver(observations: readonly Observation[], keys: readonly string[]): BestObservation[] {
  const rest = ({ values }: Observation) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));
  return groupBy(observations, (each) => [rest(each), each.seed]).map((group) => {
    const best = measured(group).map((name): [string, number | null] => {
      const sample = finite(group, name);
      return [name, sample.length === 0 ? null : Math.max(...sample)];
    });
    return { values: rest(group[0]!), seed: group[0]!.seed, measures: Object.fromEntries(best), over: group.length };
  });
}
