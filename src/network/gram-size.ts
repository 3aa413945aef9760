// What the state and the ends of Gram training take, known without loading it.

import { paddedRow } from '../kernels/step';
import { gramRow } from './gram-matrix';

/** Planes of the state; `changed` is the epoch of the last change. */
export const PLANE = { H: 0, U: 1, A: 2, C: 3, V: 4, changed: 5 } as const;
export const PLANES = Object.keys(PLANE).length;

/** Elements of the state of m neurons. */
export function groupLength(n: number, m: number): number {
  return PLANES * m * gramRow(n);
}

/** Elements of pre-activations of m neurons: a row each. */
export function preActivationsLength(n: number, m: number): number {
  return m * gramRow(n);
}

/** Elements of the change of W that coefficients make. */
export function changeLength(d: number, m: number): number {
  return m * paddedRow(d);
}
