// A sweep's results as rows, as statistics over its seeds, and as the text of results.jsonl, results.csv and summary.json.

import { stringify } from 'csv-stringify/sync';
import type { DivergenceError } from '../network/divergence';
import { canonical } from './plan';
import {
  type BestObservation,
  bestOver,
  type Measures,
  type Observation,
  overSeeds,
  type PointStatistics,
} from './statistics';
import type { Combination, Sweep } from './sweep';
import type { Axis } from './sweep-grid';
import type { DeviceReport, ExperimentResult } from './types';

/** What is kept of every cell. Numbers that JSON cannot hold are null. */
export interface CellSummary {
  readonly metrics: Measures;
  readonly loss: Measures;
  readonly trainer: ExperimentResult['trainer'];
  readonly device: DeviceReport;
  readonly versions: Readonly<Record<string, string>>;
  readonly timing: ExperimentResult['timing'];
  readonly memory: ExperimentResult['memory'];
}

/** Why a cell has no result. */
export interface CellFailure {
  readonly kind: string;
  readonly message: string;
  readonly remedy: string;
}

/** Where a cell's training left the finite numbers. A finding about its setting: it has no metrics, and is not tried again. */
export interface CellDivergence {
  readonly stage: DivergenceError['stage'] & string;
  readonly what: DivergenceError['what'];
  /** Counted from 1. */
  readonly epoch: number;
  readonly message: string;
}

export type CellOutcome =
  | { readonly result: CellSummary; readonly error?: undefined; readonly diverged?: undefined }
  | { readonly result?: undefined; readonly error: CellFailure; readonly diverged?: undefined }
  | { readonly result?: undefined; readonly error?: undefined; readonly diverged: CellDivergence };

/** One row of results.jsonl. */
export type SweepRow = {
  readonly values: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** The cell's hash; absent when the combination is impossible. */
  readonly cell?: string;
} & CellOutcome;

export const failureOf = ({ name, message, remedy }: Error & { readonly remedy: string }): CellFailure => ({
  kind: name,
  message,
  remedy,
});

export const divergenceOf = ({ stage, what, epoch, message }: DivergenceError): CellDivergence => ({
  stage: stage!,
  what,
  epoch,
  message,
});

/** A row for each combination whose outcome is known, in their order. */
export function rowsOf(sweep: Sweep, outcomes: ReadonlyMap<string, CellOutcome>): SweepRow[] {
  return sweep.combinations.flatMap((combination: Combination): SweepRow[] => {
    const { values, seed, cell, error } = combination;
    if (!cell) return [{ values, seed, error: failureOf(error) }];
    const outcome = outcomes.get(cell.hash);
    return outcome ? [{ values, seed, cell: cell.hash, ...outcome }] : [];
  });
}

const stagesOf = ({ trainer }: CellSummary) => ({
  standard: trainer.stages.standard.chosen,
  learning: trainer.stages.learning.chosen,
});

/** One JSON document a line. */
export function toJsonLines(rows: readonly SweepRow[]): string {
  const lines = rows.map(({ values, seed, cell, result, error, diverged }) =>
    JSON.stringify({
      values,
      seed,
      ...(cell === undefined ? {} : { cell }),
      ...(result
        ? {
            metrics: result.metrics,
            loss: result.loss,
            trainer: stagesOf(result),
            seconds: result.timing.totalSeconds,
          }
        : diverged
          ? { diverged }
          : { error }),
    }),
  );
  return lines.map((line) => `${line}\n`).join('');
}

const METRICS = ['standardAccuracy', 'perturbationAccuracy', 'agreement', 'cosine'];

/** A header line, then one line a row. Values that are no scalars are written as JSON; what was not measured is empty. */
export function toCsv(axes: readonly Axis[], rows: readonly SweepRow[]): string {
  const keys = axes.flatMap((axis) => axis.keys).filter((key) => key !== 'seed');
  const scalar = (value: unknown) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value);
  const names = ['seed', ...METRICS, 'standardLoss', 'learningLoss', 'standardTrainer', 'learningTrainer', 'seconds'];
  const lines = rows.map(({ values, seed, cell, result, error, diverged }) => {
    const trainer = result && stagesOf(result);
    return [
      ...keys.map((key) => scalar(values[key])),
      seed,
      ...METRICS.map((name) => result?.metrics[name]),
      result?.loss.standard,
      result?.loss.learning,
      trainer?.standard,
      trainer?.learning,
      result?.timing.totalSeconds,
      cell,
      error?.message,
      diverged && `${diverged.stage}, epoch ${diverged.epoch}`,
    ];
  });
  const cast = { boolean: (value: boolean) => String(value) };
  return stringify([[...keys, ...names, 'cell', 'error', 'diverged'], ...lines], { cast });
}

