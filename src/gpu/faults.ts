// How faults are found. WebGPU reports them late: an error scope around the call knows, but only at an await. Scopes are
// popped at once, their verdicts kept with the label of what was tried, and thrown at the next await of the runtime.

import { GpuOutOfMemoryError, GpuValidationError } from './errors';
import { formatBytes } from './format';

export class Faults {
  readonly #pending: Promise<Error | undefined>[] = [];

  constructor(private readonly device: GPUDevice) {}

  /** Runs `action` watched: what it gets refused is thrown by the next {@link settle}, under `label`. */
  watch<T>(label: string, action: () => T, bytes?: number): T {
    this.device.pushErrorScope('validation');
    this.device.pushErrorScope('out-of-memory');
    try {
      return action();
    } finally {
      const size = bytes === undefined ? '' : ` (${formatBytes(bytes)})`;
      this.#pop(
        (cause) => new GpuOutOfMemoryError(`The GPU has no memory for "${label}"${size}.`, label, bytes, cause),
      );
      this.#pop((cause) => new GpuValidationError(`${label}: ${cause.message}`, label, cause));
    }
  }

  #pop(describe: (cause: GPUError) => Error): void {
    this.#pending.push(
      this.device.popErrorScope().then(
        (cause) => (cause ? describe(cause) : undefined),
        () => undefined, // a lost device rejects; the runtime says so itself
      ),
    );
  }

  /** Throws the first fault since the last call. Out of memory comes before what it led to. */
  async settle(): Promise<void> {
    const faults = (await Promise.all(this.#pending.splice(0))).filter((fault) => fault !== undefined);
    const worst = faults.find((fault) => fault instanceof GpuOutOfMemoryError) ?? faults[0];
    if (worst) throw worst;
  }
}
