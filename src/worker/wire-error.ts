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

/** Plain data; `name` is the class. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly remedy?: string;
  readonly file?: string;
  readonly key?: string;
  readonly offset?: number;
  readonly label?: string;
  readonly bytes?: number;
  readonly reason?: string;
}

const FIELDS = ['remedy', 'file', 'key', 'offset', 'label', 'bytes', 'reason'] as const;

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const fields = Object.fromEntries(
    FIELDS.flatMap((name) => {
      const value = (error as unknown as Record<string, unknown>)[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return { name: error.name, message: error.message, ...(error.stack ? { stack: error.stack } : {}), ...fields };
}

/** The error as it was thrown: same class, message and fields, the worker's stack. */
export function fromWire(wire: WireError): Error {
  const error = rebuild(wire);
  // The classes word some messages and remedies themselves: what was thrown stands.
  const fields = { message: wire.message, ...(wire.stack ? { stack: wire.stack } : {}) };
  for (const [name, value] of Object.entries(fields)) {
    Object.defineProperty(error, name, { value, configurable: true, writable: true });
  }
  return error;
}

function rebuild(wire: WireError): Error {
  const { name, message, remedy = '', file, key, offset, label = '', bytes, reason = '' } = wire;
  switch (name) {
    case 'InputError': {
      const where = { ...(file === undefined ? {} : { file }), ...(key === undefined ? {} : { key }) };
      return new InputError(message, { remedy, ...where, ...(offset === undefined ? {} : { offset }) });
    }
    case 'GpuUnavailableError':
      return new GpuUnavailableError(message, remedy);
    case 'GpuOutOfMemoryError':
      return new GpuOutOfMemoryError(message, label, bytes);
    case 'GpuValidationError':
      return new GpuValidationError(message, label);
    case 'DeviceLostError':
      return new DeviceLostError(reason);
    case 'DisposedError':
      return new DisposedError(message);
    case 'WorkerError':
      return new WorkerError(message, remedy);
    case 'RangeError':
      return new RangeError(message);
    case 'TypeError':
      return new TypeError(message);
    default: {
      const error = new Error(message);
      error.name = name;
      return error;
    }
  }
}

/** The worker itself is gone or did not start: its script is missing, it ran out of memory, it was ended. */
export class WorkerError extends GpuError {
  override readonly name = 'WorkerError';
}
