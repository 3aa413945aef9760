// One error class a failure, each with what to do next. The command line maps them to exit codes.

/** Where the last checkpoint of a run stands. */
export interface RunPlace {
  /** The training: `standard` of f, `learning` of g. */
  readonly stage: 'standard' | 'learning';
  /** Epochs of it that are done. */
  readonly epoch: number;
}

/** Base of every error the GPU layer throws: `message` says what is wrong, `remedy` what to do. */
export abstract class GpuError extends Error {
  readonly remedy: string;
  /** Of a run that was interrupted and left a checkpoint with its caller: it can go on from there on a new engine. */
  declare readonly resumeFrom?: RunPlace;
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

/** Numbers that the half precision which was asked for cannot hold. */
export class HalfRangeError extends GpuError {
  override readonly name = 'HalfRangeError';

  static tooLarge(what: string, count: number): HalfRangeError {
    return new HalfRangeError(
      `Half precision holds numbers up to 65504; ${count} of the ${what} ${count === 1 ? 'is' : 'are'} larger or no number.`,
      'Set precision to "f32", or scale the samples down.',
    );
  }

  static tooSmall(what: string): HalfRangeError {
    return new HalfRangeError(
      `Half precision loses digits below 6.1e-5 and ends at 6e-8; all of the ${what} are smaller than the first.`,
      'Set precision to "f32", or scale the samples or perturbation.size up.',
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
