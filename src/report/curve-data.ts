// What a curve over epochs is drawn from: few enough points, and the scale that shows it. No drawing, so that reports and the
// page share it.

import type { ScaleOptions } from '@observablehq/plot';

/** Buckets that a long curve is drawn in, each by its lowest and its highest value. */
const BUCKETS = 400;

export interface Point {
  readonly epoch: number;
  /** NaN leaves a gap. */
  readonly value: number;
}

export const MOST_TICKS = 5;

/** At most {@link MOST_TICKS} powers of ten inside a domain. */
export function powersOfTen(low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low));
  const count = Math.floor(Math.log10(high)) - first + 1;
  const every = Math.ceil(count / MOST_TICKS);
  return Array.from({ length: Math.ceil(Math.max(0, count) / every) }, (_, k) => 10 ** (first + k * every));
}

/** The axis of an empty training, or one of one epoch, must have a length too. */
export const epochDomain = (values: Float32Array) => ({ domain: [0, Math.max(1, values.length - 1)] });

/** More than so many times the median size: a linear axis would press most of the curve onto zero. */
const WIDE = 50;

/**
 * Logarithmic for positive losses that fall by decades; symmetrical-logarithmic, around its median size, for a curve that
 * passes zero or runs off below it; else linear.
 */
export function lossScale(loss: Float32Array): ScaleOptions {
  const finite = loss.filter(Number.isFinite);
  const sizes = finite
    .map(Math.abs)
    .filter((size) => size > 0)
    .sort();
  const label = 'loss';
  if (sizes.length === 0) return { label, domain: [-1, 1] };
  const [least, median, most] = [sizes[0]!, sizes[sizes.length >> 1]!, sizes.at(-1)!];
  if (finite.every((value) => value > 0) && most > 20 * least) {
    return {
      label: 'loss (log scale)',
      type: 'log',
      domain: [least / 1.5, most * 1.5],
      ticks: powersOfTen(least, most),
    };
  }
  if (most > WIDE * median) {
    const powers = powersOfTen(median, most);
    const ticks = [...powers.map((power) => -power), 0, ...powers].filter(
      (tick) => finite.some((value) => value <= tick) && finite.some((value) => value >= tick),
    );
    return { label: 'loss (symlog scale)', type: 'symlog', constant: median, ticks };
  }
  return { label };
}

/** The curve in points that an image of this size can show, with every peak. */
export function decimate(values: Float32Array, buckets = BUCKETS): Point[] {
  const point = (epoch: number): Point => {
    const value = values[epoch]!;
    return { epoch, value: Number.isFinite(value) ? value : Number.NaN };
  };
  const width = Math.ceil(values.length / buckets);
  if (width <= 2) return Array.from(values, (_, epoch) => point(epoch));
  const kept: Point[] = [];
  for (let start = 0; start < values.length; start += width) {
    const bucket = Array.from({ length: Math.min(width, values.length - start) }, (_, k) => point(start + k));
    const missing = bucket.find(({ value }) => Number.isNaN(value));
    const sorted = bucket.filter(({ value }) => !Number.isNaN(value)).sort((a, b) => a.value - b.value);
    const extremes = new Set([sorted[0], sorted.at(-1), missing].filter((each) => each !== undefined));
    kept.push(...[...extremes].sort((a, b) => a.epoch - b.epoch));
  }
  if (kept.at(-1)?.epoch !== values.length - 1) kept.push(point(values.length - 1));
  return kept;
}

/** The epochs at which the value changes, and the last one. */
export function steps(values: Float32Array): Point[] {
  return Array.from(values, (value, epoch) => ({ epoch, value })).filter(
    ({ epoch, value }) => epoch === 0 || epoch === values.length - 1 || value !== values[epoch - 1],
  );
}
