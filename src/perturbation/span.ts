// What makes an l2 perturbation cheap in Gram space (design.md): it lies in the span of the rows of W,
//   r_i = c_i df/dx_i = c_i sum_j a_j phi'(H_ij) w_j = sum_j M_ji w_j,
// so products of perturbations come from the (m, m) matrix W W^T, m multiply-adds an entry instead of d.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { keptAfter, type Scope } from '../gpu/scope';
import { transpose } from '../kernels/data';
import { panelOperand, plainOperand } from '../kernels/matmul';
import { spanCoefficients } from '../kernels/perturbation';
import { paddedRow } from '../kernels/step';
import type { MatmulLayout } from '../kernels/variant';
import { BoundedProducts } from '../network/bounded-product';
import { type GramConstant, GramMatrix, gramRow } from '../network/gram-matrix';
import type { Network } from '../network/network';
import type { Block, Panels } from '../network/samples';
import { type FactorBlock, symmetricProduct } from '../network/symmetric-product';

/** Derivative bits and coefficients of l2 perturbations, kept by `perturb`. Disposes its arrays. */
export class PerturbationSpan {
  private constructor(
    readonly blocks: readonly Block[],
    readonly layout: MatmulLayout,
    /** (words, rows of the block) for each block. */
    readonly masks: readonly GpuArray[],
    /** (all samples) c */
    readonly coefficient: GpuArray,
  ) {}

  /** Uninitialised, for samples in these blocks and a network that `layout` was made for. */
  static allocate(gpu: Gpu, blocks: readonly Block[], layout: MatmulLayout): PerturbationSpan {
    const arrays: GpuArray[] = [];
    try {
      const last = blocks[blocks.length - 1]!;
      arrays.push(gpu.array('perturbation coefficients', last.start + last.rows));
      for (const { rows } of blocks) arrays.push(gpu.array('perturbation mask', layout.words * rows, 'u32'));
      const [coefficient, ...masks] = arrays;
      return new PerturbationSpan(blocks, layout, masks, coefficient!);
    } catch (error) {
      for (const array of arrays) array.dispose();
      throw error;
    }
  }

  get n(): number {
    return this.coefficient.length;
  }

