// Quads of float32 in a texture, which kernels read texel by texel. lavapipe gathers a storage buffer lane by lane behind
// branches, and a storage texture in one call that costs half as much; nothing else profits from it.

import { nextId } from './array';
import { DisposedError } from './errors';
import type { Gpu } from './gpu';

/** Texels of a row, where nothing else is said: quad `at` is the texel (at % IMAGE_ROW, at / IMAGE_ROW). */
export const IMAGE_ROW = 8192;
/** The most an image may take: lavapipe, for which images are, allocates no larger texture. */
export const IMAGE_BYTES = 2 ** 31;

/** Elements from one row to the next of an array that rows of so many are copied to or from: WebGPU takes multiples of 256 bytes. */
export const imageStride = (elements: number): number => Math.ceil(elements / 64) * 64;

/**
 * Makes a texture zero, as new textures must be. Dawn would do it before the first dispatch that writes texels, by a clear
 * that takes lavapipe 3 ms a MB; that of a render pass takes 0.6.
 */
export function clearTexture(device: GPUDevice, texture: GPUTexture): void {
  const encoder = device.createCommandEncoder({ label: texture.label });
  const attachment = { view: texture.createView(), loadOp: 'clear', storeOp: 'store' } as const;
  encoder.beginRenderPass({ colorAttachments: [attachment] }).end();
  device.queue.submit([encoder.finish()]);
}

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

  /** The texture itself; throws {@link DisposedError} when the image is gone. */
  get texture(): GPUTexture {
    if (this.#texture === undefined) throw new DisposedError(`The GPU image "${this.label}"`);
    return this.#texture;
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
