// mirror_across, mirror_within, mirror_image.

import { mirror, mirrorImage } from '../../src/kernels/mirror';
import { Bench, Draws, expectExact, expectSameBits, runStep } from '../harness';
import type { Check } from './case';

export interface MirrorCase {
  readonly ld: number;
  readonly source: { readonly start: number; readonly rows: number };
  /** Absent: in place. */
  readonly destination?: { readonly start: number; readonly rows: number };
}

export function checkMirror({ ld, source, destination }: MirrorCase): Check {
  return async (gpu) => {
    const draws = new Draws(ld * 1e3 + source.rows);
    const values = draws.normal(source.rows * ld);
    const before = destination ? draws.normal(destination.rows * ld) : values;
    const to = destination ?? source;
    using bench = new Bench(gpu);
    const given = destination ? bench.input('source', values) : undefined;
    const run = async () => {
      const output = bench.inout('destination', before);
      const pieces = { source: { array: given ?? output, ...source }, destination: { array: output, ...to } };
      await runStep(gpu, await mirror(gpu, { ...pieces, ld }));
      return bench.floats(output);
    };
    const actual = await run();
    const expected = before.slice();
    for (let r = to.start; r < to.start + to.rows; r++) {
      for (let c = source.start; c < source.start + source.rows && c < r; c++) {
        expected[(r - to.start) * ld + c] = values[(c - source.start) * ld + r]!;
      }
    }
    expectExact('mirrored', actual, expected, (e) => `row ${to.start + Math.floor(e / ld)}, column ${e % ld}`);
    expectSameBits('mirrored', await run(), actual);
  };
}

export interface MirrorImageCase {
  /** Row length of an image, and of arrays. */
  readonly ld: number;
  readonly stride: number;
  readonly start: number;
  readonly height: number;
}

export function checkMirrorImage({ ld, stride, start, height }: MirrorImageCase): Check {
  return async (gpu) => {
    const draws = new Draws(ld * 1e3 + start);
    const values = draws.normal(start * ld);
    const before = draws.normal(height * stride);
    const expected = before.slice();
    for (let r = 0; r < height; r++) {
      for (let c = 0; c < start; c++) expected[r * stride + c] = values[c * ld + start + r]!;
    }
    using bench = new Bench(gpu);
    const padded = new Float32Array(start * stride).fill(Number.NaN);
    for (let c = 0; c < start; c++) padded.set(values.subarray(c * ld, (c + 1) * ld), c * stride);
    for (const matrix of [bench.input('matrix', padded), bench.image('matrix', values, ld / 4)]) {
      const rows = bench.inout('rows', before);
      await runStep(gpu, await mirrorImage(gpu, { matrix, rows, start, height, stride }));
      const at = (e: number) => `row ${Math.floor(e / stride)}, column ${e % stride}`;
      expectExact('mirrored', await bench.floats(rows), expected, at);
    }
  };
}