  dispose(): void {
    for (const array of [this.coefficient, ...this.masks]) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * K = R R^T + 1 of the perturbations alone: M^T (W W^T) M + 1; the caller disposes it.
 * @param network as it was when it made the perturbations
 * @param spare a matrix that nobody needs any more: taken over, or disposed
 * @throws the signal's reason when aborted
 */
export async function spanGram(
  gpu: Gpu,
  network: Network,
  span: PerturbationSpan,
  signal?: AbortSignal,
  constant: GramConstant = 1,
  spare?: GramMatrix,
): Promise<GramMatrix> {
  const { m } = network;
  const { variant } = span.layout;
  const matrix = GramMatrix.allocate(gpu, span.n, constant, spare);
  return keptAfter(matrix, async (scope) => {
    const products = new BoundedProducts(gpu, 'span', signal);
    const weights = await squareWeights(gpu, network, span.layout, products, scope);
    const left: FactorBlock[] = [];
    const right: FactorBlock[] = [];
    for (const part of parts(gpu, span, m)) {
      const { start, ld } = part;
      const coefficients = scope.use(await partCoefficients(gpu, network, span, part));
      const turned = scope.use(gpu.array('W W^T M', m * ld));
      await multiplyCoefficients(products, weights, coefficients, turned, part, 1, false);
      left.push({ start, rows: ld, from: (sample) => plainOperand(turned, ld, sample) });
      right.push({ start, rows: ld, from: (sample) => plainOperand(coefficients, ld, sample) });
    }
    await symmetricProduct(gpu, matrix, { a: left, b: right, steps: m, constant, variant }, signal);
  });
}

/**
 * K = U U^T + 1 of the perturbed samples u_i = x_i + r_i, from K = X X^T + 1: adds Z^T M + M^T Z with
 * Z = W X^T + W W^T M / 2 = W U^T - W W^T M / 2.
 * @param panels of the perturbed samples
 * @param matrix K of those samples, changed in place; when this throws, it is disposed
 * @throws the signal's reason when aborted
 */
export async function spanGramOnto(
  gpu: Gpu,
  network: Network,
  span: PerturbationSpan,
  panels: Panels,
  matrix: GramMatrix,
  signal?: AbortSignal,
): Promise<GramMatrix> {
  const { m, d } = network;
  const { variant } = span.layout;
  return keptAfter(matrix, async (scope) => {
    const products = new BoundedProducts(gpu, 'span', signal);
    const weights = await squareWeights(gpu, network, span.layout, products, scope);
    const zero = scope.use(gpu.array('zero', 1));
    const left: FactorBlock[] = [];
    const right: FactorBlock[] = [];
    for (const part of parts(gpu, span, 3 * m)) {
      const { at, first, start, ld } = part;
      // M, Z and M again, one under the other: [M; Z]^T [Z; M] is the whole sum in one pass over K.
      const stack = scope.use(gpu.array('M, Z, M', 3 * m * ld));
      using coefficients = await partCoefficients(gpu, network, span, part);
      using hidden = gpu.array('Z', m * ld);
      await products.run({
        a: (row) => plainOperand(network.weights, m, row),
        b: (column) => panelOperand(panels.arrays[at]!, d, first + column),
        bias: { array: zero, first: 0, stride: 0 },
        output: hidden,
        outputFirst: 0,
        outputStride: ld,
        steps: d,
        rows: m,
        columns: ld,
        variant,
      });
      await multiplyCoefficients(products, weights, coefficients, hidden, part, -0.5, true);
      const size = m * ld;
      await gpu
        .batch('span')
        .copy(coefficients, 0, stack, 0, size)
        .copy(hidden, 0, stack, size, size)
        .copy(coefficients, 0, stack, 2 * size, size)
        .submit();
      left.push({ start, rows: ld, from: (sample) => plainOperand(stack, ld, sample) });
      right.push({ start, rows: ld, from: (sample) => plainOperand(stack, ld, size + sample) });
    }
    const product = { a: left, b: right, steps: 2 * m, accumulate: true, variant };
    await symmetricProduct(gpu, matrix, product, signal);
  });
}

/** Consecutive samples of one block whose factors fit an array. */
interface Part {
  /** The block, the first sample in it, and the same one among all. */
  readonly at: number;
  readonly first: number;
  readonly start: number;
  readonly count: number;
  /** count rounded up to whole panels of 32. */
  readonly ld: number;
}

/** Parts of all blocks for arrays of `height` rows. */
function parts(gpu: Gpu, { blocks }: PerturbationSpan, height: number): Part[] {
  // At least one panel: where not even that fits, the allocation says what is too large.
  const most = Math.max(1, Math.floor(gpu.maxArrayLength / height / 32)) * 32;
  const out: Part[] = [];
  for (const [at, { start, rows }] of blocks.entries()) {
    for (let first = 0; first < rows; first += most) {
      const count = Math.min(most, rows - first);
      out.push({ at, first, start: start + first, count, ld: gramRow(count) });
    }
  }
  return out;
}

/** M of a part, (m, ld); the caller disposes it. */
async function partCoefficients(gpu: Gpu, network: Network, span: PerturbationSpan, part: Part): Promise<GpuArray> {
  const { m, readout, slope } = network;
  const { layout, coefficient, blocks } = span;
  const { at, ...where } = part;
  const matrix = gpu.array('M', m * part.ld);
  try {
    const arrays = { mask: span.masks[at]!, readout, coefficient, matrix };
    const batch = gpu.batch('span');
    (await spanCoefficients(gpu, { ...arrays, ...where, n: blocks[at]!.rows, slope, layout }))(batch);
    await batch.submit();
    return matrix;
  } catch (error) {
    matrix.dispose();
    throw error;
  }
}

/** W W^T, and what its products need. */
interface SquaredWeights {
  /** (m, ld), symmetric */
  readonly array: GpuArray;
  readonly ld: number;
  readonly m: number;
  readonly zero: GpuArray;
  readonly layout: MatmulLayout;
}

async function squareWeights(
  gpu: Gpu,
  network: Network,
  layout: MatmulLayout,
  products: BoundedProducts,
  scope: Scope,
): Promise<SquaredWeights> {
  const { m, d } = network;
  const ld = paddedRow(m);
  const zero = scope.use(gpu.array('zero', 1));
  const array = scope.use(gpu.array('W W^T', m * ld));
  // The weights are k-major already, but their rows of m are no whole quads.
  using rows = await network.rows(network.slices[0]!);
  using padded = gpu.array('W^T', d * ld);
  const batch = gpu.batch('span');
  const sizes = { rows: m, cols: d, inputLd: paddedRow(d), outputLd: ld };
  (await transpose(gpu, { input: rows, output: padded, ...sizes }))(batch);
  await batch.submit();
  const operand = (first: number) => plainOperand(padded, ld, first);
  await products.run({
    a: operand,
    b: operand,
    bias: { array: zero, first: 0, stride: 0 },
    output: array,
    outputFirst: 0,
    outputStride: ld,
    steps: d,
    rows: m,
    columns: ld,
    variant: layout.variant,
  });
  return { array, ld, m, zero, layout };
}

/** output (m, ld) = scale W W^T M, or that added to it. */
async function multiplyCoefficients(
  products: BoundedProducts,
  { array, ld, m, zero, layout }: SquaredWeights,
  coefficients: GpuArray,
  output: GpuArray,
  part: Part,
  scale: number,
  accumulate: boolean,
): Promise<void> {
  await products.run({
    a: (row) => plainOperand(array, ld, row),
    b: (column) => plainOperand(coefficients, part.ld, column),
    bias: { array: zero, first: 0, stride: 0 },
    output,
    outputFirst: 0,
    outputStride: part.ld,
    steps: m,
    rows: m,
    columns: part.ld,
    scale,
    accumulate,
    variant: layout.variant,
  });
}
