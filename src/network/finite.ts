// Whether arrays on the device hold finite numbers only.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { stridedSums } from '../kernels/gram';
import { halves } from './half';
import type { Network } from './network';
import type { Samples } from './samples';
import type { Precision } from './trainer';

/** Whether every parameter is a finite number. */
async function finiteNetwork(gpu: Gpu, { slices, m, d }: Network): Promise<boolean> {
  using sums = gpu.array('sums of weights', m);
  const batch = gpu.batch('finite weights');
  for (const { first, m: own, weights } of slices) {
    // A sum keeps what no comparison shows: infinities and NaN among its terms.
    const size = { count: own, steps: d + 1, first: 0, outer: 1, inner: own, outputFirst: first };
    (await stridedSums(gpu, { input: weights, output: sums, ...size }))(batch);
  }
  await batch.submit();
  return allFinite(await sums.read());
}

/** What is wrong with the weights of a network that was trained; undefined when nothing is. */
export async function weightsFault(
  gpu: Gpu,
  network: Network,
  precision: Precision = 'f32',
): Promise<'weights' | 'half weights' | undefined> {
  if (precision === 'f16') return (await (await halves()).fitsHalves(gpu, network)) ? undefined : 'half weights';
  return (await finiteNetwork(gpu, network)) ? undefined : 'weights';
}

/** Whether every entry is a finite number. */
export async function finiteSamples(gpu: Gpu, { arrays, blocks, d, ld }: Samples): Promise<boolean> {
  using sums = gpu.array('sums of samples', Math.max(...blocks.map(({ rows }) => rows)));
  for (const [at, { rows: count }] of blocks.entries()) {
    const batch = gpu.batch('finite samples');
    const size = { count, steps: d, first: 0, outer: ld, inner: 1 };
    (await stridedSums(gpu, { input: arrays[at]!, output: sums, ...size }))(batch);
    await batch.submit();
    if (!allFinite(await sums.read(0, count))) return false;
  }
  return true;
}

export const finiteOutputs = async (margin: GpuArray): Promise<boolean> => allFinite(await margin.read());

/** Place of the first value that is infinite or NaN, -1 when there is none. */
export const firstFault = (values: Float32Array): number => values.findIndex((value) => !Number.isFinite(value));

const allFinite = (values: Float32Array) => firstFault(values) < 0;
