// The benchmark as the page sees it: signals filled from its worker.

import { signal } from '@preact/signals';
import type { BenchReport, BenchRow } from '../bench/bench';
import type { Tuned } from '../bench/tune';
import { toJson } from '../experiment/artifacts';
import { whenCut } from '../worker/lifeline';
import { fromWire } from '../worker/wire-error';
import type { BenchOrder, FromBench } from './bench-worker';
import type { Download } from './downloads';
import { announcement, dismiss, say } from './notices';
import { keepTuning } from './tuning';

export const rows = signal<readonly BenchRow[]>([]);
export const report = signal<BenchReport | undefined>(undefined);
/** What was chosen last, since this page was opened. */
export const tuned = signal<Tuned | undefined>(undefined);
/** What is measured now; undefined when nothing is. */
export const measuring = signal<{ readonly done: number; readonly cases: number; readonly text: string } | undefined>(
  undefined,
);

let worker: Worker | undefined;

export function startBench(order: BenchOrder): void {
  stopBench();
  dismiss('benchmark');
  if (order.tune) tuned.value = undefined;
  else {
    rows.value = [];
    report.value = undefined;
  }
  measuring.value = { done: 0, cases: 1, text: 'starting' };
  const own = new Worker(new URL('./bench-worker.js', import.meta.url), { type: 'module' });
  worker = own;
  const fail = (text: string, remedy = 'Start it again.') => {
    if (worker !== own) return;
    say('benchmark', { title: 'The benchmark failed.', text, remedy });
    stopBench();
  };
  own.addEventListener('error', (event) => fail(event.message || 'Its worker did not start.'));
  own.addEventListener('message', ({ data }: MessageEvent<FromBench>) => {
    if (worker !== own) return;
    if (data.kind === 'alive') {
      whenCut(data.lock, () => fail('The browser has ended its worker, most likely for want of memory.'));
    } else if (data.kind === 'progress') measuring.value = data;
    else if (data.kind === 'row') rows.value = [...rows.value, data.row];
    else if (data.kind === 'failed') {
      const error = fromWire(data.error) as Error & { remedy?: string };
      fail(error.message, error.remedy);
    } else {
      stopBench();
      if (data.kind === 'done') {
        report.value = data.report;
        announcement.value = 'The benchmark is done.';
      } else {
        tuned.value = data.tuned;
        announcement.value = 'The kernels are chosen.';
        void keepTuning(data.tuned);
      }
    }
  });
  own.postMessage(order);
}

export function stopBench(): void {
  worker?.terminate();
  worker = undefined;
  measuring.value = undefined;
}

const json = (document: unknown) => new TextEncoder().encode(toJson(document));

/** The report as `perturb bench --json` writes it, for --compare and for others. */
export const benchDownload = (of: BenchReport): Download => ({
  name: 'bench.json',
  about: 'what was measured',
  make: () => json(of),
});

/** As `perturb bench --tune --json` writes it. */
export const tuningDownload = ({ report: measured, tuning, kernels }: Tuned): Download => ({
  name: 'tuning.json',
  about: 'which kernels were chosen, and why',
  make: () => json({ ...measured, tuning, kernels }),
});
