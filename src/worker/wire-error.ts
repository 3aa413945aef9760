// Errors as messages carry them. Structured cloning keeps neither class nor fields, and both are what a page acts on.

import { InputError } from '../data/input-error';
import {
  DeviceLostError,
  DisposedError,
  GpuError,
  GpuOutOfMemoryError,
  GpuUnavailableError,
  GpuValidationError,
} from '../gpu/errors';
import { DivergenceError } from '../network/divergence';
import { HalfRangeError } from '../network/half-range';

/** The worker itself is gone or did not start: its script is missing, it ran out of memory, it was ended. */
export class WorkerError extends GpuError {
  override readonly name = 'WorkerError';
}

const CLASSES: Readonly<Record<string, { readonly prototype: Error }>> = {
  DeviceLostError,
  DisposedError,
  DivergenceError,
  GpuOutOfMemoryError,
  GpuUnavailableError,
  GpuValidationError,
  HalfRangeError,
  InputError,
  RangeError,
  TypeError,
  WorkerError,
};

/** Plain data; `name` is the class. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** What else the error says of itself. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, fields: {} };
  const { name, message, stack } = error;
  const plain = Object.entries(error).filter(([, value]) => /^(string|number|boolean)$/.test(typeof value));
  return { name, message, stack, fields: Object.fromEntries(plain) };
}

/** The error as it was thrown: class, message, fields, and the stack of where it was thrown. */
export function fromWire({ name, message, stack, fields }: WireError): Error {
  const error = new Error(message);
  Object.setPrototypeOf(error, (CLASSES[name] ?? Error).prototype);
  Object.assign(error, fields);
  const hidden = { name, ...(stack === undefined ? {} : { stack }) };
  for (const [key, value] of Object.entries(hidden)) {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
  }
  return error;
}
