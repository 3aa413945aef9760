// Products a^T b that are symmetric as a whole, into a matrix in pieces of rows: the upper half is computed, the lower one
// copied. Neither pieces nor blocks change a bit of it.

import type { Gpu } from '../gpu/gpu';
import type { Operand } from '../kernels/matmul';
import { mirror } from '../kernels/mirror';
import type { MatmulVariant } from '../kernels/variant';
import { BoundedProducts } from './bounded-product';
import type { GramMatrix } from './gram-matrix';

/** Some of the columns of a factor, which has one a sample. */
export interface FactorBlock {
  /** First sample among all, a multiple of 32. */
  readonly start: number;
  /** Samples, a multiple of 32: what stands past the last sample there is must be finite. */
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
  const { a, b, constant = 0, ...rest } = product;
  const { ld, rows: most, pieces } = matrix;
  using constants = gpu.upload('constant', Float32Array.of(constant));
  const bias = { array: constants, first: 0, stride: 0 };
  const products = new BoundedProducts(gpu, 'symmetric product', signal);
  for (const left of a) {
    const end = left.start + left.rows;
    for (let row = left.start; row < end; ) {
      const piece = Math.floor(row / most);
      const rows = Math.min(end, (piece + 1) * most) - row;
      const begin = row - left.start;
      for (const right of b) {
        await products.run({
          ...rest,
          a: (at) => left.from(begin + at),
          b: (at) => right.from(at),
          bias,
          output: pieces[piece]!,
          outputFirst: (row - piece * most) * ld + right.start,
          outputStride: ld,
          rows,
          columns: right.rows,
          triangle: { row, column: right.start },
        });
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
