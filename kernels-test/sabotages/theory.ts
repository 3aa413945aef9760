import {
  checkPhiSampled,
  checkPhiTile,
  checkPlaneCoordinates,
  checkPlanePrediction,
  checkRowDot,
} from '../checks/theory';
import type { Sabotages } from './sabotage';

const pairs = checkPhiTile({ rows: 31, columns: 33, d: 7, slope: 0.25, start: 5 });
const nearPairs = checkPhiTile({ rows: 13, columns: 29, d: 37, slope: 0.25, points: { near: 1e-3 } });
const shortPairs = checkPhiTile({ rows: 17, columns: 31, d: 33, slope: 0, scale: 1e-3 });
const sampled = checkPhiSampled({ rows: 31, columns: 33, draws: 70, slope: 0.25, start: 3 });
const predictions = checkPlanePrediction({ n: 31, count: 65, d: 7, slope: 0.25 });

export const THEORY: Sabotages = {
  row_dot: [
    { what: 'a quad lost', from: 'q < params.quads', to: 'q + 1u < params.quads', check: checkRowDot({ n: 63, d: 7 }) },
    { what: 'the first row of b', from: 'a[at] * b[at]', to: 'a[at] * b[q]', check: checkRowDot({ n: 63, d: 7 }) },
    {
      what: 'scale forgotten',
      from: 'params.scale * (',
      to: '(',
      check: checkRowDot({ n: 63, d: 7, scale: 0.25 }),
    },
    { what: 'no guard', from: 'i >= params.n', to: 'i > params.n', check: checkRowDot({ n: 63, d: 7 }) },
  ],
  phi_tile: [
    { what: 'near pairs from products', from: 'apart <= NEAR', to: 'apart < -1.0 + 0.0 * NEAR', check: nearPairs },
    {
      what: 'equal pairs from products',
      from: 'apart <= NEAR',
      to: 'apart < -1.0 + 0.0 * NEAR',
      check: checkPhiTile({ rows: 13, columns: 29, d: 37, slope: 0, points: 'equal' }),
    },
    { what: 'a quad of the differences lost', from: 'q < params.quads', to: 'q + 1u < params.quads', check: nearPairs },
    { what: 'the lean forgotten', from: '(gap * b - lean * lean)', to: 'gap * b', check: nearPairs },
    {
      what: 'the 1 of the bias back in',
      from: 'apart + (a * b - c * c);',
      to: '(1.0 + a) * (1.0 + b) - (1.0 + c) * (1.0 + c);',
      check: shortPairs,
    },
    {
      what: 'the built-in arc tangent to 11 bits',
      from: 'params.gain * angle',
      to: 'params.gain * angle * 1.0005',
      check: pairs,
    },
    { what: 'theta for pi - theta', from: 'cosine > 0.0)', to: 'cosine < 0.0)', check: pairs },
    { what: 'the octant forgotten', from: '0.785398163 + series', to: 'series', check: pairs },
    { what: 'no factor 1 / d', from: 'tile[at] * params.inverse_d', to: 'tile[at]', check: pairs },
    { what: 'slope forgotten', from: 'params.slope + params.gain', to: 'params.gain', check: pairs },
    { what: 'labels of another block', from: 'params.start + k', to: 'k', check: pairs },
    { what: 'labels of the points', from: 'params.start + k', to: 'params.start + i', check: pairs },
    { what: 'no guard of the columns', from: ' || i >= params.columns', to: '', check: pairs },
    {
      what: 'no guard of the rows',
      from: 'k >= params.rows || ',
      to: '',
      check: checkPhiTile({ rows: 33, columns: 31, d: 20, slope: 0, ld: 40 }),
    },
  ],
  phi_sampled: [
    { what: 'the last word lost', from: 'word < params.words', to: 'word + 1u < params.words', check: sampled },
    { what: 'one for both', from: 'countOneBits(p ^ q)', to: 'countOneBits(p | q)', check: sampled },
    {
      what: 'slope once',
      from: '* (f32(either) + params.slope * neither)',
      to: '* (f32(either) + neither)',
      check: sampled,
    },
    {
      what: 'bits of the rows by columns',
      from: 'word * params.rows + k',
      to: 'word * params.columns + k',
      check: sampled,
    },
    { what: 'labels of another block', from: 'params.start + k', to: 'k', check: sampled },
    { what: 'no guard of the columns', from: ' || i >= params.columns', to: '', check: sampled },
    {
      what: 'no guard of the rows',
      from: 'k >= params.rows || ',
      to: '',
      check: checkPhiSampled({ rows: 33, columns: 7, draws: 32, slope: 0 }),
    },
  ],
  plane_coordinates: [
    { what: 'axes exchanged', from: 'vec4f(e, f,', to: 'vec4f(f, e,', check: checkPlaneCoordinates({ n: 31, d: 7 }) },
    {
      what: 'a quad lost',
      from: /q < params\.quads/g,
      to: 'q + 1u < params.quads',
      check: checkPlaneCoordinates({ n: 31, d: 7 }),
    },
    {
      what: 'the distance by Pythagoras',
      from: /squares \+= off \* off;\s*\}/,
      to: 'squares += x[first + q] * x[first + q];\n  }\n  squares.x -= e * e + f * f;',
      check: checkPlaneCoordinates({ n: 64, d: 101, off: 1e-3 }),
    },
    { what: 'no guard', from: 'i >= params.n', to: 'i > params.n', check: checkPlaneCoordinates({ n: 31, d: 7 }) },
  ],
  plane_prediction: [
    { what: 'the last sample left out', from: 'i < params.n', to: 'i + 1u < params.n', check: predictions },
    {
      what: 'the distance from the plane forgotten',
      from: '(place.z + (gx * gx + gy * gy))',
      to: '(gx * gx + gy * gy)',
      check: predictions,
    },
    { what: 'the cross product forgotten', from: ' + cross * cross', to: '', check: predictions },
    { what: 'no root', from: 'sqrt(params.inverse_d * square)', to: 'params.inverse_d * square', check: predictions },
    { what: 'no slope', from: '(params.slope + params.gain', to: '(params.gain', check: predictions },
    { what: 'scale forgotten', from: 'params.scale * sum', to: 'sum', check: predictions },
    {
      what: 'products instead of squares',
      from: '(place.z + (gx * gx + gy * gy))',
      to: '(place.z + dot(place.xy, place.xy) + norm - 2.0 * (place.x * zx + place.y * zy))',
      check: checkPlanePrediction({ n: 1, count: 63, d: 2, slope: 0, on: true }),
    },
    { what: 'no guard', from: 'min(4u, params.count - first)', to: '4u', check: predictions },
    {
      what: 'the fourth point for the third',
      from: 'points[min(first + 2u, last)]',
      to: 'points[min(first + 3u, last)]',
      check: predictions,
    },
  ],
};
