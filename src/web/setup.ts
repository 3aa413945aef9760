// The experiment as it is set up: the document that the form edits, what the schema says of it, and the link to it.

import { computed, effect, signal } from '@preact/signals';
import { checkConfig } from '../experiment/config';
import { isPlainObject, type Problem } from '../experiment/config-problems';
import { setAt } from '../experiment/config-sets';
import type { DataConfig, ExperimentConfig } from '../experiment/types';
import { type Draft, linkOf, parseLink } from './config-link';
import { dismiss, say } from './notices';
import { PRESETS } from './presets';

/** What is being edited: values as typed, so that a half-written number stays on the screen. */
export const draft = signal<Draft>(PRESETS[0].document);

export type View = 'laboratory' | 'benchmark';
export const view = signal<View>('laboratory');
const BENCHMARK_HASH = '#benchmark';

const checked = computed(() => checkConfig(draft.value));
/** Undefined while something is wrong with the draft. */
export const config = computed<ExperimentConfig | undefined>(() => checked.value.config);
export const problems = computed<readonly Problem[]>(() => checked.value.problems ?? []);

let lastValid: ExperimentConfig | undefined;
/** The last draft that was right: what defaults and other fields are shown from while one field is wrong. */
export const shownConfig = computed<ExperimentConfig>(() => {
  lastValid = config.value ?? lastValid ?? (checkConfig(PRESETS[0].document).config as ExperimentConfig);
  return lastValid;
});

export const problemAt = (key: string): Problem | undefined => problems.value.find((problem) => problem.key === key);

function at(value: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((inner, part) => (isPlainObject(inner) ? inner[part] : undefined), value);
}

/** The value of a dotted key, as edited, or else its default. */
export function valueAt(key: string): unknown {
  return at(draft.value, key) ?? at(shownConfig.value, key);
}

export function edit(key: string, value: unknown): void {
  draft.value = setAt(draft.value, key, value, 'the form') as Draft;
}

/** Takes a key out of the draft: its default holds again. */
export function unset(key: string): void {
  const parts = key.split('.');
  const remove = (value: unknown, depth: number): unknown => {
    if (!isPlainObject(value)) return value;
    const part = parts[depth]!;
    if (depth === parts.length - 1) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== part));
    return { ...value, [part]: remove(value[part], depth + 1) };
  };
  draft.value = remove(draft.value, 0) as Draft;
}

/** Starts data of another kind from its defaults. */
export function chooseData(data: Draft & { readonly kind: DataConfig['kind'] }): void {
  draft.value = { ...draft.value, data };
}

/** How long after a keystroke the address follows. */
const LINK_DELAY_MS = 250;
/** The hash this page wrote last: its own changes are no news to it. */
let written = '';

export const link = computed(() => (config.value ? linkOf(config.value) : undefined));

function readHash(): void {
  const { hash } = location;
  if (hash === written) return;
  if (hash === BENCHMARK_HASH) {
    view.value = 'benchmark';
    return;
  }
  view.value = 'laboratory';
  if (hash === '' || hash === '#') return;
  try {
    draft.value = parseLink(hash) as unknown as Draft;
    dismiss('link');
  } catch (error) {
    draft.value = PRESETS[0].document;
    say('link', {
      title: 'This link does not describe an experiment.',
      text: (error as Error).message.replaceAll('--set ', ''),
      remedy: 'The page shows its first experiment instead. Ask for the link again, or set the experiment up here.',
    });
  }
}

/** Follows the address, and makes it follow the experiment. Call it once. */
export function bindAddress(): void {
  readHash();
  addEventListener('hashchange', readHash);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let first = true;
  effect(() => {
    const hash = view.value === 'benchmark' ? BENCHMARK_HASH : link.value === undefined ? undefined : `#${link.value}`;
    // An address without a hash stays clean until something is changed.
    if (first && location.hash.length <= 1) {
      first = false;
      return;
    }
    first = false;
    clearTimeout(timer);
    if (hash === undefined) return;
    timer = setTimeout(() => {
      written = hash;
      history.replaceState(null, '', hash);
      written = location.hash;
    }, LINK_DELAY_MS);
  });
}
