// Whether arrays on the device hold finite numbers only.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { stridedSums } from '../kernels/gram';
import type { Network } from './network';

/** Whether every parameter is a finite number. */
export async function finiteNetwork(gpu: Gpu, { weights, m, d }: Network): Promise<boolean> {
  using sums = gpu.array('sums of weights', m);
  const batch = gpu.batch('finite weights');
  // A sum keeps what no comparison shows: infinities and NaN among its terms.
  (await stridedSums(gpu, { input: weights, output: sums, count: m, steps: d + 1, first: 0, outer: 1, inner: m }))(
    batch,
  );
  await batch.submit();
  return allFinite(await sums.read());
}

export const finiteOutputs = async (margin: GpuArray): Promise<boolean> => allFinite(await margin.read());

/** Place of the first value that is infinite or NaN, -1 when there is none. */
export const firstFault = (values: Float32Array): number => values.findIndex((value) => !Number.isFinite(value));

const allFinite = (values: Float32Array) => firstFault(values) < 0;
