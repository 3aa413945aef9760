import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeNpy, parseNpy } from '../../src/data/npy';
import { concat, expectInputError, fromBase64, hasShared, npy, npyOf, SHARED, withByte } from './helpers';
import { NUMPY } from './numpy-files';

const values = (bytes: Uint8Array): number[] => Array.from(parseNpy(bytes, 'a.npy').data, Number);

describe('parseNpy on files that numpy wrote', () => {
  test.each<[keyof typeof NUMPY, string, number[], number[]]>([
    ['f8Fortran', 'float64', [2, 3], [0, 1.5, 3, 4.5, 6, 7.5]],
    ['i2Fortran', 'int16', [2, 3, 4], Array.from({ length: 24 }, (_, i) => i)],
    ['i4Big', 'int32', [3], [1, -1, 70000]],
    ['f8Big', 'float64', [1, 2], [1.5, -2.25]],
    ['bool', 'bool', [3], [1, 0, 1]],
    ['i8', 'int64', [4], [1, -1, -1, 1]],
    ['u1', 'uint8', [2, 3], [0, 128, 255, 1, 2, 3]],
    ['f2', 'float16', [5], [1, -2.5, 2 ** -24, 65504, Number.POSITIVE_INFINITY]],
    ['version2', 'float32', [2], [0.5, -3]],
    ['version3', 'float32', [2], [0.5, -3]],
    ['scalar', 'float32', [], [2.5]],
    ['f4', 'float32', [2, 3, 1], [0, 0.25, 0.5, 0.75, 1, 1.25]],
  ])('%s', (name, type, shape, expected) => {
    const array = parseNpy(fromBase64(NUMPY[name]), 'a.npy');
    expect(array).toMatchObject({ type, shape });
    expect(Array.from(array.data, Number)).toEqual(expected);
  });

  test('owns its memory: changing the file changes nothing', () => {
    const bytes = fromBase64(NUMPY.u1);
    const array = parseNpy(bytes, 'a.npy');
    bytes.fill(0);
    expect(Array.from(array.data, Number)).toEqual([0, 128, 255, 1, 2, 3]);
  });

  test('reads from a view at an odd offset', () => {
    expect(values(concat([0], fromBase64(NUMPY.f4)).subarray(1))).toEqual([0, 0.25, 0.5, 0.75, 1, 1.25]);
  });

  test.skipIf(!hasShared)('the golden X of p1 has the values at their places in the file', () => {
    const array = parseNpy(new Uint8Array(readFileSync(`${SHARED}/golden/p1_sgauss_a_id/X.npy`)), 'X.npy');
    expect(array).toMatchObject({ type: 'float32', shape: [40, 20] });
    const raw = readFileSync(`${SHARED}/golden/p1_sgauss_a_id/X.npy`);
    expect(array.data[0]).toBe(raw.readFloatLE(128));
    expect(array.data[799]).toBe(raw.readFloatLE(128 + 4 * 799));
  });
});

describe('headers', () => {
  const data = new Uint8Array(new Float32Array([1, 2, 3]).buffer);
  test.each([
    ["{'shape': (3,), 'descr': '<f4', 'fortran_order': False}"],
    ['{"descr":"<f4","fortran_order":False,"shape":(3L,)}'],
    ["  { 'descr' : '<f4' , 'fortran_order' : True , 'shape' : ( 3 , ) , }   "],
    ["{'descr': '=f4', 'fortran_order': False, 'shape': (3,)}"],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': [3]}"],
  ])('accepts %s', (header) => {
    expect(values(npy(header, data))).toEqual([1, 2, 3]);
  });

  test.each<[string, RegExp]>([
    ['', /ends in the middle|expected/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3,)", /expected ',' or '}'/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3)}", /tuple of one needs/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", /expected a value/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3.0,)}", /expected a value/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", /expected a value/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': '3'}", /tuple of sizes/],
    ["{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}", /True or False/],
    ["{'fortran_order': False, 'shape': (3,)}", /'descr' is missing/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}", /unexpected key 'more'/],
    ["{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", /comes twice/],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} + 1", /after the header/],
    ["{descr: '<f4'}", /key in quotes/],
    ["{'descr': '<f4", /malformed string/],
    ['(((((((((((((((((((((((((((((((', /nested too deeply/],
    ['[1, 2]', /no dictionary/],
    ["__import__('os')", /expected a value/],
  ])('refuses %s', async (header, message) => {
    await expectInputError(() => parseNpy(npy(header, data), 'bad.npy'), message, { file: 'bad.npy' });
  });

  test('the offset of a malformed header points into it', async () => {
    const header = "{'descr': '<f4', 'fortran_order': Nope, 'shape': (3,)}";
    await expectInputError(() => parseNpy(npy(header, data), 'bad.npy'), /malformed/, {
      offset: 10 + header.indexOf('Nope'),
    });
  });
});

