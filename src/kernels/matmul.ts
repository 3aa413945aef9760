// Plain products of two matrices, k first in both: Gram matrices, pre-activations, changes of weights.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { matmulTiled as matmulTiledShader } from './generated/matmul-tiled';
import { imageFor, packedOperand, panelLoads, rowPacking } from './pack';
import { halfOf, requireSize, type Step } from './step';
import {
  type MatmulVariant,
  matmulVariant,
  matrixObstacle,
  subgroupShaders,
  TILES,
  type Tile,
  tileFor,
} from './variant';

/**
 * A k-major operand: plain (k, width), or panels of 32 samples. Addresses are in elements: in halves where the array is of
 * type f16, as both operands of a product then must be.
 */
export interface Operand {
  readonly array: GpuArray;
  /** First element (default 0). */
  readonly first?: number;
  /** Consecutive entries before the next panel. */
  readonly width: number;
  /** From one panel to the next. */
  readonly panel: number;
  /** From one k to the next. */
  readonly stride: number;
}

/** Samples in panels of 32, (ceil(n / 32), d, 32), as an operand with k the input, from sample `start` (whole panels) on. */
export function panelOperand(array: GpuArray, d: number, start = 0): Operand {
  if (start % 32) throw new RangeError(`start = ${start}: panels begin at multiples of 32`);
  return { array, first: start * d, width: 32, panel: 32 * d, stride: 32 };
}

/** A row-major (k, width) matrix, from element `first` on. */
export function plainOperand(array: GpuArray, width: number, first = 0): Operand {
  return { array, first, width, panel: 0, stride: width };
}

/** A row-major (rows, ld) matrix whose columns are k, from element `first` on. */
export function transposedOperand(array: GpuArray, ld: number, first = 0): Operand {
  return { array, first, width: 1, panel: ld, stride: 1 };
}

export interface MatmulArgs {
  /** (k, rows) */
  readonly a: Operand;
  /** (k, columns), whole quads of 4: its addresses are multiples of 4. */
  readonly b: Operand;
  /** element bias.first + r bias.stride is added to row r */
  readonly bias: { readonly array: GpuArray; readonly first: number; readonly stride: number };
  /** (rows, outputStride) out. */
  readonly output: GpuArray;
  /** First element, a multiple of 4 (default 0). */
  readonly outputFirst?: number;
  /** From one row of the output to the next, a multiple of 4 (default `columns`). */
  readonly outputStride?: number;
  readonly steps: number;
  readonly rows: number;
  /** A multiple of 4. */
  readonly columns: number;
  /** Default 1. */
  readonly scale?: number;
  /** Adds to what the output holds. */
  readonly accumulate?: boolean;
  /**
   * Where in a symmetric matrix this product begins: what lies below its diagonal may then be left out, by workgroups, and
   * the output keeps what it holds there.
   */
  readonly triangle?: { readonly row: number; readonly column: number };
  /** Default: what suits the adapter. */
  readonly variant?: MatmulVariant;
  /** Register blocking of matmul_tiled (default: what suits the size). */
  readonly tile?: Tile;
  /** That of matmul_subgroup (default: {@link panelHeight}); results do not depend on it. */
  readonly height?: PanelHeight;
  /** By matmul_matrix: operands of halves, both by whole quads of 4. Never chosen unasked. */
  readonly matrix?: boolean;
  /** By matmul_subgroup alone: a and b count from a background on, and steps that are background leave a out. */
  readonly live?: LiveSteps;
  /**
   * By matmul_subgroup alone, of 4 or 8 lanes: b is what `packLive` made of its columns in panels of 32, as an array from its first
   * element on, and steps that are background in a panel are left out. What the background gives stands in `bias`.
   */
  readonly liveColumns?: boolean;
  /**
   * By matmul_subgroup alone: row r goes to that row of the output which the element behind its bias names, each to another one. The
   * rows of the output are below 2^24, which a float32 counts.
   */
  readonly chosenRows?: boolean;
}

/**
 * The product of a - g and b - g, whose rows are the same g (steps): where R rows of a are all background, the step is left out.
 * Then a^T b = (a - g)^T (b - g) + a^T g + g^T b - g^T g, and the last three are what stands in `bias`: an entry a row
 * there, and an entry a column.
 */
export interface LiveSteps {
  /** g (steps) */
  readonly background: GpuArray;
  /** Element bias.array[columns + c] is added to column c. */
  readonly columns: number;
}

/** Rows that a workgroup of matmul_subgroup may hold. */
export type PanelHeight = 16 | 32 | 64;

/** How many suit a product, by the multiply-adds of a row: more are faster, and take longer to compile. */
export function panelHeight(multiplyAdds: number, lanes: number): PanelHeight {
  if (multiplyAdds < 2 ** 20) return 16;
  return multiplyAdds < 2 ** 23 || lanes === 4 ? 32 : 64;
}

