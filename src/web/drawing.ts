// A drawn digit as the networks' input: strokes, brought to the place and size that the training digits have, as pixels.

/** Points (x, y) of a stroke, in [0, 1] of the pad, y downwards. */
export type PenStroke = readonly (readonly [number, number])[];

/** The digits of data/glyphs.ts stand 0.68 to 0.84 of the side high, with a pen of radius 0.034 to 0.062. */
const HEIGHT = 0.76;
const PEN_RADIUS = 0.048;
/** Each pixel is the mean of so many by so many finer ones. */
const FINER = 4;

/** Strokes centred, and scaled to the height of a training digit; a drawing wider than that is scaled to fit. */
export function centred(strokes: readonly PenStroke[]): PenStroke[] {
  const points = strokes.flat();
  if (points.length === 0) return [];
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const extent = Math.max(bottom - top, right - left);
  // A dot has no size to scale.
  const scale = extent > 0.02 ? HEIGHT / extent : 1;
  return strokes.map((stroke) =>
    stroke.map(([x, y]) => [0.5 + scale * (x - (left + right) / 2), 0.5 + scale * (y - (top + bottom) / 2)] as const),
  );
}

/** Ink on size x size pixels, row by row, from 0 (paper) to 1. */
export function rasterise(strokes: readonly PenStroke[], size: number): Float32Array {
  const side = size * FINER;
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.lineWidth = 2 * PEN_RADIUS * side;
  for (const stroke of strokes) {
    context.beginPath();
    for (const [at, [x, y]] of stroke.entries()) {
      if (at === 0) context.moveTo(x * side, y * side);
      // A stroke of one point is a dot: a line of no length with a round cap.
      context.lineTo(x * side, y * side);
    }
    context.stroke();
  }
  const { data } = context.getImageData(0, 0, side, side);
  const ink = new Float32Array(size * size);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      ink[Math.floor(y / FINER) * size + Math.floor(x / FINER)]! +=
        data[4 * (y * side + x) + 3]! / (255 * FINER * FINER);
    }
  }
  return ink;
}
