// Rows of numbers as pictures on a canvas, a pixel an entry; the style sheet enlarges them.

import type { ImageShape } from '../data/dataset';
import { diverging } from '../report/pictures';

/** How a row is laid out: as the image it is, or in lines of equal length. */
export function shapeOf(d: number, image?: ImageShape): ImageShape {
  if (image) return image;
  const width = Math.ceil(Math.sqrt(d));
  return { width, height: Math.ceil(d / width), channels: 1 };
}

function rangeOf(values: Float32Array): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function paint(
  canvas: HTMLCanvasElement,
  { width, height }: ImageShape,
  colour: (at: number) => readonly number[],
): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(width, height);
  for (let at = 0; at < width * height; at++) image.data.set([...colour(at), 255], 4 * at);
  context.putImageData(image, 0, 0);
}

/** A sample in grey, or in its colours, on the scale of `range` (default: its own). */
export function paintSample(
  canvas: HTMLCanvasElement,
  values: Float32Array,
  shape: ImageShape,
  range: readonly [number, number] = rangeOf(values),
): void {
  const [low, high] = range;
  const level = (value = low) => (high > low ? Math.round((255 * (value - low)) / (high - low)) : 128);
  const plane = shape.width * shape.height;
  paint(canvas, shape, (at) => {
    const channels = Array.from({ length: 3 }, (_, c) => level(values[at + (shape.channels === 3 ? c * plane : 0)]));
    return channels;
  });
}

/** A perturbation, magnified so that its largest entry has full colour: blue below zero, white at zero, red above. */
export function paintPerturbation(canvas: HTMLCanvasElement, values: Float32Array, shape: ImageShape): void {
  const [low, high] = rangeOf(values);
  const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
  paint(canvas, shape, (at) => diverging((values[at] ?? 0) / most));
}

export { rangeOf };
