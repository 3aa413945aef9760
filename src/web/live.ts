// What is seen of a run: signals that the page's parts read, filled from the engine's progress and snapshots.

import { batch, signal } from '@preact/signals';
import type { Answers, GallerySnapshot, MapSnapshot, PlaneSnapshot, Snapshot } from '../experiment/snapshot';
import type { ExperimentConfig, ExperimentResult, Progress, Stage } from '../experiment/types';
import type { DecisionMap } from '../theory/map';

export type Training = 'standard' | 'learning';

export interface Look {
  readonly epoch: number;
  readonly accuracy: number;
  readonly agreement?: number;
}

/** A decision map, whole or on its way. */
export type GrowingMap = Omit<DecisionMap, 'agree'>;

/** One training, as far as it has come. */
export interface Course {
  readonly epochs: number;
  readonly epoch: number;
  readonly loss: Float32Array;
  readonly lr: Float32Array;
  readonly looks: readonly Look[];
}

export type Courses = Readonly<Record<Training, Course>>;

const NOTHING: Course = { epochs: 0, epoch: 0, loss: new Float32Array(), lr: new Float32Array(), looks: [] };

/** The configuration of the run that is shown. */
export const shown = signal<ExperimentConfig | undefined>(undefined);
export const stage = signal<Stage | undefined>(undefined);
export const courses = { standard: signal(NOTHING), learning: signal(NOTHING) } as const;
export const gallery = signal<GallerySnapshot | undefined>(undefined);
/** What g says of the gallery. */
export const answers = signal<Answers | undefined>(undefined);
export const cosine = signal<number | undefined>(undefined);
/** The class plane while g learns, and at the end the whole map. */
export const plane = signal<PlaneSnapshot | GrowingMap | undefined>(undefined);
export const result = signal<ExperimentResult | undefined>(undefined);

/** A place in a run that it goes on from. */
interface Place {
  readonly stage: Training;
  readonly epoch: number;
}

export const coursesNow = (): Courses => ({ standard: courses.standard.value, learning: courses.learning.value });

/** A course as it was at an epoch. */
const until = (course: Course, epoch: number): Course => ({
  ...course,
  epoch,
  loss: course.loss.slice(0, epoch),
  lr: course.lr.slice(0, epoch),
  looks: course.looks.filter((look) => look.epoch <= epoch),
});

/** Empties everything for a run that begins, but for what was seen of it before the place that it goes on from. */
export function clearLive(config: ExperimentConfig, before?: Place & { readonly courses: Courses }): void {
  batch(() => {
    shown.value = config;
    stage.value = 'prepare';
    for (const training of ['standard', 'learning'] as const) {
      const { epochs } = config[training];
      const seen = before?.courses[training];
      const epoch = before?.stage === training ? before.epoch : training === 'standard' ? epochs : 0;
      courses[training].value = seen ? until(seen, epoch) : { ...NOTHING, epochs };
    }
    gallery.value = undefined;
    answers.value = undefined;
    cosine.value = undefined;
    plane.value = undefined;
    result.value = undefined;
  });
}

export function takeProgress({ stage: now, epoch }: Progress): void {
  batch(() => {
    stage.value = now;
    if ((now === 'standard' || now === 'learning') && epoch !== undefined) {
      const course = courses[now];
      if (epoch > course.value.epoch) course.value = { ...course.value, epoch };
    }
  });
}

export function takeSnapshot(snapshot: Snapshot): void {
  batch(() => {
    if (snapshot.kind === 'gallery') gallery.value = snapshot;
    else if (snapshot.kind === 'theory') cosine.value = snapshot.cosine;
    else if (snapshot.kind === 'map') plane.value = withPiece(plane.value, snapshot);
    else {
      const { stage: training, epoch, loss, lr, accuracy, agreement } = snapshot;
      const course = courses[training];
      const look = { epoch, accuracy, ...(agreement === undefined ? {} : { agreement }) };
      course.value = {
        ...course.value,
        epoch: Math.max(epoch, course.value.epoch),
        loss,
        lr,
        looks: [...course.value.looks, look],
      };
      if (snapshot.answers) answers.value = snapshot.answers;
      if (snapshot.map) plane.value = snapshot.map;
    }
  });
}

/** The map that grows: what is not computed yet is as the last look saw it, without the theory's lines. */
function withPiece(before: PlaneSnapshot | GrowingMap | undefined, piece: MapSnapshot): GrowingMap {
  const { resolution, limits, start } = piece;
  const points = resolution ** 2;
  const known = before && before.resolution === resolution && 'fHat' in before ? before : undefined;
  const grown = (name: 'f' | 'g' | 'fHat' | 'gHat') => {
    const values =
      known?.[name].slice() ??
      (name === 'f' || name === 'g' ? enlarged(before?.[name], resolution) : new Float32Array(points).fill(Number.NaN));
    values.set(piece[name], start);
    return values;
  };
  const { projected, labels } = before ?? { projected: new Float32Array(), labels: new Float32Array() };
  const [f, g, fHat, gHat] = [grown('f'), grown('g'), grown('fHat'), grown('gHat')];
  return { resolution, limits, f, g, fHat, gHat, projected, labels };
}

/** A square grid with more or fewer points a side, each as the nearest one was. */
function enlarged(values: Float32Array | undefined, side: number): Float32Array {
  const before = Math.sqrt(values?.length ?? 0);
  const at = (k: number) => Math.floor(((k + 0.5) * before) / side);
  return Float32Array.from({ length: side ** 2 }, (_, p) =>
    values ? values[at(Math.floor(p / side)) * before + at(p % side)]! : Number.NaN,
  );
}

/** The finished run: measured on all samples, where looks saw some. */
export function takeResult(done: ExperimentResult): void {
  batch(() => {
    const { history, metrics } = done;
    for (const [training, loss, lr] of [
      ['standard', history.standardLoss, history.standardLr],
      ['learning', history.learningLoss, history.learningLr],
    ] as const) {
      const course = courses[training];
      course.value = { ...course.value, epoch: loss.length, loss, lr };
    }
    if (metrics.cosine !== undefined) cosine.value = metrics.cosine;
    if (done.map) plane.value = done.map;
    stage.value = undefined;
    result.value = done;
  });
}
