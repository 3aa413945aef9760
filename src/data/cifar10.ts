// CIFAR-10 in its binary version: records of one label byte and 3072 pixel bytes (red, green and blue planes of 32 x 32).
// Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009, and the data set's page.

import { type ClassPair, checkClasses, countTestRows, gatherRows, selectClasses, selectPresent } from './classes';
import type { HostDataset, HostMatrix, ReadFile } from './dataset';
import { joinPath, readIfPresent, withKey } from './files';
import { InputError } from './input-error';

const PIXELS = 3072;
const RECORD = 1 + PIXELS;
/** The files, without `.bin` and `.bin.gz`, under the names that they are published with. */
export const CIFAR10_FILES = {
  train: ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5'],
  test: 'test_batch',
} as const;
/** Records of a published batch; a file with fewer is a sample. */
export const CIFAR10_BATCH = 10_000;
// Mean of all pixels of all channels of the training set: (0.4914 + 0.4822 + 0.4465) / 3, the channel means everyone quotes.
// The analogue of MNIST's 0.1307: without it the rows share one large direction and training is slow.
const SUBTRACT = 0.4734;
const KEY = 'data.dir';
const NAMES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'] as const;

/** Records split into labels (count) and pixels (count x 3072, row-major). */
export interface CifarRecords {
  readonly labels: Uint8Array;
  readonly pixels: Uint8Array;
}

/**
 * Parses one CIFAR-10 binary file.
 * @param bytes the unpacked file
 * @throws InputError with file and offset for an empty file, a length that is no multiple of 3073, and labels above 9
 */
export function parseCifar10(bytes: Uint8Array, file: string): CifarRecords {
  const count = Math.floor(bytes.length / RECORD);
  if (count === 0 || bytes.length % RECORD !== 0) {
    throw new InputError(
      bytes.length === 0
        ? 'the file is empty'
        : `${bytes.length} bytes are not a whole number of CIFAR-10 records of ${RECORD} bytes`,
      {
        file,
        offset: count * RECORD,
        remedy: 'Download the binary version of CIFAR-10 again; the Python and Matlab versions are not read.',
      },
    );
  }
  const labels = new Uint8Array(count);
  const pixels = new Uint8Array(count * PIXELS);
  for (let i = 0; i < count; i++) {
    const label = bytes[i * RECORD]!;
    if (label > 9) {
      throw new InputError(`record ${i} (counted from 0) has the label ${label}; labels are 0 to 9`, {
        file,
        offset: i * RECORD,
        remedy: 'Name a file of the binary version of CIFAR-10 (not CIFAR-100).',
      });
    }
    labels[i] = label;
    pixels.set(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), i * PIXELS);
  }
  return { labels, pixels };
}

async function readBatch(
  dir: string,
  name: string,
  readFile: ReadFile,
): Promise<(CifarRecords & { readonly path: string }) | undefined> {
  for (const path of [joinPath(dir, `${name}.bin`), joinPath(dir, `${name}.bin.gz`)]) {
    const bytes = await readIfPresent(readFile, path, KEY);
    if (bytes) return { ...(await withKey(KEY, () => parseCifar10(bytes, path))), path };
  }
  return undefined;
}

function missing(dir: string, name: string, why: string): InputError {
  return new InputError(`there is no ${name}.bin and no ${name}.bin.gz in the folder${why}`, {
    file: joinPath(dir, `${name}.bin`),
    key: KEY,
    remedy:
      'Point data.dir at the folder of the binary version of CIFAR-10 (data_batch_1.bin and so on, gzipped or not); perturb fetch cifar10 gets it.',
  });
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function matrix(values: Uint8Array): HostMatrix {
  return { rows: values.length / PIXELS, cols: PIXELS, values, scale: 1 / 255, subtract: SUBTRACT };
}

/**
 * Loads two classes of CIFAR-10. All five training batches must be there, unless the files are a sample: then those that
 * are, from the first on. A published batch with others missing is an error, not a smaller data set.
 * @param testRows how many test points to keep; undefined for all of the two classes
 * @throws InputError naming the file and the key
 */
export async function loadCifar10(
  source: { readonly dir: string; readonly classes: ClassPair },
  readFile: ReadFile,
  testRows?: number,
): Promise<HostDataset> {
  const { dir, classes } = source;
  checkClasses(classes, 9);
  const labels: Uint8Array[] = [];
  const pixels: Uint8Array[] = [];
  let absent: string | undefined;
  let full = false;
  for (const [index, name] of CIFAR10_FILES.train.entries()) {
    const batch = await readBatch(dir, name, readFile);
    if (!batch) {
      absent ??= name;
      if (index === 0) break;
      continue;
    }
    if (absent) throw missing(dir, absent, `, though ${name} is there`);
    full ||= batch.labels.length >= CIFAR10_BATCH;
    // Only the two classes are kept, so that the peak is one batch and a fifth of the rest.
    const { rows } = selectPresent(batch.labels, classes);
    pixels.push(gatherRows(batch.pixels, PIXELS, rows));
    labels.push(batch.labels);
  }
  if (absent && (full || labels.length === 0)) throw missing(dir, absent, '');
  const train = selectClasses(concat(labels), classes, dir);
  const test = await readBatch(dir, CIFAR10_FILES.test, readFile);
  if (!test) throw missing(dir, CIFAR10_FILES.test, '');
  const points = selectPresent(test.labels, classes);
  if (points.rows.length === 0) {
    throw new InputError(`no test image has the class ${classes[0]} or ${classes[1]}`, {
      file: test.path,
      key: KEY,
      remedy: 'Download the file again.',
    });
  }
  const count = countTestRows(testRows, points.rows.length, test.path);
  return {
    x: matrix(concat(pixels)),
    y: train.y,
    testX: matrix(gatherRows(test.pixels, PIXELS, points.rows.slice(0, count))),
    testY: points.y.slice(0, count),
    image: { width: 32, height: 32, channels: 3 },
    classNames: [NAMES[classes[0]]!, NAMES[classes[1]]!],
  };
}
