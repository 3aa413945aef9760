// One click on an experiment: it is set up and starts. It asks first when a run would be lost, or when it takes long here.

import type { Draft } from './config-link';
import { gpuText } from './cost';
import { engineState } from './engine';
import { dismiss, say } from './notices';
import { busy, cancel, start } from './session';
import { config, draft } from './setup';

/** @param name what the experiment is called on the page */
export function choose(name: string, document: Draft): void {
  if (busy.value) askToCancel(`“${name}”`, () => setUp(name, document));
  else setUp(name, document);
}

function setUp(name: string, document: Draft): void {
  dismiss('choice', 'link');
  draft.value = document;
  const chosen = config.value;
  if (!chosen || engineState.value !== 'ready') return;
  const warning = gpuText();
  if (warning === undefined) {
    void start(chosen);
    return;
  }
  say('choice', {
    title: `“${name}” is set up.`,
    text: warning,
    remedy: 'Run it all the same, or make it smaller first.',
    actions: [{ label: 'Run it', run: () => void start(chosen) }],
  });
}

/** Asks whether the run that goes on is to make way. @param next what the visitor wants instead, in words */
export function askToCancel(next: string, begin: () => unknown): void {
  say('choice', {
    title: 'An experiment is under way.',
    text: `To start ${next}, it has to be cancelled; what it has computed so far is lost.`,
    actions: [
      {
        label: `Cancel it and start ${next}`,
        run: () => {
          dismiss('choice');
          void cancel().then(begin);
        },
      },
      { label: 'Keep it going', run: () => dismiss('choice') },
    ],
  });
}
