// Products a^T b that are symmetric as a whole, into a matrix in pieces of rows: the upper half is computed, by rectangles,
// the lower one copied.
//
// An entry is one ascending sum in one lane whatever rectangle it falls into, so neither pieces nor blocks nor the clock,
// by which rectangles are sized, change a bit.

import type { Gpu } from '../gpu/gpu';
import { matmul, type Operand } from '../kernels/matmul';
import { mirror } from '../kernels/mirror';
import type { MatmulVariant } from '../kernels/variant';
import type { GramMatrix } from './gram-matrix';

/** Some of the columns of a factor, which has one a sample. */
export interface FactorBlock {
  /** First sample among all, a multiple of 32. */
  readonly start: number;
  /** Samples, a multiple of 32: what lies past the last one must be zero, or finite where nothing is asked of it. */
  readonly rows: number;
  /** The factor from a sample of the block (a multiple of 32) on. */
  from(sample: number): Operand;
}

export interface SymmetricProduct {
  /** (steps, ld) in blocks of columns. */
  readonly a: readonly FactorBlock[];
  /** (steps, ld), in blocks that may be others. */
  readonly b: readonly FactorBlock[];
  readonly steps: number;
  /** Added to every entry (default 0). */
  readonly constant?: number;
  /** Adds to what the matrix holds. */
  readonly accumulate?: boolean;
  readonly variant?: MatmulVariant;
}

/** Time of one submit: display watchdogs end one that takes seconds, and a user who aborts waits for one. */
const SUBMIT_SECONDS = 0.1;
/** Multiply-adds of the first submits, before any has been timed: a tenth of a second on the slowest adapter measured. */
const FIRST_WORK = 1e8;
/** Rectangles are cut at multiples of what a workgroup of any variant makes. */
const EDGE = 64;

/**
 * matrix = a^T b + constant, or that added to it; a^T b must be symmetric up to rounding.
 * @throws the signal's reason when aborted; the matrix is then partly written
 */
export async function symmetricProduct(
  gpu: Gpu,
  matrix: GramMatrix,
  product: SymmetricProduct,
  signal?: AbortSignal,
): Promise<void> {
  const { a, b, steps, constant = 0, accumulate = false, variant } = product;
  const { ld, rows: pieceRows, pieces } = matrix;
  using constants = gpu.upload('constant', Float32Array.of(constant));
  const common = {
    bias: { array: constants, first: 0, stride: 0 },
    steps,
    outputStride: ld,
    accumulate,
    ...(variant ? { variant } : {}),
  };
  let work = FIRST_WORK;
  /** The entries right of the diagonal among `rows` rows from `row` on and `columns` columns from `column` on. */
  const rectangle = async (
    left: FactorBlock,
    row: number,
    rows: number,
    right: FactorBlock,
    column: number,
    columns: number,
  ) => {
    signal?.throwIfAborted();
    const piece = Math.floor(row / pieceRows);
    const step = await matmul(gpu, {
      ...common,
      a: left.from(row - left.start),
      b: right.from(column - right.start),
      output: pieces[piece]!,
      outputFirst: (row - piece * pieceRows) * ld + column,
      rows,
      columns,
      triangle: { row, column },
    });
    const batch = gpu.batch('symmetric product');
    step(batch);
    const began = performance.now();
    await batch.submit();
    const seconds = (performance.now() - began) / 1000;
    // The first includes compiling, so growth is what is bounded, and a submit never shrinks below the first.
    const fitting = (SUBMIT_SECONDS / Math.max(seconds, 1e-6)) * rows * columns * steps;
    work = Math.max(FIRST_WORK, Math.min(4 * work, fitting));
  };
  const fit = (entries: number) => Math.max(1, Math.floor(work / steps / entries / EDGE)) * EDGE;

  for (const left of a) {
    const end = left.start + left.rows;
    for (let row = left.start; row < end; ) {
      const pieceEnd = (Math.floor(row / pieceRows) + 1) * pieceRows;
      const rows = Math.min(fit(ld - row), end - row, pieceEnd - row);
      for (const right of b) {
        const stop = right.start + right.rows;
        for (let column = Math.max(row, right.start); column < stop; ) {
          const columns = Math.min(fit(rows), stop - column);
          await rectangle(left, row, rows, right, column, columns);
          column += columns;
        }
      }
      row += rows;
    }
  }
  await mirrorUpper(gpu, matrix, signal);
}

/** The lower half of the matrix from its upper one, two pieces a submit. */
async function mirrorUpper(gpu: Gpu, matrix: GramMatrix, signal?: AbortSignal): Promise<void> {
  const { ld, rows, pieces } = matrix;
  const piece = (at: number) => ({ array: pieces[at]!, start: at * rows, rows: Math.min(rows, ld - at * rows) });
  for (let to = 0; to < pieces.length; to++) {
    for (let from = 0; from <= to; from++) {
      signal?.throwIfAborted();
      const batch = gpu.batch('mirror');
      (await mirror(gpu, { source: piece(from), destination: piece(to), ld }))(batch);
      await batch.submit();
    }
  }
}
