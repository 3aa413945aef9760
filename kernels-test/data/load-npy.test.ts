import { describe, expect, test } from 'vitest';
import { type DataSource, loadDataset } from '../../src/data/load';
import { nodeReadFile } from '../../src/data/node';
import type { DataConfig } from '../../src/experiment/types';
import { concat, expectInputError, fromBase64, gzip, hasShared, memoryFiles, npyOf, SHARED } from './helpers';
import { NUMPY } from './numpy-files';

// The configuration's kinds, less those made on the GPU, are exactly what loadDataset takes: both directions must compile.
type FileKinds = Exclude<DataConfig, { kind: 'shifted-gauss' | 'gauss' }>;
const _fits: (config: FileKinds) => DataSource = (config) => config;
const _covers: (kind: DataSource['kind']) => FileKinds['kind'] = (kind) => kind;

const x = npyOf([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
const y = npyOf([3], Float32Array.of(1, -1, 1));
const testX = npyOf([2, 2], Float64Array.of(0.5, 1 / 3, -2, 4));
const testY = npyOf([2], Int32Array.of(-1, 1));
const files = { 'x.npy': x, 'y.npy': y, 'tx.npy': testX, 'ty.npy': testY };
const plain = { kind: 'npy', x: 'x.npy', y: 'y.npy' } as const;
const tested = { ...plain, testX: 'tx.npy', testY: 'ty.npy' } as const;

const load = (data: DataSource, extra: Record<string, Uint8Array> = {}, testRows?: number) =>
  loadDataset(data, memoryFiles({ ...files, ...extra }), {
    seed: 0,
    ...(testRows === undefined ? {} : { testRows }),
  });

describe('npy', () => {
  test('the contract with the configuration types is live', () => {
    expect(_fits(plain)).toBe(plain);
    expect(_covers('npy')).toBe('npy');
  });

  test('training rows only', async () => {
    const set = await load(plain);
    expect(set.x).toEqual({ rows: 3, cols: 2, values: Float32Array.of(1, 2, 3, 4, 5, 6), scale: 1, subtract: 0 });
    expect(set.y).toEqual(Float32Array.of(1, -1, 1));
    expect(set).not.toHaveProperty('testX');
    expect(set).not.toHaveProperty('image');
  });

  test('test points with and without labels; float64 rounds to nearest', async () => {
    const set = await load(tested);
    expect(set.testX!.values).toEqual(Float32Array.of(0.5, Math.fround(1 / 3), -2, 4));
    expect(set.testY).toEqual(Float32Array.of(-1, 1));
    const { testY: _, ...unlabelled } = tested;
    expect(await load(unlabelled)).not.toHaveProperty('testY');
  });

  test('testRows keeps the first: N is fine, N + 1 is not', async () => {
    const one = await load(tested, {}, 1);
    expect(one.testX).toMatchObject({ rows: 1, values: Float32Array.of(0.5, Math.fround(1 / 3)) });
    expect(one.testY).toEqual(Float32Array.of(-1));
    expect((await load(tested, {}, 2)).testX!.rows).toBe(2);
    await expectInputError(() => load(tested, {}, 3), /3 test points are wanted, 2 are available/, {
      key: 'test.n',
      file: 'tx.npy',
    });
    await expectInputError(() => load(plain, {}, 1), /no test points/, { key: 'test.n' });
    await expectInputError(() => load(tested, {}, 0), /0 is no number of test points/, { key: 'test.n' });
  });

  test('uint8 stays bytes with scale 1; labels of every type; gzipped files', async () => {
    const bytes = npyOf([4, 1], Uint8Array.of(0, 7, 255, 1));
    const set = await load(plain, { 'x.npy': gzip(bytes), 'y.npy': fromBase64(NUMPY.i8) });
    expect(set.x).toMatchObject({ rows: 4, values: Uint8Array.of(0, 7, 255, 1), scale: 1, subtract: 0 });
    expect(set.y).toEqual(Float32Array.of(1, -1, -1, 1));
  });

  test('a Fortran-ordered x comes out row by row', async () => {
    const set = await load(plain, { 'x.npy': fromBase64(NUMPY.f8Fortran), 'y.npy': npyOf([2], Int32Array.of(1, -1)) });
    expect(set.x.values).toEqual(Float32Array.of(0, 1.5, 3, 4.5, 6, 7.5));
  });

  test.each<[string, Record<string, Uint8Array>, RegExp, { file: string; key: string; offset?: number }]>([
    [
      'NaN in x',
      { 'x.npy': npyOf([3, 2], Float32Array.of(1, 2, 3, 4, 5, Number.NaN)) },
      /row 2, column 1 .* is NaN/,
      { file: 'x.npy', key: 'data.x', offset: x.length - 4 },
    ],
    [
      'an infinity in testX',
      { 'tx.npy': npyOf([2, 2], Float64Array.of(1, Number.NEGATIVE_INFINITY, 1, 1)) },
      /row 0, column 1 .* is -Infinity/,
      { file: 'tx.npy', key: 'data.testX' },
    ],
    [
      'a number beyond float32',
      { 'tx.npy': npyOf([2, 2], Float64Array.of(1, 1, 3.5e38, 1)) },
      /row 1, column 0 .* beyond the range of float32/,
      { file: 'tx.npy', key: 'data.testX' },
    ],
    [
      'a label of 0',
      { 'y.npy': npyOf([3], Int32Array.of(1, 0, 1)) },
      /label 1 .* is 0/,
      { file: 'y.npy', key: 'data.y' },
    ],
    [
      'a label of 0.999',
      { 'y.npy': npyOf([3], Float64Array.of(1, -1, 0.999)) },
      /label 2/,
      { file: 'y.npy', key: 'data.y' },
    ],
    [
      'a NaN label',
      { 'y.npy': npyOf([3], Float32Array.of(Number.NaN, 1, 1)) },
      /label 0/,
      { file: 'y.npy', key: 'data.y' },
    ],
    [
      'labels in a column',
      { 'y.npy': npyOf([3, 1], Float32Array.of(1, 1, 1)) },
      /one axis/,
      { file: 'y.npy', key: 'data.y' },
    ],
    [
      'too few labels',
      { 'y.npy': npyOf([2], Float32Array.of(1, 1)) },
      /2 labels for the 3 rows/,
      { file: 'y.npy', key: 'data.y' },
    ],
    [
      'too many test labels',
      { 'ty.npy': y },
      /3 labels for the 2 rows of data\.testX/,
      { file: 'ty.npy', key: 'data.testY' },
    ],
    [
      'another number of columns',
      { 'tx.npy': npyOf([1, 3], Float32Array.of(1, 2, 3)) },
      /3 inputs but the training samples have 2/,
      { file: 'tx.npy', key: 'data.testX' },
    ],
    ['x with one axis', { 'x.npy': y }, /two axes.*\(3\)/, { file: 'x.npy', key: 'data.x' }],
    ['no rows', { 'x.npy': npyOf([0, 2], new Float32Array(0)) }, /empty/, { file: 'x.npy', key: 'data.x' }],
    ['no columns', { 'x.npy': npyOf([3, 0], new Float32Array(0)) }, /empty/, { file: 'x.npy', key: 'data.x' }],
    ['x of int32', { 'x.npy': npyOf([1, 1], Int32Array.of(1)) }, /are int32/, { file: 'x.npy', key: 'data.x' }],
    ['a cut file', { 'x.npy': x.subarray(0, x.length - 2) }, /ends early/, { file: 'x.npy', key: 'data.x' }],
    ['a cut gzip file', { 'x.npy': gzip(x).subarray(0, 40) }, /truncated or corrupt/, { file: 'x.npy', key: 'data.x' }],
    ['trailing bytes', { 'y.npy': concat(y, [0]) }, /goes on/, { file: 'y.npy', key: 'data.y', offset: y.length }],
  ])('refuses %s', async (_, extra, message, where) => {
    await expectInputError(() => load(tested, extra), message, where);
  });

  test('the largest float32 is kept and what rounds beyond it is not', async () => {
    const one = (value: number) =>
      load(plain, { 'x.npy': npyOf([2, 1], Float64Array.of(value, 0)), 'y.npy': npyOf([2], Int32Array.of(1, -1)) });
    const largest = (2 - 2 ** -23) * 2 ** 127;
    expect((await one(largest)).x.values[0]).toBe(largest);
    await expectInputError(() => one((2 - 2 ** -24) * 2 ** 127), /beyond/);
  });

  test('an absent class is named', async () => {
    const same = () =>
      load(plain, { 'x.npy': npyOf([2, 1], Float64Array.of(1, 2)), 'y.npy': npyOf([2], Int32Array.of(-1, -1)) });
    await expectInputError(same, /all 2 labels are -1: the other class is absent/, { file: 'y.npy', key: 'data.y' });
  });

  test('a missing file names file and key; other failures keep their reason', async () => {
    await expectInputError(() => load({ ...plain, x: 'nix.npy' }), /no such file/, { file: 'nix.npy', key: 'data.x' });
    await expectInputError(() => load({ ...tested, testY: 'nix.npy' }), /no such file/, { key: 'data.testY' });
    const denied = async (): Promise<Uint8Array> => {
      throw new Error('EACCES: permission denied');
    };
    await expectInputError(() => loadDataset(plain, denied, { seed: 0 }), /cannot read.*permission denied/, {
      file: 'x.npy',
      key: 'data.x',
    });
    const browser = async (): Promise<Uint8Array> => {
      throw new DOMException('gone', 'NotFoundError');
    };
    await expectInputError(() => loadDataset(plain, browser, { seed: 0 }), /no such file/, { key: 'data.x' });
    await expectInputError(() => load({ ...plain, testY: 'ty.npy' }), /testX is not/, { key: 'data.testX' });
  });

  test('nodeReadFile: relative to the base, folders and missing files become InputErrors', async () => {
    const read = nodeReadFile(new URL('.', import.meta.url).pathname);
    const own = await read('load-npy.test.ts');
    expect(own.constructor).toBe(Uint8Array);
    expect(new TextDecoder().decode(own)).toContain('nodeReadFile: relative to the base');
    await expectInputError(() => loadDataset(plain, read, { seed: 0 }), /no such file/, { file: 'x.npy' });
    await expectInputError(() => loadDataset({ ...plain, x: '.' }, read, { seed: 0 }), /cannot read.*EISDIR/, {
      file: '.',
    });
    await expectInputError(
      () => loadDataset({ ...plain, x: 'load-npy.test.ts/x' }, read, { seed: 0 }),
      /no such file/,
      { key: 'data.x' },
    );
  });

  test.skipIf(!hasShared)('loads a golden case', async () => {
    const source = { kind: 'npy', x: 'X.npy', y: 'y.npy', testX: 'testX.npy' } as const;
    const set = await loadDataset(source, nodeReadFile(`${SHARED}/golden/p8_pixels_784`), { seed: 0 });
    expect(set.x).toMatchObject({ rows: 20, cols: 784 });
    expect(set.testX).toMatchObject({ rows: 20, cols: 784 });
    expect([...set.y].filter((label) => label === 1).length).toBe(10);
    // Pixels in [0, 1] less 0.1307, says its description.
    expect(Math.min(...set.x.values)).toBe(Math.fround(-0.1307));
    expect(Math.max(...set.x.values)).toBeLessThanOrEqual(Math.fround(0.8693));
  });
});

test('glyphs and their default of 1000 test rows through the same door; an unknown kind is refused', async () => {
  const source = { kind: 'glyphs', n: 4, classes: [1, 2], size: 8 } as const;
  expect((await load(source)).testX!.rows).toBe(1000);
  expect((await load(source, {}, 3)).testX!.rows).toBe(3);
  await expect(load({ kind: 'gauss' } as never)).rejects.toThrow(TypeError);
});
