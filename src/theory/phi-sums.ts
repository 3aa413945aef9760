// Sums over samples with the weights of Phi, sum_k y_k Phi(x_k, z) b_k, for points z in pieces: tiles of Phi are made and
// multiplied on the spot, so that no matrix of all samples by all points is ever there.

import type { GpuArray } from '../gpu/array';
import type { Batch } from '../gpu/batch';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { panels, panelsLength } from '../kernels/data';
import { matmul, plainOperand, transposedOperand } from '../kernels/matmul';
import type { Samples } from '../network/samples';
import { exactPhi, type PhiProblem, type PhiTiles, type PointPiece } from './phi';
import { type PhiSampling, sampledPhi } from './sampled-phi';

// 4 and 16 MiB took the same time on lavapipe at (n, d) = (3000, 784): 2 to 5 s, within the noise of a shared machine.
/** Device memory of one tile of Phi, and of each of the arrays beside it that grow with a piece. */
const TILE_BYTES = 4 * 1024 * 1024;
/** Whole panels. */
const UNIT = 32;

export interface PhiSumsOptions {
  /** Monte Carlo estimates of Phi in place of the closed form. */
  readonly sampling?: PhiSampling;
  /** Points a piece, rounded up to whole panels of 32 (default: what keeps a tile to 4 MiB). */
  readonly pieceRows?: number;
}

/** What the weights of a tile are multiplied with, and where the sums go. */
export interface PhiSum {
  /** In the blocks of the samples: (rows, columns). */
  readonly of: readonly GpuArray[];
  readonly columns: number;
  /** (points of a piece, columns) out */
  readonly output: GpuArray;
}

/** What samples add to the sums of those before them, but for the labels of those. */
export interface BackSum {
  /** In the blocks of the samples: (rows, columns), times the label of the row. */
  readonly of: readonly GpuArray[];
  /** In the blocks of the samples: added to. */
  readonly outputs: readonly GpuArray[];
}

const roundUp = (value: number, to: number) => Math.ceil(value / to) * to;

/** Weighted sums for pieces of points. Disposes what it keeps of the samples. */
export class PhiSums {
  private constructor(
    private readonly gpu: Gpu,
    private readonly samples: Samples,
    /** Points a piece has at most: outputs have so many rows. */
    readonly most: number,
    /** (most, ld) the points of the last piece */
    readonly rows: GpuArray,
    private readonly panels: GpuArray,
    private readonly tile: GpuArray,
    private readonly zero: GpuArray,
    private readonly phi: PhiTiles,
    private readonly scope: Scope,
  ) {}

  /** @param points how many there are in all; the panels of the problem must hold its samples until this is disposed */
  static async create(gpu: Gpu, problem: PhiProblem, points: number, options: PhiSumsOptions): Promise<PhiSums> {
    const { samples } = problem;
    const { d, ld, blocks } = samples;
    const { sampling, pieceRows } = options;
    const tallest = roundUp(Math.max(...blocks.map(({ rows }) => rows)), UNIT);
    const fitting = Math.floor(TILE_BYTES / 4 / Math.max(tallest, ld) / UNIT) * UNIT;
    const most = Math.min(roundUp(points, UNIT), Math.max(UNIT, roundUp(pieceRows ?? fitting, UNIT)));
    const scope = new Scope();
    try {
      const phi = scope.use(
        sampling ? await sampledPhi(gpu, problem, most, sampling) : await exactPhi(gpu, problem, most),
      );
      const rows = scope.use(gpu.array('points', most * ld));
      const pointPanels = scope.use(gpu.array('panels of points', panelsLength(most, d)));
      const tile = scope.use(gpu.array('Phi', tallest * most));
      const zero = scope.use(gpu.upload('zero', Float32Array.of(0)));
      return new PhiSums(gpu, samples, most, rows, pointPanels, tile, zero, phi, scope);
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  /** The sums of `count` points, which are rows `first` on of `from`, (rows, ld). */
  async run(from: GpuArray, first: number, count: number, sums: readonly PhiSum[]): Promise<void> {
    const { gpu, samples, tile, phi } = this;
    using batch = gpu.batch('sums over samples');
    const piece = await this.#prepare(batch, from, first, count);
    for (const [at, { rows }] of samples.blocks.entries()) {
      for (const step of await phi.fill(at, piece, tile, rows)) step(batch);
      for (const { of, columns, output } of sums) {
        const operands = { a: plainOperand(tile, piece.columns), b: plainOperand(of[at]!, columns), output };
        const sizes = { steps: rows, rows: count, columns };
        (await matmul(gpu, { ...operands, ...sizes, bias: this.#noBias, accumulate: at > 0 }))(batch);
      }
    }
    await batch.submit();
  }

  /**
   * The sums of some of the samples themselves over those up to the last of them, and the share that they have in the sums
   * of those before them, for Phi is symmetric: over all pieces, each pair is made once. The samples are `count` from
   * `first` on in block `own`; `first` is a multiple of 32.
   */
  async runTriangle(own: number, first: number, count: number, { of, columns, output }: PhiSum, back: BackSum) {
    const { gpu, samples, tile, phi } = this;
    using batch = gpu.batch('sums over samples');
    const piece = await this.#prepare(batch, samples.arrays[own]!, first, count);
    for (let at = 0; at <= own; at++) {
      const before = at < own ? samples.blocks[at]!.rows : first;
      const steps = at < own ? before : first + count;
      for (const step of await phi.fill(at, piece, tile, steps)) step(batch);
      const forth = { a: plainOperand(tile, piece.columns), b: plainOperand(of[at]!, columns), output };
      const sizes = { steps, rows: count, columns, accumulate: at > 0 };
      (await matmul(gpu, { ...forth, ...sizes, bias: this.#noBias }))(batch);
      if (before === 0) continue;
      const b = plainOperand(back.of[own]!, columns, first * columns);
      const operands = { a: transposedOperand(tile, piece.columns), b, output: back.outputs[at]! };
      const turned = { steps: count, rows: before, columns, accumulate: true };
      (await matmul(gpu, { ...operands, ...turned, bias: this.#noBias }))(batch);
    }
    await batch.submit();
  }

  get #noBias() {
    return { array: this.zero, first: 0, stride: 0 };
  }

  /** Gets points ready for tiles of Phi. */
  async #prepare(batch: Batch, from: GpuArray, first: number, count: number): Promise<PointPiece> {
    const { gpu, rows, phi } = this;
    const { d, ld } = this.samples;
    batch.copy(from, first * ld, rows, 0, count * ld);
    (await panels(gpu, { input: rows, output: this.panels, n: count, d, ld }))(batch);
    const piece = { rows, panels: this.panels, count, columns: roundUp(count, UNIT) };
    for (const step of await phi.prepare(piece)) step(batch);
    return piece;
  }

  dispose(): void {
    this.scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
