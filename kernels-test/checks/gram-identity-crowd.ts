// What a host does for a neuron that stopped for a crowd of flips, as the definition has it: rows of K.

import type { Numbers } from '../reference/network';
import type { Prepared, Problem } from './gram-identity-problem';

/** An epoch of which a neuron left the flips to the host, since the training began, and how many there were. */
export interface Crowd {
  readonly epoch: number;
  readonly flips: number;
}

/** Rows of a neuron's state: H, A and the epoch of the last change. */
interface Stopped {
  readonly H: Numbers;
  readonly A: Numbers;
  readonly last: Numbers;
}

/** The samples that flipped in the epoch where a neuron stands, and A with them: in float64, rounded once. */
export function crowdOf(
  { n, ld, K, sources }: Problem,
  { slope, momentum, source, readout }: Prepared,
  j: number,
  { H, A, last }: Stopped,
  clock: number,
): { readonly flips: number; readonly A: Float32Array } {
  const off = Math.fround(slope);
  const sum = Float64Array.from(A);
  let flips = 0;
  for (let i = 0; i < n; i++) {
    if (last[i] !== clock) continue;
    flips++;
    const change = H[i]! > 0 ? 1 - off : off - 1;
    const step = (readout[j]! * sources[source * ld + i]! * change) / (1 - Math.fround(momentum));
    for (let k = 0; k < n; k++) sum[k]! += step * K[i * ld + k]!;
  }
  return { flips, A: Float32Array.from(sum) };
}
