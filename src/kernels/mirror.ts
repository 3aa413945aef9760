// The lower half of a symmetric matrix from its upper one, the matrix lying in pieces of whole rows or in an image.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { GpuImage } from '../gpu/image';
import { mirrorAcross as mirrorAcrossShader } from './generated/mirror-across';
import { mirrorWithin as mirrorWithinShader } from './generated/mirror-within';
import { requireSize, type Step } from './step';
import { subgroupShaders } from './variant';

/** Consecutive rows of a matrix, in an array of their own. */
export interface RowPiece {
  readonly array: GpuArray;
  /** The first one among all rows, a multiple of 4. */
  readonly start: number;
  /** A multiple of 4. */
  readonly rows: number;
}

export interface MirrorArgs {
  /** Piece whose columns, right of the diagonal, are read. */
  readonly source: RowPiece;
  /** A later piece, or the same one: its columns source.start to source.start + source.rows are written below the diagonal. */
  readonly destination: RowPiece;
  /** Row length, a multiple of 4. */
  readonly ld: number;
}

const GROUP = 8;

/** A size or place in elements as quads. @throws RangeError that names it */
function quads(name: string, value: number, least = 4): number {
  requireSize(name, value, least);
  if (value % 4) throw new RangeError(`${name} = ${value}: it must be a multiple of 4`);
  return value / 4;
}

/** mirror_across, or mirror_within where source and destination are one: K[r, c] = K[c, r]. */
export async function mirror(gpu: Gpu, args: MirrorArgs): Promise<Step> {
  const { source, destination, ld } = args;
  quads('source.rows', source.rows);
  quads('destination.rows', destination.rows);
  const from = quads('source.start', source.start, 0);
  const onto = quads('destination.start', destination.start, 0);
  const row = quads('ld', ld);
  const groups = (rows: number) => Math.ceil(rows / 4 / GROUP);
  if (source.array === destination.array) {
    if (from !== onto || source.rows !== destination.rows) {
      throw new RangeError('mirror: one array holds one piece; source and destination disagree about it');
    }
    const kernel = await gpu.kernel(mirrorWithinShader);
    const params = { rows: source.rows, start: from, ld: row };
    return (batch) =>
      void batch.dispatch(kernel, { matrix: source.array }, params, [groups(source.rows), groups(source.rows)]);
  }
  if (destination.start < source.start + source.rows) {
    throw new RangeError(`mirror: the destination begins at row ${destination.start}, inside or before its source`);
  }
  const kernel = await gpu.kernel(mirrorAcrossShader);
  const params = {
    source_rows: source.rows,
    destination_rows: destination.rows,
    source_start: from,
    destination_start: onto,
    ld: row,
  };
  const arrays = { source: source.array, destination: destination.array };
  return (batch) => void batch.dispatch(kernel, arrays, params, [groups(destination.rows), groups(source.rows)]);
}

export interface MirrorImageArgs {
  /** Of which the rows up to `start` are read: texels (at least (start + height) / 4, start), or an array in rows of `stride`. */
  readonly matrix: GpuArray | GpuImage;
  /** (height, stride), the rows of the matrix from `start` on; their first `start` columns are written. */
  readonly rows: GpuArray;
  /** A multiple of 4. */
  readonly start: number;
  /** A multiple of 4. */
  readonly height: number;
  /** Row length of arrays, a multiple of 4. */
  readonly stride: number;
}

/** mirror_image: rows[r, c] = matrix[c, start + r] for c < start. */
export async function mirrorImage(gpu: Gpu, args: MirrorImageArgs): Promise<Step> {
  const { rows, matrix } = args;
  const start = quads('start', args.start);
  const height = quads('height', args.height);
  const stride = quads('stride', args.stride);
  if (start > stride) throw new RangeError(`start = ${args.start}: past rows of ${args.stride}`);
  const shaders = await subgroupShaders();
  const kernel = await gpu.kernel(shaders.mirrorImage, { IMAGE: matrix instanceof GpuImage ? 1 : 0 });
  const grid = [Math.ceil(start / GROUP), Math.ceil(height / GROUP)] as const;
  return (batch) => void batch.dispatch(kernel, { matrix, rows }, { start, height, stride }, grid);
}
