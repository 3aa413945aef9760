// `--set data.n=2000` over the configuration document. It works on the document as written, before defaults, so that a
// key that does not fit the chosen data kind is still seen as the mistake it is.

import { InputError } from '../data/input-error';
import { isPlainObject, show } from './config-problems';

const REMEDY = 'Write --set key=value with a dotted key and a JSON value, such as --set data.n=2000.';

/** Assigning to these would reach into JavaScript's objects instead of the document. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** The dotted key of a `key=value` argument, and its value: JSON, or a bare word as a string. */
function parseSet(set: string): { dotted: string; value: unknown } {
  const equals = set.indexOf('=');
  if (equals < 0) throw new InputError(`--set ${set} has no "="`, { remedy: REMEDY });
  const dotted = set.slice(0, equals).trim();
  const text = set.slice(equals + 1).trim();
  if (!isUsableKey(dotted)) {
    throw new InputError(`--set ${set} has no usable key before the "="`, { remedy: REMEDY });
  }
  if (text === '') {
    throw new InputError(`--set ${set} has no value`, { key: dotted, remedy: 'Give a value; "" is the empty string.' });
  }
  try {
    return { dotted, value: JSON.parse(text) as unknown };
  } catch (cause) {
    // A word is a string without quotes; anything that began as a list, an object or a string was meant as JSON.
    if (!/^["[{]/.test(text)) return { dotted, value: text };
    throw new InputError(`--set ${set} has a value that is not JSON`, {
      key: dotted,
      remedy: 'Put single quotes around the argument, so that the shell leaves quotes and brackets alone.',
      cause,
    });
  }
}

function place(parent: unknown, keys: readonly string[], value: unknown, depth: number, by: string): unknown {
  const key = keys[depth];
  if (key === undefined) return value;
  if (parent !== undefined && !isPlainObject(parent)) {
    const holder = keys.slice(0, depth).join('.') || 'the configuration';
    throw new InputError(`${by} ${keys.join('.')} cannot be applied: ${holder} is ${show(parent)}, not an object`, {
      key: keys.join('.'),
      remedy: `Set the whole of ${holder} at once.`,
    });
  }
  return { ...parent, [key]: place(parent?.[key], keys, value, depth + 1, by) };
}

/** Whether a dotted key names a place in a document. */
export const isUsableKey = (dotted: string): boolean =>
  dotted.split('.').every((key) => key !== '' && !FORBIDDEN.has(key));

/**
 * The document with `value` at a dotted key; `document` itself is left as it was.
 * @param by what sets it, for messages: `--set`, `vary`
 */
export const setAt = (document: unknown, dotted: string, value: unknown, by: string): unknown =>
  place(document, dotted.split('.'), value, 0, by);

/** The document with every `--set` laid over it, in order; `raw` itself is left as it was. */
export function applySets(raw: unknown, sets: readonly string[]): unknown {
  let document = raw;
  for (const set of sets) {
    const { dotted, value } = parseSet(set);
    document = setAt(document, dotted, value, '--set');
  }
  return document ?? {};
}

/** The dotted keys that `sets` name, for messages that say where a value came from. */
export const setKeys = (sets: readonly string[]): string[] => sets.map((set) => set.split('=')[0]?.trim() ?? '');
