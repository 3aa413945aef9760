// Every way to fail as one readable block and one exit code. A stack is for us, not for users: PERTURB_DEBUG=1 shows it.

import { InputError } from '../data/input-error';
import { DivergenceError, HalfRangeError } from '../experiment/divergence';
import { DeviceLostError, GpuError, GpuOutOfMemoryError, GpuUnavailableError } from '../gpu/errors';

export const EXIT = {
  done: 0,
  internal: 1,
  input: 2,
  noAdapter: 3,
  outOfMemory: 4,
  deviceLost: 5,
  diverged: 6,
  interrupted: 130,
} as const;

/** A failure as --json prints it and as the block is made of. */
export interface Failure {
  readonly kind: string;
  readonly message: string;
  readonly file?: string;
  readonly key?: string;
  readonly offset?: number;
  readonly remedy: string;
  readonly exitCode: number;
}

/** Ends a command that was interrupted and yet leaves something behind: the message says what, and how to go on. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

/** Ends a command of which a part succeeded, with the exit code that the part which did not would have had. */
export class IncompleteError extends Error {
  override readonly name = 'IncompleteError';
  constructor(
    message: string,
    readonly remedy: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

const isAbort = (error: unknown) => error instanceof Error && error.name === 'AbortError';

function gpuExitCode(error: GpuError): number {
  if (error instanceof HalfRangeError) return EXIT.input;
  if (error instanceof GpuUnavailableError) return EXIT.noAdapter;
  if (error instanceof GpuOutOfMemoryError) return EXIT.outOfMemory;
  return error instanceof DeviceLostError ? EXIT.deviceLost : EXIT.internal;
}

/** What happened, from whatever was thrown. With `aborted`, any error is a consequence of the interruption. */
export function describeFailure(error: unknown, aborted: boolean): Failure {
  if (error instanceof InterruptedError) {
    return { kind: 'Interrupted', message: error.message, remedy: error.remedy, exitCode: EXIT.interrupted };
  }
  if (error instanceof IncompleteError) {
    return { kind: error.name, message: error.message, remedy: error.remedy, exitCode: error.exitCode };
  }
  if (aborted || isAbort(error)) {
    return {
      kind: 'Interrupted',
      message: 'interrupted; nothing of this run was written',
      remedy:
        'The same command begins anew. A run with --out DIR keeps checkpoints, and perturb run --resume DIR goes on from them; sweep and reproduce go on by themselves.',
      exitCode: EXIT.interrupted,
    };
  }
  if (error instanceof InputError) {
    return {
      kind: error.name,
      message: error.message,
      ...(error.file === undefined ? {} : { file: error.file }),
      ...(error.key === undefined ? {} : { key: error.key }),
      ...(error.offset === undefined ? {} : { offset: error.offset }),
      remedy: error.remedy,
      exitCode: EXIT.input,
    };
  }
  if (error instanceof DivergenceError) {
    const key = error.stage && { key: error.stage };
    return { kind: error.name, message: error.message, ...key, remedy: error.remedy, exitCode: EXIT.diverged };
  }
  if (error instanceof GpuError) {
    return { kind: error.name, message: error.message, remedy: error.remedy, exitCode: gpuExitCode(error) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    kind: 'InternalError',
    message: `a fault in perturb-gpu: ${message.split('\n')[0]}`,
    remedy: 'Please report it, with what PERTURB_DEBUG=1 in the environment prints.',
    exitCode: EXIT.internal,
  };
}

/** The block for stderr. Lines after the first are indented, so that a block is seen to be one. */
export function failureBlock(failure: Failure): string {
  if (failure.exitCode === EXIT.interrupted) return `${failure.message}\n${failure.remedy}\n`;
  const offset = failure.offset === undefined ? undefined : `byte ${failure.offset}`;
  const where = [failure.file, failure.key, offset].filter((part) => part !== undefined).join(', ');
  const lines = [`error: ${failure.message}`, ...(where === '' ? [] : [`where: ${where}`]), `fix:   ${failure.remedy}`];
  return `${lines.map((line) => line.replaceAll('\n', '\n       ')).join('\n')}\n`;
}
