// How much of a published panel is computed. `paper` is all of it; `small` is for a look within minutes on a CPU adapter.

import type { PublishedPanel, Settings } from './published';

export const SCALES = ['small', 'paper'] as const;
export type Scale = (typeof SCALES)[number];

/** Seeds when the user does not say how many. */
export const DEFAULT_SEEDS: Readonly<Record<Scale, number>> = { small: 2, paper: 5 };

/** Seeds 0, 1, ... of our own, or the published runs' own random numbers. */
export type Seeds = number | 'published';

/** In words, for every label and report. */
export const seedsText = (seeds: Seeds): string =>
  seeds === 'published'
    ? "the published runs' own random numbers"
    : `${seeds} ${seeds === 1 ? 'seed' : 'seeds'} of ours`;

/** Points a side of a decision map. */
export const MAP_RESOLUTION: Readonly<Record<Scale, number>> = { small: 100, paper: 400 };

/** What `small` allows at most: points of an axis, samples, neurons, epochs of a training. */
export const SMALL = { points: 4, 'data.n': 1000, 'network.width': 100, epochs: 200 } as const;

/** In words, for every label and report of a run at this scale. */
export const SCALE_NOTE: Readonly<Record<Scale, string>> = {
  paper: 'the published setting',
  small: `not the published setting: at most ${SMALL.points} points an axis, ${SMALL['data.n']} samples, ${SMALL['network.width']} neurons and ${SMALL.epochs} epochs`,
};

export interface ScaledPoint {
  /** Place among the published points. */
  readonly index: number;
  readonly set: Settings;
}

const LIMITS: Readonly<Record<string, number>> = {
  'data.n': SMALL['data.n'],
  'network.width': SMALL['network.width'],
  'standard.epochs': SMALL.epochs,
  'learning.epochs': SMALL.epochs,
};

/** `count` of the numbers 0 to n - 1, evenly spread, the first and the last among them. */
const spread = (n: number, count: number): number[] =>
  n <= count
    ? Array.from({ length: n }, (_, i) => i)
    : Array.from({ length: count }, (_, i) => Math.round((i * (n - 1)) / (count - 1)));

/** The points of a panel at a scale, each with all its settings. Without anything that varies it is one point. */
export function atScale(scale: Scale, { set, vary }: Pick<PublishedPanel, 'set' | 'vary'>): ScaledPoint[] {
  const count = Object.values(vary)[0]?.length ?? 1;
  const all = Array.from({ length: count }, (_, index) => ({
    index,
    set: { ...set, ...Object.fromEntries(Object.entries(vary).map(([key, values]) => [key, values[index]!])) },
  }));
  if (scale === 'paper') return all;
  // A point beyond a limit on the axis itself is left out; a setting beyond one is brought down to it.
  const within = all.filter(({ index }) =>
    Object.entries(vary).every(([key, values]) => values[index]! <= (LIMITS[key] ?? Infinity)),
  );
  return spread(within.length, SMALL.points).map((at) => {
    const { index, set: full } = within[at]!;
    const entries = Object.entries(full).map(([key, value]) => [key, Math.min(Number(value), LIMITS[key]!)] as const);
    return { index, set: { ...full, ...Object.fromEntries(entries.filter(([key]) => key in LIMITS)) } };
  });
}
