// Many dispatches, one compute pass, one submit. WebGPU orders the dispatches of a pass and makes each see what the
// ones before it wrote, so a whole chunk of training epochs is one batch without a readback.

import type { GpuArray } from './array';
import type { Params } from './bindings';
import type { Gpu } from './gpu';
import { GpuImage, imageStride } from './image';
import type { Kernel } from './kernel';
import type { BindingsOf, ParamsOf, ShaderDescriptor } from './shader';

export type Grid = readonly [x: number, y?: number, z?: number];

export class Batch {
  readonly #encoder: GPUCommandEncoder;
  #pass: GPUComputePassEncoder | undefined;
  #open = true;
  #bound: string | undefined;
  readonly #params = new Set<Params>();
  readonly #owned = new Map<string, GpuArray | GpuImage>();
  #queries: { set: GPUQuerySet; resolve: GPUBuffer; read: GPUBuffer } | undefined;

  /** Made by {@link Gpu.batch}. */
  constructor(
    private readonly gpu: Gpu,
    private readonly label: string,
  ) {
    this.#encoder = gpu.device.createCommandEncoder({ label });
  }

  /**
   * Records one dispatch. `grid` counts workgroups; each dimension must be within the device's limit.
   * @throws TypeError when a binding is missing or has the wrong element type; RangeError when the grid is too large.
   */
  dispatch<D extends ShaderDescriptor>(
    kernel: Kernel<D>,
    arrays: BindingsOf<D>,
    params: ParamsOf<D>,
    grid: Grid,
  ): this {
    if (!this.#open) throw new Error(`batch "${this.label}" was already submitted`);
    const { name, bindings } = kernel.shader;
    for (const [binding, descriptor] of Object.entries(bindings)) {
      const element = descriptor.half && kernel.constants.HALF === 1 ? 'f16' : descriptor.element;
      const array = (arrays as Record<string, GpuArray | GpuImage>)[binding];
      const image = descriptor.image && kernel.constants.IMAGE === 1;
      if (array && (array instanceof GpuImage ? !image : image)) {
        throw new TypeError(
          `${name}: binding ${binding} takes ${image ? 'an image' : element}, "${array.label}" is none`,
        );
      }
      if (array instanceof GpuImage) continue;
      if (array && element !== 'raw' && array.type !== element) {
        throw new TypeError(`${name}: binding ${binding} takes ${element}, "${array.label}" holds ${array.type}`);
      }
    }
    const [x, y = 1, z = 1] = grid;
    const most = this.gpu.limits.maxComputeWorkgroupsPerDimension;
    for (const count of [x, y, z]) {
      if (!Number.isInteger(count) || count < 1 || count > most) {
        throw new RangeError(`${name}: a grid of ${x} x ${y} x ${z} workgroups (limit ${most} a dimension)`);
      }
    }
    const erased = kernel as unknown as Kernel<ShaderDescriptor>;
    const { bindings: cache } = this.gpu;
    const bound = cache.bind(erased, arrays as Record<string, GpuArray | GpuImage>, params as Record<string, number>);
    if (bound.params && !this.#params.has(bound.params)) {
      this.#params.add(bound.params);
      cache.begin(bound.params);
    }
    const pass = this.#computePass();
    if (this.#bound !== kernel.key) {
      pass.setPipeline(kernel.pipeline);
      this.#bound = kernel.key;
    }
    pass.setBindGroup(0, bound.group);
    pass.dispatchWorkgroups(x, y, z);
    return this;
  }

  /**
   * Scratch memory of this batch: it is freed once the batch is sent, when the device still holds what it needs. What is
   * asked for by the same key is the same memory: dispatches run in order, so those that fill it and use it at once take turns.
   */
  own<T extends GpuArray | GpuImage>(key: string, make: () => T): T {
    const known = this.#owned.get(key) as T | undefined;
    if (known) return known;
    const memory = make();
    this.#owned.set(key, memory);
    return memory;
  }

  /** Records a copy of `count` elements between two arrays. */
  copy(from: GpuArray, fromOffset: number, to: GpuArray, toOffset: number, count: number): this {
    this.#endPass();
    this.#encoder.copyBufferToBuffer(from.buffer, fromOffset * 4, to.buffer, toOffset * 4, count * 4);
    return this;
  }

  /** Records a copy of a whole image into another of the same size. */
  copyImage(from: GpuImage, to: GpuImage): this {
    this.#endPass();
    const { width, height } = from.texture;
    this.#encoder.copyTextureToTexture({ texture: from.texture }, { texture: to.texture }, [width, height]);
    return this;
  }

  /** Records a copy of `count` rows of texels into an array, whose rows are {@link imageStride} apart. */
  copyFromImage(image: GpuImage, first: number, count: number, array: GpuArray): this {
    this.#endPass();
    const { texels, rows, size } = imageRows(image, first, count, array);
    this.#encoder.copyTextureToBuffer(texels, rows, size);
    return this;
  }

  /** Records the reverse of {@link copyFromImage}. */
  copyToImage(array: GpuArray, image: GpuImage, first: number, count: number): this {
    this.#endPass();
    const { texels, rows, size } = imageRows(image, first, count, array);
    this.#encoder.copyBufferToTexture(rows, texels, size);
    return this;
  }

  /** Records zeroing of `count` elements from `first` on; default: the whole array. */
  clear(array: GpuArray, first = 0, count = array.length - first): this {
    this.#endPass();
    this.#encoder.clearBuffer(array.buffer, first * 4, count * 4);
    return this;
  }

  #computePass(): GPUComputePassEncoder {
    if (!this.#pass) {
      const timestamps = this.#queries
        ? { timestampWrites: { querySet: this.#queries.set, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } }
        : {};
      this.#pass = this.#encoder.beginComputePass({ label: this.label, ...timestamps });
    }
    return this.#pass;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#bound = undefined;
  }

  /** Submits without waiting; faults are thrown by the next `submit`, `read` or `finish`. */
  send(): void {
    if (!this.#open) throw new Error(`batch "${this.label}" was already submitted`);
    this.#open = false;
    try {
      this.#endPass();
      this.gpu.assertAlive();
      this.gpu.scoped(this.label, () => this.gpu.device.queue.submit([this.#encoder.finish()]));
    } finally {
      this.#release();
    }
  }

  #release(): void {
    for (const params of this.#params) this.gpu.bindings.end(params);
    for (const memory of this.#owned.values()) memory.dispose();
    this.#params.clear();
    this.#owned.clear();
  }

  /** Gives back what a batch holds that is never sent, because recording it failed. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#endPass();
    this.#release();
  }

  /** Submits, waits until the device has done it, and throws what went wrong. */
  async submit(): Promise<void> {
    const { held } = this.gpu;
    if (held) await held;
    this.send();
    await this.gpu.finish();
  }

  /** Submits, and reads what an array then holds: one wait for both. Throws what went wrong. */
  async submitReading(array: GpuArray): Promise<ArrayBuffer> {
    const { held } = this.gpu;
    if (held) await held;
    this.send();
    return this.gpu.readBytes(array, 0, array.length);
  }

  /**
   * Makes the device time this batch; call it before the first dispatch. Then {@link submitTimed} gives seconds.
   * @returns false when the adapter has no timestamps.
   */
  timed(): boolean {
    const { device } = this.gpu;
    if (!device.features.has('timestamp-query')) return false;
    this.#queries = {
      set: device.createQuerySet({ type: 'timestamp', count: 2 }),
      resolve: device.createBuffer({ size: 16, usage: 0x200 | 0x04 }), // QUERY_RESOLVE | COPY_SRC
      read: device.createBuffer({ size: 16, usage: 0x01 | 0x08 }), // MAP_READ | COPY_DST
    };
    return true;
  }

  /** Submits, waits, and returns the seconds between the start and the end of the pass on the device's own clock. */
  async submitTimed(): Promise<number> {
    const queries = this.#queries;
    if (!queries) throw new Error('call timed() before the first dispatch');
    this.#endPass();
    this.#encoder.resolveQuerySet(queries.set, 0, 2, queries.resolve, 0);
    this.#encoder.copyBufferToBuffer(queries.resolve, 0, queries.read, 0, 16);
    await this.submit();
    await this.gpu.during(queries.read.mapAsync(1));
    const [begin, end] = new BigUint64Array(queries.read.getMappedRange());
    const seconds = Number(end! - begin!) * 1e-9;
    queries.read.unmap();
    queries.set.destroy();
    queries.resolve.destroy();
    queries.read.destroy();
    return seconds;
  }
}

/** Rows of an image and of the array beside it, as WebGPU's copies name them. */
function imageRows({ texture }: GpuImage, first: number, count: number, { buffer }: GpuArray) {
  return {
    texels: { texture, origin: [0, first] },
    rows: { buffer, bytesPerRow: 4 * imageStride(4 * texture.width) },
    size: [texture.width, count],
  };
}
