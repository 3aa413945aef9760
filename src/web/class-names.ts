// What the two classes are called: digits by their number, the rest by their sign.

import type { DataConfig } from '../experiment/types';
import { shown } from './live';
import { shownConfig } from './setup';

export function namesOf(data: DataConfig): readonly [string, string] {
  if ('classes' in data) return [String(data.classes[0]), String(data.classes[1])];
  return ['+1', '−1'];
}

/** Of the run that is shown, or else of the one that is set up. */
export const classNames = (): readonly [string, string] => namesOf((shown.value ?? shownConfig.value).data);
