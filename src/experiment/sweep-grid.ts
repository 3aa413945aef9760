// A sweep as a person writes it: a base configuration, the axes to vary, the seeds. From the document to a Grid, or one
// error that says all that is wrong with it.

import { closest } from 'fastest-levenshtein';
import * as v from 'valibot';
import { InputError } from '../data/input-error';
import {
  type ConfigSource,
  isPlainObject,
  meant,
  type Problem,
  placesOf,
  show,
  throwProblems,
} from './config-problems';
import { isUsableKey } from './config-sets';

/** Keys that are varied together. */
export interface Axis {
  readonly keys: readonly string[];
  /** Each as long as `keys`. */
  readonly values: readonly (readonly unknown[])[];
}

export interface Grid {
  /** A configuration document, or the path of one. */
  readonly base: Readonly<Record<string, unknown>> | string;
  readonly axes: readonly Axis[];
  /** Given one by one, or so many counted up from the seed of the base; absent: that one alone. */
  readonly seeds: readonly number[] | number | undefined;
  /** Keys of whole axes that the summary takes the maximum over. */
  readonly bestOver: readonly string[];
}

const KEY = 'a dotted configuration key such as "data.d"';
const VALUES = 'a list of at least one value';
const SEEDS = 'a count from 1 to 100000, or a list of different integers of at least 0';
const MOST_SEEDS = 100_000;

const key = v.pipe(v.string(KEY), v.check(isUsableKey, KEY));
const list = (phrase: string) => v.pipe(v.array(v.unknown(), phrase), v.minLength(1, phrase));
const single = v.object({ key, values: list(VALUES) });
const together = v.object({
  keys: v.pipe(
    v.array(key, 'a list of dotted configuration keys'),
    v.minLength(1, 'a list of dotted configuration keys'),
  ),
  values: list('a list of at least one list of values'),
});
const axis = v.lazy((input): typeof single | typeof together =>
  isPlainObject(input) && 'keys' in input ? together : single,
);

const isSeed = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const seeds = v.custom<readonly number[] | number>(
  (value) =>
    Array.isArray(value)
      ? value.length > 0 && value.every(isSeed) && new Set(value).size === value.length
      : isSeed(value) && Number(value) >= 1 && Number(value) <= MOST_SEEDS,
  SEEDS,
);

const gridSchema = v.object({
  base: v.optional(
    v.custom<Readonly<Record<string, unknown>> | string>(
      (value) => isPlainObject(value) || (typeof value === 'string' && value !== ''),
      'a configuration, or the path of one',
    ),
    {},
  ),
  vary: v.optional(v.array(axis, 'a list of axes, each { "key": ..., "values": [...] }'), []),
  seeds: v.exactOptional(seeds),
  bestOver: v.optional(v.array(key, 'a list of varied keys'), []),
});
const GRID_KEYS = Object.keys(gridSchema.entries);

/** valibot takes lists for objects. */
function notAnObject(value: unknown, place: string): Problem {
  const form = place === '' ? '{ "base": {...}, "vary": [...], "seeds": 3 }' : '{ "key": ..., "values": [...] }';
  const subject = place === '' ? 'a sweep' : place;
  return {
    key: place,
    message: `${subject} must be an object ${form}, not ${show(value)}`,
    remedy: `Write ${subject} as ${form}.`,
  };
}

/** Keys that are none of `known`; in the top level, those of a configuration are told to move into the base. */
function unknownKeys(value: unknown, known: readonly string[], place: string): Problem[] {
  if (!isPlainObject(value)) return [notAnObject(value, place)];
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  return unknown.map((name) => {
    const dotted = place === '' ? name : `${place}.${name}`;
    const message = `${show(dotted).slice(1, -1)} is not a key of ${place === '' ? 'a sweep' : 'an axis'}`;
    const near = meant(name, known);
    if (near) return { key: dotted, message: `${message}; did you mean ${near}?`, remedy: `Write ${near}.` };
    if (place === '' && placesOf(name).includes(name)) {
      return { key: dotted, message: `${message} but of a configuration`, remedy: `Move ${name} into "base".` };
    }
    const all = known.join(', ');
    const nearest = `; the nearest is ${closest(name, known as string[])}, all are ${all}`;
    return { key: dotted, message: `${message}${nearest}`, remedy: `Remove ${dotted}, or use one of ${all}.` };
  });
}

/** "vary[0].key" of an issue's path. */
const pathOf = (issue: v.BaseIssue<unknown>): string =>
  (issue.path ?? []).reduce(
    (path, { key: part }) =>
      typeof part === 'number' ? `${path}[${part}]` : path === '' ? `${part}` : `${path}.${part}`,
    '',
  );

