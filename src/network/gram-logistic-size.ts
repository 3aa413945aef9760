// How large training in Gram space with the logistic loss gets; apart from the training itself, because the choice of a
// trainer needs to know before that is loaded.

import type { MatmulLayout } from '../kernels/variant';
import { gradientPartLength, gradientSplits } from '../kernels/weight-gradient';
import { gramRow } from './gram-matrix';
import { preActivationsLength } from './gram-size';

const roundUp = (value: number, to: number) => Math.ceil(value / to) * to;

/**
 * Inputs that the weight gradient is told of: its column past the last is the bias, which lies in the padding of K's rows
 * where there is any and in a column of its own where there is none.
 */
export const gramInputs = (n: number) => Math.max(n, gramRow(n) - 1);

/**
 * Rows of K that are summed up in one go. It depends on n and m alone, so that pieces that are multiples of it give the
 * bits that one piece gives; and it grows with m, so that part sums take no more than an eighth of K.
 */
export function partRows(n: number, layout: MatmulLayout): number {
  const filling = Math.ceil(n / gradientSplits(n, gramInputs(n), layout));
  return Math.min(roundUp(filling, 32), roundUp(8 * layout.m, 1024));
}

/** Elements of the largest array beside K that training holds: the part sums, or the pre-activations. */
export function gramLogisticLength(n: number, rows: number, layout: MatmulLayout): number {
  const plane = (gramInputs(n) + 1) * layout.m;
  const sums = partCount(n, rows, layout) * gradientPartLength(gramInputs(n), layout);
  return Math.max(plane, sums, preActivationsLength(n, layout.m));
}

/** Elements that training holds at once beyond samples, weights and K: H, U, V, C and the part sums. */
export function gramLogisticElements(n: number, rows: number, layout: MatmulLayout): number {
  const sums = partCount(n, rows, layout) * gradientPartLength(gramInputs(n), layout);
  return 4 * (gramInputs(n) + 1) * layout.m + sums;
}

/** Parts of all pieces of `rows` rows. */
export function partCount(n: number, rows: number, layout: MatmulLayout): number {
  const step = partRows(n, layout);
  const whole = Math.floor(n / rows);
  return whole * Math.ceil(rows / step) + Math.ceil((n - whole * rows) / step);
}
