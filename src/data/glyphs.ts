// Handwritten-looking digits that we draw ourselves, so that images are there without a download or a licence.
// A digit is a few smooth strokes, written each time a little differently: way of writing, place, size, slant, turn, pen
// width and pressure, and a slow warp of the paper. A pixel is the distance to the nearest stroke, so edges are smooth.
// Bit-equal on one JavaScript engine; sine and cosine may differ in the last place between engines, a pixel by one level.

import { type ClassPair, checkClasses, countTestRows } from './classes';
import type { HostDataset, HostMatrix } from './dataset';
import { GLYPH_VARIANTS, type Stroke } from './glyph-strokes';
import { InputError } from './input-error';
import { PhiloxStream } from './philox';
import { STREAMS } from './streams';

export interface GlyphSource {
  readonly kind: 'glyphs';
  /** Training glyphs; the first n - floor(n / 2) are of the first class, labelled +1. */
  readonly n: number;
  /** Two different digits. */
  readonly classes: ClassPair;
  /** Width and height in pixels. */
  readonly size: number;
}

/** Glyph i of a stream starts at this element times i, so that it is the same whatever n is. A glyph takes 21 elements. */
export const ELEMENTS_PER_GLYPH = 32;
const DEFAULT_TEST_ROWS = 1000;
// Below 8 pixels the digits are no longer told apart; above 256 a row is larger than any experiment of the design.
const MIN_SIZE = 8;
const MAX_SIZE = 256;
/** Straight pieces between two points of a stroke: at size 28 a piece is about 2 pixels long and the bend is not seen. */
const PIECES = 4;

/** How one glyph differs from the drawn digit. Lengths are in glyph sizes, angles in radians. */
interface Hand {
  readonly variant: number;
  readonly shiftX: number;
  readonly shiftY: number;
  readonly scaleX: number;
  readonly scaleY: number;
  /** Shear: how far the top leans to the right, per height. */
  readonly slant: number;
  readonly turn: number;
  readonly penRadius: number;
  /** Share by which the pen's radius swells and shrinks along the way. */
  readonly pressure: number;
  readonly pressurePhase: number;
  /** Grey level of a fully covered pixel. */
  readonly ink: number;
  readonly warp: readonly Wave[];
}

/** One slow wave that moves points by (x, y) * sin(kx * px + ky * py + phase). Strokes that touch move together. */
interface Wave {
  readonly x: number;
  readonly y: number;
  readonly kx: number;
  readonly ky: number;
  readonly phase: number;
}

/** Draws the 21 random elements of one glyph. The reaches were set by eye, on sheets of 200 digits at sizes 20 and 28. */
function drawHand(random: PhiloxStream, variants: number): Hand {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  // The sum of two: most writing is near the middle, none is far out.
  const around = (middle: number, reach: number): number => middle + reach * (random.uniform() - random.uniform());
  const wave = (): Wave => {
    const direction = between(0, 2 * Math.PI);
    return {
      x: between(-0.055, 0.055),
      y: between(-0.055, 0.055),
      kx: 5 * Math.cos(direction),
      ky: 5 * Math.sin(direction),
      phase: between(0, 2 * Math.PI),
    };
  };
  const variant = Math.floor(random.uniform() * variants);
  const scaleY = between(0.68, 0.84);
  return {
    variant,
    shiftX: between(-0.055, 0.055),
    shiftY: between(-0.055, 0.055),
    scaleX: scaleY * between(0.86, 1.18),
    scaleY,
    slant: around(0.1, 0.3),
    turn: around(0, 0.2),
    penRadius: between(0.034, 0.062),
    pressure: between(0, 0.25),
    pressurePhase: between(0, 2 * Math.PI),
    ink: between(215, 255),
    warp: [wave(), wave()],
  };
}

/** Reads a stroke at parameter t in [0, 1] of the piece from point i to point i + 1 (Catmull-Rom), one coordinate. */
function splineAt(stroke: Stroke, i: number, t: number, axis: 0 | 1): number {
  const last = stroke.length / 2 - 1;
  const at = (point: number): number => stroke[2 * Math.min(last, Math.max(0, point)) + axis]!;
  const a = at(i - 1);
  const b = at(i);
  const c = at(i + 1);
  const d = at(i + 2);
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** Raises `coverage` (size x size, in pixels of pen over the pixel's centre) to what one straight piece covers. */
function coverPiece(
  coverage: Float32Array,
  size: number,
  from: readonly [number, number],
  to: readonly [number, number],
  radius: number,
): void {
  const [x0, y0] = from;
  const dx = to[0] - x0;
  const dy = to[1] - y0;
  const length2 = Math.max(dx * dx + dy * dy, 1e-12);
  // Half a pixel beyond the pen is where its edge has faded out.
  const reach = radius + 0.5;
  const left = Math.max(0, Math.floor(Math.min(x0, to[0]) - reach));
  const right = Math.min(size - 1, Math.ceil(Math.max(x0, to[0]) + reach));
  const top = Math.max(0, Math.floor(Math.min(y0, to[1]) - reach));
  const bottom = Math.min(size - 1, Math.ceil(Math.max(y0, to[1]) + reach));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const px = column + 0.5 - x0;
      const py = row + 0.5 - y0;
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length2));
      const ex = px - along * dx;
      const ey = py - along * dy;
      const distance2 = ex * ex + ey * ey;
      if (distance2 >= reach * reach) continue;
      const covered = reach - Math.sqrt(distance2);
      const index = row * size + column;
      if (covered > coverage[index]!) coverage[index] = covered;
    }
  }
}

