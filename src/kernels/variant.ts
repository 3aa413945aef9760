// Which variant of matmul and of the Gram loop runs on which adapter, and the layouts that follow from it.
//
// subgroup: one subgroup a workgroup, no workgroup memory, no barrier. On lavapipe a barrier switches coroutines and a
//   load is eight scalar loads, so register tiles of 25 to 128 neurons x 4 samples a lane fed by broadcast win: 5 times the tiled
//   kernels' speed for a whole epoch at 12700/784/100. On SwiftShader the order is the same.
// tiled: tiles of 64 or 128 a side in workgroup memory, for real GPUs and for adapters whose subgroup size is not fixed.

import type { Gpu } from '../gpu/gpu';
import { lazy } from '../gpu/lazy';

/** The shaders of the variant `subgroup`. */
export const subgroupShaders = lazy(() => import('./subgroup'));

export const MATMUL_VARIANTS = ['subgroup', 'tiled'] as const;
export type MatmulVariant = (typeof MATMUL_VARIANTS)[number];

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
  /** Register blocking of the subgroup kernels: mask words a workgroup, steps of the inner loop at once. */
  readonly forward: Blocking;
  readonly gradient: Blocking;
  /** Register blocking of the tiled kernels (default: {@link tileFor} the size of the product). */
  readonly tile?: Tile;
}

/** Quads of rows and of columns that an invocation of a tiled kernel makes: a workgroup makes 64 of each times that. */
export interface Tile {
  readonly rows: 1 | 2;
  readonly columns: 1 | 2;
}

export interface Blocking {
  readonly words: number;
  readonly steps: number;
}

// Measured at (n, d, m) = (12700, 784, 100) and (1000, 100, 100); the figures stand in the shaders' head blocks.
// SwiftShader has half the lanes and spills sooner.
const LAVAPIPE = { forward: { words: 1, steps: 4 }, gradient: { words: 2, steps: 4 } };
// A tenth to a quarter faster, for twice as long to compile (the gradient 0.78 s for 0.36 s), which a hundred epochs of this
// size gain.
const LAVAPIPE_LARGE = { forward: { words: 4, steps: 4 }, gradient: { words: 4, steps: 4 } };
const LARGE = 2 ** 29;
const SWIFTSHADER = { forward: { words: 2, steps: 1 }, gradient: { words: 1, steps: 4 } };
const SINGLE: Blocking = { words: 1, steps: 1 };

/** Why matmul_matrix cannot run on this adapter, or undefined. */
export function matrixObstacle(gpu: Gpu): string | undefined {
  if (!gpu.features.has('chromium-experimental-subgroup-matrix' as GPUFeatureName)) {
    return `the adapter ${gpu.adapter.name} offers no subgroup matrices`;
  }
  if (!gpu.features.has('shader-f16')) return `the adapter ${gpu.adapter.name} has no half precision`;
  if (gpu.adapter.subgroupSize !== 32)
    return `the matrix kernel needs subgroups of 32 lanes; ${gpu.adapter.name} has others`;
  return undefined;
}

/** Whether the subgroup kernels can run: subgroups of one fixed size that panels of 32 samples fit. */
export function subgroupLanes(gpu: Gpu): number | null {
  const size = gpu.adapter.subgroupSize;
  return size !== null && [4, 8, 16].includes(size) && gpu.features.has('subgroups' as GPUFeatureName) ? size : null;
}

/** Why a variant cannot run on this adapter, or undefined. */
export function variantObstacle(gpu: Gpu, variant: MatmulVariant): string | undefined {
  if (variant === 'tiled' || subgroupLanes(gpu) !== null) return undefined;
  return `the subgroup kernels need subgroups of 4, 8 or 16 lanes; ${gpu.adapter.name} has not`;
}

/**
 * Chooses the variant; `force` is for tests and benchmarks.
 * @returns also why, and the column quads a workgroup makes across
 * @throws RangeError where a forced variant cannot run
 */
