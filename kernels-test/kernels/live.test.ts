import { describe, expect, test } from 'vitest';
import { packLive } from '../../src/kernels/live';
import { matmul, plainOperand } from '../../src/kernels/matmul';
import { subgroupLanes } from '../../src/kernels/variant';
import { checkBackgroundDot, checkLiveProduct, checkPackLive, type LiveCase } from '../checks/live';
import { checkLiveColumns, type LiveColumnsCase } from '../checks/live-columns';
import { NO_HALVES, useEngine } from '../helpers';

const bound = useEngine();
const NO_SUBGROUPS = 'the adapter has no subgroups of a fixed size';

describe('pack_live_subgroup', () => {
  test.for([
    { steps: 1, rows: 4, height: 16 },
    { steps: 2, rows: 4, height: 16 },
    { steps: 9, rows: 64, height: 64 },
    { steps: 33, rows: 100, height: 32, first: 8 },
    { steps: 101, rows: 160, height: 64 },
    { steps: 31, rows: 36, height: 16, how: 'plain', first: 4 },
    { steps: 17, rows: 96, height: 32, half: true },
  ] as LiveCase[])('%j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    if (each.half && !bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    await checkPackLive(each)(bound.gpu);
  });
  test('what cannot be addressed or counted is refused by name', async () => {
    using array = bound.gpu.array('all', 64);
    const place = { input: array, background: array, lanes: 8, first: 0, width: 32, panel: 32, stride: 32 };
    const size = { steps: 1, rows: 32, height: 16 };
    await expect(packLive(bound.gpu, { ...place, ...size, rows: 30 })).rejects.toThrow('rows = 30');
    await expect(packLive(bound.gpu, { ...place, ...size, first: 2 })).rejects.toThrow('first = 2');
    await expect(packLive(bound.gpu, { ...place, ...size, steps: 0 })).rejects.toThrow('steps = 0');
    await expect(packLive(bound.gpu, { ...place, ...size, steps: 2 ** 24 + 1 })).rejects.toThrow('steps = 16777217');
  });
});

describe('background_dot', () => {
  test.for([
    { panels: 1, steps: 1 },
    { panels: 3, steps: 31, outputFirst: 32 },
    { panels: 33, steps: 101 },
  ])('%j', async (each) => {
    await checkBackgroundDot(each)(bound.gpu);
  });
});

describe('matmul_subgroup of what is more than a background', () => {
  test.for([
    { steps: 1, rows: 4, columns: 4, height: 16 },
    { steps: 2, rows: 32, columns: 32, height: 16 },
    { steps: 33, rows: 36, columns: 100, height: 32, how: 'plain', first: 4 },
    { steps: 101, rows: 160, columns: 96, height: 64, accumulate: true },
    // Heads past the first row of texels.
    { steps: 700, rows: 96, columns: 64, height: 64 },
    { steps: 65, rows: 64, columns: 64, height: 32, half: true },
  ] as (LiveCase & { columns: number })[])('float64 reference: %j', async (each, { skip }) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    if (each.half && !bound.gpu.features.has('shader-f16')) skip(NO_HALVES);
    await checkLiveProduct(each)(bound.gpu);
  });
  test('is refused by the others', async () => {
    using array = bound.gpu.array('all', 64);
    const of = plainOperand(array, 4);
    const product = {
      a: of,
      b: of,
      bias: { array, first: 0, stride: 0 },
      output: array,
      steps: 1,
      rows: 4,
      columns: 4,
    };
    const live = { background: array, columns: 0 };
    await expect(matmul(bound.gpu, { ...product, live, variant: 'tiled' })).rejects.toThrow('leaves steps out');
    await expect(matmul(bound.gpu, { ...product, live, matrix: true })).rejects.toThrow('leaves steps out');
  });
});

describe('matmul_subgroup of columns and rows that are chosen', () => {
  const run = async (each: LiveColumnsCase, skip: (why: string) => void) => {
    if (subgroupLanes(bound.gpu) === null) skip(NO_SUBGROUPS);
    await checkLiveColumns(each)(bound.gpu);
  };
  test.for([
    { steps: 1, rows: 1, columns: 4, height: 16 },
    { steps: 2, rows: 16, columns: 32, height: 16, empty: 0 },
    { steps: 33, rows: 17, columns: 100, height: 16, scale: 3, outputFirst: 8, outputStride: 108 },
    { steps: 101, rows: 65, columns: 160, height: 64, empty: 2 },
    { steps: 31, rows: 33, columns: 36, height: 32, accumulate: true },
  ] as LiveColumnsCase[])('columns above a background: %j', async (each, { skip }) =>
    run({ ...each, columnsAbove: 'background' }, skip));
  test.for([
    { steps: 66, rows: 17, columns: 100, height: 16, empty: 1 },
    { steps: 101, rows: 40, columns: 64, height: 64 },
  ] as LiveColumnsCase[])('a background of zeros changes no bit: %j', async (each, { skip }) =>
    run({ ...each, columnsAbove: 'zero' }, skip));
  test.for([
    { steps: 9, rows: 5, columns: 36, height: 16, rowsOf: 20 },
    { steps: 31, rows: 37, columns: 64, height: 32, rowsOf: 70, outputFirst: 4, outputStride: 72, accumulate: true },
  ] as LiveColumnsCase[])('rows that go where they are told: %j', async (each, { skip }) => run(each, skip));
  test.for([
    { steps: 50, rows: 16, columns: 64, height: 16, rowsOf: 100, empty: 1 },
    { steps: 101, rows: 70, columns: 100, height: 64, rowsOf: 203, outputFirst: 32, outputStride: 128 },
  ] as LiveColumnsCase[])('both: %j', async (each, { skip }) =>
    run({ ...each, columnsAbove: 'background', accumulate: true }, skip));
  test('both are refused by the others', async () => {
    using array = bound.gpu.array('all', 64);
    const of = plainOperand(array, 4);
    const sizes = { output: array, steps: 1, rows: 4, columns: 4 };
    const product = { a: of, b: of, bias: { array, first: 0, stride: 2 }, ...sizes };
    for (const how of [{ liveColumns: true }, { chosenRows: true }]) {
      for (const other of [{ variant: 'tiled' }, { matrix: true }] as const) {
        await expect(matmul(bound.gpu, { ...product, ...how, ...other })).rejects.toThrow('only matmul_subgroup');
      }
    }
  });
});
