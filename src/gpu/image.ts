// Quads of float32 in a texture, which kernels read texel by texel. lavapipe gathers a storage buffer lane by lane behind
// branches, and a storage texture in one call that costs half as much; nothing else profits from it.

import { nextId } from './array';
import { DisposedError } from './errors';
import type { Gpu } from './gpu';

/** Texels of a row: quad `at` is the texel (at % IMAGE_ROW, at / IMAGE_ROW). */
export const IMAGE_ROW = 8192;

/** Device memory that kernels fill and read as texels; freed like a {@link GpuArray}. */
export class GpuImage {
  readonly id = nextId();
  readonly #view: GPUTextureView;
  #texture: GPUTexture | undefined;

  /** Made by {@link Gpu.image}; not to be called directly. */
  constructor(
    private readonly gpu: Gpu,
    texture: GPUTexture,
    readonly label: string,
    /** Size as allocated. */
    readonly bytes: number,
  ) {
    this.#texture = texture;
    this.#view = texture.createView();
  }

  /** What a bind group takes; throws {@link DisposedError} when the image is gone. */
  get resource(): GPUTextureView {
    if (this.#texture === undefined) throw new DisposedError(`The GPU image "${this.label}"`);
    return this.#view;
  }

  dispose(): void {
    const texture = this.#texture;
    if (texture === undefined) return;
    this.#texture = undefined;
    this.gpu.release(this, texture);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
