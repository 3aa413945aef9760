// torch's ReduceLROnPlateau on the host, in float32 like the shader of the same name: for losses that arrive in chunks.

import type { Schedule } from './trainer';
import type { ScheduleState } from './training-run';

/** A change of so much or less is not made (torch's eps). */
const LEAST_CHANGE = Math.fround(1e-8);

export class PlateauReplay {
  /** Learning rate of the next epoch. */
  lr: number;
  #best: number;
  #bad: number;

  constructor(
    start: ScheduleState,
    private readonly schedule: Schedule | false,
  ) {
    this.lr = Math.fround(start.lr);
    this.#best = start.best;
    this.#bad = start.bad;
  }

  /** Where it stands between two epochs. */
  get state(): ScheduleState {
    return { lr: this.lr, best: this.#best, bad: this.#bad };
  }

  /**
   * Looks at the losses of consecutive epochs, all run at {@link lr}, up to the first after which the rate changes.
   * @returns how many epochs count; the rest ran at a rate that should have dropped.
   */
  advance(losses: Float32Array): number {
    if (!this.schedule) return losses.length;
    const { factor, patience, threshold } = this.schedule;
    for (let at = 0; at < losses.length; at++) {
      const loss = losses[at]!;
      if (loss < Math.fround(this.#best * Math.fround(1 - threshold))) {
        this.#best = loss;
        this.#bad = 0;
        continue;
      }
      if (++this.#bad <= patience) continue;
      this.#bad = 0;
      const lower = Math.fround(this.lr * Math.fround(factor));
      if (Math.fround(this.lr - lower) > LEAST_CHANGE) {
        this.lr = lower;
        return at + 1;
      }
    }
    return losses.length;
  }
}