function fromIssue(issue: v.BaseIssue<unknown>): Problem {
  const where = pathOf(issue);
  if (issue.input === undefined) {
    return { key: where, message: `${where} is missing`, remedy: `Add ${where}: ${missing(where)}.` };
  }
  return {
    key: where,
    message: `${where} must be ${issue.message}, not ${show(issue.input)}`,
    remedy: `Set ${where} to ${issue.message}.`,
  };
}

const missing = (where: string) =>
  where.endsWith('.key') ? KEY : where.endsWith('.keys') ? `several of them` : VALUES;

/** What the schema cannot say: axes against each other. */
function conflicts({ axes, seeds: given, bestOver }: Grid): Problem[] {
  const problems: Problem[] = [];
  const seen: string[] = [];
  for (const [at, { keys, values }] of axes.entries()) {
    const where = `vary[${at}]`;
    for (const name of keys) {
      const other = seen.find((one) => one === name || one.startsWith(`${name}.`) || name.startsWith(`${one}.`));
      if (other !== undefined) {
        const what = other === name ? 'twice' : `, and ${other} too`;
        problems.push({
          key: where,
          message: `${name} is varied ${what}`.replace(' ,', ','),
          remedy: 'Keep one of the two, or vary them together with "keys".',
        });
      }
      seen.push(name);
    }
    if (keys.includes('seed') && given !== undefined) {
      problems.push({ key: where, message: 'seed is varied, and seeds are given', remedy: 'Keep "seeds" alone.' });
    }
    for (const [row, tuple] of values.entries()) {
      if (tuple.length === keys.length) continue;
      const message = `${where}.values[${row}] has ${tuple.length} values for the ${keys.length} keys ${keys.join(', ')}`;
      problems.push({ key: `${where}.values[${row}]`, message, remedy: 'Give one value for each of the keys.' });
    }
  }
  for (const name of bestOver) {
    const own = axes.find(({ keys }) => keys.includes(name));
    const near = own ? undefined : meant(name, seen);
    const absent = own?.keys.filter((each) => !bestOver.includes(each)) ?? [];
    if (!own) {
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      const remedy = near === undefined ? `Use some of ${seen.join(', ') || 'the keys in vary'}.` : `Write ${near}.`;
      problems.push({ key: 'bestOver', message: `bestOver names ${name}, which is not varied${hint}`, remedy });
    } else if (absent.length > 0) {
      const message = `bestOver names ${name}, but not ${absent.join(', ')}, which is varied together with it`;
      problems.push({ key: 'bestOver', message, remedy: `Add ${absent.join(', ')} to bestOver.` });
    }
  }
  return problems;
}

/**
 * Checks the document of a sweep and fills in its defaults.
 * @throws InputError that lists up to five problems
 */
export function parseGrid(raw: unknown, source: ConfigSource = {}): Grid {
  const unknown = unknownKeys(raw, GRID_KEYS, '');
  const vary: unknown[] = isPlainObject(raw) && Array.isArray(raw.vary) ? raw.vary : [];
  for (const [at, one] of vary.entries()) {
    const known = isPlainObject(one) && 'keys' in one ? ['keys', 'values'] : ['key', 'values'];
    unknown.push(...unknownKeys(one, known, `vary[${at}]`));
  }
  throwProblems(unknown, source, 'sweep');
  const parsed = v.safeParse(gridSchema, raw);
  if (!parsed.success) throwProblems(parsed.issues.map(fromIssue), source, 'sweep');
  const { base, vary: axes, seeds: given, bestOver } = parsed.output as v.InferOutput<typeof gridSchema>;
  const grid: Grid = {
    base,
    axes: axes.map((one, at) =>
      'keys' in one
        ? {
            keys: one.keys,
            values: one.values.map((tuple, row) => asTuple(tuple, `vary[${at}].values[${row}]`, source)),
          }
        : { keys: [one.key], values: one.values.map((value) => [value]) },
    ),
    seeds: given,
    bestOver: [...new Set(bestOver)],
  };
  throwProblems(conflicts(grid), source, 'sweep');
  return grid;
}

function asTuple(value: unknown, where: string, source: ConfigSource): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new InputError(`${where} must be a list with one value for each of the keys, not ${show(value)}`, {
    ...(source.file === undefined ? {} : { file: source.file }),
    key: where,
    remedy: `Write ${where} as a list.`,
  });
}
