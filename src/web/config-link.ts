// The whole configuration in the URL's hash, so that a link is an experiment: `--set` arguments joined by `&`, readable and
// editable by hand. Every key is written, so that a link means the same when a default has changed; what a shorter one leaves
// out (links were shorter once, and are when written by hand) the schema fills in.

import { applySets, parseConfig, resolvedJson } from '../experiment/config';
import { isPlainObject } from '../experiment/config-problems';
import type { ExperimentConfig } from '../experiment/types';

/** A configuration document as a form edits it: any JSON, not yet checked. */
export type Draft = Readonly<Record<string, unknown>>;

/** Longer hashes are cut by some programs that pass links on; all keys together take about 900 characters. */
export const LONGEST = 8000;

/** Dotted keys and values of a document; lists are values. */
function leaves(value: unknown, prefix = ''): [string, unknown][] {
  if (!isPlainObject(value)) return [[prefix, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, prefix === '' ? key : `${prefix}.${key}`));
}

/** A bare word stays bare where `--set` reads it back as the same string. */
function setText(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z][\w.\- ]*$/.test(value)) return JSON.stringify(value);
  return ['true', 'false', 'null'].includes(value) ? JSON.stringify(value) : value;
}

/** Only what a hash would misread is escaped, so that links stay legible. */
const escapeText = (text: string) =>
  encodeURIComponent(text).replace(/%(2C|5B|5D|2F|3A)/g, (code) => decodeURIComponent(code));

/** The hash of a configuration, without the `#`. */
export const linkOf = (config: ExperimentConfig): string =>
  leaves(resolvedJson(config))
    .map(([key, value]) => `${escapeText(key)}=${escapeText(setText(value))}`)
    .join('&');

/**
 * The configuration that a hash describes.
 * @param hash with or without the `#`
 * @throws InputError, worded for people, for anything that is no configuration
 */
export function parseLink(hash: string): ExperimentConfig {
  const text = hash.replace(/^#/, '');
  if (text.length > LONGEST) throw new LinkError(`it has ${text.length} characters; the longest link has ${LONGEST}`);
  const sets = text.split('&').map((part) => {
    try {
      return decodeURIComponent(part.replaceAll('+', ' '));
    } catch {
      throw new LinkError(`"${part.slice(0, 40)}" is not text in a URL's encoding`);
    }
  });
  return parseConfig(applySets(undefined, sets));
}

/** A link that is cut off or was not made by this page. */
export class LinkError extends Error {
  override readonly name = 'LinkError';
}
