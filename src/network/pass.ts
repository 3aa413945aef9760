// One forward pass over samples in blocks: the steps, and the scratch memory they share.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { forward, outputResidual, packedWeights } from '../kernels/forward';
import type { Packed } from '../kernels/pack';
import type { Step } from '../kernels/step';
import type { MatmulLayout } from '../kernels/variant';
import type { Network } from './network';
import type { Block, Panels } from './samples';

/** Masks and partial outputs of one block, and the weights as they are multiplied; blocks take turns. */
export class PassScratch {
  readonly mask: GpuArray;
  readonly partial: GpuArray;
  readonly packed: Packed | undefined;
  readonly #scope = new Scope();

  constructor(gpu: Gpu, { blocks, d }: Pick<Panels, 'blocks' | 'd'>, layout: MatmulLayout) {
    const rows = Math.max(...blocks.map((block) => block.rows));
    try {
      this.mask = this.#scope.use(gpu.array('mask', layout.words * rows, 'u32'));
      this.partial = this.#scope.use(gpu.array('partial outputs', layout.words * rows));
      const packed = packedWeights(gpu, d, layout);
      this.packed = packed && this.#scope.use(packed);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.#scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface PassArrays {
  /** (n) -1 or +1 */
  readonly labels: GpuArray;
  /** (n) out: y f */
  readonly margin: GpuArray;
  /** (n) out: dloss/df */
  readonly residual: GpuArray;
}

/**
 * Hidden layer of one block: fills the scratch's mask and partial outputs.
 * @param half the weights as halves, where the panels are
 */
export function hiddenStep(
  gpu: Gpu,
  network: Network,
  panels: Panels,
  at: number,
  scratch: Pick<PassScratch, 'mask' | 'partial' | 'packed'>,
  layout: MatmulLayout,
  half?: GpuArray,
): Promise<Step> {
  return forward(gpu, {
    ...(half ? { half } : {}),
    panels: panels.arrays[at]!,
    weights: network.weights,
    readout: network.readout,
    mask: scratch.mask,
    partial: scratch.partial,
    packed: scratch.packed,
    n: panels.blocks[at]!.rows,
    d: network.d,
    slope: network.slope,
    layout,
  });
}

/** Output, margin and residual of one block from the scratch's partial outputs. */
export function outputStep(
  gpu: Gpu,
  block: Block,
  arrays: PassArrays,
  scratch: PassScratch,
  layout: MatmulLayout,
  loss: 'identity' | 'logistic',
  total: number,
): Promise<Step> {
  const { start, rows: n } = block;
  return outputResidual(gpu, { ...arrays, partial: scratch.partial, n, start, words: layout.words, loss, total });
}
