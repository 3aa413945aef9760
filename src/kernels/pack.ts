// Operands as the subgroup kernels broadcast them: quads of rows, in a buffer or, where that is read faster, in an image.

import type { GpuArray } from '../gpu/array';
import type { Batch } from '../gpu/batch';
import type { Gpu } from '../gpu/gpu';
import { GpuImage, IMAGE_ROW } from '../gpu/image';
import { grid1d, halfOf, requireSize, type Step } from './step';
import { subgroupShaders } from './variant';

/** An operand that pack_rows has put in panels. */
export type Packed = GpuArray | GpuImage;

/**
 * The constant IMAGE of kernels that take packed operands: texels where the subgroups have 8 lanes or more, which is
 * lavapipe. There a load of them takes 6 ns, of a buffer 13; on SwiftShader (4 lanes) they are no faster.
 */
export const imageFor = (lanes: number): 0 | 1 => (lanes === 4 ? 0 : 1);

/** Loads of a lane that a panel of so many rows takes, a quad each. */
export const panelLoads = (rows: number, lanes: number): number => Math.ceil(Math.ceil(rows / 4) / lanes);

/** `rows` rows of `steps` steps in panels of `height`. */
export interface PackedSize {
  readonly rows: number;
  readonly steps: number;
  readonly height: number;
  readonly lanes: number;
  /** With the steps that each panel has, as {@link packLive} writes them. */
  readonly live?: boolean;
}

const quadsOf = ({ rows, steps, height, live = false }: Omit<PackedSize, 'lanes'>) =>
  Math.ceil(rows / height) * (steps * Math.ceil(height / 4) + (live ? steps + 1 : 0));

/** Room for an operand. */
export function packedOperand(gpu: Gpu, size: PackedSize): Packed {
  const quads = quadsOf(size);
  return imageFor(size.lanes) ? gpu.image('packed operand', quads) : gpu.array('packed operand', quads * 4);
}

/** Bytes that {@link packedOperand} takes. */
export function packedBytes(size: PackedSize): number {
  const quads = quadsOf(size);
  return 16 * (imageFor(size.lanes) ? Math.ceil(quads / IMAGE_ROW) * IMAGE_ROW : quads);
}

export interface PackArgs {
  readonly input: GpuArray;
  readonly steps: number;
  readonly rows: number;
  /** R: rows a panel of the output. */
  readonly height: number;
  /** Element (k, r) of the input is first + floor(r / width) panel + r % width + k stride. */
  readonly first: number;
  readonly width: number;
  readonly panel: number;
  readonly stride: number;
  /** Steps of a panel of the output, and the one where these begin (default: all, from the first). */
  readonly outSteps?: number;
  readonly outStep?: number;
}

/** Records what packs an operand into a given one. */
export type Packing = (batch: Batch, output: Packed) => void;

async function packInto(gpu: Gpu, args: PackArgs, IMAGE: 0 | 1): Promise<Packing> {
  const { input, outSteps = args.steps, outStep = 0, ...params } = args;
  requireSize('steps', params.steps);
  requireSize('rows', params.rows);
  requireSize('height', params.height);
  const kernel = await gpu.kernel((await subgroupShaders()).packRows, { HALF: halfOf(input), IMAGE });
  const all = { ...params, out_steps: outSteps, out_step: outStep };
  return (batch, output) => void batch.dispatch(kernel, { input, output }, all, grid1d(gpu, quadsOf(params)));
}

/** pack_rows into whatever {@link packedOperand} makes for so many lanes. */
export const rowPacking = (gpu: Gpu, args: PackArgs, lanes: number): Promise<Packing> =>
  packInto(gpu, args, imageFor(lanes));

/** pack_rows: rows in panels of quads. */
export async function packRows(gpu: Gpu, { output, ...args }: PackArgs & { readonly output: Packed }): Promise<Step> {
  const pack = await packInto(gpu, args, output instanceof GpuImage ? 1 : 0);
  return (batch) => pack(batch, output);
}
