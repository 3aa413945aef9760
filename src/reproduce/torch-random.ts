// The random numbers that PyTorch gives for a seed, so that a published run can be computed again from its own numbers. Its
// CPU generator is a Mersenne twister, its CUDA generator Philox 4x32-10 with a subsequence for each thread.
//
// Sources: Matsumoto and Nishimura, "Mersenne twister", ACM TOMACS 8 (1998); PyTorch 1.13 to 2.4,
// aten/src/ATen/native/cpu/DistributionTemplates.h and aten/src/ATen/native/cuda/DistributionTemplates.h.

import { philox4x32, seedWords } from '../data/philox';

const STATE = 624;
const SHIFT = 397;
/** Normals that one step of PyTorch's vector code makes: the cosines of eight pairs, then their sines. */
const LANES = 16;
/** Elements that have a thread of their own on every device PyTorch is used on: 256 a block, six blocks on 16 processors. */
const CUDA_THREADS = 256 * 6 * 16;

/** What torch.manual_seed(seed) makes of the CPU generator, read in order. */
export class TorchCpu {
  readonly #state = new Uint32Array(STATE);
  #at = STATE;
  #spare: number | undefined;

  /** @param seed its low 32 bits count */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed >>> 0;
    for (let i = 1; i < STATE; i++) state[i] = Math.imul(1812433253, state[i - 1]! ^ (state[i - 1]! >>> 30)) + i;
  }

  /** Passes over so many elements of float32 uniform_(), as layers draw that are filled anew afterwards. */
  skipUniforms(count: number): void {
    for (let i = 0; i < count; i++) this.#next();
  }

  /** Passes over an int64 random_(), as every iteration over a DataLoader draws for its workers. */
  skipInteger(): void {
    this.skipUniforms(2);
  }

  /** float32 normal_(0, deviation) of `count` elements; up to rounding, which depends on the processor's vector code. */
  normals(count: number, deviation: number): Float32Array {
    if (count < LANES) return Float32Array.from({ length: count }, () => deviation * this.#normal());
    const values = Float32Array.from({ length: count }, () => this.#uniform());
    const transform = (first: number) => {
      for (let i = first; i < first + LANES / 2; i++) {
        const radius = deviation * Math.sqrt(-2 * Math.log(1 - values[i]!));
        const angle = 2 * Math.PI * values[i + LANES / 2]!;
        values[i] = radius * Math.cos(angle);
        values[i + LANES / 2] = radius * Math.sin(angle);
      }
    };
    for (let first = 0; first + LANES <= count; first += LANES) transform(first);
    if (count % LANES > 0) {
      // The last whole vector is drawn once more.
      for (let i = count - LANES; i < count; i++) values[i] = this.#uniform();
      transform(count - LANES);
    }
    return values;
  }

  /** In float64, a pair at a time: what arrays shorter than a vector are made of. */
  #normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const angle = 2 * Math.PI * this.#uniform64();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform64()));
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  #uniform(): number {
    return (this.#next() & 0xffffff) * 2 ** -24;
  }

  #uniform64(): number {
    const high = this.#next() & 0x1fffff;
    return (high * 2 ** 32 + this.#next()) * 2 ** -53;
  }

  #next(): number {
    if (this.#at === STATE) this.#twist();
    let x = this.#state[this.#at++]!;
    x ^= x >>> 11;
    x ^= (x << 7) & 0x9d2c5680;
    x ^= (x << 15) & 0xefc60000;
    return (x ^ (x >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < STATE; i++) {
      const joined = (state[i]! & 0x80000000) | (state[(i + 1) % STATE]! & 0x7fffffff);
      state[i] = state[(i + SHIFT) % STATE]! ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }
}

/**
 * What torch.manual_seed(seed) makes of the generator of a CUDA device. A call counts by four however many elements it
 * fills, as long as each of them has a thread of its own; a normal takes two words, and PyTorch keeps the first of the pair.
 */
export class TorchCuda {
  readonly #key: readonly [number, number];
  #calls = 0;

  /** @throws RangeError unless the seed is a non-negative safe integer */
  constructor(seed: number) {
    this.#key = seedWords(seed);
  }

  /** 2 randint(0, 2) - 1. @throws RangeError for more elements than have a thread each on every device */
  signs(count: number): Float32Array {
    if (count > CUDA_THREADS) throw new RangeError(`${count} numbers are drawn in an order that depends on the device`);
    return this.#fill(count, ([first]) => (first % 2 === 0 ? -1 : 1));
  }

  /** float32 normal_(0, deviation). The device is taken to have a thread for each element: 100,000 do on most. */
  normals(count: number, deviation: number): Float32Array {
    return this.#fill(count, ([first, second]) => {
      const radius = Math.sqrt(-2 * Math.log((first + 0.5) * 2 ** -32));
      return deviation * radius * Math.sin(2 * Math.PI * (second + 0.5) * 2 ** -32);
    });
  }

  #fill(count: number, value: (words: readonly [number, number, number, number]) => number): Float32Array {
    const call = this.#calls++;
    return Float32Array.from({ length: count }, (_, thread) => value(philox4x32([call, 0, thread, 0], this.#key)));
  }
}
