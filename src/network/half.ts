// Half precision: whether an adapter has it, and the loader of the rest, which few runs need.

import type { Gpu } from '../gpu/gpu';
import { lazy } from '../gpu/lazy';

export const halves = lazy(() => import('./half-operands'));

/** Why half precision cannot be had on this adapter, or undefined. */
export function halfObstacle(gpu: Gpu): string | undefined {
  if (gpu.features.has('shader-f16')) return undefined;
  return `the adapter ${gpu.adapter.name} has no half precision (the feature shader-f16)`;
}
