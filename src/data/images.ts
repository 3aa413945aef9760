// Image data sets in IDX files: two files for training, two for testing, two classes out of what is there.

import { type ClassPair, checkClasses, countTestRows, gatherRows, selectClasses, selectPresent } from './classes';
import type { HostDataset, HostMatrix } from './dataset';
import { withKey } from './files';
import { type IdxImages, parseIdxImages, parseIdxLabels } from './idx';
import { InputError } from './input-error';

/** An unpacked file with the names that error messages use for it. */
export interface NamedBytes {
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly key: string;
}

/** A file of images with the file of their labels. */
export interface IdxPair {
  readonly images: NamedBytes;
  readonly labels: NamedBytes;
}

export interface IdxOptions {
  /** The +1 and the -1 class, 0 to 255. */
  readonly classes: ClassPair;
  /** Subtracted from the pixels after they are scaled to [0, 1]. */
  readonly subtract: number;
  readonly testRows?: number | undefined;
  /** Names of classes by number; the numbers themselves by default. */
  readonly classNames?: readonly string[];
}

async function parsePair(pair: IdxPair): Promise<{ images: IdxImages; labels: Uint8Array }> {
  const images = await withKey(pair.images.key, () => parseIdxImages(pair.images.bytes, pair.images.path));
  const labels = await withKey(pair.labels.key, () => parseIdxLabels(pair.labels.bytes, pair.labels.path));
  if (images.count !== labels.length) {
    throw new InputError(`there are ${labels.length} labels for the ${images.count} images of ${pair.images.path}`, {
      file: pair.labels.path,
      key: pair.labels.key,
      offset: 4,
      remedy: 'Name the labels file that belongs to the images.',
    });
  }
  return { images, labels };
}

/**
 * Builds the two-class data set of a training pair and, where there is one, a test pair. Rows keep the order of the file.
 * @throws InputError for malformed files, counts or image sizes that disagree, and classes without a sample
 */
export async function imageDataset(
  train: IdxPair,
  test: IdxPair | undefined,
  options: IdxOptions,
): Promise<HostDataset> {
  const { classes, subtract, testRows } = options;
  checkClasses(classes, 255);
  const { images, labels } = await parsePair(train);
  const cols = images.width * images.height;
  const matrix = (source: IdxImages, rows: readonly number[]): HostMatrix => ({
    rows: rows.length,
    cols,
    values: gatherRows(source.pixels, cols, rows),
    scale: 1 / 255,
    subtract,
  });
  const chosen = selectClasses(labels, classes, train.labels.path);
  const name = (label: number): string => options.classNames?.[label] ?? String(label);
  const dataset = {
    x: matrix(images, chosen.rows),
    y: chosen.y,
    image: { width: images.width, height: images.height, channels: 1 as const },
    classNames: [name(classes[0]), name(classes[1])] as const,
  };
  if (!test) {
    countTestRows(testRows, 0);
    return dataset;
  }
  const held = await parsePair(test);
  if (held.images.width !== images.width || held.images.height !== images.height) {
    const size = (of: IdxImages): string => `${of.height} x ${of.width}`;
    throw new InputError(`test images are ${size(held.images)} but training images are ${size(images)}`, {
      file: test.images.path,
      key: test.images.key,
      offset: 8,
      remedy: 'Name test images of the same data set.',
    });
  }
  const points = selectPresent(held.labels, classes);
  if (points.rows.length === 0) {
    throw new InputError(`no test image has the class ${classes[0]} or ${classes[1]}`, {
      file: test.labels.path,
      key: test.labels.key,
      remedy: 'Name test files that have these classes, or leave them out.',
    });
  }
  const count = countTestRows(testRows, points.rows.length, test.images.path);
  return { ...dataset, testX: matrix(held.images, points.rows.slice(0, count)), testY: points.y.slice(0, count) };
}
