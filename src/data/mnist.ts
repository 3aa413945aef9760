// MNIST and Fashion-MNIST as they are published: a folder with four IDX files, packed or not.

import { type ClassPair, checkClasses } from './classes';
import type { HostDataset, ReadFile } from './dataset';
import { joinPath, readIfPresent } from './files';
import { imageDataset, type NamedBytes } from './images';
import { InputError } from './input-error';

/** The four files, without `.gz`, under the names that both data sets are published with. */
export const MNIST_FILES = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const;

// Xiao, Rasul, Vollgraf, "Fashion-MNIST", arXiv:1708.07747, table 2.
const FASHION_NAMES = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
] as const;

const KEY = 'data.dir';

/** The file or, where there is none, the file with `.gz`. */
async function readEither(kind: string, dir: string, name: string, readFile: ReadFile): Promise<NamedBytes> {
  for (const path of [joinPath(dir, name), joinPath(dir, `${name}.gz`)]) {
    const bytes = await readIfPresent(readFile, path, KEY);
    if (bytes) return { bytes, path, key: KEY };
  }
  throw new InputError(`there is no ${name} and no ${name}.gz in the folder`, {
    file: joinPath(dir, name),
    key: KEY,
    remedy: `Point data.dir at the folder with the four files of ${kind} in IDX format, gzipped or not; perturb fetch ${kind} gets them.`,
  });
}

/**
 * Loads two classes of MNIST or Fashion-MNIST.
 * @param source `dir` holds the four files of MNIST_FILES, each with or without `.gz`
 * @param testRows how many test points to keep; undefined for all of the two classes
 * @throws InputError naming the file and the key
 */
export async function loadMnist(
  source: {
    readonly kind: 'mnist' | 'fashion-mnist';
    readonly dir: string;
    readonly classes: ClassPair;
    readonly subtract: number;
  },
  readFile: ReadFile,
  testRows?: number,
): Promise<HostDataset> {
  const { kind, dir, classes, subtract } = source;
  checkClasses(classes, 9);
  const read = (name: string): Promise<NamedBytes> => readEither(kind, dir, name, readFile);
  return imageDataset(
    { images: await read(MNIST_FILES.trainImages), labels: await read(MNIST_FILES.trainLabels) },
    { images: await read(MNIST_FILES.testImages), labels: await read(MNIST_FILES.testLabels) },
    { classes, subtract, testRows, ...(kind === 'fashion-mnist' ? { classNames: FASHION_NAMES } : {}) },
  );
}
