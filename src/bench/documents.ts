// What is read back from files, checked whole before anything of it is used: tunings and benchmark reports.

import * as v from 'valibot';
import { shapeClass, type Tuning } from '../kernels/tuning';
import { MATMUL_VARIANTS } from '../kernels/variant';
import type { BenchReport } from './bench';
import { CANDIDATES } from './candidates';
import { BENCH_KERNELS, parseShape } from './cases';

const positive = v.pipe(
  v.number('a number above 0'),
  v.check((value) => value > 0 && Number.isFinite(value), 'a number above 0'),
);
const whole = v.pipe(v.number('a whole number'), v.safeInteger('a whole number'), v.minValue(1, 'at least 1'));
const text = v.string('a text');
const date = v.pipe(
  text,
  v.check((value) => !Number.isNaN(Date.parse(value)), 'a date'),
);
const quads = v.picklist([1, 2], '1 or 2');

const choiceSchema = v.pipe(
  v.strictObject({
    variant: v.picklist(MATMUL_VARIANTS, `one of ${MATMUL_VARIANTS.join(', ')}`),
    tile: v.optional(v.strictObject({ rows: quads, columns: quads })),
    speedup: positive,
    measuredAt: v.pipe(
      text,
      v.check((value) => parseShape(value) !== undefined, 'a shape n/d/m'),
    ),
    date,
  }),
  v.check(({ variant, tile }) => tile === undefined || variant === 'tiled', 'a tile for the tiled variant only'),
  v.check(({ tile }) => tile?.rows !== 2 || tile.columns === 2, 'a tile that there is: 64x64, 64x128 or 128x128'),
);

const tuningSchema = v.strictObject({
  schemaVersion: v.literal(1, '1'),
  key: text,
  date,
  choices: v.record(text, choiceSchema),
});

const rowSchema = v.pipe(
  v.looseObject({
    kernel: v.picklist(BENCH_KERNELS, `one of ${BENCH_KERNELS.join(', ')}`),
    shape: v.strictObject({ n: whole, d: whole, m: whole }),
    variant: v.picklist(CANDIDATES, `one of ${CANDIDATES.join(', ')}`),
    samples: v.pipe(v.array(positive, 'a list of seconds'), v.minLength(1, 'a list that is not empty')),
    median: positive,
    min: positive,
    max: positive,
  }),
  v.check(({ min, median, max }) => min <= median && median <= max, 'a median between min and max'),
);

const reportSchema = v.looseObject({
  schemaVersion: v.literal(1, '1'),
  date,
  adapter: v.looseObject({ name: text, description: text }),
  toggles: v.array(text),
  versions: v.record(text, text),
  ceilings: v.looseObject({ gflops: positive, gbs: positive }),
  rows: v.array(rowSchema, 'a list of rows'),
  skipped: v.array(v.looseObject({}), 'a list'),
});

/** The document, or what is wrong with it: the first place and what should stand there. */
function check<T extends v.GenericSchema>(
  schema: T,
  document: unknown,
): { value: v.InferOutput<T> } | { problem: string } {
  const { success, output, issues } = v.safeParse(schema, document);
  if (success) return { value: output };
  const [issue] = issues;
  const place = v.getDotPath(issue) ?? 'the document';
  // Of a key that is missing or too many, valibot says no more than "Invalid key".
  if (issue.type.endsWith('object')) {
    if (issue.expected === 'never') return { problem: `${place} is not a known key` };
    return { problem: issue.received === 'undefined' ? `${place} is missing` : `${place} must be an object` };
  }
  return { problem: `${place} must be ${issue.message}` };
}

function parse(json: string): { document: unknown } | { problem: string } {
  try {
    return { document: JSON.parse(json) };
  } catch (error) {
    return { problem: `it is no JSON: ${(error as Error).message}` };
  }
}

/** A tuning as it was kept under `key`, or why it is none. */
export function readTuning(json: string, key: string): { value: Tuning } | { problem: string } {
  const parsed = parse(json);
  if ('problem' in parsed) return parsed;
  const checked = check(tuningSchema, parsed.document);
  if ('problem' in checked) return checked;
  const { choices, key: own } = checked.value;
  if (own !== key) {
    const keys = `its key is ${own.slice(0, 8)} and not ${key.slice(0, 8)}`;
    return { problem: `${keys}: it was made with another driver, browser or version of perturb-gpu` };
  }
  for (const [name, { measuredAt }] of Object.entries(choices)) {
    if (shapeClass(parseShape(measuredAt)!) !== name) {
      return { problem: `choices.${name} was measured at ${measuredAt}, which is another class of shapes` };
    }
  }
  return { value: checked.value as Tuning };
}

/** A benchmark report, or why it is none. */
export function readReport(json: string): { value: BenchReport } | { problem: string } {
  const parsed = parse(json);
  if ('problem' in parsed) return parsed;
  return check(reportSchema, parsed.document) as { value: BenchReport } | { problem: string };
}
