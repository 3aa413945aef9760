// Float64 references of single entries, and the largest error among them.

/** Three places of 0 .. count - 1, both ends among them: where tiles begin, end and have no partner. */
export function sampled(count: number): number[] {
  return [...new Set([0, Math.round(0.4 * (count - 1)), count - 1])];
}

/** Pre-activations of one sample, and the sum of the sizes of their terms; weights (d + 1, m) with the biases in row d. */
export function hidden(x: Float32Array, weights: Float32Array, m: number): { sum: number; size: number }[] {
  const d = x.length;
  return Array.from({ length: m }, (_, j) => {
    const start = weights[d * m + j]!;
    const { sum, size } = sumOf(d, (k) => x[k]! * weights[k * m + j]!);
    return { sum: sum + start, size: size + Math.abs(start) };
  });
}

/** sum_k term(k), and the sum of their sizes. */
export function sumOf(count: number, term: (k: number) => number): { sum: number; size: number } {
  let sum = 0;
  let size = 0;
  for (let k = 0; k < count; k++) {
    const value = term(k);
    sum += value;
    size += Math.abs(value);
  }
  return { sum, size };
}

/** The largest error among entries, relative to the largest entry. */
export class Extremes {
  #difference = 0;
  #reference = 0;
  #size = 0;

  /** @param size the sum of the sizes of the terms of `expected` */
  add(actual: number, expected: number, size: number): void {
    // The largest of anything and NaN is NaN.
    this.#difference = Math.max(this.#difference, Math.abs(actual - expected));
    this.#reference = Math.max(this.#reference, Math.abs(expected));
    this.#size = Math.max(this.#size, size);
  }

  /** @param roundings relative error allowed to the terms */
  verdict(roundings: number): { error: number; tolerance: number } {
    const reference = this.#reference || 1;
    return { error: this.#difference / reference, tolerance: (roundings * this.#size) / reference };
  }
}
