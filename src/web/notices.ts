// What the page has to tell: what is wrong, and what to do.

import { signal } from '@preact/signals';

export interface Notice {
  readonly title: string;
  readonly text?: string | undefined;
  readonly remedy?: string | undefined;
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

/** One at a time: the last one is what matters. */
export const notice = signal<Notice | undefined>(undefined);

export function say(next: Notice): void {
  notice.value = next;
}

export function dismiss(): void {
  notice.value = undefined;
}

/** What is read out by a screen reader; short, and only when something has changed. */
export const announcement = signal('');
