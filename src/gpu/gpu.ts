// The runtime: one device, its memory account, its compiled pipelines and its way of failing.
//
// WebGPU reports faults late and elsewhere: a lost device makes calls succeed silently, a failed allocation shows up as
// an invalid buffer. Every entry here therefore checks that the device is alive, and every operation that can fail runs
// inside an error scope whose verdict is thrown at the next await, with the label of what failed.

import { type ElementType, GpuArray } from './array';
import { Batch } from './batch';
import { compileKernel } from './compile';
import { DeviceLostError, DisposedError, GpuOutOfMemoryError, GpuValidationError } from './errors';
import { Faults } from './faults';
import { formatBytes } from './format';
import type { Kernel } from './kernel';
import { Pause } from './pause';
import { type ConstantsOf, type ParamsDescriptor, packParams, type ShaderDescriptor } from './shader';

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
  /** Lowers {@link Gpu.maxArrayLength}, so that tests reach the splitting of large data with small data. */
  readonly maxArrayLength?: number;
}

/** Largest piece moved to the host at once: bounds the readback buffer. */
const READBACK_BYTES = 4 * 1024 * 1024;
const KEPT_PARAMS = 256;

const STORAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST: the global enums do not exist in plain Node

export class Gpu {
  readonly adapter: AdapterReport;
  #current = 0;
  #peak = 0;
  #lost: DeviceLostError | undefined;
  #disposed = false;
  readonly #live = new Set<GpuArray>();
  readonly #pipelines = new Map<string, Promise<Kernel<ShaderDescriptor>>>();
  readonly #params = new Map<string, GPUBuffer>();
  readonly #bindGroups = new Map<string, { group: GPUBindGroup; arrays: readonly number[] }>();
  readonly #faults: Faults;
  #readback: Promise<unknown> = Promise.resolve();
  readonly #pause = new Pause();

