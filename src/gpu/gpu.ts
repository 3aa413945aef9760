// The runtime: one device, its memory account, its compiled pipelines and its way of failing.
//
// WebGPU reports faults late and elsewhere: a lost device makes calls succeed silently, a failed allocation shows up as
// an invalid buffer. Every entry here therefore checks that the device is alive, and every operation that can fail runs
// inside an error scope whose verdict is thrown at the next await, with the label of what failed.

import { type ElementType, GpuArray } from './array';
import { Batch } from './batch';
import { Bindings } from './bindings';
import { compileKernel } from './compile';
import { DeviceLostError, DisposedError, GpuOutOfMemoryError } from './errors';
import { Faults } from './faults';
import { formatBytes } from './format';
import { clearTexture, GpuImage, IMAGE_BYTES, IMAGE_ROW } from './image';
import type { Kernel } from './kernel';
import { Pause } from './pause';
import { PIECE_BYTES, Readback } from './readback';
import type { ConstantsOf, ShaderDescriptor } from './shader';

/** What is known of the adapter a device came from. */
export interface AdapterReport {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly backend: string;
  /** True when the adapter computes on the CPU. */
  readonly software: boolean;
  /** Lanes of a subgroup when that number is fixed, else null. */
  readonly subgroupSize: number | null;
}

export interface GpuOptions {
  readonly adapter: AdapterReport;
  /** True when the device was made for this runtime and dies with it; an injected device is never destroyed. */
  readonly ownsDevice: boolean;
  /** Awaits what only the device can end, in the host's own way (default: as any promise). */
  readonly during?: <T>(promise: Promise<T>) => Promise<T>;
  /** Lowers {@link Gpu.maxArrayLength}, so that tests reach the splitting of large data with small data. */
  readonly maxArrayLength?: number;
}

/** Chromium on two busy cores: some milliseconds. What failed for another reason is told so much later. */
const LOSS_TOLD_MS = 500;

/**
 * Whether it is the compiler's word on a pipeline. A device that is lost has none: WebGPU asks that it answers as if all were
 * well, and so do Dawn and Chromium, whether the loss comes before the shader, the pipeline or the answer.
 */
const isVerdict = (error: unknown): boolean =>
  (error as Partial<GPUPipelineError> | undefined)?.reason === 'validation';

// The global enums do not exist in plain Node.
const STORAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST
const IMAGE_USAGE = 0x01 | 0x02 | 0x08 | 0x10; // COPY_SRC | COPY_DST | STORAGE_BINDING | RENDER_ATTACHMENT

export class Gpu {
  readonly adapter: AdapterReport;
  #current = 0;
  #peak = 0;
  #lost: DeviceLostError | undefined;
  #disposed = false;
  readonly #live = new Set<GpuArray | GpuImage>();
  readonly #pipelines = new Map<string, Promise<Kernel<ShaderDescriptor>>>();
  /** @internal */
  readonly bindings: Bindings;
  readonly #faults: Faults;
  readonly #readback: Readback;
  readonly #pause = new Pause();

  constructor(
    readonly device: GPUDevice,
    private readonly options: GpuOptions,
  ) {
    this.adapter = options.adapter;
    this.#faults = new Faults(device);
    this.bindings = new Bindings(this);
    this.#readback = new Readback(this);
    void device.lost.then((info) => {
      this.#lost = new DeviceLostError(info.message || info.reason || 'unknown');
      this.resume();
    });
  }

  /** Lets nothing more be submitted until {@link resume}: whoever waits for the device then waits for that. */
  pause(): void {
    this.#pause.begin();
  }

  resume(): void {
    this.#pause.end();
  }

  get paused(): boolean {
    return this.#pause.over !== undefined;
  }

  /** A clock in milliseconds that stands still while paused. */
  now(): number {
    return this.#pause.now();
  }

  /** @internal Resolves when work may be submitted; undefined when it may be at once. */
  get held(): Promise<void> | undefined {
    return this.#pause.over;
  }

