// Which matmul runs on which adapter, and the layouts that follow from it.
//
// subgroup: one subgroup a workgroup, no workgroup memory, no barrier. On lavapipe a barrier switches coroutines and a
//   load is eight scalar loads, so register tiles of G neurons x 4 samples a lane fed by broadcast win: 18 GFLOP/s against
//   the tiled kernel's share in bench/RESULTS.md. On SwiftShader the same holds (3.7 and 2.5 GFLOP/s).
// tiled: 64 x 64 tiles in workgroup memory, for real GPUs and for adapters whose subgroup size is not fixed.

import type { Gpu } from '../gpu/gpu';

export type MatmulVariant = 'subgroup' | 'tiled';

export interface MatmulLayout {
  readonly variant: MatmulVariant;
  /** Why this variant was taken. */
  readonly reason: string;
  /** Column quads a workgroup of the weight gradient makes; S of the subgroup kernels. */
  readonly lanes: number;
  /** G: neurons a mask word, at most 32. */
  readonly group: number;
  /** ceil(m / G) */
  readonly words: number;
  readonly m: number;
}

/** Whether the subgroup kernels can run: subgroups of one fixed size that panels of 32 samples fit. */
export function subgroupLanes(gpu: Gpu): number | null {
  const size = gpu.adapter.subgroupSize;
  return size !== null && [4, 8, 16].includes(size) && gpu.features.has('subgroups' as GPUFeatureName) ? size : null;
}

/** Chooses the variant for a width m; `force` is for tests and benchmarks and throws where it cannot run. */
export function matmulLayout(gpu: Gpu, m: number, force?: MatmulVariant): MatmulLayout {
  const lanes = subgroupLanes(gpu);
  if (force === 'subgroup' && lanes === null) {
    throw new RangeError(`the subgroup kernels need subgroups of 4, 8 or 16 lanes; ${gpu.adapter.name} has not`);
  }
  const variant = force ?? (gpu.adapter.software && lanes !== null ? 'subgroup' : 'tiled');
  const reason = force
    ? 'forced'
    : variant === 'subgroup'
      ? `adapter on the CPU with subgroups of ${lanes}`
      : gpu.adapter.software
        ? 'the adapter has no subgroups of a fixed size'
        : 'a real GPU';
  if (variant === 'tiled') return { variant, reason, lanes: 16, group: 32, words: Math.ceil(m / 32), m };
  // Equal words: for m = 100 four of 25 neurons instead of three of 32 and one of 4.
  const words = Math.ceil(m / 32);
  return { variant, reason, lanes: lanes!, group: Math.ceil(m / words), words, m };
}