describe('bad files', () => {
  const good = fromBase64(NUMPY.f4);
  test.each<[string, Uint8Array, RegExp, number]>([
    ['empty', new Uint8Array(0), /ends after 0/, 0],
    ['cut in the magic', good.subarray(0, 4), /ends after 4/, 4],
    ['cut before the length', good.subarray(0, 9), /ends after 9/, 9],
    ['cut in the header', good.subarray(0, 100), /claims 118 bytes but the file ends after 100/, 100],
    ['another magic', withByte(good, 1, 0x4f), /not an \.npy file/, 1],
    ['version 9', withByte(good, 6, 9), /unknown \.npy version 9\.0/, 6],
    ['a header length that lies', withByte(good, 9, 200), /no real one passes/, 8],
    ['one byte short', good.subarray(0, good.length - 1), /needs 24 bytes, 23 are there/, good.length - 1],
    ['one byte long', concat(good, [0]), /needs 24 bytes, 25 are there/, good.length],
    ['complex', fromBase64(NUMPY.complex), /<c16, which is not supported/, 128],
    ['structured', fromBase64(NUMPY.structured), /structured type, which is not supported/, 128],
  ])('%s', async (_, bytes, message, offset) => {
    await expectInputError(() => parseNpy(bytes, 'a.npy'), message, { file: 'a.npy', offset });
  });

  test.each(['O', '|O', '<U4', '|f4', '<f3', '|V8', '<M8[s]', 'f4'])('element type %s', async (descr) => {
    const bytes = npy(`{'descr': '${descr}', 'fortran_order': False, 'shape': (1,)}`, new Uint8Array(8));
    await expectInputError(() => parseNpy(bytes, 'a.npy'), /not supported/, { file: 'a.npy' });
  });

  test('a shape of 10^30 bytes is refused before anything is allocated', async () => {
    const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000, 1000000000000000)}";
    await expectInputError(() => parseNpy(npy(header, new Uint8Array(8)), 'a.npy'), /ends early/);
  });
});

describe('encodeNpy', () => {
  test.each(['f4', 'scalar'] as const)('writes the bytes that numpy writes: %s', (name) => {
    const bytes = fromBase64(NUMPY[name]);
    const { shape, data } = parseNpy(bytes, 'a.npy');
    expect(Buffer.from(encodeNpy(shape, data as Float32Array)).toString('base64')).toBe(NUMPY[name]);
    expect(bytes.length).toBeGreaterThan(128);
  });

  test.skipIf(!hasShared).each(['X', 'y', 'f_W0', 'testX'])('re-encodes golden p8 %s byte for byte', (name) => {
    const bytes = new Uint8Array(readFileSync(`${SHARED}/golden/p8_pixels_784/${name}.npy`));
    const { shape, data } = parseNpy(bytes, name);
    expect(Buffer.compare(encodeNpy(shape, data as Float32Array), bytes)).toBe(0);
  });

  test.each([
    [[]],
    [[1]],
    [[0, 5]],
    [[3, 7]],
    [[2, 3, 4]],
    [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
  ])('round trip of shape %j, data aligned to 64 bytes', (shape) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i) * 10 ** (i % 30)));
    const bytes = encodeNpy(shape, data);
    const array = parseNpy(bytes, 'a.npy');
    expect(array.shape).toEqual(shape);
    expect(array.data).toEqual(data);
    expect(array.dataOffset % 64).toBe(0);
    expect(bytes[array.dataOffset - 1]).toBe(0x0a);
  });

  // Sizes of the files that numpy.save writes: one character apart, where the header with its room to grow fills a block.
  test.each([
    [[123, 0, 123, 12, 12, 12, 12, 12, 12, 12, 12], 128],
    [[123, 0, 1234, 12, 12, 12, 12, 12, 12, 12, 12], 192],
  ])('the header of shape %j takes %i bytes', (shape, length) => {
    expect(encodeNpy(shape, new Float32Array(0)).length).toBe(length);
  });

  test('encodes a view only, keeps NaN, refuses a shape that does not fit', () => {
    const whole = Float32Array.of(9, 1, Number.NaN, 9);
    expect(values(encodeNpy([2], whole.subarray(1, 3)))).toEqual([1, Number.NaN]);
    expect(() => encodeNpy([3], whole)).toThrow(RangeError);
    expect(() => encodeNpy([-2, -2], whole)).toThrow(RangeError);
  });

  test('the tests’ own writer agrees with the parser', () => {
    expect(values(npyOf([2], Int32Array.of(-5, 6)))).toEqual([-5, 6]);
  });
});
