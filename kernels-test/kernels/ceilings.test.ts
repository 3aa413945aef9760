import { describe, test } from 'vitest';
import { checkCopy, checkFma } from '../checks/ceilings';
import { useEngine } from '../helpers';

const bound = useEngine();

describe('fma_throughput', () => {
  test.for([
    { count: 1, rounds: 0, R: 1, U: 1 },
    { count: 63, rounds: 1, R: 4, U: 8 },
    { count: 65, rounds: 3, R: 2, U: 2 },
    { count: 257, rounds: 6, R: 3, U: 1 },
  ])('counts its steps: %j', async (each) => {
    await checkFma(each)(bound.gpu);
  });
});

describe('copy_quads', () => {
  test.for([1, 63, 64, 65, 1009])('%i quads', async (count) => {
    await checkCopy(count)(bound.gpu);
  });
});
