// The published figures: configurations and values of every panel, as data (made by make-published.mjs).

import document from './published.json';

/** What a plot shows; the names are those of an experiment's metrics. */
export type Metric = 'standardAccuracy' | 'perturbationAccuracy' | 'agreement' | 'cosine';

/** Values read off a plot, one for each x. */
export interface PublishedSeries {
  /** Null lies below the axis of the plot. */
  readonly y: readonly (number | null)[];
  /** How far off the reading may be. */
  readonly halfWidth: readonly (number | null)[];
  /** Why a value could not be read with confidence, by its place in `y`. */
  readonly uncertain: Readonly<Record<string, string>>;
}

/** Configuration keys, dotted, and what a figure sets them to. */
export type Settings = Readonly<Record<string, number | string | boolean>>;

export interface PublishedPanel {
  readonly xLabel: string;
  readonly xLog: boolean;
  /** Of the one run behind the plot, by another generator than ours. */
  readonly publishedSeed: number;
  readonly set: Settings;
  /** Configuration keys that vary, in step. The first is the axis, unless the label says otherwise. */
  readonly vary: Readonly<Record<string, readonly number[]>>;
  /** The grid over which the maximum was taken. */
  readonly learningRates: { readonly standard: readonly number[]; readonly learning: readonly number[] };
  readonly published: Readonly<Partial<Record<Metric, PublishedSeries>>>;
}

export interface PublishedFigure {
  readonly id: string;
  readonly title: string;
  readonly panels: readonly PublishedPanel[];
}

/** Points of a curve: pairs of x and y. */
export type PublishedLine = readonly (readonly [number, number])[];

/** A decision map: what was read off it, on the axes of the unit class means. */
export interface PublishedMap {
  readonly title: string;
  readonly publishedSeed: number;
  readonly set: Settings;
  /** Of both axes. */
  readonly limits: readonly [number, number];
  /** Share of the area where f and g visibly disagree; samples drawn on top hide some of it. */
  readonly disagreementAtLeast: number;
  readonly zeroLines: { readonly fHat: PublishedLine; readonly gHat: PublishedLine };
}

interface Published {
  readonly figures: readonly PublishedFigure[];
  readonly maps: readonly PublishedMap[];
}

const published = document as unknown as Published;

/** Figures of curves, in the order of the paper. */
export const FIGURES: readonly PublishedFigure[] = published.figures;
/** The eight decision maps. */
export const MAPS: readonly PublishedMap[] = published.maps;
/** The name under which the decision maps are asked for. */
export const MAPS_ID = 'maps' as const;

/** Every name that a figure can be asked for by. */
export const FIGURE_IDS: readonly string[] = [...FIGURES.map(({ id }) => id), MAPS_ID];
