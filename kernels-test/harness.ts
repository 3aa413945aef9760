// What the checks of kernels stand on: arrays with guards, seeded values, comparisons. Free of the test runner, because
// `perturb doctor` runs the same checks on the user's adapter.
//
// Tolerances come from the length of a sum. Floating-point addition of k terms in any order, each term itself rounded at
// most r times, errs by at most (k - 1 + r) u sum|terms| with u = 2^-24 for float32 (Higham, "Accuracy and Stability of
// Numerical Algorithms", section 4.2; second-order terms are below 1e-4 of that here). The references therefore return
// sum|terms| beside each sum, and a test allows `roundings * U` of it. Fused or not, and in whatever order a variant sums,
// the bound holds; a term lost, doubled or of the wrong sign breaks it as soon as the term is larger than that.

import { PhiloxStream } from '../src/data/philox';
import type { ElementType, GpuArray } from '../src/gpu/array';
import type { Gpu } from '../src/gpu/gpu';
import { type GpuImage, IMAGE_ROW, imageStride } from '../src/gpu/image';
import type { Step } from '../src/kernels/step';

/** Unit roundoff of float32. */
export const U = 2 ** -24;
/** Smallest normal float32: below it an adapter may flush to zero. */
export const TINY = 2 ** -126;

/** Why a test of half precision is left out. */
export const NO_HALVES = 'the adapter has no shader-f16';

/** Runs one step and waits. */
export async function runStep(gpu: Gpu, step: Step): Promise<void> {
  const batch = gpu.batch('test');
  step(batch);
  await batch.submit();
}

/** What a quarter of the values of {@link Draws.normal} are instead, from themselves and the value before. */
type Special = (value: number, before: number) => number;

/** How fuzzing changes what checks draw: other values for the same shapes, special ones among them. Changed by it alone. */
export const flavour: { salt: number; special: readonly Special[]; floor: number } = {
  salt: 0,
  special: [],
  /** Added to every tolerance: what an adapter may lose by flushing denormals. */
  floor: 0,
};

/** Seeded host arrays. Every call takes the next stream, so arrays differ; the same calls give the same arrays. */
export class Draws {
  #stream = 1000 + flavour.salt;
  constructor(private readonly seed: number) {}

  #next(): PhiloxStream {
    return new PhiloxStream(this.seed, this.#stream++);
  }

  normal(length: number, scale = 1): Float32Array {
    const stream = this.#next();
    const values = Float32Array.from({ length }, () => scale * stream.normal());
    const { special } = flavour;
    if (special.length > 0) {
      for (let i = 0; i < length; i++) {
        if (stream.nextU32() % 4 === 0)
          values[i] = special[stream.nextU32() % special.length]!(values[i]!, values[i - 1] ?? 0);
      }
    }
    return values;
  }

  /** Integers from -most to most: sums of their products are exact in float32 while they stay below 2^24. */
  integers(length: number, most: number): Float32Array {
    const stream = this.#next();
    return Float32Array.from({ length }, () => Math.floor(stream.uniform() * (2 * most + 1)) - most);
  }

  signs(length: number): Float32Array {
    const stream = this.#next();
    return Float32Array.from({ length }, () => (stream.nextU32() & 1 ? 1 : -1));
  }

  bits(length: number): Uint32Array {
    const stream = this.#next();
    return Uint32Array.from({ length }, () => stream.nextU32());
  }
}

/** The half nearest to a number of less than 65520, ties to even, subnormal halves included (IEEE 754 binary16). */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === 0) return sign;
  // Spacing of halves at this size: 2^-10 of the power of two below, 2^-24 among the subnormal ones.
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const steps = size / 2 ** (exponent - 10);
  const floor = Math.floor(steps);
  const rest = steps - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  // A carry into the next power of two comes out right by itself.
  return sign | (rounded + (exponent + 14) * 1024);
}

/** The number that the bits of a half stand for. */
export function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** Every value rounded to a half. */
export const asHalves = (values: Float32Array): Float32Array => values.map((value) => halfValue(halfBits(value)));

const POISON = 0xdeadbeef;
const GUARD = 71;

/** Arrays of one test: inputs with NaN behind them, outputs poisoned inside and behind; all freed together. */
export class Bench {
  readonly #arrays: (GpuArray | GpuImage)[] = [];
  readonly #outputs = new Map<GpuArray, { length: number; before: Uint32Array }>();
  constructor(readonly gpu: Gpu) {}

  /** Values to be read only. Behind them lie NaNs: a kernel that reads past the end and uses it gives NaN. */
  input(label: string, values: Float32Array | Uint32Array): GpuArray {
    const isFloat = values instanceof Float32Array;
    const array = this.gpu.array(label, values.length + GUARD, isFloat ? 'f32' : 'u32');
    this.#arrays.push(array);
    array.write(new Uint32Array(array.length).fill(isFloat ? 0x7fc00000 : 0xffffffff));
    array.write(values);
    return array;
  }

  /** Values to be read only, as texels in rows of `width`. Behind them lie NaNs. */
  image(label: string, values: Float32Array, width = IMAGE_ROW): GpuImage {
    const image = this.gpu.image(label, values.length / 4, width);
    this.#arrays.push(image);
    const height = Math.ceil(values.length / 4 / width);
    const stride = imageStride(4 * width);
    using rows = this.gpu.array(label, height * stride);
    rows.write(new Float32Array(rows.length).fill(Number.NaN));
    for (let r = 0; r < height; r++) rows.write(values.subarray(r * 4 * width, (r + 1) * 4 * width), r * stride);
    this.gpu.batch(label).copyToImage(rows, image, 0, height).send();
    return image;
  }

