// Products a^T b that are symmetric as a whole, into a matrix in pieces of rows or in an image: the upper half is computed, the
// lower one copied. Neither pieces nor blocks change a bit of it.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { type GpuImage, imageStride } from '../gpu/image';
import type { Operand } from '../kernels/matmul';
import { mirror, mirrorImage } from '../kernels/mirror';
import type { MatmulVariant } from '../kernels/variant';
import { BoundedProducts } from './bounded-product';
import { type GramMatrix, gramPanel, gramPanelLength } from './gram-matrix';

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
  /** By matmul_subgroup: a and b count from a background on. Then `constant` is of no effect, but in its shares. */
  readonly live?: {
    /** (steps) */
    readonly background: GpuArray;
    /** Of every sample, what it adds to its row and to its column of the matrix: its part of {@link LiveSteps}'s last three terms. */
    readonly shares: GpuArray;
  };
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
  const { image } = matrix;
  if (image) await intoImage(gpu, matrix, image, product, signal);
  else await intoArrays(gpu, matrix, product, signal);
}

/** A product that is made some rows at a time. */
class Rows {
  readonly #products: BoundedProducts;
  readonly #constant: GpuArray;

  constructor(
    gpu: Gpu,
    private readonly product: SymmetricProduct,
    signal?: AbortSignal,
  ) {
    this.#products = new BoundedProducts(gpu, 'symmetric product', signal);
    this.#constant = gpu.upload('constant', Float32Array.of(product.constant ?? 0));
  }

  /** Rows `row` to `row + rows`, all of the block `left`, from the diagonal on, to an output in rows of `ld` from its `first` on. */
  async run(
    left: FactorBlock,
    row: number,
    rows: number,
    to: { readonly output: GpuArray; readonly first: number; readonly ld: number },
  ): Promise<void> {
    const { a: _a, b, constant: _constant, live, ...rest } = this.product;
    const constant = { array: this.#constant, first: 0, stride: 0 };
    for (const right of b) {
      await this.#products.run({
        ...rest,
        a: (at) => left.from(row - left.start + at),
        b: (at) => right.from(at),
        bias: live ? { array: live.shares, first: row, stride: 1 } : constant,
        ...(live ? { live: { background: live.background, columns: right.start } } : {}),
        output: to.output,
        outputFirst: to.first + right.start,
        outputStride: to.ld,
        rows,
        columns: right.rows,
        triangle: { row, column: right.start },
      });
    }
  }

  [Symbol.dispose](): void {
    this.#constant.dispose();
  }
}

async function intoArrays(
  gpu: Gpu,
  matrix: GramMatrix,
  product: SymmetricProduct,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { ld, rows: most, arrays } = matrix;
  using all = new Rows(gpu, product, signal);
  for (const left of product.a) {
    const end = left.start + left.rows;
    for (let row = left.start; row < end; ) {
      const piece = Math.floor(row / most);
      const rows = Math.min(end, (piece + 1) * most) - row;
      await all.run(left, row, rows, { output: arrays[piece]!, first: (row - piece * most) * ld, ld });
      row += rows;
    }
  }
  await mirrorUpper(gpu, matrix, signal);
}

/** Panels of rows are made in an array, completed by the columns of those before, and copied to the image. */
async function intoImage(
  gpu: Gpu,
  { n, ld }: GramMatrix,
  image: GpuImage,
  product: SymmetricProduct,
  signal: AbortSignal | undefined,
): Promise<void> {
  const most = gramPanel(gpu, n);
  const stride = imageStride(ld);
  using all = new Rows(gpu, product, signal);
  using panel = gpu.array('rows of K', gramPanelLength(gpu, n));
  for (const left of product.a) {
    const end = left.start + left.rows;
    for (let row = left.start; row < end; row += most) {
      const rows = Math.min(end - row, most);
      if (product.accumulate) gpu.batch('rows of K').copyFromImage(image, row, rows, panel).send();
      await all.run(left, row, rows, { output: panel, first: 0, ld: stride });
      const batch = gpu.batch('mirror');
      const square = { array: panel, start: row, rows };
      (await mirror(gpu, { source: square, destination: square, ld: stride }))(batch);
      if (row > 0) (await mirrorImage(gpu, { matrix: image, rows: panel, start: row, height: rows, stride }))(batch);
      // The next product, or whoever reads the image, waits for it.
      batch.copyToImage(panel, image, row, rows).send();
    }
  }
  await gpu.finish();
}

/** The lower half of the matrix from its upper one, two pieces a submit. */
async function mirrorUpper(gpu: Gpu, matrix: GramMatrix, signal?: AbortSignal): Promise<void> {
  const { ld, rows, arrays } = matrix;
  const piece = (at: number) => ({ array: arrays[at]!, start: at * rows, rows: Math.min(rows, ld - at * rows) });
  for (let to = 0; to < arrays.length; to++) {
    for (let from = 0; from <= to; from++) {
      signal?.throwIfAborted();
      const batch = gpu.batch('mirror');
      (await mirror(gpu, { source: piece(from), destination: piece(to), ld }))(batch);
      await batch.submit();
    }
  }
}