/** A multiple of 4 by 4. @throws RangeError that names it */
function quads(name: string, value: number): number {
  if (value % 4) throw new RangeError(`${name} = ${value}: it must be a multiple of 4`);
  return value / 4;
}

/** matmul_subgroup or matmul_tiled: scale (bias + a^T b), or that added to the output. */
export async function matmul(gpu: Gpu, args: MatmulArgs): Promise<Step> {
  const { a, b, bias, output, steps, rows, columns, scale = 1, accumulate = false, triangle, live } = args;
  const { outputFirst = 0, outputStride = columns, liveColumns = false, chosenRows = false } = args;
  requireSize('steps', steps);
  requireSize('rows', rows);
  requireSize('columns', columns, 4);
  if (outputStride < columns) throw new RangeError(`outputStride = ${outputStride}: less than ${columns} columns`);
  const params = {
    steps,
    rows,
    quads: quads('columns', columns),
    a_first: a.first ?? 0,
    a_width: a.width,
    a_panel: a.panel,
    a_stride: a.stride,
    b_first: quads('b.first', b.first ?? 0),
    b_width: quads('b.width', b.width),
    b_panel: quads('b.panel', b.panel),
    b_stride: quads('b.stride', b.stride),
    bias_first: bias.first,
    bias_stride: bias.stride,
    output_first: quads('outputFirst', outputFirst),
    output_stride: quads('outputStride', outputStride),
    // Without a triangle the diagonal passes left of everything.
    diagonal: triangle ? triangle.row - triangle.column : -rows,
    scale,
  };
  const arrays = { a: a.array, b: b.array, bias: bias.array, output };
  const ACC = accumulate ? 1 : 0;
  const HALF = halfOf(a.array);
  if (HALF !== halfOf(b.array)) throw new TypeError('matmul: one operand holds halves, the other does not');
  const { variant, lanes } = matmulVariant(gpu, args.variant);
  const other = args.matrix || variant !== 'subgroup' || (liveColumns && (live || lanes > 8));
  if (other && (live || liveColumns || chosenRows)) {
    throw new RangeError('only matmul_subgroup leaves steps out or chooses rows');
  }
  if (args.matrix) {
    const obstacle = matrixObstacle(gpu) ?? (HALF ? undefined : 'the matrix kernel multiplies halves');
    if (obstacle) throw new RangeError(obstacle);
    // Loaded by the few who ask for it.
    const { matmulMatrix } = await import('./generated/matmul-matrix');
    const kernel = await gpu.kernel(matmulMatrix, { ACC });
    const whole = {
      ...params,
      a_first: quads('a.first', a.first ?? 0),
      a_width: quads('a.width', a.width),
      a_panel: quads('a.panel', a.panel),
      a_stride: quads('a.stride', a.stride),
    };
    const grid = [Math.ceil(params.quads / 32), Math.ceil(rows / 128)] as const;
    return (batch) => void batch.dispatch(kernel, arrays, whole, grid);
  }
  if (variant === 'subgroup') {
    const height = args.height ?? panelHeight(steps * columns, lanes);
    const { matmulSubgroup, packLive } = await subgroupShaders();
    const { array: input, ...address } = a;
    const place = { first: 0, ...address, input, steps, rows, height };
    const pack = live
      ? await packLive(gpu, { ...place, background: live.background, lanes })
      : await rowPacking(gpu, place, lanes);
    const sizes = { S: lanes, R: height, U: lanes === 4 ? 1 : 4, AF: Math.ceil(height / lanes) };
    const constants = {
      ...sizes,
      AQ: panelLoads(height, lanes),
      ACC,
      HALF,
      IMAGE: imageFor(lanes),
      LIVE: live ? 1 : liveColumns ? 2 : 0,
      CHOSEN: chosenRows ? 1 : 0,
    };
    const kernel = await gpu.kernel(matmulSubgroup, constants);
    const grid = [Math.ceil(params.quads / lanes), Math.ceil(rows / height)] as const;
    const sized = { ...params, height, columns_first: live?.columns ?? 0 };
    return (batch) => {
      // A matrix for each block of samples, say: they need not lie in memory together.
      const packed = batch.own(`packed ${rows} ${steps} ${height} ${live ? 'live' : 'all'}`, () =>
        packedOperand(gpu, { rows, steps, height, lanes, live: live !== undefined }),
      );
      pack(batch, packed);
      batch.dispatch(kernel, { ...arrays, a: packed }, sized, grid);
    };
  }
  const tile = args.tile ?? (gpu.adapter.software ? TILES.at(-1)! : tileFor(rows, columns));
  const { rows: RA, columns: RB } = tile;
  const kernel = await gpu.kernel(matmulTiledShader, { RA, RB, ACC, HALF });
  const grid = [Math.ceil(params.quads / (16 * RB)), Math.ceil(rows / (64 * RA))] as const;
  return (batch) => void batch.dispatch(kernel, arrays, params, grid);
}
