// Samples on the device: rows in blocks, none larger than one binding reaches, and their panel copy for the forward pass.

import type { GpuArray } from '../gpu/array';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { panels, panelsLength } from '../kernels/data';
import { paddedRow } from '../kernels/step';

/** Device bytes that masks and partial outputs of one block may take before blocks are made smaller. */
const SCRATCH_BYTES = 4 * 1024 * 1024;

export interface Block {
  /** First sample of the block among all. */
  readonly start: number;
  readonly rows: number;
}

/**
 * Splits n samples into blocks whose rows, panels, masks and partial outputs each fit one binding, and whose scratch
 * stays small beside the data. Blocks have whole panels of 32 samples, except the last.
 * @param words mask words a sample: ceil(m / 32)
 */
export function planBlocks(gpu: Gpu, n: number, d: number, words: number): Block[] {
  const most = gpu.maxArrayLength;
  const ld = paddedRow(d);
  const scratch = Math.max(SCRATCH_BYTES, 0.1 * 4 * 3 * n * ld);
  const rows = Math.min(
    most / ld,
    most / words,
    scratch / (8 * words),
    gpu.limits.maxComputeWorkgroupsPerDimension * 16,
  );
  const whole = Math.floor(rows / 32) * 32;
  if (whole < 32) {
    const bytes = 4 * 32 * Math.max(ld, words);
    const what = `32 samples of ${d} inputs and ${words} mask words`;
    const message = `${what} need ${formatBytes(bytes)} in one piece; this adapter binds at most ${formatBytes(most * 4)}.`;
    throw new GpuOutOfMemoryError(message, 'samples', bytes);
  }
  const blocks: Block[] = [];
  for (let start = 0; start < n; start += whole) blocks.push({ start, rows: Math.min(whole, n - start) });
  return blocks;
}

/** (n, d) samples, row-major by blocks, rows padded with zeros to `ld`. Disposes its arrays. */
export class Samples {
  readonly ld: number;
  readonly n: number;

  constructor(
    readonly blocks: readonly Block[],
    readonly arrays: readonly GpuArray[],
    readonly d: number,
  ) {
    this.ld = paddedRow(d);
    this.n = blocks.reduce((sum, block) => sum + block.rows, 0);
  }

  /** Uninitialised samples. */
  static allocate(gpu: Gpu, label: string, blocks: readonly Block[], d: number): Samples {
    return allocateAll(
      blocks,
      (block) => gpu.array(label, block.rows * paddedRow(d)),
      (arrays) => new Samples(blocks, arrays, d),
    );
  }

  /** Samples from a host array (n, d), row-major; `words` as for {@link planBlocks}. */
  static fromArray(gpu: Gpu, label: string, values: Float32Array, d: number, words = 1): Samples {
    const samples = Samples.allocate(gpu, label, planBlocks(gpu, values.length / d, d, words), d);
    for (const [at, { start, rows }] of samples.blocks.entries()) {
      writeRows(samples.arrays[at]!, values.subarray(start * d, (start + rows) * d), d);
    }
    return samples;
  }

  /** All rows on the host, without padding: (n, d). */
  async read(): Promise<Float32Array> {
    const out = new Float32Array(this.n * this.d);
    for (const [at, { start, rows }] of this.blocks.entries()) {
      unpad(await this.arrays[at]!.read(0, rows * this.ld), this.ld, this.d, out.subarray(start * this.d));
    }
    return out;
  }

  dispose(): void {
    for (const array of this.arrays) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The panel copy of {@link Samples}: the one reordered copy that training and evaluation read. */
export class Panels {
  constructor(
    readonly blocks: readonly Block[],
    readonly arrays: readonly GpuArray[],
    readonly d: number,
  ) {}

  static allocate(gpu: Gpu, blocks: readonly Block[], d: number): Panels {
    return allocateAll(
      blocks,
      (block) => gpu.array('panels', panelsLength(block.rows, d)),
      (arrays) => new Panels(blocks, arrays, d),
    );
  }

  /** Refills the panels from samples of the same blocks. */
  async fill(gpu: Gpu, samples: Samples): Promise<void> {
    const { d, ld } = samples;
    const batch = gpu.batch('panels');
    const steps = await Promise.all(
      this.blocks.map((block, at) =>
        panels(gpu, { input: samples.arrays[at]!, output: this.arrays[at]!, n: block.rows, d, ld }),
      ),
    );
    for (const step of steps) step(batch);
    await batch.submit();
  }

  dispose(): void {
    for (const array of this.arrays) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function allocateAll<T>(
  blocks: readonly Block[],
  make: (block: Block) => GpuArray,
  wrap: (arrays: GpuArray[]) => T,
): T {
  const arrays: GpuArray[] = [];
  try {
    for (const block of blocks) arrays.push(make(block));
    return wrap(arrays);
  } catch (error) {
    for (const array of arrays) array.dispose();
    throw error;
  }
}

/** Elements sent to the device at once: bounds what padding and transfer add to the memory. */
const PIECE = 1 << 20;

/** Writes host rows of d into device rows of {@link paddedRow}. */
export function writeRows(x: GpuArray, values: Float32Array, d: number): void {
  const ld = paddedRow(d);
  const rows = values.length / d;
  const step = Math.max(1, Math.floor(PIECE / ld));
  for (let i = 0; i < rows; i += step) {
    x.write(pad(values.subarray(i * d, Math.min(i + step, rows) * d), d, ld), i * ld);
  }
}

/** Copies rows of `ld` into rows of `d`. */
export function unpad(padded: Float32Array, ld: number, d: number, out: Float32Array): void {
  if (ld === d) out.set(padded);
  else for (let i = 0; i * ld < padded.length; i++) out.set(padded.subarray(i * ld, i * ld + d), i * d);
}

/** Copies rows of `d` into rows of `ld` whose padding is zero. */
function pad(values: Float32Array, d: number, ld: number): Float32Array {
  if (ld === d) return values;
  const rows = values.length / d;
  const out = new Float32Array(rows * ld);
  for (let i = 0; i < rows; i++) out.set(values.subarray(i * d, (i + 1) * d), i * ld);
  return out;
}
