// All that a decision map needs of the predicted directions: their coordinates in the plane, sums of the coordinates of the
// samples with the weights of Phi. Of the two n^2 d products of a direction that leaves the first, and as Phi is symmetric,
// half of it.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import type { PhiProblem } from './phi';
import { PhiSums, type PhiSumsOptions } from './phi-sums';
import { type Plane, placeSamples } from './plane';

/** Samples a piece: never another number, because the order of the sums depends on it. */
const PIECE = 64;

export interface PullOptions extends Pick<PhiSumsOptions, 'sampling'> {
  readonly signal?: AbortSignal;
}

/**
 * The predicted directions of all samples before they are normalised, by their coordinates in the plane: (n, 4), the last
 * two numbers unused. The panels must hold the samples.
 * @throws the signal's reason when aborted
 */
export async function predictPulls(
  gpu: Gpu,
  problem: PhiProblem,
  plane: Plane,
  { sampling, signal }: PullOptions = {},
): Promise<Float32Array> {
  const { samples } = problem;
  const { n, blocks } = samples;
  const y = await problem.labels.read();
  const places = await placeSamples(gpu, plane, samples);
  const labelled = places.map((value, e) => y[e >> 2]! * value);
  const scope = new Scope();
  try {
    const perBlock = (label: string, values: Float32Array) =>
      blocks.map(({ start, rows }) => scope.use(gpu.upload(label, values.subarray(4 * start, 4 * (start + rows)))));
    const outputs = blocks.map(({ rows }) => scope.use(gpu.upload('pulls back', new Float32Array(4 * rows))));
    const of = perBlock('coordinates', places);
    const back = { of: perBlock('labelled coordinates', labelled), outputs };
    const weighted = scope.use(
      await PhiSums.create(gpu, problem, PIECE, { pieceRows: PIECE, ...(sampling ? { sampling } : {}) }),
    );
    const output = scope.use(gpu.array('pulls', weighted.most * 4));
    const pulls = new Float32Array(n * 4);
    for (const [own, { start, rows }] of blocks.entries()) {
      for (let first = 0; first < rows; first += weighted.most) {
        signal?.throwIfAborted();
        const count = Math.min(weighted.most, rows - first);
        await weighted.runTriangle(own, first, count, { of, columns: 4, output }, back);
        pulls.set(await output.read(0, count * 4), (start + first) * 4);
      }
    }
    for (const [at, { start, rows }] of blocks.entries()) {
      const share = await outputs[at]!.read(0, rows * 4);
      for (const [e, value] of share.entries()) pulls[4 * start + e]! += y[start + (e >> 2)]! * value;
    }
    return pulls;
  } finally {
    scope.dispose();
  }
}
