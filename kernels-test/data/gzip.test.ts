import { describe, expect, test } from 'vitest';
import { gunzip, isGzip } from '../../src/data/gzip';
import { concat, expectInputError, gzip, withByte } from './helpers';

// Does not compress, so that it is longer than several input slices.
let state = 1;
const noise = Uint8Array.from({ length: 300_000 }, () => {
  state = Math.imul(state, 1664525) + 1013904223;
  return state >>> 24;
});
const packed = gzip(noise);

describe('gunzip', () => {
  test('unpacks what zlib packed, across slices', async () => {
    expect(packed.length).toBeGreaterThan(2 * 65_536);
    expect(Buffer.compare(await gunzip(packed, 'a.gz'), noise)).toBe(0);
  });

  test('leaves bytes without the magic number alone', async () => {
    const plain = Uint8Array.of(1, 2, 3);
    expect(await gunzip(plain, 'plain')).toBe(plain);
    expect(isGzip(Uint8Array.of(0x1f))).toBe(false);
    expect(isGzip(packed)).toBe(true);
  });

  test('works on a view into a larger buffer, and on an empty file', async () => {
    const inside = concat([9, 9, 9], gzip(Uint8Array.of(5, 6)), [9]).subarray(3, -1);
    expect([...(await gunzip(inside, 'view'))]).toEqual([5, 6]);
    expect((await gunzip(gzip(new Uint8Array(0)), 'empty')).length).toBe(0);
  });

  test.each([
    ['after the magic number', packed.subarray(0, 2)],
    ['inside the header', packed.subarray(0, 9)],
    ['inside the data', packed.subarray(0, 1000)],
    ['inside the trailer', packed.subarray(0, packed.length - 3)],
  ])('refuses a file cut off %s', async (_, bytes) => {
    await expectInputError(() => gunzip(bytes, 'cut.gz'), /truncated or corrupt/, { file: 'cut.gz' });
  });

  test('refuses a wrong checksum', async () => {
    const at = packed.length - 6;
    await expectInputError(() => gunzip(withByte(packed, at, packed[at]! ^ 1), 'crc.gz'), /corrupt/, {
      file: 'crc.gz',
    });
  });

  test.each([
    ['text', concat(packed, new TextEncoder().encode('garbage'))],
    ['zeros', concat(packed, new Uint8Array(12))],
    ['a second member', concat(packed, gzip(Uint8Array.of(1, 2, 3)))],
  ])('refuses %s after the data', async (_, bytes) => {
    await expectInputError(() => gunzip(bytes, 'tail.gz'), /corrupt|unpacks to/, { file: 'tail.gz' });
  });

  test('stops at the limit: N is fine, N - 1 is not', async () => {
    expect((await gunzip(packed, 'a.gz', { maxBytes: noise.length })).length).toBe(noise.length);
    await expectInputError(() => gunzip(packed, 'a.gz', { maxBytes: noise.length - 1 }), /limit of 299999 bytes/, {
      file: 'a.gz',
    });
  });

  test('a file that unpacks to 200 MB is dropped soon after a limit of 1 MB', async () => {
    const bomb = gzip(new Uint8Array(2e8));
    expect(bomb.length).toBeLessThan(2.5e5);
    const before = process.memoryUsage().arrayBuffers;
    await expectInputError(() => gunzip(bomb, 'bomb.gz', { maxBytes: 1e6 }), /limit/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5e7);
  });
});