export interface SummaryPoint {
  readonly values: Readonly<Record<string, unknown>>;
  readonly metrics: PointStatistics['measures'];
  readonly loss?: PointStatistics['measures'];
}

export interface BestSummary {
  readonly keys: readonly string[];
  /** How many experiments each maximum is over. */
  readonly over: number;
  readonly points: readonly SummaryPoint[];
  /** Maxima over fewer, because some experiments failed or diverged; they count in `points` all the same. */
  readonly incomplete: readonly Omit<BestObservation, 'measures'>[];
}

/** The content of summary.json. */
export interface SweepSummary {
  readonly axes: readonly Axis[];
  readonly seeds: readonly number[];
  readonly cells: {
    readonly total: number;
    readonly finished: number;
    readonly failed: number;
    readonly diverged: number;
  };
  /** Statistics over the seeds at every point. */
  readonly points: readonly SummaryPoint[];
  /** For each seed the maximum over the points that differ in these keys alone, each metric on its own; then statistics. */
  readonly bestOver?: BestSummary;
  readonly failures: readonly {
    readonly values: SweepRow['values'];
    readonly seed: number;
    readonly error: CellFailure;
  }[];
  /** Experiments whose training left the finite numbers: in none of the statistics. */
  readonly diverged: readonly {
    readonly values: SweepRow['values'];
    readonly seed: number;
    readonly at: CellDivergence;
  }[];
  /** More than one when a sweep was continued on another machine or by another version. */
  readonly devices: readonly string[];
  readonly versions: readonly Readonly<Record<string, string>>[];
  /** Of all its experiments, wherever and whenever they ran; start-up is not counted. */
  readonly computedSeconds: number;
}

/** Axis values without the seed, which is no point of the sweep when it is varied as an axis. */
const pointOf = (values: SweepRow['values']) =>
  Object.fromEntries(Object.entries(values).filter(([key]) => key !== 'seed'));

export function summarise(sweep: Sweep, rows: readonly SweepRow[]): SweepSummary {
  const done = rows.filter((row): row is SweepRow & { result: CellSummary } => row.result !== undefined);
  const observe = (measures: (result: CellSummary) => Measures): Observation[] =>
    done.map(({ values, seed, result }) => ({ values: pointOf(values), seed, measures: measures(result) }));
  const metrics = observe((result) => result.metrics);
  const losses = overSeeds(observe((result) => result.loss));
  const failures = rows
    .filter(({ error }) => error)
    .map(({ values, seed, error }) => ({ values, seed, error: error! }));
  const diverged = rows.flatMap(({ values, seed, diverged: at }) => (at ? [{ values, seed, at }] : []));
  const distinct = <T>(values: readonly T[]): T[] => [
    ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
  ];
  const computed = new Map(done.map(({ cell, result }) => [cell!, result.timing.totalSeconds]));
  return {
    axes: sweep.axes,
    seeds: sweep.seeds,
    cells: {
      total: sweep.combinations.length,
      finished: done.length,
      failed: failures.length,
      diverged: diverged.length,
    },
    points: overSeeds(metrics).map(({ values, measures }, at) => ({
      values,
      metrics: measures,
      loss: losses[at]!.measures,
    })),
    ...(sweep.bestOver.length > 0 ? { bestOver: bestPoints(sweep, metrics) } : {}),
    failures,
    diverged,
    devices: distinct(done.map(({ result }) => result.device.name)),
    versions: distinct(done.map(({ result }) => result.versions)),
    computedSeconds: [...computed.values()].reduce((sum, seconds) => sum + seconds, 0),
  };
}

function bestPoints({ axes, bestOver: keys }: Sweep, observations: readonly Observation[]): BestSummary {
  const best = bestOver(observations, keys);
  const over = axes
    .filter((axis) => axis.keys.some((key) => keys.includes(key)))
    .reduce((product, { values }) => product * new Set(values.map(canonical)).size, 1);
  return {
    keys,
    over,
    points: overSeeds(best).map(({ values, measures }) => ({ values, metrics: measures })),
    incomplete: best
      .filter((each) => each.over < over)
      .map(({ values, seed, over: found }) => ({ values, seed, over: found })),
  };
}
