// Experiments that are one click away, as documents over the defaults.

import type { Draft } from './config-link';

export interface Preset {
  readonly id: string;
  readonly name: string;
  /** One line: what one sees. */
  readonly about: string;
  readonly document: Draft;
}

const SAVE = ['networks', 'perturbations'];

/** The first is what the page opens with: a few seconds on a software adapter. */
export const PRESETS: readonly [Preset, ...Preset[]] = [
  {
    id: 'glyphs',
    name: 'Drawn digits',
    about: 'Ones and twos that this page draws itself, 20 × 20 pixels.',
    document: {
      data: { kind: 'glyphs', n: 500, classes: [1, 2], size: 20 },
      standard: { lr: 1, epochs: 100 },
      // Large enough to fool f on the samples, small enough for the digits to stay legible.
      perturbation: { kind: 'l2', size: 3 },
      learning: { lr: 1, epochs: 100 },
      theory: { cosine: true, map: { resolution: 120, limits: [-1, 8] } },
      save: SAVE,
    },
  },
  {
    id: 'glyphs-35',
    name: '3 against 5',
    about: 'A harder pair of digits, with perturbations laid on the samples (scenario b).',
    document: {
      data: { kind: 'glyphs', n: 800, classes: [3, 5], size: 20 },
      standard: { lr: 0.1, epochs: 200 },
      perturbation: { kind: 'l2', size: 2, onData: true },
      learning: { lr: 0.1, epochs: 200 },
      theory: { cosine: true, map: { resolution: 120, limits: [-1, 8] } },
      save: SAVE,
    },
  },
  {
    id: 'shifted-gauss',
    name: 'Two clouds',
    about: 'Two Gaussian clouds in 100 dimensions, a little apart in every one.',
    document: {
      data: { kind: 'shifted-gauss', n: 1000, d: 100, shift: 0.3 },
      standard: { lr: 0.1, epochs: 150 },
      perturbation: { kind: 'l2', size: 0.1 },
      learning: { lr: 0.1, epochs: 150 },
      theory: { cosine: true, map: { resolution: 150, limits: [-7, 7] } },
      save: SAVE,
    },
  },
  {
    id: 'gauss',
    name: 'Pure noise',
    about: 'One cloud with coin-toss labels: there is nothing to generalise, and g still recovers what f memorised.',
    document: {
      data: { kind: 'gauss', n: 500, d: 1000 },
      network: { width: 100 },
      standard: { lr: 1, epochs: 200 },
      perturbation: { kind: 'l2', size: 0.1 },
      learning: { lr: 1, epochs: 200 },
      theory: { cosine: true, map: { resolution: 120, limits: [-4, 4] } },
      save: SAVE,
    },
  },
];
