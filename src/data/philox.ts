// Counter-based random numbers: any element of any stream can be computed alone, in any order, on any adapter.
// This is the CPU half of the contract; the GPU shader must give the same integers.
//
//   counter = (blockLow, blockHigh, stream, 0)      key = (seedLow, seedHigh)
//   element e of a stream = word e mod 4 of block floor(e / 4)
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11, section 3.3 (Philox 4x32-10).

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_32 = 2 ** 32;

/** Four unsigned 32-bit words. */
export type Words4 = readonly [number, number, number, number];

/** High 32 bits of the 64-bit product of two u32. A double holds 53 bits, so the product is split into 16-bit halves. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Each sum below stays under 2^33: exact in a double, and divided rather than shifted so bit 32 is not lost.
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000);
  const cross = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

/**
 * The Philox 4x32-10 bijection.
 * @param counter four u32 words
 * @param key two u32 words
 * @returns four u32 words
 */
export function philox4x32(counter: Words4, key: readonly [number, number]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter as readonly number[] as [number, number, number, number];
  let [k0, k1] = key as readonly number[] as [number, number];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(MULTIPLIER_0, c0 >>> 0);
    const high1 = mulHigh(MULTIPLIER_1, c2 >>> 0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/**
 * The two key words of a seed: its low and its high 32 bits.
 * @throws RangeError unless the seed is a non-negative safe integer
 */
export function seedWords(seed: number): [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`a seed is an integer from 0 to 2^53 - 1, not ${seed}`);
  }
  return [seed >>> 0, Math.floor(seed / TWO_32)];
}

/** One stream read in order, with `seek` to start anywhere. For host-side use: arrays are filled on the GPU. */
export class PhiloxStream {
  readonly #key: readonly [number, number];
  readonly #stream: number;
  #element = 0;
  #block: Words4 = [0, 0, 0, 0];
  #blockIndex = -1;
  #spareNormal: number | undefined;

  /**
   * @param seed non-negative safe integer
   * @param stream u32, one of STREAMS
   * @throws RangeError for a seed or stream out of range
   */
  constructor(seed: number, stream: number) {
    this.#key = seedWords(seed);
    if (!Number.isInteger(stream) || stream < 0 || stream >= TWO_32) {
      throw new RangeError(`a stream is an unsigned 32-bit integer, not ${stream}`);
    }
    this.#stream = stream;
  }

  /** Makes element `element` the next one. @throws RangeError unless it is a non-negative safe integer */
  seek(element: number): void {
    if (!Number.isSafeInteger(element) || element < 0) {
      throw new RangeError(`an element index is an integer from 0 to 2^53 - 1, not ${element}`);
    }
    this.#element = element;
    this.#spareNormal = undefined;
  }

  /** The next element, an integer in [0, 2^32). */
  nextU32(): number {
    const blockIndex = Math.floor(this.#element / 4);
    if (blockIndex !== this.#blockIndex) {
      this.#block = philox4x32([blockIndex >>> 0, Math.floor(blockIndex / TWO_32), this.#stream, 0], this.#key);
      this.#blockIndex = blockIndex;
    }
    return this.#block[this.#element++ % 4]!;
  }

  /** The next element as a float32-exact number in [0, 1): its top 24 bits times 2^-24. */
  uniform(): number {
    return (this.nextU32() >>> 8) * 2 ** -24;
  }

  /**
   * A normal number, mean 0 and variance 1 (Box and Muller). A pair of normals takes two elements, so normals read from the
   * start of a stream are numbered like its elements: 2p and 2p + 1 come from words 2p and 2p + 1.
   */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    // 1 - u, as the shader does: the logarithm of 0 would be infinite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}
