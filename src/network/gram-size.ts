// What the state of Gram training takes, known without loading it.

import { gramRow } from './gram-matrix';

/** Planes of the state; `changed` is the epoch of the last change. */
export const PLANE = { H: 0, U: 1, A: 2, C: 3, V: 4, changed: 5 } as const;
export const PLANES = Object.keys(PLANE).length;

/** Elements of the state of m neurons. */
export function groupLength(n: number, m: number): number {
  return PLANES * m * gramRow(n);
}
