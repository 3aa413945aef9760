// One error class for everything a user can get wrong: configuration, files, shapes.
// The command line prints it as one block and exits with code 2.

export interface InputErrorDetails {
  /** The file the fault is in, as the user named it. */
  readonly file?: string;
  /** The dotted configuration key, such as `network.slope`. */
  readonly key?: string;
  /** Byte offset in the file, where the fault has one. */
  readonly offset?: number;
  /** What to do about it: one sentence in the imperative. */
  readonly remedy: string;
  readonly cause?: unknown;
}

/** Bad input: what is wrong (`message`), where (`file`, `key`, `offset`), what to do (`remedy`). */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly file: string | undefined;
  readonly key: string | undefined;
  readonly offset: number | undefined;
  readonly remedy: string;

  constructor(message: string, details: InputErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.file = details.file;
    this.key = details.key;
    this.offset = details.offset;
    this.remedy = details.remedy;
  }
}

/** Input whose fault only the computation shows, and shows again whenever it is repeated: going on from a checkpoint is no use. */
export class ComputedFaultError extends InputError {}
