// Monte Carlo predictions on a plane. With Phi estimated from drawn neurons, sums with its weights fall apart into a part
// that a point has and one that the samples have:
//   sum_k y_k Phi(x_k, z) p_k . z = mean_j phi'(w_j . z + c_j) (sum_k y_k phi'(w_j . x_k + c_j) p_k) . z
// so that a point costs as much as a pass through a network of the drawn neurons, however many samples there are.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { rowDot } from '../kernels/compare';
import { matmul, plainOperand, transposedOperand } from '../kernels/matmul';
import { inputGradient, spanCoefficients } from '../kernels/perturbation';
import { type MatmulLayout, matmulLayout } from '../kernels/variant';
import type { Network } from '../network/network';
import { hiddenStep, PassScratch } from '../network/pass';
import type { Block, Panels } from '../network/samples';
import { type Plane, restrictNetwork } from './plane';
import { drawNeurons, type PhiSampling } from './sampled-phi';

/** What the drawn neurons make of the samples of f and of g; plain data, nothing on the device. */
export interface NeuronPulls {
  readonly sampling: PhiSampling;
  /** (draws, 4) linear functions on the plane, the last two numbers 0 */
  readonly f: Float32Array;
  readonly g: Float32Array;
}

/** Device memory of the derivatives of some of the samples. */
const PART_BYTES = 4 * 1024 * 1024;

/**
 * sum_k labels_k phi'(w_j . x_k + c_j) pulls_k for every drawn neuron j, (draws, 4), the last two numbers 0.
 * @param panels of the samples
 * @param labels (n)
 * @param pulls (n, 4) linear functions on the plane; the last two numbers are not used
 */
export async function pullsOfNeurons(
  gpu: Gpu,
  sampling: PhiSampling,
  slope: number,
  panels: Panels,
  labels: GpuArray,
  pulls: Float32Array,
): Promise<Float32Array> {
  const { draws } = sampling;
  const { d, blocks } = panels;
  const layout = matmulLayout(gpu, draws);
  const scope = new Scope();
  try {
    const neurons = scope.use(await drawNeurons(gpu, d, slope, sampling));
    const scratch = scope.use(new PassScratch(gpu, blocks, layout, neurons));
    const most = Math.max(32, Math.floor(PART_BYTES / 4 / draws / 32) * 32);
    const matrix = scope.use(gpu.array('derivatives', draws * most));
    const ones = scope.use(gpu.upload('ones', new Float32Array(draws).fill(1)));
    const zero = scope.use(gpu.upload('zero', Float32Array.of(0)));
    const given = scope.use(gpu.upload('pulls of samples', pulls));
    const output = scope.use(gpu.array('pulls of neurons', draws * 4));
    for (const [at, block] of blocks.entries()) {
      using batch = gpu.batch('pulls of neurons');
      (await hiddenStep(gpu, neurons, panels, at, scratch, layout))(batch);
      for (let first = 0; first < block.rows; first += most) {
        const [start, count] = [block.start + first, Math.min(most, block.rows - first)];
        const arrays = { mask: scratch.mask, readout: ones, coefficient: labels, matrix };
        const where = { n: block.rows, first, start, count, ld: most };
        (await spanCoefficients(gpu, { ...arrays, ...where, slope, layout }))(batch);
        const operands = { a: transposedOperand(matrix, most), b: plainOperand(given, 4, 4 * start) };
        const sizes = { steps: count, rows: draws, columns: 4, accumulate: start > 0 };
        (await matmul(gpu, { ...operands, bias: { array: zero, first: 0, stride: 0 }, output, ...sizes }))(batch);
      }
      await batch.submit();
    }
    return (await output.read(0, draws * 4)).map((value, e) => (e % 4 < 2 ? value : 0));
  } finally {
    scope.dispose();
  }
}

/** Predictions from drawn neurons at points of a plane. */
export class PlaneNeurons {
  private constructor(
    private readonly gpu: Gpu,
    private readonly network: Network,
    private readonly layout: MatmulLayout,
    private readonly readout: GpuArray,
    private readonly pulls: { readonly f: GpuArray; readonly g: GpuArray },
    private readonly scope: Scope,
  ) {}

  /** @param d inputs a sample */
  static async create(gpu: Gpu, plane: Plane, d: number, slope: number, given: NeuronPulls): Promise<PlaneNeurons> {
    const { draws } = given.sampling;
    const scope = new Scope();
    try {
      using neurons = await drawNeurons(gpu, d, slope, given.sampling);
      const network = scope.use(await restrictNetwork(gpu, plane, neurons));
      const readout = scope.use(gpu.upload('mean of neurons', new Float32Array(draws).fill(1 / draws)));
      const f = scope.use(gpu.upload('pulls of neurons', given.f));
      const g = scope.use(gpu.upload('pulls of neurons', given.g));
      return new PlaneNeurons(gpu, network, matmulLayout(gpu, draws), readout, { f, g }, scope);
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  /** Mask words of a point. */
  get words(): number {
    return this.layout.words;
  }

  /**
   * scale mean_j phi'_j(z) pull_j . z at every point of a block.
   * @param points (block rows, 4) coordinates, the last two numbers 0
   * @param panels of the points
   * @param output (block rows) out
   */
  async predict(
    of: 'f' | 'g',
    scale: number,
    points: GpuArray,
    panels: Panels,
    block: Block,
    output: GpuArray,
  ): Promise<void> {
    const { gpu, network, layout, readout } = this;
    const { slope } = network;
    const n = block.rows;
    using scratch = new PassScratch(gpu, [block], layout, network);
    using gradient = gpu.array('sums over neurons', n * 4);
    const sums = { mask: scratch.mask, rows: this.pulls[of], readout, gradient };
    const batch = gpu.batch('predictions');
    (await hiddenStep(gpu, network, panels, 0, scratch, layout))(batch);
    (await inputGradient(gpu, { ...sums, n, d: 2, slope, layout }))(batch);
    (await rowDot(gpu, { a: gradient, b: points, output, n, d: 2, scale }))(batch);
    await batch.submit();
  }

  dispose(): void {
    this.scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
