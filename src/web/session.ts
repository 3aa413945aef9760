// The engine of the page and the run that goes on: starting, pausing, cancelling, and what is said when it fails.

import { batch, computed, signal } from '@preact/signals';
import { InputError } from '../data/input-error';
import type { ExperimentConfig, Stage } from '../experiment/types';
import { DeviceLostError, GpuOutOfMemoryError, GpuUnavailableError } from '../gpu/errors';
import type { AdapterReport } from '../gpu/gpu';
import { createWorkerEngine, type WorkerEngine } from '../worker';
import { WorkerError } from '../worker/wire-error';
import { absentFiles, readDropped } from './dropped-files';
import { clearLive, courses, shown, stage, takeProgress, takeResult, takeSnapshot } from './live';
import { networks } from './networks';
import { announcement, dismiss, say } from './notices';
import { TimeLeft } from './time-left';

export type EngineState = 'starting' | 'ready' | 'missing' | 'lost';
export type Phase = 'idle' | 'running' | 'paused' | 'done' | 'stopped';

export const engineState = signal<EngineState>('starting');
export const adapter = signal<AdapterReport | undefined>(undefined);
export const phase = signal<Phase>('idle');
export const busy = computed(() => phase.value === 'running' || phase.value === 'paused');
export const secondsLeft = signal<number | undefined>(undefined);

/** Points a side of the map that is drawn while g learns: coarse, because it is computed at every look. */
const LIVE_MAP = 40;
/** At each training. */
const LOOKS = 20;

let engine: WorkerEngine | undefined;
let stop: AbortController | undefined;
let clock = new TimeLeft(LOOKS);

/** Makes the engine, or a new one after the last was lost. */
export async function openEngine(): Promise<void> {
  engine?.dispose();
  engine = undefined;
  engineState.value = 'starting';
  try {
    const made = await createWorkerEngine();
    engine = made;
    adapter.value = made.adapter;
    engineState.value = 'ready';
    void made.lost.then((error) => {
      if (engine === made) lose(error);
    });
  } catch (error) {
    engineState.value = 'missing';
    const unavailable = error instanceof GpuUnavailableError;
    say({
      title: unavailable
        ? 'This browser offers no WebGPU, so nothing can be computed here.'
        : 'The engine did not start.',
      text: (error as Error).message,
      remedy: unavailable
        ? 'Use a current Chrome, Edge, Firefox or Safari on https or localhost, switch hardware acceleration on, or run the same experiment on the command line: download config.json here and give it to “perturb run”.'
        : (error as { remedy?: string }).remedy,
      action: { label: 'Try again', run: restartEngine },
    });
  }
}

/** Another engine, after the last one went away or did not start. */
export function restartEngine(): void {
  void openEngine().then(dismissWhenReady);
}

function dismissWhenReady(): void {
  if (engineState.value === 'ready') dismiss();
}

function lose(error: Error): void {
  const config = busy.value ? shown.value : undefined;
  batch(() => {
    engineState.value = 'lost';
    if (busy.value) phase.value = 'stopped';
  });
  say({
    title: error instanceof WorkerError ? 'The engine stopped.' : 'The GPU device was lost.',
    text: error.message,
    remedy: config
      ? 'Start the engine anew and run the experiment again: with the same seed it takes the same course. If it is lost again, make the experiment smaller or update the GPU driver.'
      : 'Start the engine anew.',
    action: {
      label: config ? 'Restart and run again' : 'Restart the engine',
      run: () =>
        void openEngine().then(() => {
          if (engineState.value !== 'ready') return;
          dismiss();
          if (config) void start(config);
        }),
    },
  });
}

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
export async function start(config: ExperimentConfig): Promise<void> {
  if (!engine || busy.value) return;
  const absent = absentFiles(config);
  if (absent.length > 0) {
    say({
      title: 'This experiment reads files that are not here.',
      text: absent.join(', '),
      remedy: 'Drop them anywhere on this page. They are read here and go nowhere else.',
    });
    return;
  }
  const controller = new AbortController();
  stop = controller;
  clock = new TimeLeft(LOOKS);
  dismiss();
  clearLive(config);
  phase.value = 'running';
  announcement.value = 'The experiment has started.';
  let before: Stage | undefined;
  const { map } = config.theory;
  try {
    const result = await engine.runExperiment(config, {
      signal: controller.signal,
      readFile: readDropped,
      onProgress: (progress) => {
        if (progress.stage !== before) announcement.value = STAGES[progress.stage];
        before = progress.stage;
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
  } catch (error) {
    // lose() speaks for a device or a worker that went away.
    if (error instanceof DeviceLostError || error instanceof WorkerError || engineState.value === 'lost') return;
    phase.value = 'stopped';
    stage.value = undefined;
    if (controller.signal.aborted) announcement.value = 'Cancelled.';
    else fail(error);
  } finally {
    secondsLeft.value = undefined;
  }
}

function fail(error: unknown): void {
  const { message, remedy } = error as Error & { remedy?: string };
  if (error instanceof GpuOutOfMemoryError) {
    say({
      title: 'The GPU has too little memory for this experiment.',
      text: message,
      remedy:
        'Choose fewer samples, fewer inputs or a narrower network, close other pages that use the GPU, and run again.',
    });
  } else if (error instanceof InputError) {
    const where = [error.file, error.key].filter((part) => part !== undefined).join(', ');
    say({
      title: 'The experiment cannot run as it is set up.',
      text: where === '' ? message : `${where}: ${message}`,
      remedy,
    });
  } else {
    say({ title: 'The run failed.', text: message, remedy: remedy ?? 'Run it again.' });
  }
}

export function pause(): void {
  engine?.pause();
  clock.pause();
  phase.value = 'paused';
  announcement.value = 'Paused.';
}

export function resume(): void {
  engine?.resume();
  clock.resume();
  phase.value = 'running';
  announcement.value = 'Going on.';
}

export function cancel(): void {
  // A held run would only see the signal when it goes on.
  if (phase.value === 'paused') engine?.resume();
  stop?.abort();
}

/** Outputs of the two networks of a finished run. */
export async function classify(X: Float32Array): Promise<{ f: Float32Array; g: Float32Array } | undefined> {
  const pair = networks();
  if (!engine || !pair) return undefined;
  const [f, g] = await Promise.all([engine.predict(pair.f, X.slice()), engine.predict(pair.g, X.slice())]);
  return { f, g };
}
