// One forward pass over samples in blocks: the steps, and the scratch memory they share.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { forward, outputResidual, packedWeights } from '../kernels/forward';
import type { Packed } from '../kernels/pack';
import { inOrder, type Step } from '../kernels/step';
import type { MatmulLayout } from '../kernels/variant';
import type { Network } from './network';
import type { Block, Panels } from './samples';
import { firstWord, sliceLayout, type WeightSlice } from './slices';

/** Masks and partial outputs of one block, and the weights as they are multiplied; blocks take turns. */
export interface PassOutputs {
  /** (words, rows) */
  readonly mask: GpuArray;
  readonly partial: GpuArray;
  /** Of the widest slice. */
  readonly packed: Packed | undefined;
  /** Mask and partial outputs of the widest slice of a network that has several, which take turns too. */
  readonly slice?: { readonly mask: GpuArray; readonly partial: GpuArray };
}

export class PassScratch implements PassOutputs {
  readonly mask: GpuArray;
  readonly partial: GpuArray;
  readonly packed: Packed | undefined;
  readonly slice?: { readonly mask: GpuArray; readonly partial: GpuArray };
  readonly #scope = new Scope();

  /** @param network that passes over the blocks */
  constructor(gpu: Gpu, blocks: readonly Block[], layout: MatmulLayout, { d, slices }: Network) {
    const rows = Math.max(...blocks.map((block) => block.rows));
    const make = (words: number) => ({
      mask: this.#scope.use(gpu.array('mask', words * rows, 'u32')),
      partial: this.#scope.use(gpu.array('partial outputs', words * rows)),
    });
    try {
      const { mask, partial } = make(layout.words);
      this.mask = mask;
      this.partial = partial;
      const widest = sliceLayout(layout, slices[0]!);
      const packed = packedWeights(gpu, d, widest);
      this.packed = packed && this.#scope.use(packed);
      if (slices.length > 1) this.slice = make(widest.words);
    } catch (error) {
      this.#scope.dispose();
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
 * @param halves the weights of each slice as halves, where the panels are
 */
export async function hiddenStep(
  gpu: Gpu,
  network: Network,
  panels: Panels,
  at: number,
  scratch: PassOutputs,
  layout: MatmulLayout,
  halves?: readonly GpuArray[],
): Promise<Step> {
  const { d, slope, slices } = network;
  const n = panels.blocks[at]!.rows;
  const into = scratch.slice ?? scratch;
  const steps: Step[] = [];
  for (const [k, slice] of slices.entries()) {
    const { weights, readout } = slice;
    const own = sliceLayout(layout, slice);
    const operands = { panels: panels.arrays[at]!, weights, readout, ...(halves ? { half: halves[k]! } : {}) };
    const { mask, partial } = into;
    const { packed } = scratch;
    steps.push(await forward(gpu, { ...operands, packed, mask, partial, n, d, slope, layout: own }));
    if (into === scratch) continue;
    const [to, count] = [firstWord(layout, slice) * n, own.words * n];
    steps.push((batch) => void batch.copy(mask, 0, scratch.mask, to, count));
    steps.push((batch) => void batch.copy(partial, 0, scratch.partial, to, count));
  }
  return inOrder(steps);
}

/** The mask of one slice from the whole one that {@link hiddenStep} left, if there are several: an array, and the step that fills it. */
export function sliceMask(
  scratch: PassOutputs,
  layout: MatmulLayout,
  slice: WeightSlice,
  n: number,
): { readonly mask: GpuArray; readonly step: Step } {
  const { mask } = scratch.slice ?? scratch;
  if (mask === scratch.mask) return { mask, step: () => {} };
  const [from, count] = [firstWord(layout, slice) * n, sliceLayout(layout, slice).words * n];
  return { mask, step: (batch) => void batch.copy(scratch.mask, from, mask, 0, count) };
}

/** Output, margin and residual of one block from the scratch's partial outputs. */
export function outputStep(
  gpu: Gpu,
  block: Block,
  arrays: PassArrays,
  scratch: Pick<PassOutputs, 'partial'>,
  layout: MatmulLayout,
  loss: 'identity' | 'logistic',
  total: number,
): Promise<Step> {
  const { start, rows: n } = block;
  return outputResidual(gpu, { ...arrays, partial: scratch.partial, n, start, words: layout.words, loss, total });
}
