// The directions that the theory predicts for perturbations: sum_k y_k Phi(x_i, x_k) x_k, in pieces of samples, so that
// neither the n x n matrix Phi nor the n x d directions need to be there at once.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { rowCosine } from '../kernels/compare';
import { perturbRows } from '../kernels/perturbation';
import { type Samples, unpad } from '../network/samples';
import type { PhiProblem } from './phi';
import { PhiSums, type PhiSumsOptions } from './phi-sums';

export interface DirectionOptions extends PhiSumsOptions {
  /** Gives `cosine`: the perturbations, in the blocks of the samples. */
  readonly perturbation?: Samples;
  /** Gives `direction`. */
  readonly direction?: boolean;
  readonly signal?: AbortSignal;
}

export interface Directions {
  /** mean_i |cos(direction_i, r_i)|; a perturbation of zero counts as 0. */
  readonly cosine?: number;
  /** (n, d) of length 1; a zero direction stays zero. */
  readonly direction?: Float32Array;
}

/** Computes what `options` asks for of the directions of all samples. The panels must hold the samples. */
export async function predictDirections(
  gpu: Gpu,
  problem: PhiProblem,
  options: DirectionOptions = {},
): Promise<Directions> {
  const { samples } = problem;
  const { n, d, ld, blocks } = samples;
  const { perturbation, signal } = options;
  if (!perturbation && !options.direction) return {};
  const largest = Math.max(...blocks.map(({ rows }) => rows));
  const scope = new Scope();
  try {
    const weighted = scope.use(await PhiSums.create(gpu, problem, largest, options));
    const { most, rows } = weighted;
    const sum = scope.use(gpu.array('directions', most * ld));
    const cosines = scope.use(gpu.array('cosines', most));
    const ones = scope.use(gpu.upload('ones', new Float32Array(most).fill(1)));
    // What the normalisation divides by; nobody asks for it.
    const lengths = scope.use(gpu.array('lengths', most));
    const direction = options.direction ? new Float32Array(n * d) : undefined;
    let total = 0;

    for (const [at, block] of blocks.entries()) {
      for (let first = 0; first < block.rows; first += most) {
        signal?.throwIfAborted();
        const count = Math.min(most, block.rows - first);
        const start = block.start + first;
        await weighted.run(samples.arrays[at]!, first, count, [{ of: samples.arrays, columns: ld, output: sum }]);
        const batch = gpu.batch('use of directions');
        if (perturbation) {
          batch.copy(perturbation.arrays[at]!, first * ld, rows, 0, count * ld);
          (await rowCosine(gpu, { a: sum, b: rows, output: cosines, n: count, ld }))(batch);
        }
        if (direction) {
          // Scaling rows to length 1 is what an l2 perturbation of size 1 towards +1 does; nothing reads `sum` after it.
          const arrays = { targets: ones, gradient: sum, coefficient: lengths };
          const args = { ...arrays, n: count, d, start: 0, kind: 'l2', size: 1 } as const;
          (await perturbRows(gpu, args))(batch);
        }
        await batch.submit();
        if (perturbation) for (const cosine of await cosines.read(0, count)) total += Math.abs(cosine);
        if (direction) unpad(await sum.read(0, count * ld), ld, d, direction.subarray(start * d));
      }
    }
    return {
      ...(perturbation ? { cosine: total / n } : {}),
      ...(direction ? { direction } : {}),
    };
  } finally {
    scope.dispose();
  }
}
