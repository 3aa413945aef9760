import { describe, expect, test } from 'vitest';
import { crowdGradient } from '../../src/kernels/crowd';
import { subgroupLanes } from '../../src/kernels/variant';
import { type CrowdCase, checkCrowdGradient } from '../checks/crowd';
import { useEngine } from '../helpers';

const bound = useEngine();
const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';

describe('crowd_gradient_subgroup', () => {
  test.for([
    { n: 1, d: 1, m: 1, chosen: [0], flips: 1 },
    { n: 31, d: 3, m: 2, chosen: [1], flips: 20, ground: true },
    { n: 32, d: 4, m: 1, chosen: [0], flips: 32 },
    { n: 33, d: 7, m: 6, chosen: [4, 0, 5, 1], flips: 33, passes: 2, ground: true },
    { n: 101, d: 10, m: 9, chosen: [8, 2, 7, 3, 0, 5], flips: 70, passes: 3 },
    { n: 63, d: 66, m: 4, chosen: [3, 1, 2, 0], flips: 40, ground: true },
    // All flip, and none.
    { n: 257, d: 33, m: 3, chosen: [2, 0], flips: 257, passes: 9, ground: true },
    { n: 65, d: 20, m: 2, chosen: [1, 0], flips: 0, ground: true },
    // More quads of samples than a lane has bits for.
    { n: 1153, d: 5, m: 2, chosen: [0, 1], flips: 50, passes: 2 },
  ] as CrowdCase[])('float64 reference: %j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkCrowdGradient(each)(bound.gpu);
  });
  test.for([
    { n: 101, d: 66, m: 6, chosen: [5, 1, 3], flips: 80, passes: 3, ground: true, cuts: [64] },
    { n: 129, d: 9, m: 3, chosen: [2, 0, 1], flips: 60, cuts: [32, 64, 96], quiet: [32, 96] },
    { n: 97, d: 3, m: 2, chosen: [1], flips: 40, ground: true, cuts: [96], quiet: [96, 97] },
  ] as CrowdCase[])('the same in several blocks of samples: %j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkCrowdGradient(each)(bound.gpu);
  });
  test('what is no crowd, or no block, is refused by name', async () => {
    using array = bound.gpu.array('all', 64);
    using words = bound.gpu.array('words', 64, 'u32');
    const arrays = {
      x: array,
      sources: array,
      neurons: words,
      state: array,
      chosen: words,
      ground: array,
      output: array,
    };
    const args = { ...arrays, count: 1, m: 1, ld: 32, d: 1, start: 0, rows: 1, closes: true, lanes: 8 };
    await expect(crowdGradient(bound.gpu, { ...args, count: 0 })).rejects.toThrow('count = 0');
    await expect(crowdGradient(bound.gpu, { ...args, rows: 0 })).rejects.toThrow('rows = 0');
    await expect(crowdGradient(bound.gpu, { ...args, start: 33 })).rejects.toThrow('start = 33');
  });
});
