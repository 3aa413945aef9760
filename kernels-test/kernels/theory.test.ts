import { describe, test } from 'vitest';
import {
  type CoordinatesCase,
  checkPhiSampled,
  checkPhiTile,
  checkPlaneCoordinates,
  checkPlanePrediction,
  checkRowDot,
  type PhiSampledCase,
  type PhiTileCase,
  type PredictionCase,
  type RowDotCase,
} from '../checks/theory';
import { useEngine } from '../helpers';

const bound = useEngine();

describe('row_dot', () => {
  test.for([
    { n: 1, d: 1 },
    { n: 63, d: 3 },
    { n: 64, d: 4, scale: -0.25 },
    { n: 65, d: 101, scale: 1 / 101 },
    { n: 7, d: 784, scale: 1 / 784 },
    { n: 65, d: 13, same: true },
  ] as RowDotCase[])('%j', async (each) => {
    await checkRowDot(each)(bound.gpu);
  });
});

describe('phi_tile', () => {
  const cases: PhiTileCase[] = [
    { rows: 1, columns: 1, d: 1, slope: 0 },
    { rows: 31, columns: 33, d: 7, slope: 0.25, start: 5 },
    { rows: 33, columns: 31, d: 20, slope: 0, ld: 40 },
    { rows: 7, columns: 65, d: 101, slope: 0.9, start: 1 },
    { rows: 17, columns: 5, d: 784, slope: 0 },
    // Short vectors, such as perturbations; far ones, such as unscaled pixels.
    { rows: 17, columns: 31, d: 33, slope: 0, scale: 1e-3 },
    { rows: 17, columns: 31, d: 33, slope: 0, scale: 1e-12 },
    { rows: 17, columns: 31, d: 33, slope: 0.25, scale: 300 },
    ...([1e-3, 1, 30] as const).flatMap((scale): PhiTileCase[] => [
      { rows: 13, columns: 29, d: 37, slope: 0, scale, points: 'equal' },
      { rows: 13, columns: 29, d: 37, slope: 0.25, scale, points: 'opposite' },
      { rows: 13, columns: 29, d: 37, slope: 0, scale, points: 'parallel' },
      { rows: 13, columns: 29, d: 37, slope: 0.25, scale, points: { near: 1e-6 } },
      { rows: 13, columns: 29, d: 37, slope: 0, scale, points: { near: 1e-3 } },
      { rows: 13, columns: 29, d: 37, slope: 0, scale, points: { near: 0.1 } },
    ]),
  ];
  test.for(cases)('float64 reference: %j', async (each) => {
    await checkPhiTile(each)(bound.gpu);
  });
});

describe('phi_sampled', () => {
  test.for([
    { rows: 1, columns: 1, draws: 1, slope: 0 },
    { rows: 31, columns: 33, draws: 31, slope: 0.25, start: 3 },
    { rows: 33, columns: 7, draws: 32, slope: 0 },
    { rows: 65, columns: 31, draws: 1000, slope: 0.1, start: 1 },
  ] as PhiSampledCase[])('%j', async (each) => {
    await checkPhiSampled(each)(bound.gpu);
  });
});

describe('plane_coordinates', () => {
  test.for([
    { n: 1, d: 1 },
    { n: 31, d: 2 },
    { n: 65, d: 7, line: true },
    { n: 33, d: 101, off: 1e-3 },
    { n: 64, d: 101, off: 0 },
    { n: 5, d: 784 },
  ] as CoordinatesCase[])('%j', async (each) => {
    await checkPlaneCoordinates(each)(bound.gpu);
  });
});

describe('plane_prediction', () => {
  test.for([
    { n: 1, count: 1, d: 1, slope: 0 },
    { n: 31, count: 65, d: 7, slope: 0.25 },
    { n: 101, count: 33, d: 100, slope: 0, scale: 1e-3 },
    { n: 33, count: 64, d: 2, slope: 0, on: true },
    { n: 1, count: 63, d: 2, slope: 0, on: true },
    { n: 257, count: 31, d: 784, slope: 0.5, scale: 20 },
  ] as PredictionCase[])('%j', async (each) => {
    await checkPlanePrediction(each)(bound.gpu);
  });
});
