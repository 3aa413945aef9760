// Where a reproduced panel comes from: its experiments' configurations, and what they were computed with.

import { resolvedJson } from '../experiment/config';
import { isPlainObject } from '../experiment/config-problems';
import { distinct, type TrainerUse } from '../report/used';
import type { Cell } from './cells';
import type { CellOutcome } from './run';
import { SCALE_NOTE, type Scale, type Seeds } from './scale';

export interface Origin {
  readonly scale: Scale;
  /** The scale in words. */
  readonly setting: string;
  readonly seeds: Seeds;
  /** Points with a seed each: those that are finished, and all. */
  readonly finished: number;
  readonly cells: number;
  /** Of the finished ones; what several panels share counts in each. */
  readonly seconds: number;
  /** Experiments that diverged, and have no metrics. */
  readonly diverged: number;
  readonly devices: readonly string[];
  readonly versions: readonly Readonly<Record<string, string>>[];
  readonly trainers: readonly TrainerUse[];
  /** Of the first experiment, resolved; and every key, dotted, that others have another value of. */
  readonly configuration: unknown;
  readonly varied: Readonly<Record<string, readonly unknown[]>>;
}

/** @param outcomes by the id of a cell */
export function originOf(
  cells: readonly Cell[],
  outcomes: ReadonlyMap<string, CellOutcome>,
  { scale, seeds }: { readonly scale: Scale; readonly seeds: Seeds },
): Origin {
  const done = cells.flatMap(({ id }) => outcomes.get(id) ?? []);
  const configs = cells.flatMap(({ runs }) => runs.map(({ config }) => resolvedJson(config)));
  return {
    scale,
    setting: SCALE_NOTE[scale],
    seeds,
    finished: done.length,
    cells: cells.length,
    seconds: done.reduce((sum, { seconds }) => sum + seconds, 0),
    diverged: done.reduce((sum, { diverged = [] }) => sum + diverged.length, 0),
    devices: distinct(done.flatMap(({ device }) => device ?? [])),
    versions: distinct(done.flatMap(({ versions }) => (versions ? [versions] : []))),
    trainers: distinct(done.flatMap(({ trainers }) => trainers ?? [])),
    configuration: configs[0],
    varied: variedKeys(configs),
  };
}

function variedKeys(configs: readonly unknown[]): Origin['varied'] {
  const values = new Map<string, Map<string, unknown>>();
  for (const config of configs) {
    for (const [key, value] of leaves(config)) {
      const known = values.get(key) ?? new Map<string, unknown>();
      values.set(key, known.set(JSON.stringify(value), value));
    }
  }
  const varied = [...values].filter(([, known]) => known.size > 1);
  return Object.fromEntries(varied.map(([key, known]) => [key, [...known.values()]]));
}

/** Dotted keys and what stands there. */
function leaves(value: unknown, prefix = ''): [string, unknown][] {
  if (!isPlainObject(value)) return [[prefix, value]];
  return Object.entries(value).flatMap(([key, each]) => leaves(each, prefix === '' ? key : `${prefix}.${key}`));
}
