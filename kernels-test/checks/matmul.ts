// matmul_subgroup, matmul_tiled.

import { matmul, type Operand, type PanelHeight } from '../../src/kernels/matmul';
import type { MatmulVariant, Tile } from '../../src/kernels/variant';
import { asHalves, Bench, Draws, expectClose, expectSameBits, runStep, U } from '../harness';
import type { Check } from './case';

/** How an operand lies in memory. */
export type Arrangement = 'plain' | 'panels' | 'transposed';

export interface MatmulCase {
  readonly variant: MatmulVariant;
  /** Tiled only. */
  readonly tile?: Tile;
  /** Subgroup only. */
  readonly height?: PanelHeight;
  /** By matmul_matrix, whose sums may be in any order. */
  readonly matrix?: boolean;
  /** Operands stored as halves: they are drawn as such, so nothing else changes. */
  readonly half?: boolean;
  readonly steps: number;
  readonly rows: number;
  readonly columns: number;
  readonly a?: Arrangement;
  /** Never transposed: four columns are read together. */
  readonly b?: 'plain' | 'panels';
  /** First elements of the operands. */
  readonly firsts?: readonly [a: number, b: number];
  readonly bias?: { readonly first: number; readonly stride: 0 | 1 };
  readonly outputFirst?: number;
  readonly outputStride?: number;
  readonly scale?: number;
  readonly accumulate?: boolean;
  /** Where in a symmetric matrix the product begins. */
  readonly triangle?: { readonly row: number; readonly column: number };
  /** Small integers and a scale that is a power of two: every bit must agree. */
  readonly exact?: boolean;
}

/** A (k, width) matrix of plain rows, arranged from element `first` on; what lies between its entries is NaN. */
export function arrange(how: Arrangement, values: Float32Array, steps: number, width: number, first: number) {
  const empty = (length: number) => new Float32Array(first + length).fill(Number.NaN);
  if (how === 'panels') {
    const out = empty(Math.ceil(width / 32) * 32 * steps);
    for (let k = 0; k < steps; k++) {
      for (let r = 0; r < width; r++) {
        out[first + (Math.floor(r / 32) * steps + k) * 32 + (r % 32)] = values[k * width + r]!;
      }
    }
    return { out, place: { width: 32, panel: 32 * steps, stride: 32 } };
  }
  // Rows longer than they are used, by whole quads.
  if (how === 'plain') {
    const ld = Math.ceil(width / 4) * 4 + 4;
    const out = empty(steps * ld);
    for (let k = 0; k < steps; k++) out.set(values.subarray(k * width, (k + 1) * width), first + k * ld);
    return { out, place: { width: ld, panel: 0, stride: ld } };
  }
  const ld = steps + 3;
  const out = empty(width * ld);
  for (let k = 0; k < steps; k++) for (let r = 0; r < width; r++) out[first + r * ld + k] = values[k * width + r]!;
  return { out, place: { width: 1, panel: ld, stride: 1 } };
}

export function checkMatmul(test: MatmulCase): Check {
  const {
    variant,
    steps,
    rows,
    columns,
    exact = false,
    outputFirst = 0,
    scale = 1,
    accumulate = false,
    triangle,
  } = test;
  const { bias: { first, stride } = { first: 2, stride: 1 as const }, firsts = [0, 0], outputStride = columns } = test;
  return async (gpu) => {
    const draws = new Draws(steps * 1e6 + rows * 1e3 + columns);
    const draw = (length: number) => (exact ? draws.integers(length, 5) : draws.normal(length));
    const stored = test.half ? asHalves : (values: Float32Array) => values;
    const A = stored(draw(steps * rows));
    const B = stored(draw(steps * columns));
    const biases = draw(first + rows * stride + 1);
    // The head, and what lies between the rows.
    const before = draw(outputFirst + (rows - 1) * outputStride + columns);
    using bench = new Bench(gpu);
    const operand = (label: string, how: Arrangement, values: Float32Array, width: number, from: number): Operand => {
      const { out, place } = arrange(how, values, steps, width, from);
      return { array: test.half ? bench.halves(label, out) : bench.input(label, out), first: from, ...place };
    };
    const a = operand('a', test.a ?? 'plain', A, rows, firsts[0]);
    const b = operand('b', test.b ?? 'plain', B, columns, firsts[1]);
    const bias = { array: bench.input('bias', biases), first, stride };
    const sizes = {
      variant,
      steps,
      rows,
      columns,
      outputFirst,
      outputStride,
      scale,
      accumulate,
      ...(test.tile ? { tile: test.tile } : {}),
      ...(test.height ? { height: test.height } : {}),
      ...(test.matrix ? { matrix: true } : {}),
    };
    const run = async () => {
      const output = bench.inout('output', before);
      await runStep(gpu, await matmul(gpu, { a, b, bias, output, ...sizes, ...(triangle ? { triangle } : {}) }));
      return bench.floats(output, outputFirst);
    };
    const output = await run();
    const expected = new Float64Array(rows * columns);
    const actual = new Float32Array(rows * columns);
    const tolerance = new Float64Array(rows * columns);
    const factor = Math.fround(scale);
    let kept = 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const at = r * columns + c;
        const held = before[outputFirst + r * outputStride + c]!;
        actual[at] = output[r * outputStride + c]!;
        if (triangle && triangle.row + r > triangle.column + c && actual[at] === held) {
          expected[at] = held;
          kept++;
          continue;
        }
        let sum: number = biases[first + r * stride]!;
        let size = Math.abs(sum);
        for (let k = 0; k < steps; k++) {
          const term = A[k * rows + r]! * B[k * columns + c]!;
          sum += term;
          size += Math.abs(term);
        }
        const old = accumulate ? held : 0;
        expected[at] = factor * sum + old;
        // A product and an addition a step, the addition of nothing that fills the last round of steps, the scale, and the
        // addition of what was there.
        tolerance[at] = exact ? 0 : (steps + 4) * U * (Math.abs(factor) * size + Math.abs(old));
      }
    }
    const at = (e: number) => `row ${Math.floor(e / columns)}, column ${e % columns}`;
    expectClose('product', actual, expected, (e) => tolerance[e]!, at);
    for (let e = 0; e < output.length; e++) {
      if (e % outputStride < columns || Object.is(output[e], before[outputFirst + e])) continue;
      throw new Error(`element ${e} between two rows was changed`);
    }
    if (triangle) expectLeftOut(kept, rows, columns, triangle, test.tile);
    expectSameBits('product', await run(), output);
  };
}

/** Fails unless as much is left out as all tiles below the diagonal hold. */
function expectLeftOut(
  kept: number,
  rows: number,
  columns: number,
  from: { row: number; column: number },
  tile: Tile = { rows: 1, columns: 1 },
): void {
  const [high, wide] = [64 * tile.rows, 64 * tile.columns];
  let least = 0;
  for (let r = 0; r + high <= rows; r += high) {
    for (let c = 0; c + wide <= columns; c += wide) if (from.row + r >= from.column + c + wide) least += high * wide;
  }
  if (kept < least) throw new Error(`only ${kept} entries below the diagonal were left out, not ${least}`);
}
