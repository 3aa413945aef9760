// The decision map: where the two networks agree, their zero lines and the predicted ones, and the data, on the plane of the
// class means.

import * as Plot from '@observablehq/plot';
import { encode } from 'fast-png';
import type { ExperimentConfig } from '../experiment/types';
import type { DecisionMap } from '../theory/map';
import { base64 } from './base64';
import { figure, type LegendItem, svgFile } from './figure';
import { AXIS, PALETTE } from './style';
import { type Line, thin, zeroLines } from './zero-lines';

// Both pale enough for lines on top, and far enough apart for a grey print (luminance 0.87 and 0.52).
const AGREE = [238, 238, 238] as const;
const DIFFER = [143, 209, 158] as const;

/** Side of the plot, without axes, in SVG units. */
const SIDE = 440;
const MARGIN = { left: 64, right: 20, bottom: 46 };
/** Points nearer than this on a line, in SVG units, cannot be told apart. */
const FINEST = 0.5;
/** Samples drawn a class: more hide the lines and swell the file. */
const MOST_SAMPLES = 500;

const LINES = [
  // Wide enough to be seen on both sides of the predicted lines on top of them.
  { key: 'f', label: 'f = 0', colour: PALETTE[0], width: 4 },
  { key: 'g', label: 'g = 0', colour: PALETTE[1], width: 4 },
  // Dashed, each in the gaps of the other: the two predictions mostly coincide.
  { key: 'fHat', label: 'predicted f = 0', colour: '#000000', width: 2, dashed: true, offset: 0 },
  { key: 'gHat', label: 'predicted g = 0', colour: '#b5127b', width: 2, dashed: true, offset: 6 },
] as const;

const DASHES = '6 6';

const CLASSES = [
  { label: 'class +1', sign: 1, symbol: 'circle', colour: PALETTE[4] },
  { label: 'class −1', sign: -1, symbol: 'triangle', colour: PALETTE[5] },
] as const;

/** The agreement of f and g as an image of (resolution, resolution) pixels, one a grid point: a PNG file. */
export function agreementPng({ resolution, agree }: Pick<DecisionMap, 'resolution' | 'agree'>): Uint8Array {
  const data = new Uint8Array(3 * agree.length);
  for (const [point, same] of agree.entries()) data.set(same === 1 ? AGREE : DIFFER, 3 * point);
  return encode({ width: resolution, height: resolution, data, channels: 3, depth: 8 });
}

/** Points of predicted zero lines that others published, on the axes of the map. */
export type PublishedZeros = Readonly<Record<'fHat' | 'gHat', readonly (readonly [x: number, y: number])[]>>;

export interface MapFigureOptions {
  /** Default "Decision map". */
  readonly title?: string;
  /** Drawn on top. */
  readonly published?: PublishedZeros;
}

const PUBLISHED = [
  { key: 'fHat', label: 'published, predicted f = 0', symbol: 'circle' },
  { key: 'gHat', label: 'published, predicted g = 0', symbol: 'diamond' },
] as const;

const colourOfLine = (key: (typeof LINES)[number]['key']) => LINES.find((line) => line.key === key)!.colour;

/** What a map is of. */
export const mapTitle = ({ data, perturbation }: ExperimentConfig): string =>
  `Decision map: ${data.kind} (${perturbation.onData ? 'b: samples + perturbations' : 'a: perturbations'})`;

/** The map as the text of an .svg file; its size hardly depends on the resolution. */
export function mapSvg(map: DecisionMap, options: MapFigureOptions = {}): string {
  return svgFile(mapFigure(map, options));
}

