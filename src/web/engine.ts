// The engine of the page: made when the page opens, and again after it was lost.

import { signal } from '@preact/signals';
import { GpuUnavailableError } from '../gpu/errors';
import type { AdapterReport } from '../gpu/gpu';
import { createWorkerEngine, type WorkerEngine } from '../worker';
import { defaultsOnly, findKept, tunings } from './kept-tuning';
import { dismiss, say } from './notices';

export type EngineState = 'starting' | 'ready' | 'missing' | 'lost';

export const engineState = signal<EngineState>('starting');
export const adapter = signal<AdapterReport | undefined>(undefined);

let engine: WorkerEngine | undefined;
let onLost: (error: Error) => void = () => {};

/** Undefined unless {@link engineState} is "ready". */
export const currentEngine = (): WorkerEngine | undefined => (engineState.value === 'ready' ? engine : undefined);

/** Who is told, with what happened, when an engine goes away. */
export function whenLost(listener: (error: Error) => void): void {
  onLost = listener;
}

/** Makes the engine, or a new one after the last was lost. */
export async function openEngine(): Promise<void> {
  engine?.dispose();
  engine = undefined;
  engineState.value = 'starting';
  try {
    const made = await createWorkerEngine(defaultsOnly.value ? {} : { tunings });
    engine = made;
    await findKept(made);
    adapter.value = made.adapter;
    engineState.value = 'ready';
    dismiss('engine');
    void made.lost.then((error) => {
      if (engine !== made) return;
      engineState.value = 'lost';
      onLost(error);
    });
  } catch (error) {
    engineState.value = 'missing';
    const unavailable = error instanceof GpuUnavailableError;
    say('engine', {
      title: unavailable
        ? 'This browser offers no WebGPU, so nothing can be computed here.'
        : 'The engine did not start.',
      text: (error as Error).message,
      remedy: unavailable
        ? 'Use a current Chrome, Edge, Firefox or Safari on https or localhost, switch hardware acceleration on, or run the same experiment on the command line: download config.json here and give it to “perturb run”.'
        : (error as { remedy?: string }).remedy,
      actions: [{ label: 'Try again', run: restartEngine }],
    });
  }
}

/** Another engine, after the last one went away or did not start. */
export function restartEngine(): void {
  void openEngine();
}
