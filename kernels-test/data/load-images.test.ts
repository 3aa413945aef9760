import { describe, expect, test } from 'vitest';
import { parseCifar10 } from '../../src/data/cifar10';
import type { HostMatrix } from '../../src/data/dataset';
import { type DataSource, loadDataset } from '../../src/data/load';
import { MNIST_FILES } from '../../src/data/mnist';
import { nodeReadFile } from '../../src/data/node';
import { concat, expectInputError, gzip, hasShared, idx, memoryFiles, SHARED } from './helpers';

const images = idx(0x803, [4, 1, 2], [10, 11, 20, 21, 30, 31, 40, 41]);
const labels = idx(0x801, [4], [5, 7, 9, 5]);
const testImages = idx(0x803, [3, 1, 2], [1, 2, 3, 4, 5, 6]);
const testLabels = idx(0x801, [3], [7, 9, 5]);
const files = { i: images, l: labels, ti: testImages, tl: testLabels };
const source = { kind: 'idx', images: 'i', labels: 'l', classes: [7, 5], subtract: 0.25 } as const;
const tested = { ...source, testImages: 'ti', testLabels: 'tl' } as const;

const load = (data: DataSource, extra: Record<string, Uint8Array> = {}, testRows?: number) =>
  loadDataset(data, memoryFiles({ ...files, ...extra }), {
    seed: 0,
    ...(testRows === undefined ? {} : { testRows }),
  });
const sum = (values: Float32Array | Uint8Array): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};
const row = (matrix: HostMatrix, index: number) =>
  matrix.values.subarray(index * matrix.cols, (index + 1) * matrix.cols);

