// Phi as the paper computed it: the mean over drawn neurons w ~ N(0, I/d), c ~ N(0, 1). A check of the closed form, whose
// standard error at one pair is at most (1 - slope) / (2 sqrt(draws)).
//
// The draws are a network of that width: its derivative masks are all that is needed, and pairs are compared by counting
// bits, so the estimate is exact for its draws.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { phiSampled } from '../kernels/theory';
import { matmulLayout } from '../kernels/variant';
import { Network } from '../network/network';
import { hiddenStep, PassScratch } from '../network/pass';
import { Panels } from '../network/samples';
import type { PhiProblem, PhiTiles } from './phi';

export interface PhiSampling {
  readonly draws: number;
  readonly seed: number;
  /** Random streams of the weights and of the biases. */
  readonly streams: { readonly weights: number; readonly biases: number };
  /** (draws, d) and (draws): in place of drawn ones. */
  readonly given?: { readonly W?: Float32Array; readonly b?: Float32Array };
}

/** The drawn neurons as a network, of which only the hidden layer is used; the caller disposes it. */
export function drawNeurons(
  gpu: Gpu,
  d: number,
  slope: number,
  { draws, seed, streams, given }: PhiSampling,
): Promise<Network> {
  const numbers = { W: streams.weights, b: streams.biases, a: streams.biases };
  return Network.create(gpu, { d, m: draws, slope }, { ...given, a: new Float32Array(draws) }, seed, numbers);
}

/** Phi from `sampling.draws` random neurons. @param most points a piece has at most */
export async function sampledPhi(
  gpu: Gpu,
  problem: PhiProblem,
  most: number,
  sampling: PhiSampling,
): Promise<PhiTiles> {
  const { draws } = sampling;
  const { panels, labels, slope } = problem;
  const { d, blocks } = panels;
  const layout = matmulLayout(gpu, draws);
  const scope = new Scope();
  try {
    const neurons = scope.use(await drawNeurons(gpu, d, slope, sampling));
    const passOver = (rows: number) => scope.use(new PassScratch(gpu, { blocks: [{ start: 0, rows }], d }, layout));
    const ofPoints = passOver(most);
    const masks = blocks.map(({ rows }) => scope.use(gpu.array('masks of samples', layout.words * rows, 'u32')));
    const largest = passOver(Math.max(...blocks.map(({ rows }) => rows)));
    const batch = gpu.batch('masks of samples');
    for (const [at, { rows }] of blocks.entries()) {
      (await hiddenStep(gpu, neurons, panels, at, largest, layout))(batch);
      batch.copy(largest.mask, 0, masks[at]!, 0, layout.words * rows);
    }
    await batch.submit();
    largest.dispose();
    return {
      prepare: async ({ panels: points, count }) => {
        const piece = new Panels([{ start: 0, rows: count }], [points], d);
        return [await hiddenStep(gpu, neurons, piece, 0, ofPoints, layout)];
      },
      fill: async (at, { count, columns }, tile) => {
        const { start, rows } = blocks[at]!;
        const bits = { xBits: masks[at]!, zBits: ofPoints.mask, labels, tile };
        return [await phiSampled(gpu, { ...bits, rows, columns: count, ld: columns, start, draws, slope })];
      },
      dispose: () => scope.dispose(),
    };
  } catch (error) {
    scope.dispose();
    throw error;
  }
}
