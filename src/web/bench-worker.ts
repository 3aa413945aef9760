// The benchmark in a worker of its own, so that neither the page nor a run that goes on has a part in what is measured. It
// lives for one benchmark: whoever cancels ends it.

import { type BenchReport, type BenchRow, runBench } from '../bench/bench';
import type { BenchShape } from '../bench/cases';
import { type Tuned, tune } from '../bench/tune';
import { createEngine } from '../engine';
import { holdLifeline, type LockScope } from '../worker/lifeline';
import { toWire, type WireError } from '../worker/wire-error';

export type FromBench =
  | { readonly kind: 'alive'; readonly lock: string }
  | { readonly kind: 'progress'; readonly done: number; readonly cases: number; readonly text: string }
  | { readonly kind: 'row'; readonly row: BenchRow }
  | { readonly kind: 'done'; readonly report: BenchReport }
  | { readonly kind: 'tuned'; readonly tuned: Tuned }
  | { readonly kind: 'failed'; readonly error: WireError };

export interface BenchOrder {
  /** Only what a CPU adapter does in a minute or two. */
  readonly quick: boolean;
  /** Variants are to be chosen from, at these shapes; without shapes, at the paper's. */
  readonly tune?: { readonly shapes?: readonly BenchShape[] };
}

const scope = globalThis as unknown as LockScope & {
  postMessage(message: FromBench): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<BenchOrder>) => void): void;
};

/** As long as on the command line, whatever the shapes: what is chosen stays. */
const TUNING = { rounds: 5, seconds: 0.1 } as const;

async function carryOut({ quick, tune: choosing }: BenchOrder): Promise<FromBench> {
  using engine = await createEngine();
  const onProgress = (progress: { done: number; cases: number; text: string }) =>
    scope.postMessage({ kind: 'progress', ...progress });
  if (choosing) return { kind: 'tuned', tuned: await tune(engine, { ...choosing, ...TUNING, quick, onProgress }) };
  const onRow = (row: BenchRow) => scope.postMessage({ kind: 'row', row });
  return { kind: 'done', report: await runBench(engine, { quick, variants: 'default', onProgress, onRow }) };
}

scope.addEventListener('message', async ({ data }) => {
  void holdLifeline(scope).then((lock) => lock && scope.postMessage({ kind: 'alive', lock }));
  try {
    scope.postMessage(await carryOut(data));
  } catch (error) {
    scope.postMessage({ kind: 'failed', error: toWire(error) });
  }
});