  /** Values that halves hold exactly, stored as such, with NaN behind them. */
  halves(label: string, values: Float32Array): GpuArray {
    const bits = new Uint16Array(2 * (Math.ceil(values.length / 2) + GUARD)).fill(0x7e00);
    for (const [at, value] of values.entries()) bits[at] = halfBits(value);
    const array = this.gpu.array(label, bits.length / 2, 'f16');
    this.#arrays.push(array);
    array.write(new Uint32Array(bits.buffer));
    return array;
  }

  /** `length` elements to be written, all poison. */
  output(label: string, length: number, type: 'f32' | 'u32' = 'f32'): GpuArray {
    return this.inout(label, new Uint32Array(length).fill(POISON), type);
  }

  /** Elements that a kernel reads and writes, with poison behind them. */
  inout(label: string, values: Float32Array | Uint32Array, type: ElementType = 'f32'): GpuArray {
    const array = this.gpu.array(label, values.length + GUARD, type);
    this.#arrays.push(array);
    array.write(new Uint32Array(array.length).fill(POISON));
    array.write(values);
    const bits = new Uint32Array(values.buffer as ArrayBuffer, values.byteOffset, values.length).slice();
    this.#outputs.set(array, { length: values.length, before: bits });
    return array;
  }

  /** The bits of an output; fails when anything outside [from, to) changed. */
  async bits(array: GpuArray, from = 0, to?: number): Promise<Uint32Array> {
    const { length, before } = this.#outputs.get(array)!;
    const end = to ?? length;
    const all = await array.readUint();
    for (let at = 0; at < all.length; at++) {
      if (at >= from && at < end) continue;
      const expected = at < length ? before[at]! : POISON;
      if (all[at] !== expected) {
        throw new Error(
          `"${array.label}": element ${at} lies outside [${from}, ${end}) and was changed to ${hex(all[at]!)}`,
        );
      }
    }
    return all.slice(from, end);
  }

  /** As {@link bits}, as floats; fails when an element inside was left unwritten. */
  async floats(array: GpuArray, from = 0, to?: number): Promise<Float32Array> {
    const bits = await this.bits(array, from, to);
    const missed = bits.indexOf(POISON);
    if (missed >= 0) throw new Error(`"${array.label}": element ${from + missed} was never written`);
    return new Float32Array(bits.buffer as ArrayBuffer);
  }

  /** As {@link bits}, failing when an element inside was left unwritten. */
  async words(array: GpuArray, from = 0, to?: number): Promise<Uint32Array> {
    const bits = await this.bits(array, from, to);
    const missed = bits.indexOf(POISON);
    if (missed >= 0) throw new Error(`"${array.label}": element ${from + missed} was never written`);
    return bits;
  }

  dispose(): void {
    for (const array of this.#arrays.splice(0)) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const hex = (bits: number) => `0x${bits.toString(16).padStart(8, '0')}`;

/**
 * Fails unless |actual - expected| <= tolerance for every element, naming the first five that are off and how many.
 * @param at writes an index as the place it is, such as "sample 3, column 7"
 */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number | ((i: number) => number),
  at: (i: number) => string = (i) => `[${i}]`,
): void {
  if (actual.length !== expected.length) throw new Error(`${what}: ${actual.length} values, not ${expected.length}`);
  const off: string[] = [];
  let count = 0;
  for (let i = 0; i < expected.length; i++) {
    const allowed = typeof tolerance === 'number' ? tolerance : tolerance(i);
    const error = Math.abs(actual[i]! - expected[i]!);
    // Written so that NaN on either side fails.
    if (error <= allowed + flavour.floor) continue;
    count++;
    if (off.length < 5)
      off.push(`  ${at(i)}: ${actual[i]} instead of ${expected[i]} (off by ${error}, allowed ${allowed})`);
  }
  if (count > 0) throw new Error(`${what}: ${count} of ${expected.length} values are off\n${off.join('\n')}`);
}

/** Fails unless both are equal as numbers (0 equals -0), naming the first five that differ. */
export function expectExact(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  at?: (i: number) => string,
): void {
  expectClose(what, actual, expected, 0, at);
}

/** Fails unless two runs gave the same bits. */
export function expectSameBits(what: string, first: ArrayBufferView, second: ArrayBufferView): void {
  const view = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  if (Buffer.compare(view(first), view(second)) !== 0) throw new Error(`${what}: a second run gave other bits`);
}

/** |actual - expected| / |expected| in the Euclidean norm; the norm of `actual` when `expected` is zero. */
export function normwise(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, not ${expected.length}`);
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    size += expected[i]! ** 2;
  }
  return Math.sqrt(size > 0 ? difference / size : difference);
}

/** n x d values in rows of ld with zeros behind each. */
export function padRows(values: Float32Array, d: number, ld: number): Float32Array {
  const rows = values.length / d;
  const out = new Float32Array(rows * ld);
  for (let i = 0; i < rows; i++) for (let c = 0; c < d; c++) out[i * ld + c] = values[i * d + c]!;
  return out;
}

/** Row length of matrices read as vec4, from the contract: d rounded up to a multiple of 4. */
export const rowLength = (d: number): number => d + ((4 - (d % 4)) % 4);
