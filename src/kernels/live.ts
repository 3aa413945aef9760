// Operands of which only what is more than a background counts: products leave out the steps at which a panel of rows is nothing
// else. Loaded with the shaders of the variant `subgroup`.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { backgroundDot as backgroundDotShader } from './generated/background-dot';
import { packLiveSubgroup } from './generated/pack-live-subgroup';
import { imageFor, type PackArgs, type Packing } from './pack';
import { fold, halfOf, requireSize, type Step } from './step';

export interface PackLiveArgs extends Omit<PackArgs, 'outSteps' | 'outStep'> {
  /** (steps) */
  readonly background: GpuArray;
  readonly lanes: number;
}

/** Columns of a panel of an operand b whose panels have steps of their own. */
export const LIVE_COLUMNS = 32;

/** Elements of an array that {@link packLive} fills: the panels, and the steps that each has. */
export const liveLength = ({ rows, steps, height }: Pick<PackLiveArgs, 'rows' | 'steps' | 'height'>): number =>
  Math.ceil(rows / height) * (steps * height + 4 * (steps + 1));

/** The most steps that {@link packLive} can count. */
export const LIVE_STEPS = 2 ** 24;

/**
 * pack_live_subgroup: what rows are more than a background, in panels of the steps at which some row is. Rows, panels and addresses
 * are whole quads.
 */
export async function packLive(gpu: Gpu, args: PackLiveArgs, IMAGE = imageFor(args.lanes)): Promise<Packing> {
  const { input, background, lanes, steps, ...places } = args;
  if (steps > LIVE_STEPS) throw new RangeError(`steps = ${steps}: at most ${LIVE_STEPS} can be told apart`);
  requireSize('steps', steps);
  requireSize('rows', places.rows);
  const quads = Object.entries(places).map(([name, value]) => {
    if (value % 4) throw new RangeError(`${name} = ${value}: it must be a multiple of 4`);
    return [name, value / 4] as const;
  });
  const constants = { S: lanes, HALF: halfOf(input), IMAGE };
  const kernel = await gpu.kernel(packLiveSubgroup, constants);
  const params = { steps, ...(Object.fromEntries(quads) as Record<keyof typeof places, number>) };
  const grid = fold(gpu, Math.ceil(places.rows / places.height));
  return (batch, output) => void batch.dispatch(kernel, { input, background, output }, params, grid);
}

export interface BackgroundDotArgs {
  /** Samples in panels of 32, whole: (panels, steps, 32). */
  readonly x: GpuArray;
  /** (steps) */
  readonly background: GpuArray;
  /** An entry a sample out, of the padding of the last panel too. */
  readonly output: GpuArray;
  /** Element of the output for the first sample. */
  readonly outputFirst: number;
  readonly panels: number;
  readonly steps: number;
  /** Added to each. */
  readonly offset: number;
}

/** background_dot: x_i . g + offset of every sample. */
export async function backgroundDot(gpu: Gpu, args: BackgroundDotArgs): Promise<Step> {
  const { x, background, output, outputFirst, ...params } = args;
  requireSize('panels', params.panels);
  requireSize('steps', params.steps);
  const kernel = await gpu.kernel(backgroundDotShader);
  const all = { ...params, output_first: outputFirst };
  return (batch) => void batch.dispatch(kernel, { x, background, output }, all, fold(gpu, params.panels));
}