describe('idx', () => {
  test('picks two classes in file order; the first of classes is +1', async () => {
    const set = await load(source);
    expect(set).toEqual({
      x: { rows: 3, cols: 2, values: Uint8Array.of(10, 11, 20, 21, 40, 41), scale: 1 / 255, subtract: 0.25 },
      y: Float32Array.of(-1, 1, -1),
      image: { width: 2, height: 1, channels: 1 },
      classNames: ['7', '5'],
    });
  });

  test('test rows likewise, limited by testRows', async () => {
    const set = await load(tested);
    expect(set.testX).toEqual({ rows: 2, cols: 2, values: Uint8Array.of(1, 2, 5, 6), scale: 1 / 255, subtract: 0.25 });
    expect(set.testY).toEqual(Float32Array.of(1, -1));
    const one = await load(tested, {}, 1);
    expect(one.testX!.values).toEqual(Uint8Array.of(1, 2));
    expect(one.testY).toEqual(Float32Array.of(1));
    await expectInputError(() => load(tested, {}, 3), /3 test points are wanted, 2 are available/, { key: 'test.n' });
    await expectInputError(() => load(source, {}, 1), /no test points/, { key: 'test.n' });
  });

  test.each<[string, DataSource, Record<string, Uint8Array>, RegExp, { file?: string; key: string }]>([
    [
      'an absent class',
      { ...source, classes: [7, 3] },
      {},
      /class 3; the classes there are 5, 7, 9/,
      { file: 'l', key: 'data.classes' },
    ],
    ['equal classes', { ...source, classes: [7, 7] }, {}, /both classes are 7/, { key: 'data.classes' }],
    ['a class of 256', { ...source, classes: [7, 256] }, {}, /256 is no class/, { key: 'data.classes' }],
    [
      'fewer labels than images',
      source,
      { l: idx(0x801, [2], [5, 7]) },
      /2 labels for the 4 images of i/,
      {
        file: 'l',
        key: 'data.labels',
      },
    ],
    ['other test labels', tested, { tl: labels }, /4 labels for the 3 images/, { file: 'tl', key: 'data.testLabels' }],
    [
      'test images of another shape, same area',
      tested,
      { ti: idx(0x803, [3, 2, 1], [1, 2, 3, 4, 5, 6]) },
      /2 x 1 but training images are 1 x 2/,
      { file: 'ti', key: 'data.testImages' },
    ],
    [
      'test images of another width',
      tested,
      { ti: idx(0x803, [3, 1, 1], [1, 2, 3]) },
      /1 x 1 but training images are 1 x 2/,
      { file: 'ti', key: 'data.testImages' },
    ],
    [
      'test images of another height',
      tested,
      { ti: idx(0x803, [3, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) },
      /2 x 2 but training images are 1 x 2/,
      { file: 'ti', key: 'data.testImages' },
    ],
    [
      'test labels with neither class',
      tested,
      { tl: idx(0x801, [3], [1, 2, 3]) },
      /no test image has the class 7 or 5/,
      { file: 'tl', key: 'data.testLabels' },
    ],
    ['labels as images', { ...source, images: 'l' }, {}, /a file of labels/, { file: 'l', key: 'data.images' }],
    ['a missing file', { ...source, labels: 'nix' }, {}, /no such file/, { file: 'nix', key: 'data.labels' }],
    ['testImages alone', { ...source, testImages: 'ti' }, {}, /testLabels is not/, { key: 'data.testLabels' }],
    ['testLabels alone', { ...source, testLabels: 'tl' }, {}, /testImages is not/, { key: 'data.testImages' }],
    ['a cut gzip file', source, { i: gzip(images).subarray(0, 30) }, /corrupt/, { file: 'i', key: 'data.images' }],
  ])('refuses %s', async (_, data, extra, message, where) => {
    await expectInputError(() => load(data, extra), message, where);
  });
});

describe('mnist and fashion-mnist', () => {
  const folder = (dir: string, suffix: string, pack: (bytes: Uint8Array) => Uint8Array) => ({
    [`${dir}/${MNIST_FILES.trainImages}${suffix}`]: pack(images),
    [`${dir}/${MNIST_FILES.trainLabels}${suffix}`]: pack(labels),
    [`${dir}/${MNIST_FILES.testImages}${suffix}`]: pack(testImages),
    [`${dir}/${MNIST_FILES.testLabels}${suffix}`]: pack(testLabels),
  });
  const mnist = { kind: 'mnist', dir: 'data/m', classes: [7, 5], subtract: 0.1 } as const;

  test('the folder may be packed or not, with or without a slash', async () => {
    const packed = await load(mnist, folder('data/m', '.gz', gzip));
    expect(packed.x.values).toEqual(Uint8Array.of(10, 11, 20, 21, 40, 41));
    expect(packed.testX!.rows).toBe(2);
    expect(
      await load(
        { ...mnist, dir: 'data/m/' },
        folder('data/m', '', (bytes) => bytes),
      ),
    ).toEqual(packed);
  });

  test('fashion has names', async () => {
    const set = await load({ ...mnist, kind: 'fashion-mnist' }, folder('data/m', '.gz', gzip));
    expect(set.classNames).toEqual(['Sneaker', 'Sandal']);
  });

  test('says which file is missing, and that 10 is no digit', async () => {
    const { [`data/m/${MNIST_FILES.testImages}.gz`]: _, ...rest } = folder('data/m', '.gz', gzip);
    await expectInputError(() => load(mnist, rest), /no t10k-images-idx3-ubyte and no t10k-images-idx3-ubyte\.gz/, {
      file: `data/m/${MNIST_FILES.testImages}`,
      key: 'data.dir',
    });
    await expectInputError(() => load({ ...mnist, classes: [1, 10] }), /10 is no class/, { key: 'data.classes' });
  });

  // Counts from the data's README; sums and single pixels computed from the files with Python's gzip and NumPy.
  test.skipIf(!hasShared)('real MNIST, 1 against 2', async () => {
    const data = { kind: 'mnist', dir: 'mnist', classes: [1, 2], subtract: 0.1307 } as const;
    const set = await loadDataset(data, nodeReadFile(`${SHARED}/data`), { seed: 0 });
    expect(set.x).toMatchObject({ rows: 12_700, cols: 784, scale: 1 / 255, subtract: 0.1307 });
    expect(set.y.filter((label) => label === 1).length).toBe(6742);
    expect([...set.y.slice(0, 10)]).toEqual([1, -1, 1, 1, 1, -1, 1, 1, -1, -1]);
    expect(sum(set.x.values)).toBe(279_879_888);
    expect([...row(set.x, 0).subarray(400, 410)]).toEqual([0, 0, 0, 0, 80, 240, 251, 193, 23, 0]);
    expect(sum(row(set.x, 12_699))).toBe(9626);
    expect(set.testX!.rows).toBe(653);
    expect([...set.testY!.slice(0, 10)]).toEqual([-1, 1, 1, 1, 1, 1, -1, 1, -1, 1]);
    expect(sum(row(set.testX!, 0))).toBe(28_850);
    expect(set.image).toEqual({ width: 28, height: 28, channels: 1 });
  });

  test.skipIf(!hasShared)('real Fashion-MNIST, 0 against 9', async () => {
    const data = { kind: 'fashion-mnist', dir: 'fashion-mnist-sample', classes: [0, 9], subtract: 0.286 } as const;
    const set = await loadDataset(data, nodeReadFile(`${SHARED}/data`), { seed: 0, testRows: 30 });
    expect(set.x.rows).toBe(140);
    expect([...set.y.slice(0, 10)]).toEqual([1, 1, 1, 1, -1, 1, 1, 1, -1, 1]);
    expect(sum(set.x.values)).toBe(8_563_837);
    expect(sum(row(set.x, 139))).toBe(94_793);
    expect(set.testX!.rows).toBe(30);
    expect(sum(row(set.testX!, 0))).toBe(72_721);
    expect(set.classNames).toEqual(['T-shirt/top', 'Ankle boot']);
  });
});

describe('cifar10', () => {
  const record = (label: number, fill: number): Uint8Array => {
    const bytes = new Uint8Array(3073).fill(fill);
    bytes[0] = label;
    return bytes;
  };
  const cifar = { kind: 'cifar10', dir: 'c', classes: [3, 5] } as const;
  const two = {
    'c/data_batch_1.bin': concat(record(3, 1), record(0, 2), record(5, 3)),
    'c/data_batch_2.bin.gz': gzip(concat(record(5, 4), record(9, 5))),
    'c/test_batch.bin': concat(record(5, 6), record(1, 7), record(3, 8)),
  };

  test('joins the batches of a sample and keeps two classes', async () => {
    const set = await load(cifar, two);
    expect(set.x).toMatchObject({ rows: 3, cols: 3072, scale: 1 / 255, subtract: 0.4734 });
    expect([0, 1, 2].map((index) => row(set.x, index)[3071])).toEqual([1, 3, 4]);
    expect([...set.y]).toEqual([1, -1, -1]);
    expect([...set.testY!]).toEqual([-1, 1]);
    expect(row(set.testX!, 1)[0]).toBe(8);
    expect(set.classNames).toEqual(['cat', 'dog']);
    expect(set.image).toEqual({ width: 32, height: 32, channels: 3 });
    expect((await load(cifar, two, 1)).testX!.rows).toBe(1);
  });

  test('a published batch without the others is an error, a sample is not', async () => {
    const full = { ...two, 'c/data_batch_1.bin': new Uint8Array(10_000 * 3073).fill(3) };
    await expectInputError(() => load(cifar, full), /no data_batch_3\.bin/, {
      file: 'c/data_batch_3.bin',
      key: 'data.dir',
    });
    const { 'c/data_batch_1.bin': _, ...headless } = two;
    await expectInputError(() => load(cifar, headless), /no data_batch_1\.bin/, { key: 'data.dir' });
    const gap = { ...two, 'c/data_batch_4.bin': record(3, 1) };
    await expectInputError(() => load(cifar, gap), /no data_batch_3\.bin.*though data_batch_4 is there/);
    const { 'c/test_batch.bin': __, ...untested } = two;
    await expectInputError(() => load(cifar, untested), /no test_batch\.bin/, { file: 'c/test_batch.bin' });
  });

  test('refuses broken files', async () => {
    const batch = two['c/data_batch_1.bin'];
    const bad = (bytes: Uint8Array) => () => load(cifar, { ...two, 'c/data_batch_1.bin': bytes });
    const where = { file: 'c/data_batch_1.bin', key: 'data.dir' };
    await expectInputError(bad(new Uint8Array(0)), /empty/, { ...where, offset: 0 });
    await expectInputError(bad(batch.subarray(0, -1)), /9218 bytes are not a whole number/, { ...where, offset: 6146 });
    await expectInputError(bad(concat(batch, [1])), /9220 bytes are not a whole number/, { ...where, offset: 9219 });
    await expectInputError(bad(concat(batch, record(10, 0))), /record 3 .* label 10/, { ...where, offset: 9219 });
    await expectInputError(() => load({ ...cifar, classes: [3, 8] }, two), /class 8.* there are 0, 3, 5, 9/, {
      key: 'data.classes',
    });
    await expectInputError(() => load({ ...cifar, classes: [5, 5] }, two), /both classes/);
    const other = { ...two, 'c/test_batch.bin': record(1, 1) };
    await expectInputError(() => load(cifar, other), /no test image/, { file: 'c/test_batch.bin' });
  });

  test('parseCifar10 splits labels and pixels', () => {
    const { labels: found, pixels } = parseCifar10(two['c/data_batch_1.bin'], 'b');
    expect([...found]).toEqual([3, 0, 5]);
    expect(pixels.length).toBe(3 * 3072);
  });

  // Numbers from the files with Python's gzip and NumPy.
  test.skipIf(!hasShared)('the real sample, cat against dog', async () => {
    const data = { ...cifar, dir: 'cifar10-sample' };
    const set = await loadDataset(data, nodeReadFile(`${SHARED}/data`), { seed: 0 });
    expect(set.x.rows).toBe(384 + 393);
    expect(set.y.filter((label) => label === 1).length).toBe(384);
    expect([...set.y.slice(0, 12)]).toEqual([1, 1, 1, 1, -1, 1, 1, 1, 1, -1, -1, -1]);
    expect(sum(row(set.x, 0))).toBe(216_572);
    expect(set.testX!.rows).toBe(103 + 86);
    expect([...set.testY!.slice(0, 12)]).toEqual([1, 1, -1, -1, -1, -1, -1, -1, -1, 1, 1, 1]);
    expect(sum(row(set.testX!, 0))).toBe(332_962);
    // What is subtracted is the mean over all classes of the full set, so a sample's mean is near it.
    expect(Math.abs(sum(set.x.values) / set.x.values.length / 255 - set.x.subtract)).toBeLessThan(0.02);
  });
});
