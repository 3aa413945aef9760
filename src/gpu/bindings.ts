// Parameters and bind groups, made once for the same kernel, arrays and values, and given back to the device when too many
// have gathered.

import type { GpuArray } from './array';
import type { GpuImage } from './image';
import type { Kernel } from './kernel';
import { packParams, type ShaderDescriptor } from './shader';

/** Parameter buffers kept at most; they are 16 to 64 bytes each. */
const KEPT_PARAMS = 256;

/** A uniform buffer. */
export interface Params {
  readonly key: string;
  readonly buffer: GPUBuffer;
  /** Batches that are being recorded with it. */
  recording: number;
  forgotten: boolean;
}

export interface Bound {
  readonly group: GPUBindGroup;
  readonly params: Params | undefined;
}

/** What it needs of the runtime. */
interface Runtime {
  readonly device: GPUDevice;
  account(bytes: number): void;
  scoped<T>(label: string, action: () => T): T;
}

export class Bindings {
  readonly #params = new Map<string, Params>();
  readonly #groups = new Map<string, Bound & { readonly arrays: readonly number[] }>();

  constructor(private readonly runtime: Runtime) {}

  /** The bind group of a kernel on these arrays; whoever records with it says so by {@link begin}. */
  bind(
    kernel: Kernel<ShaderDescriptor>,
    arrays: Readonly<Record<string, GpuArray | GpuImage>>,
    values: Readonly<Record<string, number>>,
  ): Bound {
    const { shader } = kernel;
    const { bindings } = shader;
    const params = shader.params ? this.#paramsOf(packParams(shader.params, values)) : undefined;
    const ids = Object.keys(bindings).map((name) => {
      const array = arrays[name];
      if (!array) throw new TypeError(`${shader.name}: binding ${name} is missing`);
      return array.id;
    });
    const key = `${kernel.key}|${ids.join()}|${params?.key ?? ''}`;
    const known = this.#groups.get(key);
    if (known) return known;
    const entries: GPUBindGroupEntry[] = Object.entries(bindings).map(([name, { binding }]) => ({
      binding,
      resource: arrays[name]!.resource,
    }));
    if (params) entries.push({ binding: shader.params!.binding, resource: { buffer: params.buffer } });
    const group = this.runtime.scoped(shader.name, () =>
      this.runtime.device.createBindGroup({ label: shader.name, layout: kernel.layout, entries }),
    );
    const bound = { group, params, arrays: ids };
    this.#groups.set(key, bound);
    return bound;
  }

  /** The uniform buffer with these values; equal values share one. */
  #paramsOf(bytes: ArrayBuffer): Params {
    const key = Array.from(new Uint32Array(bytes)).join();
    const known = this.#params.get(key);
    if (known) return known;
    const { device } = this.runtime;
    const usage = 0x40 | 0x08; // UNIFORM | COPY_DST
    const buffer = device.createBuffer({ label: 'params', size: bytes.byteLength, usage });
    device.queue.writeBuffer(buffer, 0, bytes);
    this.runtime.account(bytes.byteLength);
    const params = { key, buffer, recording: 0, forgotten: false };
    this.#params.set(key, params);
    return params;
  }

  begin(params: Params): void {
    params.recording++;
  }

  /** What was recorded is on its way to the device. */
  end(params: Params): void {
    params.recording--;
    if (params.forgotten && params.recording === 0) params.buffer.destroy();
  }

  /** Forgets the bind groups of an array that is going. */
  release(id: number): void {
    for (const [key, { arrays }] of this.#groups) if (arrays.includes(id)) this.#groups.delete(key);
  }

  /** Forgets everything if too much has gathered. */
  trim(): void {
    if (this.#params.size > KEPT_PARAMS) this.dispose();
  }

  /** Forgets everything. A buffer that a batch is being recorded with is destroyed when that is sent. */
  dispose(): void {
    for (const params of this.#params.values()) {
      this.runtime.account(-params.buffer.size);
      params.forgotten = true;
      if (params.recording === 0) params.buffer.destroy();
    }
    this.#params.clear();
    this.#groups.clear();
  }
}
