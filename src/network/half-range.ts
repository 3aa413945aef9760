// What half precision cannot be asked for.

import { GpuError } from '../gpu/errors';

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
