// What a run shows of itself while it goes on. Looking never changes a bit of the result; it costs time and a little memory.

import type { ImageShape } from '../data/dataset';
import type { MapPiece } from '../theory/map';

/** A network on a few rows: its outputs, positive for the class +1. */
export interface Answers {
  /** On the samples x. */
  readonly x: Float32Array;
  /** On the perturbations r. */
  readonly r: Float32Array;
  /** On the adversarial examples x + r. */
  readonly adversarial: Float32Array;
}

/** Both networks on a square grid of the class plane; laid out as in a DecisionMap. */
export interface PlaneSnapshot {
  readonly resolution: number;
  readonly limits: readonly [number, number];
  /** (resolution, resolution) */
  readonly f: Float32Array;
  readonly g: Float32Array;
  /** (rows, 2) where the watched samples lie. */
  readonly projected: Float32Array;
  /** (rows) -1 or +1, of those samples. */
  readonly labels: Float32Array;
}

/** A network in training. */
export interface TrainingSnapshot {
  readonly kind: 'training';
  /** The first of the experiments that the training is for, by its place in the list. */
  readonly run: number;
  readonly stage: 'standard' | 'learning';
  /** Updates done. */
  readonly epoch: number;
  readonly epochs: number;
  /** (epoch) the whole history so far, as in the result. */
  readonly loss: Float32Array;
  readonly lr: Float32Array;
  /** Share of the watched samples that the network gets right: standard accuracy of f, perturbation accuracy of g. */
  readonly accuracy: number;
  /** Of g: share of the watched test points where it agrees with f; absent where the data have no test points. */
  readonly agreement?: number;
  /** Of g: its outputs on the rows of the gallery. */
  readonly answers?: Answers;
  /** Of g, where a map is watched and the classes span a plane. */
  readonly map?: PlaneSnapshot;
}

/** A few samples with their perturbations, as soon as these are known. */
export interface GallerySnapshot {
  readonly kind: 'gallery';
  readonly run: number;
  readonly rows: number;
  readonly d: number;
  /** How a row is an image, where it is one. */
  readonly image?: ImageShape;
  /** (rows, d) */
  readonly x: Float32Array;
  readonly r: Float32Array;
  /** (rows) -1 or +1 */
  readonly labels: Float32Array;
  readonly targets: Float32Array;
  /** What f says of them. */
  readonly answers: Answers;
}

/** How the perturbations lie to the predicted directions, when the configuration asks for it. */
export interface TheorySnapshot {
  readonly kind: 'theory';
  readonly run: number;
  readonly cosine: number;
}

/** A piece of the result's decision map; the next goes on where it ends, and the last ends the grid. */
export interface MapSnapshot extends MapPiece {
  readonly kind: 'map';
  readonly run: number;
  readonly resolution: number;
  readonly limits: readonly [number, number];
}

export type Snapshot = TrainingSnapshot | GallerySnapshot | TheorySnapshot | MapSnapshot;

/** What to look at. Up to 2048 samples and as many test points are watched, spread evenly: all of a small data set. */
export interface WatchOptions {
  /** How often each training is looked at, the last time at its end (default 24). */
  readonly snapshots?: number;
  /** The class plane at every look at g; and the pieces of the map that the configuration asks for. */
  readonly map?: { readonly resolution: number; readonly limits: readonly [number, number] };
  /** Awaited: the run goes on afterwards. */
  readonly onSnapshot: (snapshot: Snapshot) => Promise<void> | void;
}
