// What is done about a run that was interrupted: it is offered when its engine goes away, and when a page opens that finds
// one. How it is kept is in unfinished.ts.

import { WorkerError } from '../worker/wire-error';
import { askToCancel } from './choosing';
import { currentEngine, engineState, openEngine } from './engine';
import { dismiss, say } from './notices';
import { begin, busy, interrupt, start } from './session';
import {
  changedSince,
  findUnfinished,
  forgetRun,
  identityOn,
  loadState,
  shortPlace,
  type Unfinished,
  unfinished,
} from './unfinished';

/** Says what happened to an engine that went away, and offers what can be done. */
export function tellLost(error: Error): void {
  const { config, kept } = interrupt();
  const workerGone = error instanceof WorkerError;
  const advice = `make the experiment smaller or ${workerGone ? 'close other pages' : 'update the GPU driver'}`;
  const again = () => void openEngine().then(() => config && start(config));
  say('engine', {
    title: workerGone ? 'The engine stopped.' : 'The GPU device was lost.',
    text: kept ? `${error.message} The run is kept as it was at ${shortPlace(kept.run)}.` : error.message,
    remedy: kept
      ? `Go on from there on a new engine: the run ends with the same numbers as one that was never interrupted. If this happens again, ${advice}.`
      : config
        ? `Start the engine anew and run the experiment again: with the same seed it takes the same course. If this happens again, ${advice}.`
        : 'Start the engine anew.',
    actions: [
      kept
        ? { label: `Resume at ${shortPlace(kept.run)}`, run: () => void resumeUnfinished() }
        : { label: config ? 'Restart and run again' : 'Restart the engine', run: again },
    ],
  });
}

/** Offers the run that an earlier page has left behind, if there is one. */
export async function offerUnfinished(): Promise<void> {
  await findUnfinished();
  const { value } = unfinished;
  if (!value || busy.value) return;
  const { run } = value;
  say('unfinished', {
    title: 'A run was interrupted here.',
    text: `It is kept as it was at ${shortPlace(run)}, ${new Date(run.at).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })}.`,
    remedy: 'Gone on with, it ends with the same numbers as a run that was never interrupted.',
    actions: [
      { label: `Resume at ${shortPlace(run)}`, run: () => void resumeUnfinished() },
      { label: 'Discard it', run: () => void discardUnfinished() },
    ],
  });
}

/** Lets the run go that is offered, and offers the one before it. */
export async function discardUnfinished(): Promise<void> {
  const { value } = unfinished;
  dismiss('unfinished');
  if (value) await forgetRun(value.run.id);
  await offerUnfinished();
}

/** Goes on with the run that was interrupted, on a new engine if need be. */
export async function resumeUnfinished(): Promise<void> {
  const { value } = unfinished;
  if (!value) return;
  if (busy.value) {
    askToCancel('the interrupted run', resumeUnfinished);
    return;
  }
  if (engineState.value !== 'ready') await openEngine();
  const engine = currentEngine();
  if (!engine) return;
  const { run } = value;
  const changed = changedSince(run, identityOn(engine));
  let gone = 'Its state is gone.';
  const state =
    changed === undefined
      ? await loadState(value).catch((error: Error) => {
          gone = `Its state cannot be read back: ${error.message}.`;
          return undefined;
        })
      : undefined;
  if (!state) {
    say('unfinished', {
      title: 'The interrupted run cannot be gone on with.',
      text: changed === undefined ? gone : `It was computed ${changed}, and would end with other numbers.`,
      remedy: 'Run it from the beginning, or discard it.',
      actions: [
        { label: 'Run it from the beginning', run: () => beginAgain(value) },
        { label: 'Discard it', run: () => void discardUnfinished() },
      ],
    });
    return;
  }
  await begin(run.config, value, state);
}

function beginAgain(value: Unfinished): void {
  const again = () => begin(value.run.config, value);
  if (busy.value) askToCancel('the interrupted run', again);
  else void again();
}