  constructor(
    readonly device: GPUDevice,
    private readonly options: GpuOptions,
  ) {
    this.adapter = options.adapter;
    this.#faults = new Faults(device);
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

  /** Arrays not yet disposed, for leak checks. */
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
    const buffer = this.#faults.watch(
      label,
      () => this.device.createBuffer({ label, size: bytes, usage: STORAGE }),
      bytes,
    );
    this.#account(bytes);
    const array = new GpuArray(this, buffer, label, type, length);
    this.#live.add(array);
    return array;
  }

  /** Allocates and fills from the host. */
  upload(label: string, values: Float32Array | Uint32Array): GpuArray {
    const array = this.array(label, values.length, values instanceof Float32Array ? 'f32' : 'u32');
    array.write(values);
    return array;
  }

  /** @internal Called by GpuArray.dispose. */
  release(array: GpuArray, buffer: GPUBuffer): void {
    this.#live.delete(array);
    this.#account(-array.bytes);
    for (const [key, entry] of this.#bindGroups) if (entry.arrays.includes(array.id)) this.#bindGroups.delete(key);
    buffer.destroy();
  }

  /** @internal Called by GpuArray.write. */
  write(array: GpuArray, values: Float32Array | Uint32Array, offset: number): void {
    this.assertAlive();
    if (offset < 0 || offset + values.length > array.length) {
      throw new RangeError(`writing ${values.length} elements at ${offset} into "${array.label}" of ${array.length}`);
    }
    // Pieces: Dawn stages each write, and a single staging copy as large as X would double the memory.
    const step = READBACK_BYTES / 4;
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

  /** @internal Called by GpuArray.read: `count` elements as bytes, in pieces through one small staging buffer. */
  readBytes(array: GpuArray, offset: number, count: number): Promise<ArrayBuffer> {
    // One read at a time: the staging memory then stays one buffer, however many reads a caller starts together.
    const next = this.#readback.then(() => this.#read(array, offset, count));
    this.#readback = next.catch(() => undefined);
    return next;
  }

  async #read(array: GpuArray, offset: number, count: number): Promise<ArrayBuffer> {
    this.assertAlive();
    if (offset < 0 || count < 0 || offset + count > array.length) {
      throw new RangeError(`reading ${count} elements at ${offset} from "${array.label}" of ${array.length}`);
    }
    const out = new Uint8Array(count * 4);
    if (count === 0) return out.buffer;
    const size = Math.min(READBACK_BYTES, count * 4);
    const usage = 0x01 | 0x08; // MAP_READ | COPY_DST
    const make = () => this.device.createBuffer({ label: 'readback', size, usage });
    const staging = this.#faults.watch('readback', make, size);
    this.#account(size);
    try {
      for (let at = 0; at < out.length; at += size) {
        const bytes = Math.min(size, out.length - at);
        const encoder = this.device.createCommandEncoder({ label: `read ${array.label}` });
        encoder.copyBufferToBuffer(array.buffer, offset * 4 + at, staging, 0, bytes);
        this.scoped(`read ${array.label}`, () => this.device.queue.submit([encoder.finish()]));
        await this.settle();
        try {
          await staging.mapAsync(1, 0, bytes);
        } catch (cause) {
          this.assertAlive();
          throw new GpuValidationError(`reading "${array.label}": ${String(cause)}`, array.label, cause);
        }
        this.assertAlive();
        out.set(new Uint8Array(staging.getMappedRange(0, bytes)), at);
        staging.unmap();
      }
    } finally {
      this.#account(-size);
      staging.destroy();
    }
    return out.buffer;
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
      const request = { shader, constants: constants as Record<string, number>, key };
      kernel = compileKernel(this.device, { ...request, assertAlive: () => this.assertAlive() });
      this.#pipelines.set(key, kernel);
      // A failure is told to whoever asked, and tried again by the next who asks.
      kernel.catch(() => this.#pipelines.delete(key));
    }
    return kernel as unknown as Promise<Kernel<D>>;
  }

  /** Starts recording dispatches that run in order, in one pass and one submit. */
  batch(label: string): Batch {
    this.assertAlive();
    if (this.#params.size > KEPT_PARAMS) this.#forgetParams();
    return new Batch(this, label);
  }

  /** @internal The uniform buffer with these parameter values; equal values share one. */
  paramsBuffer(
    descriptor: ParamsDescriptor,
    values: Readonly<Record<string, number>>,
  ): { key: string; buffer: GPUBuffer } {
    const bytes = packParams(descriptor, values);
    const key = Array.from(new Uint32Array(bytes)).join();
    let buffer = this.#params.get(key);
    if (!buffer) {
      buffer = this.device.createBuffer({ label: 'params', size: bytes.byteLength, usage: 0x40 | 0x08 }); // UNIFORM | COPY_DST
      this.device.queue.writeBuffer(buffer, 0, bytes);
      this.#params.set(key, buffer);
      this.#account(bytes.byteLength);
    }
    return { key, buffer };
  }

  /** @internal The bind group of a kernel on these arrays. */
  bindGroup(
    kernel: Kernel<ShaderDescriptor>,
    arrays: Readonly<Record<string, GpuArray>>,
    values: Readonly<Record<string, number>>,
  ): GPUBindGroup {
    const { bindings, params } = kernel.shader;
    const uniform = params ? this.paramsBuffer(params, values) : undefined;
    const ids = Object.keys(bindings).map((name) => {
      const array = arrays[name];
      if (!array) throw new TypeError(`${kernel.shader.name}: binding ${name} is missing`);
      return array.id;
    });
    const key = `${kernel.key}|${ids.join()}|${uniform?.key ?? ''}`;
    const known = this.#bindGroups.get(key);
    if (known) return known.group;
    const entries = Object.entries(bindings).map(([name, { binding }]) => ({
      binding,
      resource: { buffer: arrays[name]!.buffer },
    }));
    if (uniform) entries.push({ binding: params!.binding, resource: { buffer: uniform.buffer } });
    const group = this.scoped(kernel.shader.name, () =>
      this.device.createBindGroup({ label: kernel.shader.name, layout: kernel.layout, entries }),
    );
    this.#bindGroups.set(key, { group, arrays: ids });
    return group;
  }

  // Forgotten, not destroyed: a batch that is still being recorded may hold them. They are 16 to 64 bytes each.
  #forgetParams(): void {
    for (const buffer of this.#params.values()) this.#account(-buffer.size);
    this.#params.clear();
    this.#bindGroups.clear();
  }

  /** @internal Runs `action` watched; {@link settle} throws what it gets refused. */
  scoped<T>(label: string, action: () => T): T {
    return this.#faults.watch(label, action);
  }

  /** @internal Throws the first fault since the last call, a lost device before all. */
  async settle(): Promise<void> {
    await this.#faults.settle().finally(() => this.assertAlive());
  }

  /** Waits until all submitted work is done; throws what went wrong. */
  async finish(): Promise<void> {
    this.assertAlive();
    await this.settle();
    await this.device.queue.onSubmittedWorkDone();
    this.assertAlive();
  }

  #account(bytes: number): void {
    this.#current += bytes;
    this.#peak = Math.max(this.#peak, this.#current);
  }

  /** Frees all arrays, and the device if it is ours. */
  dispose(): void {
    if (this.#disposed) return;
    this.resume();
    for (const array of [...this.#live]) array.dispose();
    this.#forgetParams();
    this.#disposed = true;
    this.#pipelines.clear();
    if (this.options.ownsDevice) this.device.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
