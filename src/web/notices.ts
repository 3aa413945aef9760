// What the page has to tell: what is wrong, and what to do.

import { signal } from '@preact/signals';

/** What a notice is about. There is one of each at most: the last word on it is what matters. */
export type Subject =
  | 'engine'
  | 'unfinished'
  | 'run'
  | 'choice'
  | 'storage'
  | 'files'
  | 'link'
  | 'benchmark'
  | 'tuning';

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

export interface Notice {
  readonly title: string;
  readonly text?: string | undefined;
  readonly remedy?: string | undefined;
  readonly actions?: readonly NoticeAction[] | undefined;
}

/** In the order in which their subjects came up. */
export const notices = signal<ReadonlyMap<Subject, Notice>>(new Map());

/** Says something, in place of what was said of the same subject; of others nothing is lost. */
export function say(subject: Subject, notice: Notice): void {
  notices.value = new Map(notices.value).set(subject, notice);
}

export function dismiss(...subjects: readonly Subject[]): void {
  if (!subjects.some((subject) => notices.value.has(subject))) return;
  notices.value = new Map([...notices.value].filter(([subject]) => !subjects.includes(subject)));
}

/** What is read out by a screen reader; short, and only when something has changed. */
export const announcement = signal('');
