// The run that goes on: starting, pausing, cancelling, and what is said when it fails.

import { computed, signal } from '@preact/signals';
import { InputError } from '../data/input-error';
import type { Checkpoint } from '../experiment/checkpoint';
import type { ExperimentConfig, Stage } from '../experiment/types';
import { DeviceLostError, GpuOutOfMemoryError } from '../gpu/errors';
import { DivergenceError } from '../network/divergence';
import { HalfRangeError } from '../network/half-range';
import type { WorkerEngine } from '../worker';
import { WorkerError } from '../worker/wire-error';
import { measuring } from './bench';
import type { Draft } from './config-link';
import { absentFiles, bringBack, readDropped } from './dropped-files';
import { currentEngine } from './engine';
import { clearLive, courses, stage, takeProgress, takeResult, takeSnapshot } from './live';
import { networks } from './networks';
import { announcement, dismiss, say } from './notices';
import { draft } from './setup';
import { TimeLeft } from './time-left';
import { asItsOnlyWindow, identityOn, RunKeeper, type Unfinished, unfinished } from './unfinished';

export type Phase = 'idle' | 'running' | 'paused' | 'done' | 'stopped';

export const phase = signal<Phase>('idle');
export const busy = computed(() => phase.value === 'running' || phase.value === 'paused');
export const secondsLeft = signal<number | undefined>(undefined);

/** Points a side of the map that is drawn while g learns: coarse, because it is computed at every look. */
const LIVE_MAP = 40;
/** At each training. */
const LOOKS = 20;
/** At most so much is computed again after an interruption; a state of a few hundred MB takes a second to store. */
const CHECKPOINT_SECONDS = 10;

let stop: AbortController | undefined;
/** Settles when the last run is over. */
let over: Promise<unknown> = Promise.resolve();
/** Of the run that goes on; it has no keeper yet while it waits for its lock. */
let asked: ExperimentConfig | undefined;
let keeper: RunKeeper | undefined;
let clock = new TimeLeft(LOOKS);

const STAGES: Readonly<Record<Stage, string>> = {
  prepare: 'Preparing the data',
  standard: 'Training f on the data',
  perturbation: 'Computing perturbations',
  learning: 'Training g on perturbations',
  theory: 'Comparing with the theory',
  evaluation: 'Measuring',
};

export const stageText = computed(() => (stage.value ? STAGES[stage.value] : ''));

/** Runs the experiment; everything it shows on the way goes through live.ts. */
export const start = (config: ExperimentConfig): Promise<void> => begin(config);

/** @param before what was kept of the same run, which it goes on from; or begins again, with its files, where no state is given */
export async function begin(config: ExperimentConfig, before?: Unfinished, from?: Checkpoint): Promise<void> {
  const engine = currentEngine();
  if (!engine || busy.value) return;
  if (measuring.value) {
    say('run', {
      title: 'The benchmark is measuring.',
      text: 'An experiment beside it would spoil what it measures.',
      remedy: 'Let it end or cancel it, then run the experiment.',
    });
    return;
  }
  if (before) {
    bringBack(before.run.files);
    draft.value = config as unknown as Draft;
  }
  const absent = absentFiles(config);
  if (absent.length > 0) {
    say('files', {
      title: 'This experiment reads files that are not here.',
      text: absent.join(', '),
      remedy: 'Drop them anywhere on this page. They stay in this browser, which keeps them with an unfinished run.',
    });
    return;
  }
  const id = before?.run.id ?? crypto.randomUUID();
  const was = phase.value;
  // At once: a second click comes before the lock does.
  phase.value = 'running';
  asked = config;
  // Whatever comes before the lock is about this run, and not the one before.
  keeper = undefined;
  const controller = new AbortController();
  stop = controller;
  const working = asItsOnlyWindow(id, () => carryOut(engine, controller, id, config, before, from));
  over = working;
  if (await working) return;
  phase.value = was;
  say('unfinished', {
    title: 'This run goes on in another window.',
    remedy: 'Look there, or run the experiment anew in this one.',
  });
}

