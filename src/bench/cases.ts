// What is measured: kernels, shapes, and which of them go together. Tests of the kernels run the same list.

import { CANDIDATES } from './candidates';

/** Which variants are measured: all that can run, what runs by default, or one by name. */
export const BENCH_VARIANTS = ['all', 'default', ...CANDIDATES] as const;

/** n samples, d inputs, m neurons. */
export interface BenchShape {
  readonly n: number;
  readonly d: number;
  readonly m: number;
}

/**
 * forward: X W^T with its epilogue of derivative bits and partial outputs; weight-gradient: masked sums over the samples;
 * input-gradient: df/dx, what a perturbation is made of; gram: rows of K = X X^T + 1; matmul: the plain product W X^T of
 * (m, d) and (d, n); epoch: one epoch of the direct trainer, everything in it.
 */
export const BENCH_KERNELS = ['forward', 'weight-gradient', 'input-gradient', 'gram', 'matmul', 'epoch'] as const;
export type BenchKernel = (typeof BENCH_KERNELS)[number];

export interface BenchCase {
  readonly kernel: BenchKernel;
  readonly shape: BenchShape;
}

const shapes = (...list: readonly (readonly [n: number, d: number, m: number])[]): BenchShape[] =>
  list.map(([n, d, m]) => ({ n, d, m }));

/** Kumano, Kera and Yamasaki 2024: synthetic data, MNIST, and their widest. */
export const PAPER_SHAPES: readonly BenchShape[] = shapes(
  [1000, 100, 100],
  [2000, 1000, 1000],
  [12700, 784, 100],
  [12700, 784, 1000],
  [10000, 10000, 100],
  [10000, 10000, 1000],
);

/** Products that kernels are compared at elsewhere: (n, m) outputs of d steps each. The plain product alone runs at them. */
export const SQUARE_SHAPES: readonly BenchShape[] = shapes(
  [512, 512, 512],
  [1024, 1024, 1024],
  [4096, 1024, 4096],
  [4096, 4096, 4096],
  [8192, 8192, 8192],
);

/** Small shapes around every tile, for tests. */
export const SMALL_SHAPES: readonly BenchShape[] = shapes([1, 1, 1], [63, 17, 33], [65, 64, 31], [130, 96, 132]);

/** "1000/100/100" @returns undefined for what is no shape */
export function parseShape(text: string): BenchShape | undefined {
  const numbers = /^(\d+)\/(\d+)\/(\d+)$/.exec(text.trim())?.slice(1).map(Number);
  if (!numbers || numbers.some((value) => value < 1)) return undefined;
  const [n, d, m] = numbers as [number, number, number];
  return { n, d, m };
}

export const shapeName = ({ n, d, m }: BenchShape): string => `${n}/${d}/${m}`;

export interface CaseSelection {
  /** Default: all. */
  readonly kernels?: readonly BenchKernel[];
  /** Default: {@link PAPER_SHAPES}, and {@link SQUARE_SHAPES} for the plain product. */
  readonly shapes?: readonly BenchShape[];
  /** Only what a CPU adapter does in a minute: the first and the third shape, one square. */
  readonly quick?: boolean;
}

/** The cases of a run, shape by shape. */
export function benchCases({ kernels = BENCH_KERNELS, shapes: given, quick = false }: CaseSelection = {}): BenchCase[] {
  const all = (list: readonly BenchShape[], of: readonly BenchKernel[]) =>
    list.flatMap((shape) => of.map((kernel) => ({ kernel, shape })));
  if (given) return all(given, kernels);
  const paper = quick ? [PAPER_SHAPES[0]!, PAPER_SHAPES[2]!] : PAPER_SHAPES;
  const squares = quick ? SQUARE_SHAPES.slice(0, 1) : SQUARE_SHAPES;
  return [
    ...all(paper, kernels),
    ...all(
      squares,
      kernels.filter((kernel) => kernel === 'matmul'),
    ),
  ];
}
