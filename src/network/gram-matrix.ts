// K = X X^T + 1, all that training in Gram space sees of the samples (design.md): a symmetric matrix in pieces of rows, or in
// an image where the neuron loop reads that faster.

import type { GpuArray } from '../gpu/array';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { GpuImage, imageStride } from '../gpu/image';
import { imageFor } from '../kernels/pack';
import { gramLoop } from '../kernels/variant';

/** Samples of a panel: rows of K are cut at multiples of so many, where operands of its products may begin. */
const PANEL_ROWS = 32;

/** Row length of everything that has an entry a sample: whole panels, so that no lane needs a guard. */
export function gramRow(n: number): number {
  return Math.ceil(n / PANEL_ROWS) * PANEL_ROWS;
}

/** Elements of K: as many rows as a row is long, which are whole multiples of {@link PANEL_ROWS}. */
export function gramLength(n: number): number {
  return gramRow(n) ** 2;
}

/**
 * What is added to every entry of X X^T: 1 stands for the bias, for the identity loss; 0 where the bias is kept apart, for the
 * logistic one.
 */
export type GramConstant = 0 | 1;

/**
 * Multiply-adds n^2 d of a K from which on samples are looked at for a background, whose product is shorter: a second of two
 * cores under lavapipe.
 */
export const BACKGROUND_WORK = 2 ** 36;

/** How K lies on this adapter. */
export interface GramPlan {
  /** Rows of a piece, 0 where not even {@link PANEL_ROWS} fit one binding. */
  readonly rows: number;
  readonly count: number;
  /** Whether it is one image instead of arrays. */
  readonly image: boolean;
}

/** Elements of the rows that are multiplied at once before they go to an image: 16 MiB, beside an image of up to 1 GiB. */
const PANEL = 2 ** 22;

/** Rows of K that are made at once where it is an image. */
export function gramPanel(gpu: Gpu, n: number): number {
  const ld = gramRow(n);
  const rows = (elements: number) => Math.floor(elements / imageStride(ld) / PANEL_ROWS) * PANEL_ROWS;
  return Math.min(ld, Math.max(PANEL_ROWS, rows(PANEL)), rows(gpu.maxArrayLength));
}

/** Elements of the array that an image is made by: {@link gramPanel} rows. */
export const gramPanelLength = (gpu: Gpu, n: number): number => gramPanel(gpu, n) * imageStride(gramRow(n));

/** An image for the identity loss where the loop has subgroups that read texels faster, and one holds all of K. */
export function gramPieces(gpu: Gpu, n: number, constant: GramConstant): GramPlan {
  const ld = gramRow(n);
  const { variant, lanes } = gramLoop(gpu);
  const fits = gpu.imageFits(ld / 4, ld) && gramPanel(gpu, n) > 0;
  if (constant === 1 && variant === 'subgroup' && imageFor(lanes) && fits) return { rows: ld, count: 1, image: true };
  const most = Math.floor(gpu.maxArrayLength / ld / PANEL_ROWS) * PANEL_ROWS;
  const rows = Math.min(most, ld);
  return { rows, count: rows > 0 ? Math.ceil(ld / rows) : Infinity, image: false };
}

/** An (n, n) symmetric matrix in pieces of whole rows, none larger than one binding reaches, or in an image. Disposes them. */
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
    readonly pieces: readonly GpuArray[] | readonly [GpuImage],
    readonly constant: GramConstant,
  ) {}

  /**
   * A matrix lying as one with this constant does, of which nothing is to be read before it is written.
   * @param spare one that nobody needs any more: taken where it is such a matrix, else disposed. (Of lavapipe an image of 645 MB
   *   takes 0.25 to 1.2 s to be had and cleared.)
   * @throws GpuOutOfMemoryError when even {@link PANEL_ROWS} rows do not fit one array
   */
  static allocate(gpu: Gpu, n: number, constant: GramConstant, spare?: GramMatrix): GramMatrix {
    if (spare?.n === n && spare.constant === constant) return spare;
    spare?.dispose();
    const ld = gramRow(n);
    const { rows, image } = gramPieces(gpu, n, constant);
    if (image) return new GramMatrix(n, ld, rows, [gpu.image('K', gramLength(n) / 4, ld / 4)], constant);
    if (rows === 0) {
      const bytes = 4 * PANEL_ROWS * ld;
      const what = `${PANEL_ROWS} rows of the matrix X X^T of ${n} samples`;
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
      return new GramMatrix(n, ld, rows, pieces, constant);
    } catch (error) {
      for (const piece of pieces) piece.dispose();
      throw error;
    }
  }

  /** Where it lies, if that is an image. */
  get image(): GpuImage | undefined {
    const [first] = this.pieces;
    return first instanceof GpuImage ? first : undefined;
  }

  /** The pieces of a matrix that is no image. */
  get arrays(): readonly GpuArray[] {
    if (this.image) throw new TypeError('this matrix lies in an image');
    return this.pieces as readonly GpuArray[];
  }

  /** A matrix of its own with the same entries; the caller disposes it. */
  async copy(gpu: Gpu): Promise<GramMatrix> {
    const other = GramMatrix.allocate(gpu, this.n, this.constant);
    try {
      const batch = gpu.batch('copy K');
      const { image } = this;
      if (image) batch.copyImage(image, other.image!);
      else for (const [at, piece] of this.arrays.entries()) batch.copy(piece, 0, other.arrays[at]!, 0, piece.length);
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
