// K = X X^T + 1 from the samples.

import type { Gpu } from '../gpu/gpu';
import { panelOperand } from '../kernels/matmul';
import type { MatmulLayout } from '../kernels/variant';
import { LiveGram } from './background';
import { type GramConstant, GramMatrix, gramRow } from './gram-matrix';
import type { Panels } from './samples';
import { symmetricProduct } from './symmetric-product';

export interface GramMakingOptions {
  /** 1 (default) for the bias, 0 where it is kept apart. */
  readonly constant?: GramConstant;
  /** Whose matmul variant is used; default: what suits the adapter. */
  readonly layout?: MatmulLayout;
  /** What most samples share, {@link findBackground}: the product then leaves out what is nothing else. */
  readonly background?: Float32Array | undefined;
  /** A matrix that nobody needs any more: taken over, or disposed. */
  readonly spare?: GramMatrix | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * K = X X^T + 1 of samples in any number of blocks; the caller disposes it. Neither blocks nor pieces change a bit of it.
 * @throws the signal's reason when aborted
 */
export async function gramMatrix(gpu: Gpu, panels: Panels, options: GramMakingOptions = {}): Promise<GramMatrix> {
  const { constant = 1, layout, background, spare, signal } = options;
  const { blocks, arrays, d } = panels;
  const last = blocks[blocks.length - 1]!;
  const matrix = GramMatrix.allocate(gpu, last.start + last.rows, constant, spare);
  try {
    // Panels are padded with samples that are zero, so whole panels can be multiplied.
    const factor = blocks.map(({ start, rows }, at) => ({
      start,
      rows: gramRow(rows),
      from: (sample: number) => panelOperand(arrays[at]!, d, sample),
    }));
    using live = background && (await LiveGram.create(gpu, panels, background, constant));
    const by = { ...(layout ? { variant: layout.variant } : {}), ...(live ? { live } : {}) };
    await symmetricProduct(gpu, matrix, { a: factor, b: factor, steps: d, constant, ...by }, signal);
    return matrix;
  } catch (error) {
    matrix.dispose();
    throw error;
  }
}
