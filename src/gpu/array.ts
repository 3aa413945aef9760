// Device memory with a length, an element type and an explicit end of life.

import { DisposedError } from './errors';
import type { Gpu } from './gpu';

/** `f16`: two halves in each 4-byte element. */
export type ElementType = 'f32' | 'u32' | 'f16';

let lastId = 0;

/** @internal Identity of device memory within this process, by which bind groups are kept. */
export const nextId = (): number => ++lastId;

/**
 * A typed array in device memory. Freed by `dispose()` or at the end of a `using` block; never by the garbage
 * collector, which does not see device memory.
 */
export class GpuArray {
  readonly id = nextId();
  #buffer: GPUBuffer | undefined;

  /** Made by {@link Gpu.array}; not to be called directly. */
  constructor(
    private readonly gpu: Gpu,
    buffer: GPUBuffer,
    readonly label: string,
    readonly type: ElementType,
    /** Number of 4-byte elements. */
    readonly length: number,
  ) {
    this.#buffer = buffer;
  }

  /** Size in bytes as allocated. */
  get bytes(): number {
    return this.length * 4;
  }

  get disposed(): boolean {
    return this.#buffer === undefined;
  }

  /** The WebGPU buffer; throws {@link DisposedError} when the array is gone. */
  get buffer(): GPUBuffer {
    if (this.#buffer === undefined) throw new DisposedError(`The GPU array "${this.label}"`);
    return this.#buffer;
  }

  /** What a bind group takes. */
  get resource(): GPUBufferBinding {
    return { buffer: this.buffer };
  }

  /** Copies host values in, starting at element `offset`. */
  write(values: Float32Array | Uint32Array, offset = 0): void {
    this.gpu.write(this, values, offset);
  }

  /** Copies `count` elements from `offset` on to the host, after all work submitted so far. */
  async read(offset = 0, count = this.length - offset): Promise<Float32Array> {
    return new Float32Array(await this.gpu.readBytes(this, offset, count));
  }

  /** As {@link read}, for unsigned integers. */
  async readUint(offset = 0, count = this.length - offset): Promise<Uint32Array> {
    return new Uint32Array(await this.gpu.readBytes(this, offset, count));
  }

  dispose(): void {
    if (this.#buffer === undefined) return;
    const buffer = this.#buffer;
    this.#buffer = undefined;
    this.gpu.release(this, buffer);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
