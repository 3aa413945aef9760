import { describe, test } from 'vitest';
import {
  checkLabelSums,
  checkSignMask,
  checkSums,
  type LabelSumsCase,
  type SignMaskCase,
  type SumsCase,
} from '../checks/gram';
import { useEngine } from '../helpers';

const bound = useEngine();

describe('sign_mask', () => {
  test.for([
    { n: 1, m: 1, ld: 32, group: 1 },
    { n: 7, m: 31, ld: 32, group: 31 },
    { n: 31, m: 32, ld: 32, group: 32 },
    { n: 32, m: 33, ld: 32, group: 17 },
    { n: 33, m: 33, ld: 64, group: 32 },
    { n: 101, m: 100, ld: 128, group: 25 },
    { n: 257, m: 101, ld: 288, group: 26, first: 5 },
    { n: 64, m: 3, ld: 65, group: 2, first: 100, maskFirst: 7 },
    { n: 784, m: 65, ld: 800, group: 22, first: 784 },
  ] as SignMaskCase[])('every bit, zeros being off: %j', async (each) => {
    await checkSignMask(each)(bound.gpu);
  });
});

describe('strided_sums', () => {
  const cases: SumsCase[] = [
    { rows: 1, cols: 1, of: 'rows' },
    { rows: 31, cols: 101, of: 'rows', ld: 104 },
    { rows: 64, cols: 33, of: 'rows', outputFirst: 17 },
    { rows: 65, cols: 7, of: 'rows', first: 13, accumulate: true },
    { rows: 257, cols: 32, of: 'rows', ld: 40, first: 9, outputFirst: 64, accumulate: true },
    { rows: 1, cols: 65, of: 'columns' },
    { rows: 101, cols: 31, of: 'columns', ld: 32 },
    { rows: 33, cols: 64, of: 'columns', outputFirst: 5, accumulate: true },
    { rows: 100, cols: 257, of: 'columns', ld: 300, first: 3, outputFirst: 1, accumulate: true },
  ];
  test.for(cases)('float64 reference: %j', async (each) => {
    await checkSums(each)(bound.gpu);
  });
});

describe('label_sums', () => {
  test.for([
    { n: 1 },
    { n: 7, vectors: 2, image: true },
    { n: 33, pieces: 3 },
    { n: 129, image: true },
    { n: 64, vectors: 3, pieces: 2 },
    { n: 257, pieces: 6 },
  ] as LabelSumsCase[])('float64 reference: %j', async (each) => {
    await checkLabelSums(each)(bound.gpu);
  });
});