/** Draws one digit into `pixels` (size x size bytes, row by row, 0 is paper). `coverage` is scratch of the same length. */
function drawGlyph(
  pixels: Uint8Array,
  coverage: Float32Array,
  size: number,
  digit: number,
  random: PhiloxStream,
): void {
  const variants = GLYPH_VARIANTS[digit]!;
  const hand = drawHand(random, variants.length);
  const cos = Math.cos(hand.turn);
  const sin = Math.sin(hand.turn);
  const place = (u: number, v: number): [number, number] => {
    let x = u - 0.5;
    let y = v - 0.5;
    for (const wave of hand.warp) {
      const swing = Math.sin(wave.kx * u + wave.ky * v + wave.phase);
      x += wave.x * swing;
      y += wave.y * swing;
    }
    x = hand.scaleX * (x - hand.slant * y);
    y = hand.scaleY * y;
    return [size * (0.5 + hand.shiftX + cos * x - sin * y), size * (0.5 + hand.shiftY + sin * x + cos * y)];
  };
  coverage.fill(0);
  let written = 0;
  for (const stroke of variants[hand.variant]!) {
    let from = place(stroke[0]!, stroke[1]!);
    for (let i = 0; i < stroke.length / 2 - 1; i++) {
      for (let piece = 1; piece <= PIECES; piece++) {
        const t = piece / PIECES;
        const to = place(splineAt(stroke, i, t, 0), splineAt(stroke, i, t, 1));
        const swell = 1 + hand.pressure * Math.sin(hand.pressurePhase + 0.12 * written++);
        coverPiece(coverage, size, from, to, size * hand.penRadius * swell);
        from = to;
      }
    }
  }
  for (let i = 0; i < coverage.length; i++) pixels[i] = Math.round(hand.ink * Math.min(1, coverage[i]!));
}

/**
 * Draws n glyphs, the first n - floor(n / 2) of the first class and the rest of the second.
 * @param stream STREAMS.glyphs or STREAMS.testGlyphs
 * @returns n x size^2 bytes, row-major
 */
export function drawGlyphs(
  n: number,
  classes: ClassPair,
  size: number,
  seed: number,
  stream: number,
): Uint8Array<ArrayBuffer> {
  const random = new PhiloxStream(seed, stream);
  const area = size * size;
  const values = new Uint8Array(n * area);
  const coverage = new Float32Array(area);
  const firsts = n - Math.floor(n / 2);
  for (let i = 0; i < n; i++) {
    random.seek(i * ELEMENTS_PER_GLYPH);
    const digit = i < firsts ? classes[0] : classes[1];
    drawGlyph(values.subarray(i * area, (i + 1) * area), coverage, size, digit, random);
  }
  return values;
}

function halves(n: number): Float32Array {
  const y = new Float32Array(n).fill(-1);
  return y.fill(1, 0, n - Math.floor(n / 2));
}

/**
 * Draws a data set of two digits: n training glyphs and `testRows` test glyphs from another stream, classes balanced.
 * Bytes with scale 1/255 less the mean of the training pixels, rounded to 4 digits.
 * @param testRows number of test glyphs (default 1000)
 * @throws InputError for a size outside 8 to 256, n below 1, classes that are not two different digits, and more pixels than
 *   fit an array
 */
export function glyphDataset(source: GlyphSource, seed: number, testRows = DEFAULT_TEST_ROWS): HostDataset {
  const { n, classes, size } = source;
  checkClasses(classes, 9);
  if (!Number.isInteger(size) || size < MIN_SIZE || size > MAX_SIZE) {
    throw new InputError(`glyphs cannot be ${size} pixels wide`, {
      key: 'data.size',
      remedy: `Choose a whole number from ${MIN_SIZE} to ${MAX_SIZE}.`,
    });
  }
  // Arrays end at 2^32 bytes in some browsers; half of that leaves room for the copy to the GPU.
  const most = Math.floor(2 ** 31 / size ** 2);
  if (!Number.isInteger(n) || n < 1 || n > most) {
    throw new InputError(`${n} glyphs of ${size} x ${size} pixels cannot be drawn`, {
      key: 'data.n',
      remedy: `Choose a whole number from 1 to ${most}.`,
    });
  }
  const tests = countTestRows(testRows, most);
  const cols = size * size;
  const values = drawGlyphs(n, classes, size, seed, STREAMS.glyphs);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const subtract = Math.round((sum / values.length / 255) * 1e4) / 1e4;
  const matrix = (rows: number, bytes: Uint8Array): HostMatrix => ({
    rows,
    cols,
    values: bytes,
    scale: 1 / 255,
    subtract,
  });
  return {
    x: matrix(n, values),
    y: halves(n),
    testX: matrix(tests, drawGlyphs(tests, classes, size, seed, STREAMS.testGlyphs)),
    testY: halves(tests),
    image: { width: size, height: size, channels: 1 },
    classNames: [String(classes[0]), String(classes[1])],
  };
}
