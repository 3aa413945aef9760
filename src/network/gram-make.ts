// K = X X^T + 1 from the samples.

import type { Gpu } from '../gpu/gpu';
import { panelOperand } from '../kernels/matmul';
import type { MatmulLayout } from '../kernels/variant';
import { type GramConstant, GramMatrix, gramRow } from './gram-matrix';
import type { Panels } from './samples';
import { symmetricProduct } from './symmetric-product';

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
  const matrix = GramMatrix.allocate(gpu, last.start + last.rows, constant);
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
