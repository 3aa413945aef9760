import { describe, expect, test } from 'vitest';
import { parseIdxImages, parseIdxLabels } from '../../src/data/idx';
import { concat, expectInputError, idx, withByte } from './helpers';

const IMAGES = 0x803;
const LABELS = 0x801;
const twelve = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const images = idx(IMAGES, [2, 3, 2], twelve);

describe('IDX', () => {
  test('images: count, then height, then width, and a view without a copy', () => {
    const parsed = parseIdxImages(images, 'i');
    expect(parsed).toMatchObject({ count: 2, height: 3, width: 2 });
    expect([...parsed.pixels]).toEqual(twelve);
    expect(parsed.pixels.buffer).toBe(images.buffer);
  });

  test('labels', () => {
    expect([...parseIdxLabels(idx(LABELS, [3], [7, 0, 255]), 'l')]).toEqual([7, 0, 255]);
  });

  test('reads from a view at an odd offset', () => {
    const inside = concat([0], images).subarray(1);
    expect([...parseIdxImages(inside, 'i').pixels]).toEqual(twelve);
  });

  test.each<[string, Uint8Array, RegExp, number]>([
    ['an empty file', new Uint8Array(0), /empty/, 0],
    ['a cut magic number', images.subarray(0, 3), /ends after 3/, 3],
    ['a cut header', images.subarray(0, 15), /header takes 16 bytes but the file ends after 15/, 15],
    ['another magic number', withByte(images, 2, 0x0d), /starts with 0x00000d03, not 0x00000803/, 0],
    ['labels where images should be', idx(LABELS, [3], [1, 2, 3]), /a file of labels/, 0],
    ['no images', idx(IMAGES, [0, 3, 2], []), /holds no images/, 4],
    ['images of no width', idx(IMAGES, [2, 3, 0], []), /holds no images/, 12],
    ['one byte missing', images.subarray(0, 27), /ends early.*12 bytes, 11 are there/, 27],
    ['one byte too many', concat(images, [0]), /goes on after.*12 bytes, 13 are there/, 28],
    ['a count that lies', withByte(images, 7, 3), /need 18 bytes, 12 are there/, 28],
    ['sizes of 2^96 bytes', idx(IMAGES, [0xffffffff, 0xffffffff, 0xffffffff], twelve), /ends early/, 28],
  ])('refuses %s', async (_, bytes, message, offset) => {
    await expectInputError(() => parseIdxImages(bytes, 'train.idx'), message, { file: 'train.idx', offset });
  });

  test('refuses labels that are cut off, go on, or are images', async () => {
    const labels = idx(LABELS, [3], [1, 2, 3]);
    await expectInputError(() => parseIdxLabels(labels.subarray(0, 10), 'l'), /3 bytes, 2 are there/, { offset: 10 });
    await expectInputError(() => parseIdxLabels(concat(labels, [1]), 'l'), /goes on/, { offset: 11 });
    await expectInputError(() => parseIdxLabels(images, 'l'), /a file of images/, { file: 'l', offset: 0 });
  });
});