async function carryOut(
  engine: WorkerEngine,
  controller: AbortController,
  id: string,
  config: ExperimentConfig,
  before: Unfinished | undefined,
  from: Checkpoint | undefined,
): Promise<void> {
  // It may have gone away meanwhile: interrupt() has then had its say.
  if (currentEngine() !== engine) {
    if (stop === controller) phase.value = 'stopped';
    return;
  }
  const own = new RunKeeper({ id, config, identity: identityOn(engine) }, before);
  if (from) own.kept = before;
  keeper = own;
  clock = new TimeLeft(LOOKS, from);
  dismiss('run', 'files', 'choice');
  if (before) {
    dismiss('unfinished');
    unfinished.value = undefined;
  }
  clearLive(config, before && from && { ...from, courses: before.run.courses });
  announcement.value = from ? 'Going on.' : 'The experiment has started.';
  let last: Stage | undefined;
  const { map } = config.theory;
  try {
    const result = await engine.runExperiment(config, {
      signal: controller.signal,
      readFile: readDropped,
      checkpoint: { keeper: { seconds: CHECKPOINT_SECONDS, keep: own.keep }, ...(from ? { from } : {}) },
      onProgress: (progress) => {
        if (progress.stage !== last) announcement.value = STAGES[progress.stage];
        last = progress.stage;
        takeProgress(progress);
        secondsLeft.value = clock.after(progress, courses.learning.value.epochs);
      },
      watch: {
        snapshots: LOOKS,
        ...(map === false ? {} : { map: { resolution: LIVE_MAP, limits: map === true ? [-7, 7] : map.limits } }),
        onSnapshot: (snapshot) => {
          if (snapshot.kind === 'training') clock.looked();
          takeSnapshot(snapshot);
        },
      },
    });
    takeResult(result);
    phase.value = 'done';
    const share = (value: number) => `${(100 * value).toFixed(1)} percent`;
    announcement.value = `Done. f is right on ${share(result.metrics.standardAccuracy)} of the data, g on ${share(result.metrics.perturbationAccuracy)}.`;
    await own.end();
  } catch (error) {
    // interrupt() is called for a device or a worker that went away.
    if (error instanceof DeviceLostError || error instanceof WorkerError || !currentEngine()) return;
    phase.value = 'stopped';
    stage.value = undefined;
    if (controller.signal.aborted) announcement.value = 'Cancelled.';
    else fail(error);
    if (controller.signal.aborted || isFinal(error, before !== undefined)) await own.end();
    else unfinished.value = own.kept ?? before ?? unfinished.value;
  } finally {
    secondsLeft.value = undefined;
  }
}

/** What a run ends with whenever it is gone on with. */
const ENDS = [DivergenceError, HalfRangeError, RangeError] as const;

/** Whether a run that failed so has come to its end: input that fails a run which was kept can still be put right. */
const isFinal = (error: unknown, wasKept: boolean): boolean =>
  ENDS.some((kind) => error instanceof kind) || (error instanceof InputError && !wasKept);

/** The engine went away. Tells what ran on it, if anything did, and what there is to go on from. */
export function interrupt(): {
  readonly config?: ExperimentConfig | undefined;
  readonly kept?: Unfinished | undefined;
} {
  if (!busy.value) return {};
  phase.value = 'stopped';
  const kept = keeper?.kept;
  if (kept) unfinished.value = kept;
  return { config: asked, kept };
}

function fail(error: unknown): void {
  const { message, remedy } = error as Error & { remedy?: string };
  if (error instanceof GpuOutOfMemoryError) {
    say('run', {
      title: 'The GPU has too little memory for this experiment.',
      text: message,
      remedy:
        'Choose fewer samples, fewer inputs or a narrower network, close other pages that use the GPU, and run again.',
    });
  } else if (error instanceof InputError) {
    const where = [error.file, error.key].filter((part) => part !== undefined).join(', ');
    say('run', {
      title: 'The experiment cannot run as it is set up.',
      text: where === '' ? message : `${where}: ${message}`,
      remedy,
    });
  } else {
    say('run', { title: 'The run failed.', text: message, remedy: remedy ?? 'Run it again.' });
  }
}

export function pause(): void {
  currentEngine()?.pause();
  clock.pause();
  phase.value = 'paused';
  announcement.value = 'Paused.';
}

export function resume(): void {
  currentEngine()?.resume();
  clock.resume();
  phase.value = 'running';
  announcement.value = 'Going on.';
}

/** Resolves when the run is over. */
export async function cancel(): Promise<void> {
  // A held run would only see the signal when it goes on.
  if (phase.value === 'paused') currentEngine()?.resume();
  stop?.abort();
  await over;
}

/** Outputs of the two networks of a finished run. */
export async function classify(X: Float32Array): Promise<{ f: Float32Array; g: Float32Array } | undefined> {
  const pair = networks();
  const engine = currentEngine();
  if (!engine || !pair) return undefined;
  const [f, g] = await Promise.all([engine.predict(pair.f, X.slice()), engine.predict(pair.g, X.slice())]);
  return { f, g };
}
