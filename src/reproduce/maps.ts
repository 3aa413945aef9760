// A decision map beside the published one: where the predicted outputs change sign, and how much of the area f and g give
// different signs.
//
// That share scatters widely over seeds, because the mean of the random targets is what g learns as its bias: of shifted
// Gauss (a) 16 seeds gave 0.5 to 41 %, correlated with |mean target| by 0.98; published, of one seed, is at least 5.7 %. The
// published map of MNIST (a) (at least 1.4 %) is of the run whose agreement, 0.98, is the highest of the paper's curve over m;
// with that run's own random numbers (published-numbers.ts) ours has 1.9 %.
//
// The published lines of f_hat and g_hat come from 100 drawn neurons, so they are off the closed form by what so few scatter:
// on MNIST f_hat is zero at (9.51, 9.17) where the closed form has 10.45. The same 100 neurons give 9.16.

import { type Statistics, statistics } from '../experiment/statistics';
import type { DecisionMap } from '../theory/map';
import type { Origin } from './origin';
import { MAPS, MAPS_ID, type PublishedLine, type PublishedMap } from './published';
import type { MapReading } from './run';
import { countVerdicts, type Verdict } from './verdict';

/** How far off a point of a published zero line may have been read. */
export const LINE_READING = 0.15;

export const LINES = ['fHat', 'gHat'] as const;
export type Line = (typeof LINES)[number];

export interface LinePoint {
  readonly x: number;
  /** y of the zero line: ours over the seeds, null when no seed has one there; and as published. */
  readonly ours: Statistics | null;
  readonly published: number;
  readonly verdict: Verdict;
}

export interface MapComparison {
  readonly lines: Readonly<Record<Line, readonly LinePoint[]>>;
  readonly disagreement: { readonly ours: Statistics; readonly publishedAtLeast: number };
}

/**
 * y where a grid, (resolution, resolution) with y falling from row to row, changes sign in the column at `x`, linear between
 * the two columns and rows around; of several the one nearest to `towards`. Null when there is none.
 */
export function zeroCrossing(map: DecisionMap, line: Line, x: number, towards: number): number | null {
  const { resolution, limits } = map;
  const [low, high] = limits;
  const step = (high - low) / (resolution - 1);
  const column = (x - low) / step;
  if (column < 0 || column > resolution - 1) return null;
  const left = Math.min(Math.floor(column), resolution - 2);
  const part = column - left;
  const grid = map[line];
  const value = (row: number) =>
    (1 - part) * grid[row * resolution + left]! + part * grid[row * resolution + left + 1]!;
  let nearest: number | null = null;
  for (let row = 0; row + 1 < resolution; row++) {
    const [above, below] = [value(row), value(row + 1)];
    if (above > 0 === below > 0) continue;
    const y = high - step * (row + above / (above - below));
    if (nearest === null || Math.abs(y - towards) < Math.abs(nearest - towards)) nearest = y;
  }
  return nearest;
}

/** What is kept of a map. */
export function readMap(published: PublishedMap, map: DecisionMap): MapReading {
  const along = (line: Line) => published.zeroLines[line].map(([x, y]) => zeroCrossing(map, line, x, y));
  const agreed = map.agree.reduce((sum, same) => sum + same, 0);
  return { disagreement: 1 - agreed / map.agree.length, fHat: along('fHat'), gHat: along('gHat') };
}

function lineVerdict(published: number, ours: Statistics): Verdict {
  const { mean, prediction95 } = ours;
  if (prediction95 && prediction95[0] <= published && published <= prediction95[1]) return 'inside';
  return Math.abs(published - mean) <= LINE_READING ? 'near' : 'outside';
}

/** Compares the maps of several seeds with the published one. */
export function compareMaps(published: PublishedMap, readings: readonly MapReading[]): MapComparison {
  const compare = (line: Line, points: PublishedLine): LinePoint[] =>
    points.map(([x, y], at) => {
      const values = readings.flatMap((reading) => reading[line][at] ?? []);
      if (values.length === 0) return { x, ours: null, published: y, verdict: 'outside' };
      const ours = statistics(values);
      return { x, ours, published: y, verdict: lineVerdict(y, ours) };
    });
  return {
    lines: { fHat: compare('fHat', published.zeroLines.fHat), gHat: compare('gHat', published.zeroLines.gHat) },
    disagreement: {
      ours: statistics(readings.map(({ disagreement }) => disagreement)),
      publishedAtLeast: published.disagreementAtLeast,
    },
  };
}

/** A map beside the published one as plain data. */
export interface ReproducedMap extends Origin, MapComparison {
  readonly figure: typeof MAPS_ID;
  readonly title: string;
  /** Counted from 1, as --panel takes it. */
  readonly panel: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
}

const linePoints = ({ lines }: Pick<MapComparison, 'lines'>): LinePoint[] => LINES.flatMap((line) => lines[line]);

/** How many points lie within {@link LINE_READING} of our mean, whatever the interval says. */
export const countCloseLines = (comparison: Pick<MapComparison, 'lines'>): number =>
  linePoints(comparison).filter(({ ours, published }) => ours && Math.abs(published - ours.mean) <= LINE_READING)
    .length;

/** The reproduced map as plain data. @param readings of the seeds that are finished */
export function mapDocument(map: PublishedMap, readings: readonly MapReading[], origin: Origin): ReproducedMap {
  const comparison = compareMaps(map, readings);
  const verdicts = countVerdicts(linePoints(comparison));
  return { figure: MAPS_ID, title: map.title, panel: MAPS.indexOf(map) + 1, ...origin, verdicts, ...comparison };
}
