// The weight gradient (masked sums over the samples, split in a fixed order) and the momentum step that consumes it.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { momentumUpdate as momentumUpdateShader } from './generated/momentum-update';
import { plateau as plateauShader } from './generated/plateau';
import { weightGradientTiled as weightGradientTiledShader } from './generated/weight-gradient-tiled';
import { grid1d, halfOf, paddedRow, requireSize, type Step } from './step';
import { type MatmulLayout, subgroupShaders, type Tile, tileFor, tileGroups } from './variant';

/** Column quads (d inputs and the bias, by fours) rounded up to whole tiles. */
export function gradientQuads(d: number, layout: MatmulLayout): number {
  return Math.ceil(Math.ceil((d + 1) / 4) / layout.lanes) * layout.lanes;
}

/** Mask words rounded up to what whole workgroups write. */
export function gradientWords(layout: MatmulLayout): number {
  return Math.ceil(layout.words / layout.gradient.words) * layout.gradient.words;
}

/** Elements of one part of the gradient array, padding included. */
export function gradientPartLength(d: number, layout: MatmulLayout): number {
  return gradientQuads(d, layout) * 4 * gradientWords(layout) * layout.group;
}

/**
 * How many pieces the samples of a block are split into, so that a small gradient still fills the adapter: 8 workgroups
 * on a CPU adapter, 512 on a GPU, at least 256 samples a piece. Fixed numbers, so that sums have one order everywhere.
 */
export function gradientSplits(n: number, d: number, layout: MatmulLayout): number {
  const tiled = layout.variant === 'tiled';
  const tiles = tiled
    ? tileGroups(gradientTile(n, d, layout), 32 * layout.words, 4 * gradientQuads(d, layout))
    : (gradientQuads(d, layout) / layout.lanes) * (gradientWords(layout) / layout.gradient.words);
  const filling = Math.max(1, Math.min(Math.ceil((tiled ? 512 : 8) / tiles), mostSplits(n)));
  return tiled ? filling : Math.max(filling, cacheSplits(n, d, layout));
}

/** Samples a piece where rows lie whole pairs of pages apart. */
const CACHED_ROWS = 1024;
/** Elements that all pieces together may take for that. */
const CACHED_PARTS = 2 ** 24;

/**
 * Pieces for rows of 2048 or 4096 inputs, whose columns compete for the same lines of a cache and each for a page of its own: of 1024 samples
 * the gradient is 10 % faster on lavapipe, of 1366, which is what fits for m = 1024, 7 %. Longer rows would have blocks whose
 * pieces do not fit one array.
 */
function cacheSplits(n: number, d: number, layout: MatmulLayout): number {
  const row = paddedRow(d);
  if (layout.lanes === 4 || row % 2048 || row > 4096) return 1;
  return Math.floor(Math.min(n / CACHED_ROWS, CACHED_PARTS / gradientPartLength(d, layout)));
}

const mostSplits = (n: number) => Math.max(1, Math.floor(n / 256));

/** The largest tile that fills a GPU with as many splits as there may be. */
function gradientTile(n: number, d: number, layout: MatmulLayout): Tile {
  return layout.tile ?? tileFor(32 * layout.words, 4 * gradientQuads(d, layout), mostSplits(n));
}

export interface WeightGradientArgs {
  /** (n, paddedRow(d)) inputs of the block; of type f16 for half precision. */
  readonly x: GpuArray;
  /** (words, n) derivative bits of the block. */
  readonly mask: GpuArray;
  /** (all samples) dloss/df. */
  readonly residual: GpuArray;
  /** (parts, {@link gradientPartLength}) out. */
  readonly gradient: GpuArray;
  /** (parts, 4 {@link gradientQuads}) out. */
  readonly total: GpuArray;
  readonly n: number;
  readonly d: number;
  /** First sample of the block among all. */
  readonly start: number;
  /** First part to write. */
  readonly part: number;
  readonly splits: number;
  /** Samples of a part, the last taking what is left (default: n split evenly). */
  readonly step?: number;
  readonly layout: MatmulLayout;
}

