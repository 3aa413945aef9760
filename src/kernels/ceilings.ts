// What an adapter can do at most: kernels that only multiply and add, and that only copy.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { copyQuads as copyQuadsShader } from './generated/copy-quads';
import { fmaThroughput as fmaThroughputShader } from './generated/fma-throughput';
import { grid1d, requireSize, type Step } from './step';

/** Chains of vec4 and their steps a round, as fma_throughput has them. */
export const FMA_BLOCKING = { R: 4, U: 16 } as const;

export interface FmaArgs {
  /** (count) out */
  readonly output: GpuArray;
  readonly count: number;
  readonly rounds: number;
  /** The step x <- scale x + shift. */
  readonly scale: number;
  readonly shift: number;
  /** Default {@link FMA_BLOCKING}. */
  readonly blocking?: { readonly R: number; readonly U: number };
}

/** fma_throughput: 4 R U rounds multiply-adds an invocation. */
export async function fmaThroughput(gpu: Gpu, args: FmaArgs): Promise<Step> {
  const { output, blocking = FMA_BLOCKING, ...params } = args;
  requireSize('count', params.count);
  requireSize('rounds', params.rounds, 0);
  const kernel = await gpu.kernel(fmaThroughputShader, blocking);
  return (batch) => void batch.dispatch(kernel, { output }, params, grid1d(gpu, params.count));
}

/** copy_quads: `count` quads of four elements. */
export async function copyQuads(
  gpu: Gpu,
  args: { readonly input: GpuArray; readonly output: GpuArray; readonly count: number },
): Promise<Step> {
  const { count, ...arrays } = args;
  requireSize('count', count);
  const kernel = await gpu.kernel(copyQuadsShader);
  return (batch) => void batch.dispatch(kernel, arrays, { count }, grid1d(gpu, count));
}