/** The map as an element. */
export function mapFigure(map: DecisionMap, { title = 'Decision map', published }: MapFigureOptions = {}): SVGElement {
  const { limits, resolution } = map;
  // A grid point is the middle of its pixel, so the picture is half a step wider than the limits on every side.
  const half = (limits[1] - limits[0]) / (resolution - 1) / 2;
  const domain = [limits[0] - half, limits[1] + half];
  const samples = shownSamples(map);
  return figure({
    title,
    legend: [...legendOf(samples), ...(published ? PUBLISHED.map(publishedItem) : [])],
    width: MARGIN.left + SIDE + MARGIN.right,
    height: SIDE + MARGIN.bottom,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginBottom: MARGIN.bottom,
    x: { ...AXIS, domain, label: 'coefficient of the unit mean of class +1' },
    y: { ...AXIS, domain, label: 'coefficient of the unit mean of class −1' },
    marks: [
      agreement(map),
      ...samples.map(({ symbol, colour, points }) =>
        Plot.dot(points, { symbol, fill: colour, stroke: 'white', strokeWidth: 0.4, r: 2.2 }),
      ),
      ...zeroMarks(map),
      ...(published ? publishedMarks(published) : []),
      Plot.frame({ stroke: '#666666' }),
    ],
  });
}

function agreement(map: DecisionMap): Plot.Markish {
  const href = `data:image/png;base64,${base64(agreementPng(map))}`;
  return Plot.image([href], {
    src: (source: string) => source,
    frameAnchor: 'middle',
    width: SIDE,
    height: SIDE,
    preserveAspectRatio: 'none',
    imageRendering: 'pixelated',
  });
}

function zeroMarks(map: DecisionMap): Plot.Markish[] {
  const { limits, resolution } = map;
  const step = (limits[1] - limits[0]) / (resolution - 1);
  const finest = (FINEST * (resolution - 1)) / SIDE;
  return LINES.map((kind) => {
    const { key, label, colour, width } = kind;
    const points = zeroLines(map[key], resolution).flatMap((line: Line, z) =>
      thin(line, finest).map(([x, y]) => ({ x: limits[0] + step * x, y: limits[1] - step * y, z })),
    );
    const dashes = 'dashed' in kind ? { strokeDasharray: DASHES, strokeDashoffset: kind.offset } : {};
    const look = {
      stroke: colour,
      strokeWidth: width,
      strokeLinecap: 'butt',
      ariaLabel: () => label,
    } as const;
    return Plot.line(points, { x: 'x', y: 'y', z: 'z', ...look, ...dashes });
  });
}

const publishedItem = ({ key, label, symbol }: (typeof PUBLISHED)[number]): LegendItem => ({
  label,
  mark: symbol,
  colour: colourOfLine(key),
  hollow: true,
});

const publishedMarks = (published: PublishedZeros): Plot.Markish[] =>
  PUBLISHED.map(({ key, label, symbol }) =>
    Plot.dot(published[key], {
      symbol,
      fill: 'white',
      stroke: colourOfLine(key),
      strokeWidth: 1.75,
      r: 4,
      ariaLabel: () => label,
    }),
  );

interface ShownClass {
  readonly label: string;
  readonly symbol: 'circle' | 'triangle';
  readonly colour: string;
  readonly points: readonly (readonly [number, number])[];
}

/** Of each class the samples inside the limits, evenly thinned out to what can be told apart. */
function shownSamples({ projected, labels, limits }: DecisionMap): ShownClass[] {
  const inside = (value: number) => value >= limits[0] && value <= limits[1];
  return CLASSES.map(({ sign, label, symbol, colour }) => {
    const all: [number, number][] = [];
    for (const [i, y] of labels.entries()) {
      const point: [number, number] = [projected[2 * i]!, projected[2 * i + 1]!];
      if (y === sign && point.every(inside)) all.push(point);
    }
    const shown = Math.min(all.length, MOST_SAMPLES);
    const points = Array.from({ length: shown }, (_, k) => all[Math.floor((k * all.length) / shown)]!);
    return { symbol, colour, points, label: shown < all.length ? `${label} (${shown} of ${all.length})` : label };
  });
}

const rgb = (colour: readonly number[]) => `rgb(${colour.join(',')})`;

function legendOf(samples: readonly ShownClass[]): LegendItem[] {
  return [
    ...LINES.map((line) => {
      const dash = 'dashed' in line ? { dash: DASHES } : {};
      return { label: line.label, colour: line.colour, mark: 'line' as const, ...dash };
    }),
    { label: 'same sign', colour: rgb(AGREE), mark: 'square' },
    { label: 'signs differ', colour: rgb(DIFFER), mark: 'square' },
    ...samples.map(({ label, colour, symbol }) => ({ label, colour, mark: symbol })),
  ];
}
