// From the device to the host, in pieces through one staging buffer that is kept: a run reads some forty times, and a
// mapped buffer for each, however soon destroyed, is memory that the driver gives back late.

import { GpuValidationError } from './errors';

/** Largest piece moved at once between host and device: bounds what either stages. */
export const PIECE_BYTES = 4 * 1024 * 1024;
/** What is kept between reads: most read a history or a margin a sample. */
const KEPT_BYTES = 64 * 1024;

/** What it needs of the runtime. */
interface Runtime {
  readonly device: GPUDevice;
  assertAlive(): void;
  account(bytes: number): void;
  scoped<T>(label: string, action: () => T, bytes?: number): T;
  settle(): Promise<void>;
  during<T>(promise: Promise<T>): Promise<T>;
}

export class Readback {
  #last: Promise<unknown> = Promise.resolve();
  #staging: GPUBuffer | undefined;

  constructor(private readonly runtime: Runtime) {}

  /** Bytes of a buffer, after all work submitted so far. One read at a time, however many a caller starts together. */
  read(label: string, buffer: () => GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const next = this.#last.then(() => this.#read(label, buffer, offset, bytes));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #read(label: string, source: () => GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const { runtime } = this;
    runtime.assertAlive();
    const buffer = source();
    const out = new Uint8Array(bytes);
    if (bytes === 0) return out.buffer;
    const staging = this.#stage(Math.min(PIECE_BYTES, bytes));
    let whole = false;
    try {
      for (let at = 0; at < bytes; at += staging.size) {
        const piece = Math.min(staging.size, bytes - at);
        const encoder = runtime.device.createCommandEncoder({ label: `read ${label}` });
        encoder.copyBufferToBuffer(buffer, offset + at, staging, 0, piece);
        runtime.scoped(`read ${label}`, () => runtime.device.queue.submit([encoder.finish()]));
        await runtime.settle();
        try {
          await runtime.during(staging.mapAsync(1, 0, piece));
        } catch (cause) {
          runtime.assertAlive();
          throw new GpuValidationError(`reading "${label}": ${String(cause)}`, label, cause);
        }
        runtime.assertAlive();
        out.set(new Uint8Array(staging.getMappedRange(0, piece)), at);
        staging.unmap();
      }
      whole = true;
    } finally {
      // One that failed may still be mapped.
      if (!whole || staging.size > KEPT_BYTES) this.dispose();
    }
    return out.buffer;
  }

  /** A staging buffer of at least so many bytes. */
  #stage(bytes: number): GPUBuffer {
    if (this.#staging && this.#staging.size >= bytes) return this.#staging;
    this.dispose();
    // Powers of two, so that few sizes follow one another.
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
    const usage = 0x01 | 0x08; // MAP_READ | COPY_DST
    const make = () => this.runtime.device.createBuffer({ label: 'readback', size, usage });
    this.#staging = this.runtime.scoped('readback', make, size);
    this.runtime.account(size);
    return this.#staging;
  }

  dispose(): void {
    if (!this.#staging) return;
    this.runtime.account(-this.#staging.size);
    this.#staging.destroy();
    this.#staging = undefined;
  }
}
