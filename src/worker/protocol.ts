// The messages between a page and the worker that hosts its engine. A call has an id; everything that belongs to it
// carries the same. By hand and not by a proxy library: progress, questions to the page, cancellation and errors that keep
// their class are all of it, and as proxies they would need as many handlers as there are messages.

import type { LoadedTuning } from '../bench/tuning';
import type { EngineSettings } from '../engine';
import type { Checkpoint } from '../experiment/checkpoint';
import type { Snapshot, WatchOptions } from '../experiment/snapshot';
import type { ExperimentConfig, ExperimentResult, Progress } from '../experiment/types';
import type { AdapterReport } from '../gpu/gpu';
import type { PlainNetwork } from '../network/predict';
import type { WireError } from './wire-error';

/** How the worker makes its engine; plain data. */
export interface HostOptions extends Pick<EngineSettings, 'matmul' | 'memoryLimit'> {
  readonly powerPreference?: GPUPowerPreference;
}

/** What is told of an engine once it is made. */
export interface HostReport {
  readonly adapter: AdapterReport;
  /** What a tuning of this engine is kept under, see tuningKey of perturb-gpu/bench. */
  readonly tuningKey: string;
  /** What of it runs take. */
  readonly tuning: LoadedTuning;
  readonly startupSeconds: number;
  /** As recorded in results. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface MemoryReport {
  /** Bytes of device memory held now, and the most at once since the last run began. */
  readonly currentBytes: number;
  readonly peakBytes: number;
}

/** Calls: what is asked, and what comes back. */
export interface Calls {
  /** `tunings`: the page has a storage of them, and is asked for the one of the adapter. */
  start: { ask: { readonly options: HostOptions; readonly tunings: boolean }; answer: HostReport };
  run: {
    ask: {
      readonly config: ExperimentConfig;
      readonly progress: boolean;
      readonly watch: Omit<WatchOptions, 'onSnapshot'> | undefined;
      readonly files: boolean;
      /** Seconds between two checkpoints; undefined: none are wanted. */
      readonly checkpointSeconds: number | undefined;
      readonly from: Checkpoint | undefined;
    };
    answer: ExperimentResult;
  };
  predict: { ask: { readonly network: PlainNetwork; readonly X: Float32Array }; answer: Float32Array };
  memory: { ask: object; answer: MemoryReport };
}

export type CallName = keyof Calls;

/** What a call asks of the page and waits for: however slow the page is, no more than one of each is on the way. */
export interface Questions {
  file: { ask: { readonly path: string }; answer: Uint8Array };
  snapshot: { ask: { readonly snapshot: Snapshot }; answer: undefined };
  checkpoint: { ask: { readonly checkpoint: Checkpoint }; answer: undefined };
  tuning: { ask: { readonly adapter: AdapterReport; readonly key: string }; answer: LoadedTuning };
}

export type QuestionName = keyof Questions;

/** A question; `id` is of the call, `number` its own. */
export type Question = {
  [Q in QuestionName]: { readonly question: Q } & Questions[Q]['ask'];
}[QuestionName];

/** From the page to the worker. */
export type ToWorker =
  | { [C in CallName]: { readonly kind: 'call'; readonly id: number; readonly call: C } & Calls[C]['ask'] }[CallName]
  | { readonly kind: 'abort'; readonly id: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'answer'; readonly number: number; readonly answer: Questions[QuestionName]['answer'] }
  | { readonly kind: 'refusal'; readonly number: number; readonly error: WireError };

/** From the worker to the page. */
export type ToPage =
  | { readonly kind: 'done'; readonly id: number; readonly answer: Calls[CallName]['answer'] }
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | ({ readonly kind: 'question'; readonly id: number; readonly number: number } & Question)
  | { readonly kind: 'lost'; readonly error: WireError }
  /** The lock that the worker holds for as long as it lives. */
  | { readonly kind: 'alive'; readonly lock: string };

/** The buffers of all typed arrays inside plain data, each once: what a message moves instead of copying. */
export function transferables(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) transferables(inner, found);
  }
  return [...found];
}
