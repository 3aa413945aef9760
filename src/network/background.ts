// The background of samples: of each input the value that most samples share, as the dark pixels of images do.
//
// With x = y + g, K = X X^T + c = Y Y^T + u 1^T + 1 u^T, where u_i = x_i . g + (c - g . g) / 2: an identity, whatever g is. Where g is
// a background, Y is zero nearly everywhere, and its product leaves out the inputs at which 64 samples together show nothing.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { backgroundDot, LIVE_STEPS } from '../kernels/live';
import { type MatmulLayout, matmulVariant } from '../kernels/variant';
import { BACKGROUND_WORK, type GramConstant, gramRow } from './gram-matrix';
import type { Panels } from './samples';

/** Samples that are looked at: as many as the largest workgroup of a product packs. */
const LOOKED_AT = 64;
/** Inputs of those samples that may be more than background, for the rest to be worth leaving out. */
const MOST = 0.75;

/** g (d), or undefined where the product would not be faster: by the first samples. Of one seed and adapter always the same. */
export async function findBackground(
  gpu: Gpu,
  { blocks, arrays, d }: Panels,
  { variant }: MatmulLayout,
): Promise<Float32Array | undefined> {
  const last = blocks[blocks.length - 1]!;
  const n = last.start + last.rows;
  if (matmulVariant(gpu, variant).variant !== 'subgroup' || n * n * d < BACKGROUND_WORK || d > LIVE_STEPS)
    return undefined;
  const [panels] = arrays;
  if (blocks[0]!.rows < LOOKED_AT || panels!.type !== 'f32') return undefined;
  return backgroundOf(await panels!.read(0, LOOKED_AT * d), d);
}

/** The same from samples in panels of 32, whole: (panels, d, 32). */
export function backgroundOf(panels: Float32Array, d: number): Float32Array | undefined {
  const background = new Float32Array(d);
  const count = panels.length / d;
  let live = 0;
  for (let k = 0; k < d; k++) {
    const counts = new Map<number, number>();
    let most = 0;
    for (let i = 0; i < count; i++) {
      const value = panels[(Math.floor(i / 32) * d + k) * 32 + (i % 32)]!;
      if (!Number.isFinite(value)) return undefined;
      const times = (counts.get(value) ?? 0) + 1;
      counts.set(value, times);
      if (times <= most) continue;
      most = times;
      background[k] = value;
    }
    if (most < count && ++live > MOST * d) return undefined;
  }
  return background;
}

/** A background on the device, and u of every sample. Disposes both. */
export class LiveGram {
  private constructor(
    /** g (d) */
    readonly background: GpuArray,
    /** u, an entry a sample and of the padding of the last panel. */
    readonly shares: GpuArray,
  ) {}

  static async create(gpu: Gpu, panels: Panels, values: Float32Array, constant: GramConstant): Promise<LiveGram> {
    const { blocks, arrays, d } = panels;
    const last = blocks[blocks.length - 1]!;
    const scope = new Scope();
    try {
      const background = scope.use(gpu.upload('background', values));
      const shares = scope.use(gpu.array('shares of the background', gramRow(last.start + last.rows)));
      const squared = values.reduce((sum, value) => sum + value * value, 0);
      const batch = gpu.batch('background');
      for (const [at, { start, rows }] of blocks.entries()) {
        const of = { x: arrays[at]!, background, output: shares, outputFirst: start };
        const size = { panels: Math.ceil(rows / 32), steps: d, offset: (constant - squared) / 2 };
        (await backgroundDot(gpu, { ...of, ...size }))(batch);
      }
      batch.send();
      return new LiveGram(background, shares);
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.background.dispose();
    this.shares.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
