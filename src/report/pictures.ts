// What a run on images looks like: a sample, its perturbation, and their sum. The perturbations are far too weak to see,
// so they are magnified until the strongest entry has full colour; the sum is shown in the sample's own grey scale, where
// it looks like the sample, and that is the point of the picture.

import { encode } from 'fast-png';
import type { ExperimentResult } from '../experiment/types';

export interface Picture {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Shape = NonNullable<ExperimentResult['image']>;

/** RGB, three bytes a pixel, rows from the top. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Side of an upscaled image in pixels, about: large enough to see single pixels of a 28 x 28 digit. */
const TILE_SIDE = 168;
const GAP = 6;
// Neither the white of a zero perturbation nor the black of an empty pixel.
const SEPARATOR = 110;

// Ends of a blue-white-red scale whose lightness falls equally on both sides, so that red-green-blind readers and grey
// prints still see the magnitude (the outer colours of ColorBrewer's RdBu).
const BLUE = [5, 48, 97] as const;
const RED = [103, 0, 31] as const;
const MIDDLE_BLUE = [67, 147, 195] as const;
const MIDDLE_RED = [214, 96, 77] as const;

const mix = (from: number, to: number, share: number) => Math.round(from + (to - from) * share);

/** Colour of a value in [-1, 1]: blue below zero, white at zero, red above. */
export function diverging(value: number): [number, number, number] {
  const strength = Math.min(1, Math.abs(value));
  const [middle, end] = value < 0 ? [MIDDLE_BLUE, BLUE] : [MIDDLE_RED, RED];
  const upper = strength > 0.5;
  const share = upper ? 2 * strength - 1 : 2 * strength;
  return [0, 1, 2].map((i) => (upper ? mix(middle[i]!, end[i]!, share) : mix(255, middle[i]!, share))) as [
    number,
    number,
    number,
  ];
}

function rangeOf(values: Float32Array): { low: number; high: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** An image from values: `at` gives the colour of one pixel from its values, one a channel. */
function paint(values: Float32Array, shape: Shape, at: (channels: readonly number[]) => readonly number[]): Raster {
  const plane = shape.width * shape.height;
  const data = new Uint8Array(3 * plane);
  for (let pixel = 0; pixel < plane; pixel++) {
    // Colour images are stored as planes: all red, all green, all blue.
    const channels = Array.from({ length: shape.channels }, (_, channel) => values[channel * plane + pixel] ?? 0);
    data.set(at(channels), 3 * pixel);
  }
  return { width: shape.width, height: shape.height, data };
}

/** Values in the scale of `range`, clipped to it: one grey, or red, green and blue. */
function paintSample(values: Float32Array, shape: Shape, range: { low: number; high: number }): Raster {
  const span = range.high - range.low;
  const level = (value: number) => {
    if (!(span > 0)) return 128;
    return Math.round(255 * Math.min(1, Math.max(0, (value - range.low) / span)));
  };
  return paint(values, shape, (channels) => {
    const [first = 0, second = first, third = first] = channels.map(level);
    return [first, second, third];
  });
}

/** A perturbation, magnified so that its largest entry has full colour; colour images show each channel around grey. */
function paintPerturbation(values: Float32Array, shape: Shape): Raster {
  const { low, high } = rangeOf(values);
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const scale = largest > 0 && Number.isFinite(largest) ? 1 / largest : 0;
  return paint(values, shape, (channels) =>
    channels.length === 1
      ? diverging((channels[0] ?? 0) * scale)
      : channels.map((value) => Math.round(127.5 + 127.5 * value * scale)),
  );
}

/** Nearest-neighbour upscaling, so that a pixel stays a square. */
export function upscale(image: Raster, factor: number): Raster {
  const width = image.width * factor;
  const height = image.height * factor;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / factor) * image.width;
    for (let x = 0; x < width; x++) {
      const from = 3 * (row + Math.floor(x / factor));
      data.set(image.data.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { width, height, data };
}

/** Images of one size as a grid with lines between and around them. */
export function grid(rows: readonly (readonly Raster[])[]): Raster {
  const tile = rows[0]?.[0];
  if (!tile) throw new Error('a grid needs at least one image');
  const columns = Math.max(...rows.map((row) => row.length));
  const width = columns * (tile.width + GAP) + GAP;
  const height = rows.length * (tile.height + GAP) + GAP;
  const data = new Uint8Array(3 * width * height).fill(SEPARATOR);
  rows.forEach((row, r) => {
    row.forEach((image, c) => {
      const left = GAP + c * (tile.width + GAP);
      const top = GAP + r * (tile.height + GAP);
      for (let y = 0; y < image.height; y++) {
        const line = image.data.subarray(3 * y * image.width, 3 * (y + 1) * image.width);
        data.set(line, 3 * ((top + y) * width + left));
      }
    });
  });
  return { width, height, data };
}

const png = ({ width, height, data }: Raster): Uint8Array => encode({ width, height, data, channels: 3, depth: 8 });

type Pictured = Pick<ExperimentResult, 'image' | 'samples'>;

/** Of each sample for pictures: itself, its perturbation magnified, and their sum, a pixel an entry; none for other data. */
function tiles({ image: shape, samples }: Pictured): [Raster, Raster, Raster][] {
  if (!shape || !samples) return [];
  const size = shape.width * shape.height * shape.channels;
  return Array.from({ length: samples.rows }, (_, row) => {
    const x = samples.x.subarray(row * size, (row + 1) * size);
    const r = samples.r.subarray(row * size, (row + 1) * size);
    const sum = x.map((value, i) => value + (r[i] ?? 0));
    const range = rangeOf(x);
    return [paintSample(x, shape, range), paintPerturbation(r, shape), paintSample(sum, shape, range)];
  });
}

/** The same as PNG files of their own, for who enlarges them himself. */
export const samplePictures = (result: Pictured): { sample: Uint8Array; perturbation: Uint8Array; sum: Uint8Array }[] =>
  tiles(result).map(([sample, perturbation, sum]) => ({
    sample: png(sample),
    perturbation: png(perturbation),
    sum: png(sum),
  }));

/**
 * The pictures of a run on images, none for other data: sample.png, perturbation.png and sum.png of the first sample, and
 * samples.png with a column a sample: the sample, its perturbation magnified, and the two together.
 */
export function pictures(result: Pictured): Picture[] {
  const drawn = tiles(result);
  if (drawn.length === 0) return [];
  const { width, height } = drawn[0]![0];
  const factor = Math.max(1, Math.round(TILE_SIDE / Math.max(width, height)));
  const rows = drawn.map((row) => row.map((tile) => upscale(tile, factor)));
  const [sample, perturbation, sum] = rows[0] as [Raster, Raster, Raster];
  // A line each for samples, perturbations and sums: wide rather than tall, so that all of it fits a screen.
  const lines = [0, 1, 2].map((part) => rows.map((tiles) => tiles[part] as Raster));
  return [
    { name: 'sample.png', bytes: png(sample) },
    { name: 'perturbation.png', bytes: png(perturbation) },
    { name: 'sum.png', bytes: png(sum) },
    { name: 'samples.png', bytes: png(grid(lines)) },
  ];
}
