// Phi(x, z) = E[phi'(u) phi'(v)] over random neurons u = w.x + c, v = w.z + c (design.md, "Theory"), a tile at a time: all
// samples of a block by a piece of points. The whole n x n matrix is never there.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { rowDot } from '../kernels/compare';
import { matmul, panelOperand } from '../kernels/matmul';
import type { Step } from '../kernels/step';
import { phiTile } from '../kernels/theory';
import type { Panels, Samples } from '../network/samples';

/** Points that a tile's columns belong to. */
export interface PointPiece {
  /** (at least count, ld) */
  readonly rows: GpuArray;
  /** The same in panels of 32, zero past `count`. */
  readonly panels: GpuArray;
  readonly count: number;
  /** Columns of the tile: `count` rounded up to whole panels. */
  readonly columns: number;
}

/** Makes tiles of labelled Phi against fixed samples; owns what it keeps of them. */
export interface PhiTiles {
  /** Steps that get a piece of points ready; they come before its tiles. */
  prepare(piece: PointPiece): Promise<Step[]>;
  /**
   * Steps that fill (block rows, piece.columns) with y_k Phi(x_k, z_i), k in block `at`.
   * @param needed rows that are read after, the first ones; others may be left out
   */
  fill(at: number, piece: PointPiece, tile: GpuArray, needed: number): Promise<Step[]>;
  dispose(): void;
}

/** What tiles are made from. */
export interface PhiProblem {
  readonly samples: Samples;
  /** The panels of the same samples. */
  readonly panels: Panels;
  /** (n) -1 or +1 */
  readonly labels: GpuArray;
  /** Slope of the activation below zero. */
  readonly slope: number;
}

/** Phi in closed form. @param most points a piece has at most */
export async function exactPhi(gpu: Gpu, problem: PhiProblem, most: number): Promise<PhiTiles> {
  const { samples, panels, labels, slope } = problem;
  const { d, blocks } = samples;
  const scope = new Scope();
  try {
    const zero = scope.use(gpu.upload('zero', Float32Array.of(0)));
    const zNorms = scope.use(gpu.array('norms of points', most));
    const norms = blocks.map(({ rows }) => scope.use(gpu.array('norms of samples', rows)));
    const batch = gpu.batch('norms');
    for (const [at, { rows: n }] of blocks.entries()) {
      const x = samples.arrays[at]!;
      (await rowDot(gpu, { a: x, b: x, output: norms[at]!, n, d, scale: 1 / d }))(batch);
    }
    await batch.submit();
    return {
      prepare: async ({ rows: z, count: n }) => [await rowDot(gpu, { a: z, b: z, output: zNorms, n, d, scale: 1 / d })],
      fill: async (at, { rows: z, panels: points, count, columns }, tile, rows) => {
        const { start } = blocks[at]!;
        const [a, b] = [panelOperand(panels.arrays[at]!, d), panelOperand(points, d)];
        const bias = { array: zero, first: 0, stride: 0 };
        const pairs = { x: samples.arrays[at]!, z, xNorms: norms[at]!, zNorms, labels, tile };
        return [
          await matmul(gpu, { a, b, bias, output: tile, steps: d, rows, columns }),
          await phiTile(gpu, { ...pairs, rows, columns: count, ld: columns, d, start, slope }),
        ];
      },
      dispose: () => scope.dispose(),
    };
  } catch (error) {
    scope.dispose();
    throw error;
  }
}
