// The benchmark in a worker of its own, so that neither the page nor a run that goes on has a part in what is measured. It
// lives for one benchmark: whoever cancels ends it.

import { type BenchReport, type BenchRow, runBench } from '../bench/bench';
import { createEngine } from '../engine';
import { holdLifeline, type LockScope } from '../worker/lifeline';
import { toWire, type WireError } from '../worker/wire-error';

export type FromBench =
  | { readonly kind: 'alive'; readonly lock: string }
  | { readonly kind: 'progress'; readonly done: number; readonly cases: number; readonly text: string }
  | { readonly kind: 'row'; readonly row: BenchRow }
  | { readonly kind: 'done'; readonly report: BenchReport }
  | { readonly kind: 'failed'; readonly error: WireError };

export interface BenchOrder {
  /** Only what a CPU adapter does in a minute or two. */
  readonly quick: boolean;
}

const scope = globalThis as unknown as LockScope & {
  postMessage(message: FromBench): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<BenchOrder>) => void): void;
};

scope.addEventListener('message', async ({ data: { quick } }) => {
  void holdLifeline(scope).then((lock) => lock && scope.postMessage({ kind: 'alive', lock }));
  try {
    const engine = await createEngine();
    const report = await runBench(engine, {
      quick,
      variants: 'default',
      onProgress: (progress) => scope.postMessage({ kind: 'progress', ...progress }),
      onRow: (row) => scope.postMessage({ kind: 'row', row }),
    });
    engine.dispose();
    scope.postMessage({ kind: 'done', report });
  } catch (error) {
    scope.postMessage({ kind: 'failed', error: toWire(error) });
  }
});
