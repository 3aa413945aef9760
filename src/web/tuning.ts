// Choosing the kernels that experiments run: what is done with a tuning that was made, kept, refused or forgotten. Whatever
// changes the choice makes a new engine, which takes it or says why it does not.

import { effect, untracked } from '@preact/signals';
import type { Tuned } from '../bench/tune';
import { adapter, openEngine } from './engine';
import { defaultsOnly, forget, keep, kept, rememberDefaults } from './kept-tuning';
import { dismiss, say } from './notices';
import { view } from './setup';

/** Keeps what was chosen, for the experiments of this page from now on. */
export async function keepTuning(tuned: Tuned): Promise<void> {
  try {
    await keep(tuned);
  } catch (error) {
    tellUnkept(error as DOMException, 'Experiments run as before.');
    return;
  }
  await openEngine();
}

function tellUnkept({ name, message }: DOMException, text: string): void {
  say('tuning', {
    title: 'The browser does not let this page keep the choice of kernels.',
    text,
    remedy: `Allow this page to store data, or leave private browsing, and choose again. The browser says: ${message || name}`,
  });
}

export async function forgetKept(): Promise<void> {
  if (!adapter.value) return;
  await forget(adapter.value);
  await openEngine();
}

/** @param only what is kept stays there, and is not used */
export async function useDefaults(only: boolean): Promise<void> {
  try {
    rememberDefaults(only);
  } catch (error) {
    tellUnkept(error as DOMException, 'It holds until the page is loaded again.');
  }
  await openEngine();
}

/** Says when what is kept is not used. Call it once. */
export function tellRefused(): void {
  effect(() => {
    const refused = defaultsOnly.value ? undefined : kept.value.refused;
    untracked(() => (refused === undefined ? dismiss('tuning') : tell(refused)));
  });
}

function tell(refused: string): void {
  const toBenchmark = () => {
    view.value = 'benchmark';
  };
  say('tuning', {
    title: 'The choice of kernels that is kept for this device is not used.',
    text: `It is refused: ${refused}.`,
    remedy: 'Experiments run the default kernels. Tune again in the benchmark, or forget what is kept.',
    actions: [
      { label: 'Forget it', run: () => void forgetKept() },
      { label: 'To the benchmark', run: toBenchmark },
    ],
  });
}
