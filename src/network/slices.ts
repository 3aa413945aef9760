// The weights of a network in slices of whole neurons, none larger than one binding reaches: blocks of samples, turned.
//
// A neuron's sums are the same in whatever slice it lies, and slices hold whole mask words, so that masks, outputs and
// trained weights do not depend on where they are cut, to the bit.

import type { GpuArray } from '../gpu/array';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { paddedRow } from '../kernels/step';
import type { MatmulLayout } from '../kernels/variant';
import { gradientQuads } from '../kernels/weight-gradient';

/** Consecutive neurons. */
export interface NeuronRange {
  readonly first: number;
  readonly m: number;
}

/** Their parameters. */
export interface WeightSlice extends NeuronRange {
  /** (d + 1, m): their rows of W transposed, their biases in row d. */
  readonly weights: GpuArray;
  /** (m) */
  readonly readout: GpuArray;
}

/** Neurons by whole workgroups, as mask words. */
const unitOf = ({ forward, gradient }: MatmulLayout) => Math.max(forward.words, gradient.words);

/** What a mask word's neurons take of the largest array: of their packed weights, or of their rows of W. */
function weightsLength(d: number, { group, forward }: MatmulLayout): number {
  const packed = (4 * Math.ceil((group * forward.words) / 4)) / forward.words;
  return Math.max(group * paddedRow(d), packed * (d + 1));
}

/** Mask words whose neurons one binding holds, and one dimension of a grid reaches. */
function mostWords(gpu: Gpu, d: number, layout: MatmulLayout): number {
  const fitting = (each: number) => Math.floor(gpu.maxArrayLength / each);
  const evaluated = fitting(weightsLength(d, layout));
  const trained = Math.min(evaluated, fitting(4 * gradientQuads(d, layout) * layout.group));
  // A network that is too large to be trained may still be evaluated.
  const words = trained < unitOf(layout) ? evaluated : trained;
  return Math.min(words, gpu.limits.maxComputeWorkgroupsPerDimension);
}

/** Whether all neurons of a layout lie in one slice. */
export function inOneSlice(gpu: Gpu, d: number, layout: MatmulLayout): boolean {
  const unit = unitOf(layout);
  return Math.ceil(layout.words / unit) * unit <= mostWords(gpu, d, layout);
}

/**
 * Cuts the neurons of a layout where their weights, or the gradient of those, exceed one binding, or their mask words one
 * dimension of a grid.
 * @throws GpuOutOfMemoryError when not even the neurons of one workgroup fit, or the inputs exceed one dimension of a grid
 */
export function planSlices(gpu: Gpu, d: number, layout: MatmulLayout): NeuronRange[] {
  const { m, group, lanes } = layout;
  // The weight gradient has a column for each input and one for the bias, by tiles.
  const most = 4 * lanes * gpu.limits.maxComputeWorkgroupsPerDimension - 1;
  if (d > most) {
    const message = `the network has ${d} inputs; this adapter takes at most ${most}.`;
    throw new GpuOutOfMemoryError(message, 'weights', 4 * (d + 1) * m);
  }
  if (inOneSlice(gpu, d, layout)) return [{ first: 0, m }];
  const unit = unitOf(layout);
  const count = Math.floor(mostWords(gpu, d, layout) / unit) * unit * group;
  if (count === 0) {
    const bytes = 4 * weightsLength(d, layout) * unit;
    const what = `the weights of ${Math.min(unit * group, m)} neurons of ${d} inputs`;
    const message = `${what} need ${formatBytes(bytes)} in one piece; this adapter binds at most ${formatBytes(4 * gpu.maxArrayLength)}.`;
    throw new GpuOutOfMemoryError(message, 'weights', bytes);
  }
  const slices: NeuronRange[] = [];
  for (let first = 0; first < m; first += count) slices.push({ first, m: Math.min(count, m - first) });
  return slices;
}

/** The layout of some of the neurons of `layout`. @throws RangeError when they do not begin with a mask word */
export function sliceLayout(layout: MatmulLayout, { first, m }: NeuronRange): MatmulLayout {
  if (m === layout.m) return layout;
  if (first % layout.group) throw new RangeError(`neuron ${first} begins no mask word of ${layout.group}`);
  return { ...layout, m, words: Math.ceil(m / layout.group) };
}

/** First of their mask words among those of all neurons. */
export const firstWord = (layout: MatmulLayout, { first }: NeuronRange): number => first / layout.group;

/** Arrays of the shape of the slices' weights on the host, as one of all neurons: (d + 1, m). */
export async function readSlices(slices: readonly NeuronRange[], arrays: readonly GpuArray[]): Promise<Float32Array> {
  if (arrays.length === 1) return arrays[0]!.read();
  const m = slices.reduce((sum, slice) => sum + slice.m, 0);
  const rows = arrays[0]!.length / slices[0]!.m;
  const out = new Float32Array(rows * m);
  for (const [at, { first, m: own }] of slices.entries()) {
    const values = await arrays[at]!.read();
    for (let k = 0; k < rows; k++) out.set(values.subarray(k * own, (k + 1) * own), k * m + first);
  }
  return out;
}

/** The inverse of {@link readSlices}, for values of the right length. */
export function writeSlices(slices: readonly NeuronRange[], arrays: readonly GpuArray[], values: Float32Array): void {
  const m = slices.reduce((sum, slice) => sum + slice.m, 0);
  const rows = values.length / m;
  for (const [at, { first, m: own }] of slices.entries()) {
    const part = new Float32Array(rows * own);
    for (let k = 0; k < rows; k++) part.set(values.subarray(k * m + first, k * m + first + own), k * own);
    arrays[at]!.write(part);
  }
}
