// Variants that were measured to be faster than the default on one adapter.
//
// A run never measures: it takes the default, or what an earlier `perturb bench --tune` chose and stored under the adapter,
// its driver and the text of every shader. So the same configuration gives the same bits until somebody tunes again, and the
// result says which choice ran.

import type { Gpu } from '../gpu/gpu';
import { type MatmulLayout, type MatmulVariant, matmulLayout, type Tile, variantObstacle } from './variant';

export interface TunedChoice {
  readonly variant: MatmulVariant;
  readonly tile?: Tile;
  /** Default's time over this one's, forward and weight gradient together. */
  readonly speedup: number;
  /** "n/d/m" that was measured. */
  readonly measuredAt: string;
}

export interface Tuning {
  readonly schemaVersion: 1;
  /** What the choices depend on, see tuningKey of src/bench/tuning.ts. */
  readonly key: string;
  readonly date: string;
  /** By {@link shapeClass}; a class without a choice runs the default. */
  readonly choices: Readonly<Record<string, TunedChoice>>;
}

/** Shapes between which a choice is carried over: the same powers of two, rounded. */
export function shapeClass({ n, d, m }: { readonly n: number; readonly d: number; readonly m: number }): string {
  return [n, d, m].map((size) => Math.round(Math.log2(size))).join('/');
}

export interface TuningSettings {
  readonly matmul?: MatmulVariant;
  readonly tuning?: Tuning;
  /** Why a tuning that was kept is not used. */
  readonly tuningRefused?: string;
}

/** The layout for a shape: forced, else as tuned, else the default. Its reason says which, and what came of a tuning. */
export function tunedLayout(
  gpu: Gpu,
  shape: { readonly n: number; readonly d: number; readonly m: number },
  { matmul, tuning, tuningRefused }: TuningSettings,
): MatmulLayout {
  const work = shape.n * shape.d * shape.m;
  if (matmul) return matmulLayout(gpu, shape.m, matmul, work);
  const choice = tuning?.choices[shapeClass(shape)];
  const obstacle = choice && variantObstacle(gpu, choice.variant);
  if (!choice || obstacle) {
    const layout = matmulLayout(gpu, shape.m, undefined, work);
    const refused = tuningRefused ?? obstacle;
    return refused
      ? { ...layout, reason: `${layout.reason}; the tuning kept for this adapter is not used: ${refused}` }
      : layout;
  }
  const { variant, tile, speedup, measuredAt } = choice;
  const reason = `tuned on ${tuning!.date.slice(0, 10)} (${tuning!.key.slice(0, 8)}): ${speedup.toFixed(2)} times the default's speed at ${measuredAt}`;
  return { ...matmulLayout(gpu, shape.m, variant, work), ...(tile ? { tile } : {}), reason };
}
