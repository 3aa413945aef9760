// How much longer a run takes. A training takes its epochs, and the looks at it on the way, each of which may cost as much
// as many epochs: the two are timed apart.

import type { Progress } from '../experiment/types';

/** Epochs before the pace means something: the first ones include compiling. */
const LEAST_EPOCHS = 3;

export class TimeLeft {
  #stage: Progress['stage'] | undefined;
  #began = 0;
  #last = 0;
  #pausedAt: number | undefined;
  #looking = 0;
  #looks = 0;
  /** Seconds of an epoch and of a look, measured last. */
  #epoch: number | undefined;
  #look = 0;

  /**
   * @param looks at each training
   * @param before epochs that were done before this clock began
   */
  constructor(
    private readonly looks: number,
    private readonly before?: { readonly stage: Progress['stage']; readonly epoch: number },
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  pause(): void {
    this.#pausedAt = this.now();
  }

  resume(): void {
    if (this.#pausedAt === undefined) return;
    const held = this.now() - this.#pausedAt;
    this.#began += held;
    this.#last += held;
    this.#pausedAt = undefined;
  }

  /** A look at a training has come in. */
  looked(): void {
    const now = this.now();
    this.#looking += now - this.#last;
    this.#last = now;
    this.#looks++;
    this.#look = this.#looking / this.#looks;
  }

  /** Seconds left after this report, where anything can be said. @param learningEpochs of g */
  after({ stage, epoch = 0, epochs = 0 }: Progress, learningEpochs: number): number | undefined {
    this.#last = this.now();
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#began = this.#last;
      this.#looking = 0;
      this.#looks = 0;
    }
    const here = epoch - (this.before?.stage === stage ? this.before.epoch : 0);
    if (here >= LEAST_EPOCHS) this.#epoch = (this.#last - this.#began - this.#looking) / here;
    if (this.#epoch === undefined) return undefined;
    const rest = this.#epoch * (epochs - epoch) + this.#look * Math.max(0, this.looks - this.#looks);
    const second = this.#epoch * learningEpochs + this.#look * this.looks;
    if (stage === 'standard') return rest + second;
    if (stage === 'learning') return rest;
    return stage === 'perturbation' ? second : undefined;
  }
}
