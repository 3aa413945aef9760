// A product in as many submits as keep each short, by rectangles of its output.
//
// An entry is one ascending sum in one lane whatever rectangle it falls into, so the clock, by which rectangles are sized,
// does not change a bit.

import type { Gpu } from '../gpu/gpu';
import { type MatmulArgs, matmul, type Operand, panelHeight } from '../kernels/matmul';
import { matmulVariant } from '../kernels/variant';
import { SUBMIT_SECONDS } from './submit-time';

/** Multiply-adds of the first submits, before any has been timed: a tenth of a second on the slowest adapter measured. */
const FIRST_WORK = 1e8;
/** Rectangles are cut at multiples of what a workgroup of any variant makes. */
const EDGE = 64;

/** As {@link MatmulArgs}, the operands from a row or a column of the product (a multiple of 32) on. */
export type BoundedProductArgs = Omit<MatmulArgs, 'a' | 'b' | 'outputFirst' | 'outputStride'> & {
  a(row: number): Operand;
  b(column: number): Operand;
  readonly outputFirst: number;
  readonly outputStride: number;
};

/** Runs products, one after the other, in submits that grow to {@link SUBMIT_SECONDS}. */
export class BoundedProducts {
  /** Multiply-adds that the next submit should have. */
  #work = FIRST_WORK;

  constructor(
    private readonly gpu: Gpu,
    private readonly label: string,
    private readonly signal?: AbortSignal,
  ) {}

  /** As {@link matmul}. @throws the signal's reason when aborted; the output is then partly written */
  async run(product: BoundedProductArgs): Promise<void> {
    const { steps, rows, columns, triangle } = product;
    // As suits the whole: rectangles of other sizes would each compile a kernel of their own.
    const { lanes } = matmulVariant(this.gpu, product.variant);
    const args = { height: panelHeight(steps * columns, lanes), ...product };
    for (let row = 0; row < rows; ) {
      // Columns left of the diagonal are left out here by whole multiples of 32, inside a rectangle by the kernel.
      const first = triangle ? Math.max(0, triangle.row + row - triangle.column) : 0;
      if (first >= columns) return;
      const high = Math.min(this.#fit(steps * (columns - first)), rows - row);
      for (let column = first; column < columns; ) {
        const wide = Math.min(this.#fit(steps * high), columns - column);
        await this.#rectangle(args, row, high, column, wide);
        column += wide;
      }
      row += high;
    }
  }

  /** Rows or columns, each of so many multiply-adds, that one submit should have. */
  #fit(each: number): number {
    return Math.max(1, Math.floor(this.#work / each / EDGE)) * EDGE;
  }

  async #rectangle(
    args: BoundedProductArgs,
    row: number,
    rows: number,
    column: number,
    columns: number,
  ): Promise<void> {
    const { a, b, bias, triangle, live } = args;
    this.signal?.throwIfAborted();
    const step = await matmul(this.gpu, {
      ...args,
      a: a(row),
      b: b(column),
      bias: { ...bias, first: bias.first + row * bias.stride },
      outputFirst: args.outputFirst + row * args.outputStride + column,
      rows,
      columns,
      ...(live ? { live: { ...live, columns: live.columns + column } } : {}),
      ...(triangle ? { triangle: { row: triangle.row + row, column: triangle.column + column } } : {}),
    });
    using batch = this.gpu.batch(this.label);
    step(batch);
    const began = this.gpu.now();
    await batch.submit();
    const seconds = (this.gpu.now() - began) / 1000;
    // The first includes compiling, so growth is what is bounded, and a submit never shrinks below the first.
    const fitting = (SUBMIT_SECONDS / Math.max(seconds, 1e-6)) * rows * columns * args.steps;
    this.#work = Math.max(FIRST_WORK, Math.min(4 * this.#work, fitting));
  }
}
