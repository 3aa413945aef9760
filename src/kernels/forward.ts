// The forward pass: hidden layer (mask bits and partial outputs, never the pre-activations), then output and residual.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { forwardTiled as forwardTiledShader } from './generated/forward-tiled';
import { marginSummary as marginSummaryShader } from './generated/margin-summary';
import { outputResidual as outputResidualShader } from './generated/output-residual';
import { imageFor, type Packed, type PackedSize, packedBytes, packedOperand, panelLoads, rowPacking } from './pack';
import { grid1d, halfOf, requireSize, type Step } from './step';
import { type MatmulLayout, subgroupShaders, tileFor } from './variant';

export interface ForwardArgs {
  /** Inputs in panels of 32 samples: (ceil(n / 32), d, 32), from {@link panels}; of type f16 for half precision. */
  readonly panels: GpuArray;
  /** Scratch that {@link packedWeights} makes, for layouts of which it makes one. */
  readonly packed?: Packed | undefined;
  /** (d + 1, m): weights k-major, the biases in row d. */
  readonly weights: GpuArray;
  /** The same as halves: what is multiplied where the panels are halves; the biases are always those of `weights`. */
  readonly half?: GpuArray;
  /** (m) */
  readonly readout: GpuArray;
  /** (words, n) out: derivative bits. */
  readonly mask: GpuArray;
  /** (words, n) out: partial outputs. */
  readonly partial: GpuArray;
  readonly n: number;
  readonly d: number;
  readonly slope: number;
  readonly layout: MatmulLayout;
}

/** Neurons that a workgroup of forward_subgroup makes. */
const panelOf = ({ group, forward }: MatmulLayout): number => group * forward.words;

const packedSize = (d: number, layout: MatmulLayout): PackedSize => ({
  rows: layout.m,
  steps: d + 1,
  height: panelOf(layout),
  lanes: layout.lanes,
});

/** What forward_subgroup reads the weights of d inputs from, to hand to {@link forward}; undefined where another kernel runs. */
export function packedWeights(gpu: Gpu, d: number, layout: MatmulLayout): Packed | undefined {
  return layout.variant === 'subgroup' ? packedOperand(gpu, packedSize(d, layout)) : undefined;
}

/** Bytes that {@link packedWeights} takes. */
export function packedWeightsBytes(d: number, layout: MatmulLayout): number {
  return layout.variant === 'subgroup' ? packedBytes(packedSize(d, layout)) : 0;
}

/** forward_subgroup (of weights that it packs anew) or forward_tiled, by the layout. */
export async function forward(gpu: Gpu, args: ForwardArgs): Promise<Step> {
  const { n, d, slope, layout, half, packed, ...rest } = args;
  requireSize('n', n);
  requireSize('d', d);
  const { m, words, group, lanes } = layout;
  const HALF = halfOf(rest.panels);
  if (HALF && !half) throw new TypeError('forward: panels of halves need weights as halves');
  const arrays = { ...rest, weights: HALF ? half! : rest.weights, bias: rest.weights };
  const params = { n, d, m, slope };
  if (layout.variant === 'subgroup') {
    if (!packed) throw new TypeError('forward needs packed weights: see packedWeights');
    const { words: NW, steps: U } = layout.forward;
    const height = panelOf(layout);
    const address = { rows: m, height, width: m, panel: 0, stride: m, outSteps: d + 1 };
    // Halves are of the weights alone: biases are always those of float32.
    const packs = HALF
      ? [
          await rowPacking(gpu, { ...address, input: half!, first: 0, steps: d }, lanes),
          await rowPacking(gpu, { ...address, input: rest.weights, first: d * m, steps: 1, outStep: d }, lanes),
        ]
      : [await rowPacking(gpu, { ...address, input: rest.weights, first: 0, steps: d + 1 }, lanes)];
    const blocking = { G: group, NW, U, AF: Math.ceil(height / lanes), AQ: panelLoads(height, lanes) };
    const { forwardSubgroup } = await subgroupShaders();
    const kernel = await gpu.kernel(forwardSubgroup, { S: lanes, ...blocking, HALF, IMAGE: imageFor(lanes) });
    const grid = [Math.ceil(n / (4 * lanes)), Math.ceil(words / NW)] as const;
    return (batch) => {
      for (const pack of packs) pack(batch, packed);
      batch.dispatch(kernel, { ...arrays, weights: packed }, params, grid);
    };
  }
  const { rows: RW, columns: RX } = layout.tile ?? tileFor(32 * words, n);
  const kernel = await gpu.kernel(forwardTiledShader, { RW, RX, HALF });
  const grid = [Math.ceil(n / (64 * RX)), Math.ceil(words / (2 * RW))] as const;
  return (batch) => void batch.dispatch(kernel, arrays, params, grid);
}

export interface OutputArgs {
  /** (words, n) from {@link forward}. */
  readonly partial: GpuArray;
  /** (all samples) -1 or +1. */
  readonly labels: GpuArray;
  /** (all samples) out: y f. */
  readonly margin: GpuArray;
  /** (all samples) out: derivative of the mean loss in f. */
  readonly residual: GpuArray;
  /** Samples of this block, and where it begins among all. */
  readonly n: number;
  readonly start: number;
  readonly words: number;
  readonly loss: 'identity' | 'logistic';
  /** Samples that the mean loss is over. */
  readonly total: number;
}

/** output_residual: f, margin and dloss/df of a block. */
export async function outputResidual(gpu: Gpu, args: OutputArgs): Promise<Step> {
  const { n, start, words, loss, total, ...arrays } = args;
  requireSize('n', n);
  const kernel = await gpu.kernel(outputResidualShader);
  const params = { n, start, words, logistic: loss === 'logistic' ? 1 : 0, scale: 1 / total };
  return (batch) => void batch.dispatch(kernel, arrays, params, grid1d(gpu, n));
}

export interface SummaryArgs {
  /** (n) y f */
  readonly margin: GpuArray;
  /** (2) out: mean loss, number of samples with y f > 0. */
  readonly summary: GpuArray;
  readonly n: number;
  readonly loss: 'identity' | 'logistic';
  /** Square root of the workgroup's size (default: what suits the adapter); for tests. */
  readonly root?: 8 | 16;
}

/** margin_summary: mean loss and number correct. */
export async function marginSummary(gpu: Gpu, args: SummaryArgs): Promise<Step> {
  const { n, loss, root = gpu.adapter.software ? 8 : 16, ...arrays } = args;
  requireSize('n', n);
  const kernel = await gpu.kernel(marginSummaryShader, { T: root * root });
  return (batch) => void batch.dispatch(kernel, arrays, { n, root, logistic: loss === 'logistic' ? 1 : 0 }, [1]);
}