/** weight_gradient_subgroup or weight_gradient_tiled, by the layout. */
export async function weightGradient(gpu: Gpu, args: WeightGradientArgs): Promise<Step> {
  const { n, d, start, part, splits, step = Math.ceil(n / splits), layout, ...arrays } = args;
  requireSize('n', n);
  requireSize('d', d);
  requireSize('splits', splits);
  if (step * splits < n) throw new RangeError(`${splits} parts of ${step} leave some of ${n} samples out`);
  const { words, group, lanes } = layout;
  const params = { n, d, start, words, part, step };
  const HALF = halfOf(arrays.x);
  const { words: NW, steps: U } = layout.gradient;
  const tiles = gradientQuads(d, layout) / lanes;
  if (layout.variant === 'subgroup') {
    const BF = Math.ceil((U * NW) / lanes);
    const { weightGradientSubgroup } = await subgroupShaders();
    const kernel = await gpu.kernel(weightGradientSubgroup, { S: lanes, G: group, NW, U, BF, HALF });
    const padded = { ...params, mask_words: words, words: gradientWords(layout), height: group * NW };
    return (batch) => void batch.dispatch(kernel, arrays, padded, [padded.words / NW, tiles, splits]);
  }
  const { rows: RW, columns: RC } = gradientTile(n, d, layout);
  const kernel = await gpu.kernel(weightGradientTiledShader, { RW, RC, HALF });
  const grid = [Math.ceil(tiles / RC), Math.ceil(words / (2 * RW)), splits] as const;
  return (batch) => void batch.dispatch(kernel, arrays, { ...params, tiles }, grid);
}

export interface MomentumArgs {
  readonly gradient: GpuArray;
  readonly total: GpuArray;
  /** (m) */
  readonly readout: GpuArray;
  /** (8) plateau state; element 0 is the learning rate. */
  readonly state: GpuArray;
  /** (d + 1, m) in and out; zero before the first step. */
  readonly velocity: GpuArray;
  /** (d + 1, m) in and out. */
  readonly weights: GpuArray;
  readonly d: number;
  readonly parts: number;
  readonly slope: number;
  readonly momentum: number;
  readonly layout: MatmulLayout;
}

/** momentum_update: v <- momentum v + g; w <- w - lr v. */
export async function momentumUpdate(gpu: Gpu, args: MomentumArgs): Promise<Step> {
  const { d, parts, slope, momentum, layout, ...arrays } = args;
  const { m, group, lanes } = layout;
  const words = gradientWords(layout);
  const kernel = await gpu.kernel(momentumUpdateShader);
  const count = (d + 1) * m;
  const params = { count, m, words, group, lanes, quads: gradientQuads(d, layout), parts, slope, momentum };
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, count));
}

export interface PlateauArgs {
  /** (2) from margin_summary. */
  readonly summary: GpuArray;
  /** (8), see {@link plateauState}. */
  readonly state: GpuArray;
  /** (epochs, 3) out: loss, learning rate, number correct. */
  readonly history: GpuArray;
  /** torch's ReduceLROnPlateau, or false for a constant learning rate. */
  readonly schedule: { readonly factor: number; readonly patience: number; readonly threshold: number } | false;
}

/** Where the best loss starts: torch's infinity, which a shader may not rely on. */
export const WORST_LOSS = 3.4028234663852886e38;

/** The state before an epoch: learning rate now and next, best loss, bad epochs, and 0 for the first row of the history. */
export function plateauState({
  lr,
  best = WORST_LOSS,
  bad = 0,
}: {
  lr: number;
  best?: number;
  bad?: number;
}): Float32Array {
  return Float32Array.of(lr, lr, best, bad, 0, 0, 0, 0);
}

/** plateau: records the epoch and moves the learning rate. */
export async function plateau(gpu: Gpu, args: PlateauArgs): Promise<Step> {
  const { schedule, ...arrays } = args;
  const kernel = await gpu.kernel(plateauShader);
  const params = schedule
    ? { enabled: 1, patience: schedule.patience, factor: schedule.factor, keep: 1 - schedule.threshold }
    : { enabled: 0, patience: 0, factor: 1, keep: 1 };
  return (batch) => void batch.dispatch(kernel, arrays, params, [1]);
}
