// One door to every data set that comes from files or from our own pen. Gaussian data are made on the GPU, not here.
// Kept apart from the configuration's types, which lie above this folder; the shapes are the same.

import { loadCifar10 } from './cifar10';
import { type ClassPair, countTestRows } from './classes';
import type { HostDataset, HostMatrix, ReadFile } from './dataset';
import { readRequired, withKey } from './files';
import { type GlyphSource, glyphDataset } from './glyphs';
import { imageDataset, type NamedBytes } from './images';
import { InputError } from './input-error';
import { signsFromNpy } from './labels';
import { matrixFromNpy } from './matrix';
import { loadMnist } from './mnist';
import { parseNpy } from './npy';

interface IdxSource {
  readonly kind: 'idx';
  readonly images: string;
  readonly labels: string;
  readonly testImages?: string;
  readonly testLabels?: string;
  readonly classes: ClassPair;
  readonly subtract: number;
}

interface NpySource {
  readonly kind: 'npy';
  readonly x: string;
  readonly y: string;
  readonly testX?: string;
  readonly testY?: string;
}

/** The kinds of `data` that loadDataset handles. */
export type DataSource =
  | GlyphSource
  | IdxSource
  | NpySource
  | {
      readonly kind: 'mnist' | 'fashion-mnist';
      readonly dir: string;
      readonly classes: ClassPair;
      readonly subtract: number;
    }
  | { readonly kind: 'cifar10'; readonly dir: string; readonly classes: ClassPair };

export interface LoadOptions {
  /** Non-negative safe integer; only glyphs are random. */
  readonly seed: number;
  /** `test.n`: the first so many test points; undefined means all (glyphs: 1000). */
  readonly testRows?: number;
}

/** The test half of a source, which is there whole or not at all. */
function bothOrNeither(
  [first, firstKey]: readonly [string | undefined, string],
  [second, secondKey]: readonly [string | undefined, string],
): readonly [string, string] | undefined {
  if (first !== undefined && second !== undefined) return [first, second];
  if (first === undefined && second === undefined) return undefined;
  const [given, absent] = first === undefined ? [secondKey, firstKey] : [firstKey, secondKey];
  throw new InputError(`${given} is given but ${absent} is not`, {
    key: absent,
    remedy: `Give both ${firstKey} and ${secondKey}, or neither.`,
  });
}

async function loadIdx(source: IdxSource, readFile: ReadFile, testRows: number | undefined): Promise<HostDataset> {
  const { classes, subtract } = source;
  const test = bothOrNeither([source.testImages, 'data.testImages'], [source.testLabels, 'data.testLabels']);
  const read = async (path: string, key: string): Promise<NamedBytes> => ({
    bytes: await readRequired(readFile, path, key),
    path,
    key,
  });
  return imageDataset(
    { images: await read(source.images, 'data.images'), labels: await read(source.labels, 'data.labels') },
    test && { images: await read(test[0], 'data.testImages'), labels: await read(test[1], 'data.testLabels') },
    { classes, subtract, testRows },
  );
}

async function loadNpy(source: NpySource, readFile: ReadFile, testRows: number | undefined): Promise<HostDataset> {
  const matrix = async (path: string, key: string): Promise<HostMatrix> => {
    const bytes = await readRequired(readFile, path, key);
    return withKey(key, () => matrixFromNpy(parseNpy(bytes, path), path));
  };
  const labels = async (path: string, key: string, rows: number, xKey: string): Promise<Float32Array> => {
    const bytes = await readRequired(readFile, path, key);
    const y = await withKey(key, () => signsFromNpy(parseNpy(bytes, path), path));
    if (y.length === rows) return y;
    throw new InputError(`there are ${y.length} labels for the ${rows} rows of ${xKey}`, {
      file: path,
      key,
      remedy: `Give one label for each row: shape (${rows},).`,
    });
  };
  const x = await matrix(source.x, 'data.x');
  const y = await labels(source.y, 'data.y', x.rows, 'data.x');
  if (!y.includes(1) || !y.includes(-1)) {
    throw new InputError(`all ${y.length} labels are ${y[0]}: the other class is absent`, {
      file: source.y,
      key: 'data.y',
      remedy: 'Give samples of both classes, labelled -1 and +1.',
    });
  }
  if (source.testX === undefined) {
    if (source.testY !== undefined) {
      throw new InputError('data.testY is given but data.testX is not', {
        key: 'data.testX',
        remedy: 'Give data.testX too, or leave data.testY out.',
      });
    }
    countTestRows(testRows, 0);
    return { x, y };
  }
  const testX = await matrix(source.testX, 'data.testX');
  if (testX.cols !== x.cols) {
    throw new InputError(`the test points have ${testX.cols} inputs but the training samples have ${x.cols}`, {
      file: source.testX,
      key: 'data.testX',
      remedy: `Give test points with ${x.cols} columns.`,
    });
  }
  const testY =
    source.testY === undefined ? undefined : await labels(source.testY, 'data.testY', testX.rows, 'data.testX');
  const rows = countTestRows(testRows, testX.rows, source.testX);
  return {
    x,
    y,
    testX: { ...testX, rows, values: testX.values.subarray(0, rows * testX.cols) },
    ...(testY ? { testY: testY.subarray(0, rows) } : {}),
  };
}

/**
 * Loads (or draws) a two-class data set; the first of `classes` is +1.
 * @param readFile reads the paths that `data` names; it must reject with code ENOENT, or the name NotFoundError, for a file
 *   that does not exist
 * @throws InputError naming file, key and offset for anything wrong with the data
 */
export async function loadDataset(data: DataSource, readFile: ReadFile, options: LoadOptions): Promise<HostDataset> {
  const { seed, testRows } = options;
  switch (data.kind) {
    case 'glyphs':
      return glyphDataset(data, seed, testRows);
    case 'idx':
      return loadIdx(data, readFile, testRows);
    case 'mnist':
    case 'fashion-mnist':
      return loadMnist(data, readFile, testRows);
    case 'cifar10':
      return loadCifar10(data, readFile, testRows);
    case 'npy':
      return loadNpy(data, readFile, testRows);
    default: {
      const unknown: never = data;
      throw new TypeError(`loadDataset does not know ${JSON.stringify(unknown)}`);
    }
  }
}
