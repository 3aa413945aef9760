// K = X X^T + 1 of one set of samples, shared by whatever trains on them and made at the first need.

import type { Gpu } from '../gpu/gpu';
import { lazy } from '../gpu/lazy';
import type { GramMakingOptions } from './gram';
import type { GramConstant, GramMatrix } from './gram-matrix';
import type { Panels } from './samples';

/** What trains in Gram space, and makes its matrix. */
export const gramTrainers = lazy(() => import('./gram'));

/** K, made when flips ask for it: a network whose derivative bits never change trains without. */
export interface LazyGram {
  readonly matrix: GramMatrix | undefined;
  make(): Promise<GramMatrix>;
  /** What most of the samples share, where products with them are compiled to leave it out. */
  readonly background?: (() => Promise<Float32Array | undefined>) | undefined;
  /** The same without the 1 of the bias: for the logistic loss. */
  readonly bare: Pick<LazyGram, 'make'>;
}

/** K of samples, made at first need; the caller disposes it. */
export class SampleGram implements LazyGram {
  #matrix: GramMatrix | undefined;
  #pending: Promise<GramMatrix> | undefined;
  #bare: SampleGram | undefined;

  constructor(
    private readonly create: (constant: GramConstant) => Promise<GramMatrix>,
    private readonly constant: GramConstant = 1,
    readonly background?: LazyGram['background'],
  ) {}

  get matrix(): GramMatrix | undefined {
    return this.#matrix;
  }

  /** Without the 1 of the bias; disposed with this. */
  get bare(): SampleGram {
    this.#bare ??= new SampleGram(this.create, 0);
    return this.#bare;
  }

  async make(): Promise<GramMatrix> {
    const pending = this.#pending ?? this.create(this.constant);
    this.#pending = pending;
    try {
      this.#matrix = await pending;
      return this.#matrix;
    } catch (error) {
      // Tried again by the next who asks.
      if (this.#pending === pending) this.#pending = undefined;
      throw error;
    }
  }

  /** Gives the matrix away, if it was made: whoever takes it disposes it. */
  give(): GramMatrix | undefined {
    const matrix = this.#matrix;
    this.#matrix = undefined;
    this.#pending = undefined;
    return matrix;
  }

  /** The same, made if it was not. */
  async take(): Promise<GramMatrix> {
    await this.make();
    return this.give()!;
  }

  dispose(): void {
    this.#bare?.dispose();
    this.give()?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * K of the samples that the panels hold whenever it is made.
 * @param more options that are asked for then
 * @param background as {@link LazyGram} has it
 */
export function sampleGram(
  gpu: Gpu,
  panels: Panels,
  options: GramMakingOptions,
  more?: (constant: GramConstant) => Promise<GramMakingOptions>,
  background?: LazyGram['background'],
): SampleGram {
  const make = async (constant: GramConstant) => {
    const { gramMatrix } = await gramTrainers();
    return gramMatrix(gpu, panels, { ...options, ...(await more?.(constant)), constant });
  };
  return new SampleGram(make, 1, background);
}
