// The variants of a kernel that an adapter can run, and why it cannot run the others.

import type { Gpu } from '../gpu/gpu';
import {
  type MatmulLayout,
  type MatmulVariant,
  matmulLayout,
  matmulVariant,
  matrixObstacle,
  TILES,
  variantObstacle,
} from '../kernels/variant';
import { halfObstacle } from '../network/half';
import type { BenchKernel, BenchShape } from './cases';

export interface Candidate {
  readonly name: CandidateName;
  readonly layout: MatmulLayout;
  /** Operands are halves. */
  readonly half: boolean;
  /** By the matrix units: plain products only. */
  readonly matrix: boolean;
}

/** By kernel family, tile, and precision: `tiled` takes the tile that suits the size. */
export const CANDIDATES = [
  'subgroup',
  'tiled',
  'tiled-128x128',
  'tiled-64x128',
  'tiled-64x64',
  'subgroup-f16',
  'tiled-f16',
  'matrix-f16',
] as const;
export type CandidateName = (typeof CANDIDATES)[number];

export interface Candidates {
  readonly run: readonly Candidate[];
  readonly absent: readonly { readonly name: CandidateName; readonly reason: string }[];
  /** What runs when nothing is asked for. */
  readonly usual: CandidateName;
}

/** @param force as the engine's setting `matmul` */
export function candidatesFor(
  gpu: Gpu,
  kernel: BenchKernel,
  { n, d, m }: BenchShape,
  force?: MatmulVariant,
): Candidates {
  const usual = matmulVariant(gpu, force).variant;
  const run: Candidate[] = [];
  const absent: { name: CandidateName; reason: string }[] = [];
  for (const name of CANDIDATES) {
    const matrix = name === 'matrix-f16';
    const [family, detail] = (matrix ? ['tiled', 'f16'] : name.split('-')) as [MatmulVariant, string | undefined];
    const half = detail === 'f16';
    const reason =
      variantObstacle(gpu, family) ??
      (kernel === 'input-gradient' && name !== usual ? 'the kernel has one variant' : undefined) ??
      (matrix && kernel !== 'gram' && kernel !== 'matmul' ? 'the matrix kernel makes plain products' : undefined) ??
      (matrix ? matrixObstacle(gpu) : undefined) ??
      (half ? halfObstacle(gpu) : undefined) ??
      (gpu.adapter.software && family === 'tiled' && detail
        ? 'an adapter on the CPU: larger tiles only compile longer'
        : undefined);
    if (reason !== undefined) {
      absent.push({ name, reason });
      continue;
    }
    const tile = TILES.find(({ rows, columns }) => detail === `${64 * rows}x${64 * columns}`);
    const layout = matmulLayout(gpu, m, family, n * d * m);
    run.push({ name, half, matrix, layout: tile ? { ...layout, tile } : layout });
  }
  return { run, absent, usual };
}
