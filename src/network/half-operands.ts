// Operands of half precision for the direct trainer: samples and weights as halves, made from the float32 ones that stay.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import type { Scope } from '../gpu/scope';
import { halfLength, halve } from '../kernels/half';
import { inOrder, type Step } from '../kernels/step';
import { halfObstacle } from './half';
import { HalfRangeError } from './half-range';
import type { Network } from './network';
import { Panels, Samples } from './samples';

/** The marks of values that are not all zero and yet below the smallest normal half. */
const ONLY_TINY = 2;

export interface HalfOperands {
  readonly samples: Samples;
  readonly panels: Panels;
  /** (d + 1, its neurons) of each slice. */
  readonly weights: readonly GpuArray[];
  /** Brings the weights up to date: the first step of an epoch. */
  readonly refresh: Step;
  /** Whether weights have been refreshed since the last call that do not fit. */
  exceeded(): Promise<boolean>;
}

/**
 * Halves of samples and weights; they belong to `scope`.
 * @throws RangeError where the adapter has none; HalfRangeError for samples that do not fit, or of which nothing is left
 */
export async function halfOperands(
  gpu: Gpu,
  problem: { readonly samples: Samples; readonly panels: Panels; readonly network: Network },
  scope: Scope,
): Promise<HalfOperands> {
  const obstacle = halfObstacle(gpu);
  if (obstacle) throw new RangeError(obstacle);
  const { samples, panels, network } = problem;
  const overflow = scope.use(gpu.array('half overflow', 2, 'u32'));
  const halved = async (label: string, input: GpuArray) => {
    const output = scope.use(gpu.array(label, halfLength(input.length), 'f16'));
    return { output, step: await halve(gpu, { input, output, overflow, count: input.length }) };
  };
  const x = await Promise.all(samples.arrays.map((array) => halved('samples as halves', array)));
  const samplesBatch = gpu.batch('samples as halves');
  for (const { step } of x) step(samplesBatch);
  await samplesBatch.submit();
  const [lost, marks] = await overflow.readUint();
  if (lost! > 0) throw HalfRangeError.tooLarge('inputs', lost!);
  if (marks === ONLY_TINY) throw HalfRangeError.tooSmall('inputs');
  // The same numbers again, with rows past the last sample zero: what fits there fits here.
  const p = await Promise.all(panels.arrays.map((array) => halved('panels as halves', array)));
  const panelsBatch = gpu.batch('panels as halves');
  for (const { step } of p) step(panelsBatch);
  await panelsBatch.submit();
  const weights = await Promise.all(network.slices.map((slice) => halved('weights as halves', slice.weights)));
  const outputs = (list: readonly { readonly output: GpuArray }[]) => list.map(({ output }) => output);
  return {
    samples: new Samples(samples.blocks, outputs(x), samples.d),
    panels: new Panels(panels.blocks, outputs(p), panels.d),
    weights: outputs(weights),
    refresh: inOrder(weights.map(({ step }) => step)),
    exceeded: async () => {
      const [count] = await overflow.readUint();
      if (count === 0) return false;
      overflow.write(new Uint32Array(2));
      return true;
    },
  };
}

/** Whether every weight fits a half. */
export async function fitsHalves(gpu: Gpu, { slices }: Network): Promise<boolean> {
  using overflow = gpu.array('half overflow', 2, 'u32');
  for (const { weights } of slices) {
    using output = gpu.array('weights as halves', halfLength(weights.length), 'f16');
    const batch = gpu.batch('weights as halves');
    (await halve(gpu, { input: weights, output, overflow, count: weights.length }))(batch);
    await batch.submit();
  }
  const [count] = await overflow.readUint();
  return count === 0;
}
