// Progress of a reproduction: a bar on a terminal, a line now and then in a pipe, nothing with --quiet; with the time left,
// from the estimated share of the work that is done.

import { SingleBar } from 'cli-progress';
import { seconds } from '../report/format';
import type { CellProgress } from '../reproduce/run';
import type { CliIo } from './io';
import { barOptions, canRedraw } from './progress';

export interface CellReporter {
  readonly report: (progress: CellProgress) => void;
  /** Ends the display; safe to call twice. */
  readonly stop: () => void;
}

const LINE_EVERY_MS = 5000;
/** Before this share of the work the time left would be a guess. */
const TELLING_SHARE = 0.01;

/** What the work at hand is, in configuration keys. */
function describe({ runs, seed }: CellProgress['cell']): string {
  const { data, network, perturbation, loss } = runs[0]!.config;
  const size = 'd' in data ? `n ${data.n} d ${data.d}` : data.kind;
  return `${size} m ${network.width} eps ${perturbation.size}${loss === 'logistic' ? ' logistic' : ''} seed ${seed}`;
}

export function cellProgress(io: CliIo, quiet: boolean): CellReporter {
  if (quiet) return { report: () => {}, stop: () => {} };
  const began = io.now();
  const left = (share: number) => {
    if (share < TELLING_SHARE) return '';
    return `about ${seconds(((io.now() - began) / 1000) * ((1 - share) / share))} left`;
  };
  if (canRedraw(io)) return bar(io, left);
  let last = -Infinity;
  return {
    report: ({ cells, finished, share, cell }) => {
      if (io.now() - last < LINE_EVERY_MS && finished < cells) return;
      last = io.now();
      const parts = [`${finished} of ${cells} points and seeds`, left(share), describe(cell)];
      io.stderr.write(`${parts.filter((part) => part !== '').join(', ')}\n`);
    },
    stop: () => {},
  };
}

function bar(io: CliIo, left: (share: number) => string): CellReporter {
  const display = new SingleBar({
    format: '{bar} {finished}/{cells}  {left}  {what}',
    ...barOptions(io),
  });
  let started = false;
  return {
    report: ({ cells, finished, share, cell }) => {
      const payload = { finished, cells, left: left(share), what: describe(cell) };
      if (!started) display.start(1, share, payload);
      started = true;
      display.update(share, payload);
    },
    stop: () => {
      if (started) display.stop();
      started = false;
    },
  };
}
