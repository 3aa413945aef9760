// Two classes out of many: which rows, and how many of them for the test.

import { InputError } from './input-error';

/** Class numbers as the data set counts them; the first becomes +1, the second -1. */
export type ClassPair = readonly [number, number];

/** Rows of the two classes, in file order, and their labels. */
export interface Selection {
  readonly rows: readonly number[];
  /** As long as `rows`, each -1 or +1. */
  readonly y: Float32Array;
}

const KEY = 'data.classes';

/** @throws InputError unless the classes are two different whole numbers from 0 to `largest` */
export function checkClasses(classes: ClassPair, largest: number): void {
  for (const label of classes) {
    if (!Number.isInteger(label) || label < 0 || label > largest) {
      throw new InputError(`${label} is no class of this data set`, {
        key: KEY,
        remedy: `Choose two different whole numbers from 0 to ${largest}.`,
      });
    }
  }
  if (classes[0] === classes[1]) {
    throw new InputError(`both classes are ${classes[0]}`, {
      key: KEY,
      remedy: `Choose two different whole numbers from 0 to ${largest}.`,
    });
  }
}

/**
 * The rows whose label is one of the two classes.
 * @param labels one label a row
 * @param file the file the labels come from, for error messages
 * @throws InputError when a class has no row, with the classes that are there
 */
export function selectClasses(labels: Uint8Array, classes: ClassPair, file: string): Selection {
  const selection = selectPresent(labels, classes);
  for (const [index, label] of classes.entries()) {
    if (selection.y.includes(index === 0 ? 1 : -1)) continue;
    const present = [...new Set(labels)].sort((a, b) => a - b);
    throw new InputError(`no sample has the class ${label}; the classes there are ${present.join(', ')}`, {
      file,
      key: KEY,
      remedy: 'Choose two classes that the file has.',
    });
  }
  return selection;
}

/** The same without the demand that both classes, or either, be there: test points may be of one class. */
export function selectPresent(labels: Uint8Array, classes: ClassPair): Selection {
  const rows: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === classes[0] || labels[i] === classes[1]) rows.push(i);
  }
  return { rows, y: Float32Array.from(rows, (row) => (labels[row] === classes[0] ? 1 : -1)) };
}

/**
 * How many test rows to take.
 * @param wanted `test.n`; undefined means all
 * @param available rows that the data have
 * @throws InputError with the key test.n when there are fewer than wanted
 */
export function countTestRows(wanted: number | undefined, available: number, file?: string): number {
  if (wanted === undefined) return available;
  if (!Number.isSafeInteger(wanted) || wanted < 1) {
    throw new InputError(`${wanted} is no number of test points`, {
      key: 'test.n',
      remedy: 'Give a whole number of at least 1, or leave test.n out to take every test point there is.',
    });
  }
  if (wanted <= available) return wanted;
  throw new InputError(
    available === 0 ? 'the data have no test points' : `${wanted} test points are wanted, ${available} are available`,
    {
      key: 'test.n',
      ...(file === undefined ? {} : { file }),
      remedy: available === 0 ? 'Leave test.n out, or name test data.' : `Set test.n to at most ${available}.`,
    },
  );
}

/** Copies the chosen rows of `width` bytes each into one array. */
export function gatherRows(bytes: Uint8Array, width: number, rows: readonly number[]): Uint8Array {
  const out = new Uint8Array(rows.length * width);
  for (const [index, row] of rows.entries()) out.set(bytes.subarray(row * width, (row + 1) * width), index * width);
  return out;
}
