import { describe, expect, test } from 'vitest';
import { mirror, mirrorImage } from '../../src/kernels/mirror';
import { checkMirror, checkMirrorImage, type MirrorCase } from '../checks/mirror';
import { useEngine } from '../helpers';

const bound = useEngine();

describe('mirror_across', () => {
  test.for([
    { ld: 8, source: { start: 0, rows: 4 }, destination: { start: 4, rows: 4 } },
    { ld: 64, source: { start: 0, rows: 32 }, destination: { start: 32, rows: 32 } },
    { ld: 104, source: { start: 0, rows: 36 }, destination: { start: 64, rows: 28 } },
    { ld: 320, source: { start: 32, rows: 100 }, destination: { start: 132, rows: 68 } },
    { ld: 800, source: { start: 736, rows: 4 }, destination: { start: 740, rows: 60 } },
    { ld: 800, source: { start: 0, rows: 736 }, destination: { start: 736, rows: 64 } },
  ] as MirrorCase[])('every element: %j', async (each) => {
    await checkMirror(each)(bound.gpu);
  });
});

describe('mirror_within', () => {
  test.for([
    { ld: 4, source: { start: 0, rows: 4 } },
    { ld: 32, source: { start: 0, rows: 32 } },
    { ld: 40, source: { start: 0, rows: 36 } },
    { ld: 160, source: { start: 32, rows: 100 } },
    { ld: 800, source: { start: 768, rows: 32 } },
    { ld: 288, source: { start: 0, rows: 288 } },
  ] as MirrorCase[])('every element: %j', async (each) => {
    await checkMirror(each)(bound.gpu);
  });
});

describe('mirror_image', () => {
  test.for([
    { ld: 8, stride: 8, start: 4, height: 4 },
    { ld: 64, stride: 64, start: 32, height: 32 },
    { ld: 96, stride: 128, start: 64, height: 32 },
    { ld: 100, stride: 104, start: 36, height: 28 },
    { ld: 320, stride: 320, start: 220, height: 100 },
  ])('every element, of a buffer and of an image: %j', async (each) => {
    await checkMirrorImage(each)(bound.gpu);
  });

  test('rows that are none are refused by name', async () => {
    using rows = bound.gpu.array('rows', 1024);
    const refused = (args: object, what: RegExp) =>
      expect(
        mirrorImage(bound.gpu, { matrix: rows, rows, start: 16, height: 16, stride: 32, ...args }),
      ).rejects.toThrow(what);
    await refused({ start: 14 }, /start = 14/);
    await refused({ height: 0 }, /height = 0/);
    await refused({ stride: 30 }, /stride = 30/);
    await refused({ start: 64 }, /past rows of 32/);
  });
});

test('pieces that are none are refused by name', async () => {
  using a = bound.gpu.array('a', 1024);
  using b = bound.gpu.array('b', 1024);
  const source = { array: a, start: 0, rows: 16 };
  const destination = { array: b, start: 16, rows: 16 };
  const refused = (args: object, what: RegExp) =>
    expect(mirror(bound.gpu, { source, destination, ld: 32, ...args })).rejects.toThrow(what);
  await refused({ ld: 30 }, /ld = 30/);
  await refused({ source: { ...source, rows: 14 } }, /source.rows = 14/);
  await refused({ destination: { ...destination, start: 18 } }, /destination.start = 18/);
  await refused({ destination: { ...destination, start: 12 } }, /begins at row 12/);
  await refused({ destination: { ...destination, array: a } }, /disagree/);
});
