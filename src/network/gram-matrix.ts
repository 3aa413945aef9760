// K = X X^T + 1, all that training in Gram space sees of the samples (design.md): a symmetric matrix in pieces of rows.

import type { GpuArray } from '../gpu/array';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { MATMUL_ROWS, panelOperand } from '../kernels/matmul';
import type { MatmulLayout } from '../kernels/variant';
import type { Panels } from './samples';
import { symmetricProduct } from './symmetric-product';

/** Row length of everything that has an entry a sample: whole panels, so that no lane needs a guard. */
export function gramRow(n: number): number {
  return Math.ceil(n / 32) * 32;
}

/** Elements of K: as many rows as a row is long, which are whole multiples of {@link MATMUL_ROWS}. */
export function gramLength(n: number): number {
  return gramRow(n) ** 2;
}

/** What is added to every entry of X X^T: 1 stands for the bias; 0 where the bias is kept apart. */
export type GramConstant = 0 | 1;

/** Rows of a piece of K on this adapter, 0 where not even {@link MATMUL_ROWS} fit one binding, and how many pieces there are. */
export function gramPieces(gpu: Gpu, n: number): { readonly rows: number; readonly count: number } {
  const ld = gramRow(n);
  const most = Math.floor(gpu.maxArrayLength / ld / MATMUL_ROWS) * MATMUL_ROWS;
  const rows = Math.min(most, ld);
  return { rows, count: rows > 0 ? Math.ceil(ld / rows) : Infinity };
}

/** An (n, n) symmetric matrix in pieces of whole rows, none larger than one binding reaches. Disposes its arrays. */
export class GramMatrix {
  private constructor(
    /** Samples. */
    readonly n: number,
    /** Row length: n rounded up to whole panels of 32. */
    readonly ld: number,
    /** Rows of a piece, a multiple of 32; the last piece holds what is left of ld rows. */
    readonly rows: number,
    /**
     * (rows, ld) each. Rows and columns past n are finite: what the products make of samples that are zero, so 1 in
     * K = X X^T + 1.
     */
    readonly pieces: readonly GpuArray[],
  ) {}

  /** An uninitialised matrix. @throws GpuOutOfMemoryError when even {@link MATMUL_ROWS} rows do not fit one array */
  static allocate(gpu: Gpu, n: number): GramMatrix {
    const ld = gramRow(n);
    const { rows } = gramPieces(gpu, n);
    if (rows === 0) {
      const bytes = 4 * MATMUL_ROWS * ld;
      const what = `${MATMUL_ROWS} rows of the matrix X X^T of ${n} samples`;
      const limit = formatBytes(gpu.maxArrayLength * 4);
      throw new GpuOutOfMemoryError(
        `${what} need ${formatBytes(bytes)} in one piece; this adapter binds at most ${limit}.`,
        'K',
        bytes,
      );
    }
    const pieces: GpuArray[] = [];
    try {
      for (let start = 0; start < ld; start += rows) {
        pieces.push(gpu.array('K', Math.min(rows, ld - start) * ld));
      }
      return new GramMatrix(n, ld, rows, pieces);
    } catch (error) {
      for (const piece of pieces) piece.dispose();
      throw error;
    }
  }

  /** A matrix of its own with the same entries; the caller disposes it. */
  async copy(gpu: Gpu): Promise<GramMatrix> {
    const other = GramMatrix.allocate(gpu, this.n);
    try {
      const batch = gpu.batch('copy K');
      for (const [at, piece] of this.pieces.entries()) batch.copy(piece, 0, other.pieces[at]!, 0, piece.length);
      await batch.submit();
      return other;
    } catch (error) {
      other.dispose();
      throw error;
    }
  }

  /** Device bytes. */
  get bytes(): number {
    return this.pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  }

  dispose(): void {
    for (const piece of this.pieces) piece.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * K = X X^T + 1 of samples in any number of blocks; the caller disposes it. Neither blocks nor pieces change a bit of it.
 * @param constant 1 for the bias, 0 where it is kept apart
 * @param layout whose matmul variant is used; default: what suits the adapter
 * @throws the signal's reason when aborted
 */
export async function gramMatrix(
  gpu: Gpu,
  panels: Panels,
  layout?: MatmulLayout,
  signal?: AbortSignal,
  constant: GramConstant = 1,
): Promise<GramMatrix> {
  const { blocks, arrays, d } = panels;
  const last = blocks[blocks.length - 1]!;
  const matrix = GramMatrix.allocate(gpu, last.start + last.rows);
  try {
    // Panels are padded with samples that are zero, so whole panels can be multiplied.
    const factor = blocks.map(({ start, rows }, at) => ({
      start,
      rows: gramRow(rows),
      from: (sample: number) => panelOperand(arrays[at]!, d, sample),
    }));
    const variant = layout ? { variant: layout.variant } : {};
    await symmetricProduct(gpu, matrix, { a: factor, b: factor, steps: d, constant, ...variant }, signal);
    return matrix;
  } catch (error) {
    matrix.dispose();
    throw error;
  }
}