export function matmulVariant(
  gpu: Gpu,
  force?: MatmulVariant,
): { readonly variant: MatmulVariant; readonly reason: string; readonly lanes: number } {
  const lanes = subgroupLanes(gpu);
  const obstacle = force && variantObstacle(gpu, force);
  if (obstacle) throw new RangeError(obstacle);
  const variant = force ?? (gpu.adapter.software && lanes !== null ? 'subgroup' : 'tiled');
  const reason = force
    ? 'forced'
    : variant === 'subgroup'
      ? `adapter on the CPU with subgroups of ${lanes}`
      : gpu.adapter.software
        ? 'the adapter has no subgroups of a fixed size'
        : 'a real GPU';
  return { variant, reason, lanes: variant === 'subgroup' ? lanes! : 16 };
}

/** All register blockings of the tiled kernels, from the most work a load to the least. */
export const TILES: readonly Tile[] = [
  { rows: 2, columns: 2 },
  { rows: 1, columns: 2 },
  { rows: 1, columns: 1 },
];

/** Workgroups below which a GPU stands partly idle: two for each of the 132 multiprocessors of an H100. */
const FULL = 264;

/** Workgroups of a product of so many rows and columns. */
export const tileGroups = ({ rows, columns }: Tile, height: number, width: number): number =>
  Math.ceil(height / (64 * rows)) * Math.ceil(width / (64 * columns));

/** The largest tile that still makes enough workgroups to fill a GPU, else the smallest. */
export function tileFor(height: number, width: number, parts = 1): Tile {
  return TILES.find((tile) => tileGroups(tile, height, width) * parts >= FULL) ?? TILES.at(-1)!;
}

/** Share of the work that is for nothing when so many words are made by whole multiples of `each`. */
const wasted = (words: number, each: number): number => 1 - words / (Math.ceil(words / each) * each);

/**
 * The layout for a width m; `force` as for {@link matmulVariant}.
 * @param multiplyAdds n d m, where a product is known to have so many: blockings differ, results do not
 */
export function matmulLayout(gpu: Gpu, m: number, force?: MatmulVariant, multiplyAdds = 0): MatmulLayout {
  const { variant, reason, lanes } = matmulVariant(gpu, force);
  const words = Math.ceil(m / 32);
  const common = { variant, reason, lanes, words, m };
  if (variant === 'tiled') {
    // On the CPU the largest tile only takes longer to compile.
    const tile = gpu.adapter.software ? { tile: TILES.at(-1)! } : {};
    return { ...common, group: 32, forward: SINGLE, gradient: SINGLE, ...tile };
  }
  const large = multiplyAdds >= LARGE && wasted(words, 4) <= 0.1;
  const best = lanes === 4 ? SWIFTSHADER : large ? LAVAPIPE_LARGE : LAVAPIPE;
  const whole = (blocking: Blocking) => (wasted(words, blocking.words) < 0.25 ? blocking : { ...blocking, words: 1 });
  // Equal words: for m = 100 four of 25 neurons instead of three of 32 and one of 4.
  const group = Math.ceil(m / words);
  return { ...common, group, forward: whole(best.forward), gradient: whole(best.gradient) };
}

/** How a neuron's training in Gram space is spread over lanes: one subgroup, or one workgroup of so many. */
export interface GramLoop {
  readonly variant: 'subgroup' | 'workgroup';
  readonly lanes: number;
}

/**
 * subgroup: no barrier, for adapters on the CPU, where a barrier switches coroutines; workgroup: for real GPUs, and for
 * adapters whose subgroups are not of one fixed size that a panel of 32 samples is made of whole quads of.
 * `force` is for tests and benchmarks.
 * @throws RangeError where a forced variant cannot run
 */
export function gramLoop(gpu: Gpu, force?: GramLoop['variant']): GramLoop {
  const lanes = subgroupLanes(gpu);
  const fits = lanes === 4 || lanes === 8;
  if (force === 'subgroup' && !fits) {
    throw new RangeError(`gram_identity_subgroup needs subgroups of 4 or 8 lanes; ${gpu.adapter.name} has not`);
  }
  const variant = force ?? (gpu.adapter.software && fits ? 'subgroup' : 'workgroup');
  return { variant, lanes: variant === 'subgroup' ? lanes! : 256 };
}