  /** Resolves when the device is lost, which it also is when its owner destroys it. */
  get lost(): Promise<DeviceLostError> {
    return this.device.lost.then(() => this.#lost!);
  }

  get limits(): GPUSupportedLimits {
    return this.device.limits;
  }

  get features(): GPUSupportedFeatures {
    return this.device.features;
  }

  /** Bytes of device memory now held by this runtime. */
  get currentBytes(): number {
    return this.#current;
  }

  /** The most bytes held at once since the last {@link resetPeak}. */
  get peakBytes(): number {
    return this.#peak;
  }

  resetPeak(): void {
    this.#peak = this.#current;
  }

  /** Arrays and images not yet disposed, for leak checks. */
  get liveArrays(): number {
    return this.#live.size;
  }

  /** Throws {@link DisposedError} or {@link DeviceLostError} when nothing more can run here. */
  assertAlive(): void {
    if (this.#disposed) throw new DisposedError('The GPU engine');
    if (this.#lost) throw this.#lost;
  }

  /** Largest number of 4-byte elements one array may have: what one binding reaches. */
  get maxArrayLength(): number {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.limits;
    return Math.min(
      Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / 4),
      this.options.maxArrayLength ?? Infinity,
    );
  }

  /** Allocates `length` elements. An allocation that the device refuses throws at the next submit or read. */
  array(label: string, length: number, type: ElementType = 'f32'): GpuArray {
    this.assertAlive();
    if (!Number.isSafeInteger(length) || length < 1) throw new RangeError(`array "${label}": length ${length}`);
    const bytes = length * 4;
    if (length > this.maxArrayLength) {
      throw new GpuOutOfMemoryError(
        `"${label}" needs ${formatBytes(bytes)} in one piece; this adapter binds at most ${formatBytes(this.maxArrayLength * 4)}.`,
        label,
        bytes,
      );
    }
    const make = () => this.device.createBuffer({ label, size: bytes, usage: STORAGE });
    const buffer = this.scoped(label, make, bytes);
    this.account(bytes);
    const array = new GpuArray(this, buffer, label, type, length);
    this.#live.add(array);
    return array;
  }

  /** Whether an image may have so many texels; where {@link maxArrayLength} is lowered for tests, no more than an array. */
  imageFits(width: number, height: number): boolean {
    const most = Math.min(IMAGE_BYTES / 16, Math.floor((this.options.maxArrayLength ?? Infinity) / 4));
    return Math.max(width, height) <= this.limits.maxTextureDimension2D && width * height <= most;
  }

  /** Allocates an image of at least `quads` texels in rows of `width`. A refusal is told as for {@link array}. */
  image(label: string, quads: number, width = IMAGE_ROW): GpuImage {
    this.assertAlive();
    const height = Math.ceil(quads / width);
    const bytes = height * width * 16;
    if (!(Number.isSafeInteger(quads) && quads >= 1)) throw new RangeError(`image "${label}": ${quads} quads`);
    if (Math.max(width, height) > this.limits.maxTextureDimension2D || bytes > IMAGE_BYTES) {
      throw new GpuOutOfMemoryError(
        `"${label}" needs ${formatBytes(bytes)} in one image, more than this adapter has.`,
        label,
        bytes,
      );
    }
    const make = () => {
      const texture = this.device.createTexture({
        label,
        size: [width, height],
        format: 'rgba32float',
        usage: IMAGE_USAGE,
      });
      clearTexture(this.device, texture);
      return texture;
    };
    const image = new GpuImage(this, this.scoped(label, make, bytes), label, bytes);
    this.account(bytes);
    this.#live.add(image);
    return image;
  }

  /** Allocates and fills from the host. */
  upload(label: string, values: Float32Array | Uint32Array): GpuArray {
    const array = this.array(label, values.length, values instanceof Float32Array ? 'f32' : 'u32');
    array.write(values);
    return array;
  }

  /** @internal Called by dispose of arrays and images. */
  release(array: GpuArray | GpuImage, buffer: GPUBuffer | GPUTexture): void {
    this.#live.delete(array);
    this.account(-array.bytes);
    this.bindings.release(array.id);
    buffer.destroy();
  }

  /** @internal Called by GpuArray.write. */
  write(array: GpuArray, values: Float32Array | Uint32Array, offset: number): void {
    this.assertAlive();
    if (offset < 0 || offset + values.length > array.length) {
      throw new RangeError(`writing ${values.length} elements at ${offset} into "${array.label}" of ${array.length}`);
    }
    // Pieces: Dawn stages each write, and a single staging copy as large as X would double the memory.
    const step = PIECE_BYTES / 4;
    for (let at = 0; at < values.length; at += step) {
      const piece = values.subarray(at, Math.min(at + step, values.length));
      this.device.queue.writeBuffer(
        array.buffer,
        (offset + at) * 4,
        piece.buffer as ArrayBuffer,
        piece.byteOffset,
        piece.byteLength,
      );
    }
  }

  /** @internal Called by GpuArray.read. */
  readBytes(array: GpuArray, offset: number, count: number): Promise<ArrayBuffer> {
    const { label, length } = array;
    if (offset < 0 || count < 0 || offset + count > length) {
      return Promise.reject(new RangeError(`reading ${count} elements at ${offset} from "${label}" of ${length}`));
    }
    return this.#readback.read(label, () => array.buffer, offset * 4, count * 4);
  }

  /**
   * Compiles a shader with the given constants, once per device: the same request is answered from the cache, and
   * requests while it compiles join it.
   */
  kernel<D extends ShaderDescriptor>(shader: D, constants: ConstantsOf<D> = {}): Promise<Kernel<D>> {
    this.assertAlive();
    const key = `${shader.name}:${JSON.stringify(Object.entries(constants).sort())}`;
    let kernel = this.#pipelines.get(key);
    if (!kernel) {
      kernel = compileKernel(this.device, {
        shader,
        constants: constants as Record<string, number>,
        key,
        during: (promise) => this.during(promise),
        assertAlive: () => this.assertAlive(),
      });
      this.#pipelines.set(key, kernel);
      // A failure is told to whoever asked, and tried again by the next who asks.
      kernel.catch(() => this.#pipelines.delete(key));
    }
    return kernel as unknown as Promise<Kernel<D>>;
  }

  /** Starts recording dispatches that run in order, in one pass and one submit. */
  batch(label: string): Batch {
    this.assertAlive();
    this.bindings.trim();
    return new Batch(this, label);
  }

  /** @internal Runs `action` watched; {@link settle} throws what it gets refused. */
  scoped<T>(label: string, action: () => T, bytes?: number): T {
    return this.#faults.watch(label, action, bytes);
  }

  /** @internal Awaits what only the device can end. @throws what the promise does, but a lost device before all */
  async during<T>(promise: Promise<T>): Promise<T> {
    try {
      return await (this.options.during?.(promise) ?? promise);
    } catch (error) {
      if (!isVerdict(error)) await this.#lossTold();
      this.assertAlive();
      throw error;
    }
  }

  /** A browser refuses what a lost device had been asked for before it tells of the loss. */
  async #lossTold(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, LOSS_TOLD_MS);
    });
    await Promise.race([this.device.lost, late]);
    clearTimeout(timer);
  }

  /** @internal Throws the first fault since the last call, a lost device before all. */
  async settle(): Promise<void> {
    await this.#faults.settle().finally(() => this.assertAlive());
  }

  /** Waits until all submitted work is done; throws what went wrong. */
  async finish(): Promise<void> {
    this.assertAlive();
    await this.settle();
    await this.during(this.device.queue.onSubmittedWorkDone());
    this.assertAlive();
  }

  /** @internal Counts bytes taken (or, below zero, given back). */
  account(bytes: number): void {
    this.#current += bytes;
    this.#peak = Math.max(this.#peak, this.#current);
  }

  /** Frees all arrays, and the device if it is ours. */
  dispose(): void {
    if (this.#disposed) return;
    this.resume();
    for (const array of [...this.#live]) array.dispose();
    this.bindings.dispose();
    this.#readback.dispose();
    this.#disposed = true;
    this.#pipelines.clear();
    if (this.options.ownsDevice) this.device.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
