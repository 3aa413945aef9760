// What the theory predicts the two networks to compute at any points (design.md, "Theory"):
//   f_hat(z) = mean_k y_k Phi(x_k, z) x_k . z = 1/n (sum_k y_k Phi(x_k, z) x_k) . z
//   g_hat(z) = mean_i Phi(u_i, z) 1/n D_i . z = 1/n^2 (sum_i Phi(u_i, z) D_i) . z, D_i = sum_k y_k Phi(x_i, x_k) x_k
// Both are weighted sums of rows, multiplied with the point at last; D takes as much memory as the samples.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { rowDot } from '../kernels/compare';
import { Panels, Samples } from '../network/samples';
import type { PhiProblem } from './phi';
import { PhiSums, type PhiSumsOptions } from './phi-sums';

export interface PredictOptions extends PhiSumsOptions {
  readonly signal?: AbortSignal;
}

/**
 * f_hat at the points, (p).
 * @param problem the panels must hold the samples
 * @param points (p, d) row-major
 * @throws RangeError when the points are no whole rows of d; the signal's reason when aborted
 */
export async function predictF(
  gpu: Gpu,
  problem: PhiProblem,
  points: Float32Array,
  options: PredictOptions = {},
): Promise<Float32Array> {
  const { samples } = problem;
  return predictAt(gpu, problem, samples.arrays, 1 / samples.n, points, options);
}

/**
 * g_hat at the points, (p).
 * @param problem samples that f was trained on; the panels must hold them
 * @param learned what g was trained on, in the same blocks: the perturbations, or the perturbed samples
 * @param points (p, d) row-major
 * @throws RangeError when the points are no whole rows of d, or the blocks differ; the signal's reason when aborted
 */
export async function predictG(
  gpu: Gpu,
  problem: PhiProblem,
  learned: Samples,
  points: Float32Array,
  options: PredictOptions = {},
): Promise<Float32Array> {
  const { samples, slope } = problem;
  const { n, d, blocks } = samples;
  const same = blocks.length === learned.blocks.length && blocks.every((b, at) => b.rows === learned.blocks[at]!.rows);
  if (!same || learned.d !== d) throw new RangeError('what g was trained on is not in the blocks of the samples');
  const scope = new Scope();
  try {
    const directions = scope.use(await directionSums(gpu, problem, options));
    const panels = scope.use(Panels.allocate(gpu, blocks, d));
    await panels.fill(gpu, learned);
    const labels = scope.use(gpu.upload('ones', new Float32Array(n).fill(1)));
    const second = { samples: learned, panels, labels, slope };
    return await predictAt(gpu, second, directions.arrays, 1 / n ** 2, points, options);
  } finally {
    scope.dispose();
  }
}

/** D: the predicted directions of all samples before they are normalised. The caller disposes it. */
async function directionSums(gpu: Gpu, problem: PhiProblem, options: PredictOptions): Promise<Samples> {
  const { samples } = problem;
  const { d, ld, blocks } = samples;
  using weighted = await PhiSums.create(gpu, problem, Math.max(...blocks.map(({ rows }) => rows)), options);
  using sum = gpu.array('directions', weighted.most * ld);
  const directions = Samples.allocate(gpu, 'directions', blocks, d);
  try {
    for (const [at, block] of blocks.entries()) {
      const from = samples.arrays[at]!;
      for (let first = 0; first < block.rows; first += weighted.most) {
        options.signal?.throwIfAborted();
        const count = Math.min(weighted.most, block.rows - first);
        await weighted.run(from, first, count, [{ of: samples.arrays, columns: ld, output: sum }]);
        await gpu
          .batch('directions')
          .copy(sum, 0, directions.arrays[at]!, first * ld, count * ld)
          .submit();
      }
    }
    return directions;
  } catch (error) {
    directions.dispose();
    throw error;
  }
}

/** scale (sum_k labels_k Phi(x_k, z) of_k) . z at every point, (p). */
async function predictAt(
  gpu: Gpu,
  problem: PhiProblem,
  of: readonly GpuArray[],
  scale: number,
  points: Float32Array,
  options: PredictOptions,
): Promise<Float32Array> {
  const { d, ld } = problem.samples;
  if (points.length % d) throw new RangeError(`${points.length} numbers are no whole points of ${d} inputs`);
  const out = new Float32Array(points.length / d);
  if (out.length === 0) return out;
  const scope = new Scope();
  try {
    const given = scope.use(Samples.fromArray(gpu, 'points', points, d));
    const weighted = scope.use(await PhiSums.create(gpu, problem, given.blocks[0]!.rows, options));
    const sum = scope.use(gpu.array('sums', weighted.most * ld));
    const output = scope.use(gpu.array('predictions', weighted.most));
    for (const [at, { start, rows }] of given.blocks.entries()) {
      for (let first = 0; first < rows; first += weighted.most) {
        options.signal?.throwIfAborted();
        const n = Math.min(weighted.most, rows - first);
        await weighted.run(given.arrays[at]!, first, n, [{ of, columns: ld, output: sum }]);
        const batch = gpu.batch('predictions');
        (await rowDot(gpu, { a: sum, b: weighted.rows, output, n, d, scale }))(batch);
        await batch.submit();
        out.set(await output.read(0, n), start + first);
      }
    }
    return out;
  } finally {
    scope.dispose();
  }
}
