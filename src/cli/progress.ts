// What is seen while a run goes on: a bar on a terminal, a few lines in a pipe, nothing with --quiet. All of it goes to
// stderr, so that stdout holds only the result.

import { SingleBar } from 'cli-progress';
import type { ExperimentConfig, Progress, Stage } from '../experiment/types';
import { seconds } from '../report/format';
import type { CliIo } from './io';

export interface Reporter {
  report(progress: Progress): void;
  /** Ends the display; safe to call twice. */
  stop(): void;
}

export const STAGES: Readonly<Record<Stage, string>> = {
  prepare: 'preparing the data',
  standard: 'training f on the data',
  perturbation: 'computing perturbations',
  learning: 'training g on them',
  theory: 'comparing with the theory',
  evaluation: 'measuring',
};

export const LINE_EVERY_MS = 2000;
const LINES_A_STAGE = 10;

export const lossText = (loss: number | undefined) => (loss === undefined ? '' : `loss ${Number(loss.toPrecision(4))}`);

class Silent implements Reporter {
  report(): void {}
  stop(): void {}
}

/** At most one line in two seconds and ten a stage; the start of a stage is always told. */
class Lines implements Reporter {
  private stage: Stage | undefined;
  private stageStart = 0;
  private lastLine = 0;
  private lastTenth = 0;
  constructor(private readonly io: CliIo) {}

  report({ stage, epoch, epochs, loss }: Progress): void {
    const now = this.io.now();
    if (stage !== this.stage) {
      this.stage = stage;
      this.stageStart = now;
      this.lastTenth = 0;
      this.line(now, `${STAGES[stage]}${epochs === undefined ? '' : `, ${epochs} epochs`}`);
      return;
    }
    if (epoch === undefined || !epochs || now - this.lastLine < LINE_EVERY_MS) return;
    const tenth = Math.floor((LINES_A_STAGE * epoch) / epochs);
    if (tenth <= this.lastTenth) return;
    this.lastTenth = tenth;
    const left = ((now - this.stageStart) / epoch) * (epochs - epoch);
    const parts = [`${STAGES[stage]}: epoch ${epoch} of ${epochs}`, lossText(loss), `${seconds(left / 1000)} left`];
    this.line(now, parts.filter((part) => part !== '').join(', '));
  }

  stop(): void {}

  private line(now: number, text: string): void {
    this.lastLine = now;
    this.io.stderr.write(`${text}\n`);
  }
}

/** One bar over the epochs of both trainings, which take nearly all of the time. */
class Bar implements Reporter {
  private readonly bar: SingleBar;
  private started = false;
  private reached = 0;

  constructor(
    io: CliIo,
    private readonly config: ExperimentConfig,
  ) {
    this.bar = new SingleBar({
      format: '{bar} {percentage}%  {stage}  {detail}  {eta_formatted}',
      // Before the first epochs the bar knows no time: it gives 0, or a word in the number's place.
      formatTime: (left) => (Number(left) > 0 && Number.isFinite(Number(left)) ? `${seconds(left)} left` : ''),
      ...barOptions(io),
      etaBuffer: 50,
    });
  }

  report({ stage, epoch, epochs, loss }: Progress): void {
    const { standard, learning } = this.config;
    const payload = {
      stage: STAGES[stage],
      detail: [epoch === undefined ? '' : `epoch ${epoch}/${epochs ?? '?'}`, lossText(loss)].join('  ').trim(),
    };
    // With no epoch to train the bar has nothing to measure: count one, so that it is not drawn as finished.
    if (!this.started) this.bar.start(Math.max(1, standard.epochs + learning.epochs), 0, payload);
    this.started = true;
    const before: Record<Stage, number> = {
      prepare: 0,
      standard: 0,
      perturbation: standard.epochs,
      learning: standard.epochs,
      // Before and after g is trained: the bar stays where it is.
      theory: 0,
      evaluation: standard.epochs + learning.epochs,
    };
    this.reached = Math.max(this.reached, before[stage] + (epoch ?? 0));
    this.bar.update(this.reached, payload);
  }

  stop(): void {
    if (this.started) this.bar.stop();
    this.started = false;
  }
}

/** What every bar has in common. */
export const barOptions = (io: CliIo) => ({
  stream: io.stderr as unknown as NodeJS.WritableStream,
  barsize: 24,
  barCompleteChar: '#',
  barIncompleteChar: '.',
  hideCursor: true,
  linewrap: true,
  clearOnComplete: true,
  // Signals are handled in main.ts: the bar's own handler would end the process in the middle of a write.
  gracefulExit: false,
});

/** Whether a bar can be drawn. A dumb terminal has no cursor to move. */
export const canRedraw = (io: CliIo): boolean => io.stderr.isTTY === true && io.env.TERM !== 'dumb';

export function createReporter(io: CliIo, config: ExperimentConfig, quiet: boolean): Reporter {
  if (quiet) return new Silent();
  return canRedraw(io) ? new Bar(io, config) : new Lines(io);
}
