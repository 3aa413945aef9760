// One error class a failure, each with what to do next. The command line maps them to exit codes.

/** Base of every error the GPU layer throws: `message` says what is wrong, `remedy` what to do. */
export abstract class GpuError extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.remedy = remedy;
  }
}

/** No adapter, or none that fits: nothing can run on a GPU here. */
export class GpuUnavailableError extends GpuError {
  override readonly name = 'GpuUnavailableError';
}

/** The device could not provide the memory. `label` names the buffer, `bytes` its size where known. */
export class GpuOutOfMemoryError extends GpuError {
  override readonly name = 'GpuOutOfMemoryError';
  constructor(
    message: string,
    readonly label: string,
    readonly bytes: number | undefined,
    cause?: unknown,
  ) {
    super(
      message,
      'Make the run smaller (fewer samples, inputs or neurons), close other programs that use the GPU, or choose another adapter with --device.',
      cause,
    );
  }
}

/** The device is gone: a driver reset, a crash, or destroyed by its owner. */
export class DeviceLostError extends GpuError {
  override readonly name = 'DeviceLostError';
  constructor(readonly reason: string) {
    super(
      `The GPU device was lost: ${reason || 'no reason given'}.`,
      'Run it again; if it happens again, update the GPU driver or choose another adapter with --device.',
    );
  }
}

/** WebGPU refused an operation: a fault in this library or a driver limit. `label` names the kernel or buffer. */
export class GpuValidationError extends GpuError {
  override readonly name = 'GpuValidationError';
  constructor(
    message: string,
    readonly label: string,
    cause?: unknown,
  ) {
    super(
      message,
      'This is a fault in perturb-gpu or in the driver, not in your input: please report it with this text.',
      cause,
    );
  }
}

/** Something was used after it was disposed. */
export class DisposedError extends GpuError {
  override readonly name = 'DisposedError';
  constructor(what: string) {
    super(`${what} was used after it was disposed.`, 'Create a new one, or dispose it later.');
  }
}
