// What to do about a name that there is not.

import { meant } from '../experiment/config-problems';

/** The remedy for a word that is none of the candidates; the one that it nearly is comes first. */
export function oneOf(word: string, candidates: readonly string[]): string {
  const near = meant(word, candidates);
  return `${near === undefined ? '' : `Did you mean ${near}? `}Choose one of ${candidates.join(', ')}.`;
}
