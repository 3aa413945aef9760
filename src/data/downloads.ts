// Where the public data sets are, and what their files must be. Sizes and SHA-256 are those of the files as they were first
// published, on which every mirror agrees and which many independent projects pin; whether a mirror is up changes, what it
// must give does not.

import { MNIST_FILES } from './mnist';

/** A file as published. */
export interface PublishedFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface PublishedData {
  /** Folders on the web that hold the files, the likeliest to answer first; each ends in a slash. */
  readonly mirrors: readonly string[];
  readonly files: readonly PublishedFile[];
  /** When the file is an archive: what is taken out of it, by name, and how long each is. */
  readonly contents?: { readonly names: readonly string[]; readonly bytes: number };
  /** Where to read about it. */
  readonly page: string;
}

export type DownloadName = 'mnist' | 'fashion-mnist' | 'cifar10';

const packed = (name: string, bytes: number, sha256: string): PublishedFile => ({ name: `${name}.gz`, bytes, sha256 });
const { trainImages, trainLabels, testImages, testLabels } = MNIST_FILES;

export const DOWNLOADS: Readonly<Record<DownloadName, PublishedData>> = {
  mnist: {
    mirrors: [
      'https://ossci-datasets.s3.amazonaws.com/mnist/',
      'https://storage.googleapis.com/cvdf-datasets/mnist/',
      'http://yann.lecun.com/exdb/mnist/',
    ],
    files: [
      packed(trainImages, 9_912_422, '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609'),
      packed(trainLabels, 28_881, '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c'),
      packed(testImages, 1_648_877, '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'),
      packed(testLabels, 4_542, 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6'),
    ],
    page: 'http://yann.lecun.com/exdb/mnist/',
  },
  'fashion-mnist': {
    mirrors: [
      'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
      'https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/',
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    ],
    files: [
      packed(trainImages, 26_421_880, '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84'),
      packed(trainLabels, 29_515, 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845'),
      packed(testImages, 4_422_102, '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073'),
      packed(testLabels, 5_148, '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5'),
    ],
    page: 'https://github.com/zalandoresearch/fashion-mnist',
  },
  cifar10: {
    mirrors: [
      'https://www.cs.toronto.edu/~kriz/',
      'https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/',
    ],
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        bytes: 170_052_171,
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
      },
    ],
    contents: {
      names: [...[1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`), 'test_batch.bin'],
      bytes: 10_000 * 3073,
    },
    page: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  },
};
