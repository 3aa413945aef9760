// From a grid to the experiments it stands for: every combination of axis values and seed, and each experiment that they
// need once. An experiment is known by the hash of its resolved configuration, so that a grid may grow and keep its results.

import { InputError } from '../data/input-error';
import { type ConfigSource, parseConfig, resolvedJson } from './config';
import { isPlainObject, show } from './config-problems';
import { setAt } from './config-sets';
import { canonical, contentHash } from './plan';
import type { Axis, Grid } from './sweep-grid';
import type { ExperimentConfig } from './types';

/** One experiment of a sweep. */
export interface Cell {
  /** SHA-256 of the resolved configuration, hexadecimal. */
  readonly hash: string;
  readonly config: ExperimentConfig;
}

/** One combination of axis values and seed. */
export type Combination = {
  /** By dotted key, in the order of the axes. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly seed: number;
} & ({ readonly cell: Cell; readonly error?: undefined } | { readonly cell?: undefined; readonly error: InputError });

export interface Sweep {
  readonly axes: readonly Axis[];
  readonly seeds: readonly number[];
  readonly bestOver: readonly string[];
  /** Axes from the slowest to the fastest, then seeds. */
  readonly combinations: readonly Combination[];
  /** The experiments that the combinations need, each once. */
  readonly cells: readonly Cell[];
}

const MOST_COMBINATIONS = 100_000;

/** The hash that a configuration's results are kept under. */
export const cellHash = (config: ExperimentConfig): Promise<string> => contentHash(resolvedJson(config));

export interface SweepSource {
  /** The grid's file and the base's, for messages. */
  readonly grid?: ConfigSource;
  readonly base?: ConfigSource;
}

/**
 * Expands a grid over a base document. A combination that cannot be carries its error; a value that fits no combination is
 * a mistake in the grid.
 * @param base what `grid.base` is, or the document that it names
 * @throws InputError for such a value, for a base that is wrong, and for more than 100000 combinations
 */
export async function expandSweep(grid: Grid, base: unknown, source: SweepSource = {}): Promise<Sweep> {
  const { axes, bestOver } = grid;
  const seeds = seedsOf(grid, base);
  const total = axes.reduce((product, { values }) => product * values.length, seeds?.length ?? 1);
  if (total > MOST_COMBINATIONS) {
    throw new InputError(`the sweep has ${total} combinations, more than ${MOST_COMBINATIONS}`, {
      ...(source.grid?.file === undefined ? {} : { file: source.grid.file }),
      key: 'vary',
      remedy: 'Vary fewer values, or split the sweep; several sweeps may share an output directory one after another.',
    });
  }
  const cells = new Map<string, Cell>();
  const seen = new Set<string>();
  const combinations: Combination[] = [];
  /** By axis and value: whether any combination with it is possible. */
  const possible = axes.map(({ values }) => values.map(() => false));
  const firstError = axes.map(({ values }) => values.map((): InputError | undefined => undefined));
  let anyError: InputError | undefined;
  for (const picks of product(axes.map(({ values }) => values.length))) {
    const entries = axes.flatMap(({ keys, values }, at) =>
      keys.map((key, k) => [key, values[picks[at]!]![k]] as const),
    );
    const values = Object.fromEntries(entries);
    for (const given of seeds ?? [undefined]) {
      const made = await combine(base, entries, given);
      if (made instanceof InputError) anyError ??= made;
      for (const [at, pick] of picks.entries()) {
        if (made instanceof InputError) firstError[at]![pick] ??= made;
        else possible[at]![pick] = true;
      }
      const seed = made instanceof InputError ? (given ?? 0) : made.config.seed;
      const name = canonical([values, seed]);
      if (seen.has(name)) continue;
      seen.add(name);
      if (made instanceof InputError) {
        combinations.push({ values, seed, error: made });
      } else {
        const cell = cells.get(made.hash) ?? made;
        cells.set(made.hash, cell);
        combinations.push({ values, seed, cell });
      }
    }
  }
  for (const [at, { keys, values }] of axes.entries()) {
    const bad = possible[at]!.findIndex((fits) => !fits);
    if (bad >= 0) throw locate(firstError[at]![bad]!, { keys, values: values[bad]! }, cells.size > 0, source);
  }
  if (anyError && cells.size === 0) throw locate(anyError, undefined, false, source);
  const used = seeds ?? [...new Set(combinations.map(({ seed }) => seed))];
  return { axes, seeds: used, bestOver, combinations, cells: [...cells.values()] };
}

/** Undefined: the configuration's own. */
function seedsOf({ seeds }: Grid, base: unknown): readonly number[] | undefined {
  if (typeof seeds !== 'number') return seeds;
  const first = isPlainObject(base) && typeof base.seed === 'number' ? base.seed : 0;
  return Array.from({ length: seeds }, (_, i) => first + i);
}

/** Every list of indices below the given lengths, the last fastest. */
function* product(lengths: readonly number[], picks: readonly number[] = []): Generator<readonly number[]> {
  const length = lengths[picks.length];
  if (length === undefined) {
    yield picks;
    return;
  }
  for (let i = 0; i < length; i++) yield* product(lengths, [...picks, i]);
}

async function combine(
  base: unknown,
  entries: readonly (readonly [string, unknown])[],
  seed: number | undefined,
): Promise<Cell | InputError> {
  try {
    let document = base;
    for (const [key, value] of entries) document = setAt(document, key, value, 'vary');
    if (seed !== undefined) document = setAt(document, 'seed', seed, 'seeds');
    const config = parseConfig(document);
    return { hash: await cellHash(config), config };
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

/** Says where the fault of a value lies that no combination can have. @param others whether other values fit */
function locate(
  error: InputError,
  value: { readonly keys: readonly string[]; readonly values: readonly unknown[] } | undefined,
  others: boolean,
  { grid, base }: SweepSource,
): InputError {
  const within = value?.keys.some((key) => error.key === key || error.key?.startsWith(`${key}.`)) ?? false;
  const from = within ? grid : (base ?? grid);
  const fromSet = from?.sets?.some((set) => error.key === set || error.key?.startsWith(`${set}.`)) ?? false;
  const file = fromSet ? '--set' : from?.file;
  const told = value && others && !within;
  const named = value?.keys.map((key, k) => `${key} = ${show(value.values[k])}`).join(', ');
  return new InputError(told ? `no combination with ${named} is possible: ${error.message}` : error.message, {
    ...(file === undefined ? {} : { file }),
    ...(error.key === undefined ? {} : { key: within ? `vary, ${error.key}` : error.key }),
    remedy: error.remedy,
    cause: error,
  });
}
