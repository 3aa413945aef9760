// The benchmark as the page sees it: signals filled from its worker.

import { signal } from '@preact/signals';
import type { BenchReport, BenchRow } from '../bench/bench';
import { toJson } from '../experiment/artifacts';
import { whenCut } from '../worker/lifeline';
import { fromWire } from '../worker/wire-error';
import type { BenchOrder, FromBench } from './bench-worker';
import type { Download } from './downloads';
import { announcement, dismiss, say } from './notices';

export const rows = signal<readonly BenchRow[]>([]);
export const report = signal<BenchReport | undefined>(undefined);
/** What is measured now; undefined when nothing is. */
export const measuring = signal<{ readonly done: number; readonly cases: number; readonly text: string } | undefined>(
  undefined,
);

let worker: Worker | undefined;

export function startBench(order: BenchOrder): void {
  stopBench();
  dismiss('benchmark');
  rows.value = [];
  report.value = undefined;
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
      report.value = data.report;
      announcement.value = 'The benchmark is done.';
      stopBench();
    }
  });
  own.postMessage(order);
}

export function stopBench(): void {
  worker?.terminate();
  worker = undefined;
  measuring.value = undefined;
}

/** The report as `perturb bench --json` writes it, for --compare and for others. */
export const benchDownload = (of: BenchReport): Download => ({
  name: 'bench.json',
  about: 'what was measured',
  make: () => new TextEncoder().encode(toJson(of)),
});
