// What is seen while a sweep goes on: how many experiments are done, what is at work, how long the rest may take.

import { SingleBar } from 'cli-progress';
import type { Progress } from '../experiment/types';
import { seconds } from '../report/format';
import type { CliIo } from './io';
import { barOptions, canRedraw, LINE_EVERY_MS, STAGES } from './progress';

/** Time left, from the experiments finished so far and how much of the work they were. */
export class TimeLeft {
  #began: number | undefined;
  #done = 0;
  constructor(
    private readonly now: () => number,
    /** The work of everything that is to be computed, in any unit. */
    private readonly total: number,
  ) {}

  /** Starts the clock; start-up before it does not count. */
  start(): void {
    this.#began ??= this.now();
  }

  finished(work: number): void {
    this.#done += work;
  }

  /** Undefined before anything is finished. */
  get seconds(): number | undefined {
    if (this.#began === undefined || this.#done === 0) return undefined;
    return ((this.now() - this.#began) / 1000 / this.#done) * Math.max(0, this.total - this.#done);
  }
}

export interface SweepDisplay {
  readonly total: number;
  /** Experiments finished before. */
  readonly done: number;
  readonly left: TimeLeft;
}

export interface SweepReporter {
  report(progress: Progress): void;
  /** One more experiment is done, or failed. */
  finished(): void;
  stop(): void;
}

abstract class Counting implements SweepReporter {
  protected done: number;
  protected stage = '';
  constructor(protected readonly display: SweepDisplay) {
    this.done = display.done;
  }

  report({ stage, epoch, epochs }: Progress): void {
    this.stage = `${STAGES[stage]}${epoch ? `, epoch ${epoch} of ${epochs}` : ''}`;
    this.show(false);
  }

  finished(): void {
    this.done++;
    this.show(this.done === this.display.total);
  }

  protected get leftText(): string {
    const left = this.display.left.seconds;
    return left === undefined || this.done === this.display.total ? '' : `about ${seconds(left)} left`;
  }

  /** @param last nothing comes after it */
  protected abstract show(last: boolean): void;
  abstract stop(): void;
}

class Silent extends Counting {
  protected show(): void {}
  stop(): void {}
}

/** A line when an experiment is done, but at most one in two seconds. */
class Lines extends Counting {
  #lastLine = Number.NEGATIVE_INFINITY;
  #told: number;
  constructor(
    private readonly io: CliIo,
    display: SweepDisplay,
  ) {
    super(display);
    this.#told = display.done;
  }

  protected show(last: boolean): void {
    const now = this.io.now();
    if (this.done === this.#told || (!last && now - this.#lastLine < LINE_EVERY_MS)) return;
    this.#lastLine = now;
    this.#told = this.done;
    const left = this.leftText;
    this.io.stderr.write(`${this.done} of ${this.display.total} experiments done${left === '' ? '' : `, ${left}`}\n`);
  }

  stop(): void {}
}

class Bar extends Counting {
  readonly #bar: SingleBar;
  constructor(io: CliIo, display: SweepDisplay) {
    super(display);
    this.#bar = new SingleBar({
      format: '{bar} {value}/{total} experiments  {stage}  {left}',
      ...barOptions(io),
    });
    this.#bar.start(display.total, display.done, { stage: 'starting', left: '' });
  }

  protected show(): void {
    this.#bar.update(this.done, { stage: this.stage, left: this.leftText });
  }

  stop(): void {
    this.#bar.stop();
  }
}

export function createSweepReporter(io: CliIo, display: SweepDisplay, quiet: boolean): SweepReporter {
  if (quiet) return new Silent(display);
  return canRedraw(io) ? new Bar(io, display) : new Lines(io, display);
}
