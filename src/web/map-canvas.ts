// The decision map on a canvas: where f and g agree, their zero lines and those that the theory predicts, and the data.

import type { PlaneSnapshot } from '../experiment/snapshot';
import { zeroLines } from '../report/zero-lines';
import type { GrowingMap } from './live';

/** Samples drawn: more hide the lines. */
const MOST_SAMPLES = 400;

export interface MapColours {
  readonly agree: string;
  readonly differ: string;
  readonly f: string;
  readonly g: string;
  readonly positive: string;
  readonly negative: string;
}

type Shown = PlaneSnapshot | GrowingMap;

const hasTheory = (map: Shown): map is GrowingMap => 'fHat' in map;

/** Where f and g have the same sign, a pixel a grid point. */
function regions({ resolution, f, g }: Shown, { agree, differ }: MapColours): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = resolution;
  canvas.height = resolution;
  const context = canvas.getContext('2d')!;
  context.fillStyle = agree;
  context.fillRect(0, 0, resolution, resolution);
  context.fillStyle = differ;
  for (let row = 0; row < resolution; row++) {
    // Runs of pixels: one rectangle a run is far less than one a pixel.
    let from = -1;
    for (let column = 0; column <= resolution; column++) {
      const at = row * resolution + column;
      const differs = column < resolution && Math.sign(f[at]!) !== Math.sign(g[at]!);
      if (differs && from < 0) from = column;
      if (!differs && from >= 0) {
        context.fillRect(from, row, column - from, 1);
        from = -1;
      }
    }
  }
  return canvas;
}

/** Draws `map` over the whole canvas, whose size in pixels is given. */
export function drawMap(canvas: HTMLCanvasElement, map: Shown, side: number, colours: MapColours): void {
  const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
  canvas.width = Math.round(side * ratio);
  canvas.height = canvas.width;
  const context = canvas.getContext('2d');
  if (!context) return;
  const { resolution, limits, projected, labels } = map;
  context.imageSmoothingQuality = 'high';
  context.drawImage(regions(map, colours), 0, 0, canvas.width, canvas.height);
  context.scale(ratio, ratio);
  const cell = side / resolution;

  const [low, high] = limits;
  const scale = (side - cell) / (high - low);
  const place = (at: number): readonly [number, number] => [
    cell / 2 + scale * (projected[2 * at]! - low),
    cell / 2 + scale * (high - projected[2 * at + 1]!),
  ];
  const every = Math.max(1, Math.ceil(labels.length / MOST_SAMPLES));
  context.lineWidth = 1;
  for (let at = 0; at < labels.length; at += every) {
    const [x, y] = place(at);
    context.beginPath();
    if (labels[at]! > 0) {
      context.fillStyle = colours.positive;
      context.arc(x, y, 2, 0, 2 * Math.PI);
      context.fill();
    } else {
      context.strokeStyle = colours.negative;
      context.arc(x, y, 2.2, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  const stroke = (values: Float32Array, colour: string, width: number, dashes: readonly number[], offset: number) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash([...dashes]);
    context.lineDashOffset = offset;
    context.beginPath();
    for (const line of zeroLines(values, resolution)) {
      for (const [at, [x, y]] of line.entries()) {
        const to = [(x + 0.5) * cell, (y + 0.5) * cell] as const;
        if (at === 0) context.moveTo(...to);
        else context.lineTo(...to);
      }
    }
    context.stroke();
    context.setLineDash([]);
  };
  stroke(map.f, colours.f, 2, [], 0);
  stroke(map.g, colours.g, 2, [], 0);
  if (hasTheory(map)) {
    // Dashed, each in the gaps of the other: the two predictions mostly coincide.
    stroke(map.fHat, colours.f, 1.5, [5, 7], 0);
    stroke(map.gHat, colours.g, 1.5, [5, 7], 6);
  }
}
