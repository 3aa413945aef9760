import type { Gpu } from '../../src/gpu/gpu';
import { matrixObstacle, subgroupLanes } from '../../src/kernels/variant';
import type { Check } from '../checks/case';
import { NO_HALVES } from '../harness';

/** One way to break a shader in memory. */
export interface Sabotage {
  /** What is broken. */
  readonly what: string;
  readonly from: string | RegExp;
  readonly to: string;
  /** Passes on the shader as it is; must fail on the broken one. */
  readonly check: Check;
}

/** Why the adapter cannot run a shader, or undefined. */
export function shaderObstacle(gpu: Gpu, name: string): string | undefined {
  if (name.endsWith('_subgroup') && subgroupLanes(gpu) === null) return 'the adapter has no subgroups of a fixed size';
  if (name === 'matmul_matrix') return matrixObstacle(gpu);
  return name === 'halve' && !gpu.features.has('shader-f16') ? NO_HALVES : undefined;
}

/** By name of the shader. */
export type Sabotages = Readonly<Record<string, readonly Sabotage[]>>;
