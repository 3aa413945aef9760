// A check runs one kernel on one case and throws when anything is wrong: values, bits, padding, guard bands, a second run.
// The test files run the checks on the shaders as they are; sabotage.test.ts runs them on shaders broken on purpose.

import type { Gpu } from '../../src/gpu/gpu';
import { type MatmulLayout, type MatmulVariant, matmulLayout } from '../../src/kernels/variant';

export type Check = (gpu: Gpu) => Promise<void>;

/** n samples, d inputs, m neurons. */
export type Shape = readonly [n: number, d: number, m: number];

/**
 * One, around the tiles (32 samples a panel, 64 a workgroup, 16 steps of k, 32 neurons a word, 64 a workgroup), primes and
 * the real 784. Each value of each size meets several of the others; the full cube would say no more.
 */
export const SHAPES: readonly Shape[] = [
  [1, 1, 1],
  [2, 3, 1],
  [1, 784, 31],
  [31, 7, 31],
  [32, 16, 32],
  [33, 17, 33],
  [63, 15, 64],
  [64, 64, 33],
  [65, 63, 64],
  [101, 31, 7],
  [7, 101, 257],
  [257, 65, 101],
  [129, 1, 33],
  [34, 70, 96],
  [40, 784, 100],
];

export const layoutOf = (gpu: Gpu, m: number, variant: MatmulVariant): MatmulLayout => matmulLayout(gpu, m, variant);

/** Flips of one epoch that a kernel takes at once, from its text. */
export function heldAtOnce(code: string): number {
  return Number(/\bconst HELD ?= ?(\d+)u;/.exec(code)![1]);
}

/** A case of which nothing can be said: float32 cannot tell on which side of a kink it is. Not a mismatch. */
export class UndecidedCase extends Error {
  override readonly name = 'UndecidedCase';
}
