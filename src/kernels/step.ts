// How a kernel is called: prepared once (compiled, checked, its grid computed), then recorded as often as needed.

import type { GpuArray } from '../gpu/array';
import type { Batch, Grid } from '../gpu/batch';
import type { Gpu } from '../gpu/gpu';

/** Records one dispatch, or a few that belong together, into a batch. */
export type Step = (batch: Batch) => void;

/** One step that records several. */
export function inOrder(steps: readonly Step[]): Step {
  return (batch) => {
    for (const step of steps) step(batch);
  };
}

/** Workgroups for `count` invocations in workgroups of `size`, folded into two dimensions past the device's limit. */
export function grid1d(gpu: Gpu, count: number, size = 64): Grid {
  return fold(gpu, Math.max(1, Math.ceil(count / size)));
}

/** `groups` workgroups in one dimension, or in the squarest two that hold them. */
export function fold(gpu: Gpu, groups: number): Grid {
  const most = gpu.limits.maxComputeWorkgroupsPerDimension;
  if (groups <= most) return [groups];
  const y = Math.ceil(groups / most);
  return [Math.ceil(groups / y), y];
}

/** The constant HALF of kernels that take this array: 1 when it holds halves. */
export const halfOf = (array: GpuArray): 0 | 1 => (array.type === 'f16' ? 1 : 0);

/** Row length of matrices whose rows are read as vec4: d rounded up to a multiple of 4, the padding being zero. */
export function paddedRow(d: number): number {
  return Math.ceil(d / 4) * 4;
}

/** Throws a RangeError that names the argument unless `value` is an integer of at least `least`. */
export function requireSize(name: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} = ${value}: it must be an integer of at least ${least}`);
  }
}
