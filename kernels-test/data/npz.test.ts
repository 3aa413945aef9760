import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/data/crc32';
import { parseNpy } from '../../src/data/npy';
import { encodeNpz, parseNpz } from '../../src/data/npz';
import { concat, expectInputError, fromBase64, withByte } from './helpers';
import { NUMPY } from './numpy-files';

const arrays = {
  standardLoss: { shape: [5], data: Float32Array.of(0.5, -0.25, 1e-30, 3e38, 0) },
  W: { shape: [40, 50], data: Float32Array.from({ length: 2000 }, (_, i) => i % 7) },
};
const encoded = encodeNpz(arrays);
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

test('crc32: the check value of the standard, and nothing', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});

describe('encodeNpz', () => {
  test('another unzip finds .npy files with the arrays, and it compresses', () => {
    const files = unzipSync(encoded);
    expect(Object.keys(files)).toEqual(['standardLoss.npy', 'W.npy']);
    const array = parseNpy(files['W.npy']!, 'W.npy');
    expect(array.shape).toEqual([40, 50]);
    expect(array.data).toEqual(arrays.W.data);
    expect(encoded.length).toBeLessThan(3000);
  });

  test('the date is midnight of 1 January 1980 in every time zone', () => {
    // DOS date and time of the first local header: (1980 - 1980) << 9 | 1 << 5 | 1, and 0.
    expect(view(encoded).getUint32(10, true)).toBe(0x00210000);
    const zone = process.env.TZ;
    try {
      for (const other of ['Pacific/Kiritimati', 'America/Los_Angeles']) {
        process.env.TZ = other;
        expect(Buffer.compare(encodeNpz(arrays), encoded)).toBe(0);
      }
      // A guard that the zone really changed.
      expect(new Date(1980, 0, 1).toISOString()).toBe('1980-01-01T08:00:00.000Z');
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  test('refuses names that are no file name, and shapes that do not fit', () => {
    expect(() => encodeNpz({ 'a/b': arrays.W })).toThrow(RangeError);
    expect(() => encodeNpz({ '': arrays.W })).toThrow(RangeError);
    expect(() => encodeNpz({ a: { shape: [3], data: arrays.W.data } })).toThrow(RangeError);
  });
});

describe('parseNpz', () => {
  test('round trip', () => {
    const parsed = parseNpz(encoded, 'h.npz');
    expect([...parsed.keys()]).toEqual(['standardLoss', 'W']);
    for (const [name, { shape, data }] of Object.entries(arrays)) {
      expect(parsed.get(name)).toMatchObject({ shape, type: 'float32' });
      expect(parsed.get(name)!.data).toEqual(data);
    }
    expect(parseNpz(encodeNpz({}), 'none.npz').size).toBe(0);
  });

  test('reads numpy.savez and numpy.savez_compressed', () => {
    const stored = parseNpz(fromBase64(NUMPY.savez), 's.npz');
    expect(Array.from(stored.get('x')!.data, Number)).toEqual([1.5, 2.5]);
    expect(Array.from(stored.get('n')!.data, Number)).toEqual([7, 8]);
    const packed = parseNpz(fromBase64(NUMPY.savezCompressed), 'c.npz');
    expect(packed.get('x')!.data).toEqual(new Float32Array(50));
    expect(packed.get('n')).toMatchObject({ shape: [1, 2], type: 'int64' });
  });

  test('keeps to its limits: N is fine, N - 1 is not', async () => {
    const total = 128 + 20 + 128 + 8000;
    expect(parseNpz(encoded, 'h.npz', { maxBytes: total, maxEntries: 2 }).size).toBe(2);
    await expectInputError(() => parseNpz(encoded, 'h.npz', { maxBytes: total - 1 }), /limit of 8275 bytes/);
    await expectInputError(() => parseNpz(encoded, 'h.npz', { maxEntries: 1 }), /2 entries; the limit is 1/);
  });

  const savez = fromBase64(NUMPY.savez);
  const directory = view(savez).getUint32(savez.length - 6, true);
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /not a zip file/],
    ['an .npy file', fromBase64(NUMPY.f4), /not a zip file/],
    ['a cut file', savez.subarray(0, savez.length - 1), /not a zip file/],
    ['bytes after the end', concat(savez, [0]), /not a zip file/],
    ['bytes before the start', concat([0], savez), /does not end where/],
    ['a flipped bit in stored data', withByte(savez, 30 + 5 + 20 + 130, 1), /x\.npy is corrupt.*checksum/],
    ['an unknown method', withByte(savez, directory + 10, 12), /compression method 12/],
    ['encryption', withByte(savez, directory + 8, 1), /encrypted/],
    ['a broken directory', withByte(savez, directory, 0), /directory is corrupt/],
    ['an entry that is elsewhere', withByte(savez, directory + 42, 1), /not where the directory says/],
    ['a size beyond the file', withByte(savez, directory + 21, 0xff), /ends beyond the file/],
    ['an entry without .npy', withByte(savez, directory + 46 + 2, 0x6d), /is no \.npy file/],
    ['two entries of one name', withByte(savez, directory + 51 + 46, 0x78), /comes twice/],
    ['a length that lies', withByte(savez, directory + 24, 0x87), /corrupt/],
  ])('refuses %s', async (_, bytes, message) => {
    await expectInputError(() => parseNpz(bytes, 'a.npz'), message, { file: 'a.npz' });
  });

  test('a deflated entry that claims 1 GB is refused before it is allocated; corrupt data are refused', async () => {
    const packed = fromBase64(NUMPY.savezCompressed);
    const at = view(packed).getUint32(packed.length - 6, true);
    const lying = packed.slice();
    view(lying).setUint32(at + 24, 2 ** 30 - 500, true);
    await expectInputError(() => parseNpz(lying, 'a.npz'), /impossible size/, { file: 'a.npz' });
    await expectInputError(() => parseNpz(withByte(packed, 60, 0xff), 'a.npz'), /corrupt/, { file: 'a.npz' });
    for (const size of [50, 300, 400]) {
      view(lying).setUint32(at + 24, size, true);
      await expectInputError(() => parseNpz(lying, 'a.npz'), /corrupt/, { file: 'a.npz' });
    }
  });
});
