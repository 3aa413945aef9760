// Run, pause, cancel, how much is left, and what can be taken away.

import { useSignal } from '@preact/signals';
import { measuring } from '../bench';
import { LONGEST } from '../config-link';
import { engineState, restartEngine } from '../engine';
import { timeLeft } from '../format';
import { courses, result } from '../live';
import { dismiss, say } from '../notices';
import { resumeUnfinished } from '../resuming';
import { busy, cancel, pause, phase, resume, secondsLeft, stageText, start } from '../session';
import { config, link, problems } from '../setup';
import { shortPlace, unfinished } from '../unfinished';
import { Downloads } from './downloads';

/** Share of all epochs that are done: the trainings take nearly all of the time. */
function shareDone(): number {
  if (result.value) return 1;
  const [f, g] = [courses.standard.value, courses.learning.value];
  const all = f.epochs + g.epochs;
  return all === 0 ? 0 : (f.epoch + g.epoch) / all;
}

function status(): string {
  if (engineState.value === 'starting') return 'Starting the engine…';
  if (engineState.value !== 'ready') return 'No engine';
  if (phase.value === 'paused') return 'Paused';
  if (phase.value === 'running') {
    const left = secondsLeft.value === undefined ? '' : ` · ${timeLeft(secondsLeft.value)}`;
    return `${stageText.value}${left}`;
  }
  if (measuring.value) return 'The benchmark is measuring: experiments wait until it is done or cancelled';
  if (problems.value.length > 0) return 'Something in the setup is not right yet';
  if (phase.value === 'done') return `Done in ${result.value!.timing.totalSeconds.toFixed(1)} s`;
  return phase.value === 'stopped' ? 'Stopped' : 'Ready';
}

/** Copies the link to the setup as it is on the screen; the address follows it only after a moment. */
function CopyLink() {
  const copied = useSignal(false);
  const copy = async (hash: string) => {
    const url = new URL(`#${hash}`, location.href).href;
    dismiss('link');
    if (hash.length > LONGEST) {
      say('link', {
        title: 'This experiment is too long for a link.',
        text: `It takes ${hash.length} characters; a link holds ${LONGEST}.`,
        remedy: 'Download config.json and pass that on, or give the files shorter names.',
      });
      return;
    }
    try {
      await navigator.clipboard.writeText(url);
    } catch (error) {
      say('link', {
        title: 'The browser did not let the link be copied.',
        text: `${url}\n(${(error as Error).message})`,
        remedy: 'Copy it from here by hand.',
      });
      return;
    }
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 2000);
  };
  const hash = link.value;
  return (
    <button type="button" disabled={hash === undefined} onClick={() => hash !== undefined && void copy(hash)}>
      {copied.value ? 'Link copied' : 'Copy link'}
    </button>
  );
}

export function RunBar() {
  const share = Math.round(100 * shareDone());
  const run = () => {
    if (config.value) void start(config.value);
  };
  return (
    <section class="run-bar" aria-label="The run">
      {busy.value ? (
        <div class="row">
          {phase.value === 'paused' ? (
            <button type="button" class="primary" onClick={resume}>
              Resume
            </button>
          ) : (
            <button type="button" class="primary" onClick={pause}>
              Pause
            </button>
          )}
          <button type="button" onClick={() => void cancel()}>
            Cancel
          </button>
        </div>
      ) : engineState.value === 'lost' || engineState.value === 'missing' ? (
        <button type="button" class="primary" onClick={restartEngine}>
          Restart the engine
        </button>
      ) : (
        <button
          type="button"
          class="primary"
          onClick={run}
          disabled={engineState.value !== 'ready' || config.value === undefined || measuring.value !== undefined}
        >
          {result.value ? 'Run again' : 'Run the experiment'}
        </button>
      )}
      {!busy.value && engineState.value !== 'starting' && unfinished.value ? (
        <button type="button" onClick={() => void resumeUnfinished()}>
          Resume at {shortPlace(unfinished.value.run)}
        </button>
      ) : null}
      <div class="progress">
        <progress aria-label="Progress of the run" max={100} value={share} />
        <span class="status" data-phase={phase.value}>
          {status()}
        </span>
      </div>
      <div class="row takeaway">
        <CopyLink />
        <Downloads />
      </div>
    </section>
  );
}
