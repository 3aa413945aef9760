// How much longer a run takes, from the pace of its epochs; the two trainings take nearly all of the time.

import type { Progress } from '../experiment/types';

/** Epochs before the pace means something: the first ones include compiling. */
const LEAST_EPOCHS = 3;

export class TimeLeft {
  #stage: Progress['stage'] | undefined;
  #began = 0;
  #held = 0;
  #pausedAt: number | undefined;
  /** Seconds an epoch of f took. */
  #pace: number | undefined;

  constructor(private readonly now: () => number = () => performance.now()) {}

  pause(): void {
    this.#pausedAt = this.now();
  }

  resume(): void {
    if (this.#pausedAt !== undefined) this.#held += this.now() - this.#pausedAt;
    this.#pausedAt = undefined;
  }

  /** Seconds left after this report, where anything can be said. @param learningEpochs of g */
  after({ stage, epoch = 0, epochs = 0 }: Progress, learningEpochs: number): number | undefined {
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#began = this.now();
      this.#held = 0;
    }
    const pace = epoch < LEAST_EPOCHS ? this.#pace : (this.now() - this.#began - this.#held) / 1000 / epoch;
    if (pace === undefined) return undefined;
    if (stage === 'standard') {
      this.#pace = pace;
      return pace * (epochs - epoch + learningEpochs);
    }
    if (stage === 'learning') return pace * (epochs - epoch);
    return stage === 'perturbation' ? pace * learningEpochs : undefined;
  }
}
