// A figure: one plot under its title and legend, on white, as an SVG element of its own.

import * as Plot from '@observablehq/plot';
import { figureDocument, serialise, svgElement } from './dom';
import { AXIS, FONT, FONT_SIZE, INK, PAPER, tick } from './style';

/** What stands for a series in the legend. */
export interface LegendItem {
  readonly label: string;
  readonly colour: string;
  readonly mark: 'line' | 'band' | 'square' | Plot.SymbolType;
  /** Dash pattern of a line. */
  readonly dash?: string;
  /** A symbol drawn as an outline. */
  readonly hollow?: boolean;
}

export interface FigureOptions extends Plot.PlotOptions {
  readonly title: string;
  readonly legend?: readonly LegendItem[];
  readonly width: number;
  /** Of the plot with its axes; title and legend come on top of it. */
  readonly height: number;
}

const TITLE_HEIGHT = 24;
const GAP = 10;
/** Room left and right of title and legend. */
const EDGE = 12;
/** What comes on top of the height of a figure with a title in one line and without a legend. */
export const HEADING_HEIGHT = TITLE_HEIGHT + GAP;
const ROW_HEIGHT = 18;
const SWATCH = 22;
/** Mean width of a character over the size of the type, rounded up: there is nothing to measure text with in Node. */
const CHARACTER = 0.6;

const textWidth = (text: string) => CHARACTER * FONT_SIZE * text.length;

/** A title in as many lines as it takes, at most two: what does not fit then is cut, never drawn over the edge. */
function titleLines(text: string, width: number): string[] {
  const most = Math.max(4, Math.floor(width / (CHARACTER * (FONT_SIZE + 1))));
  if (text.length <= most) return [text];
  const space = text.lastIndexOf(' ', most);
  const [first, rest] =
    space > 0 ? [text.slice(0, space), text.slice(space + 1)] : [text.slice(0, most), text.slice(most)];
  return [first, rest.length <= most ? rest : `${rest.slice(0, most - 1)}…`];
}

/** Places of the items, left to right in as many rows as it takes. */
function layOut(items: readonly LegendItem[], left: number, right: number): { x: number; row: number }[] {
  let x = left;
  let row = 0;
  return items.map(({ label }) => {
    const width = SWATCH + textWidth(label) + 14;
    if (x > left && x + width > right) {
      x = left;
      row++;
    }
    const place = { x, row };
    x += width;
    return place;
  });
}

function swatch({ mark, colour, dash, hollow }: LegendItem): SVGElement {
  if (mark === 'line') {
    const dashes = dash === undefined ? {} : { 'stroke-dasharray': dash };
    return svgElement('path', { d: 'M0,0H17', stroke: colour, 'stroke-width': 2, fill: 'none', ...dashes });
  }
  if (mark === 'band') {
    return svgElement('rect', { x: 0, y: -5, width: 17, height: 10, fill: colour, 'fill-opacity': 0.25 });
  }
  if (mark === 'square') {
    return svgElement('rect', { x: 2, y: -6, width: 12, height: 12, fill: colour, stroke: INK, 'stroke-width': 0.5 });
  }
  // Plot's own symbol, taken from a plot of one dot, so that legend and plot cannot differ.
  const paint = hollow ? { stroke: colour, fill: PAPER } : mark === 'times' ? { stroke: colour } : { fill: colour };
  const dot = Plot.dot([0], { x: 8, y: 0, frameAnchor: 'middle', symbol: mark, r: 4, strokeWidth: 2, ...paint });
  const plot = Plot.plot({
    document: figureDocument,
    axis: null,
    x: { type: 'identity' },
    y: { type: 'identity' },
    marks: [dot],
  });
  return plot.querySelector('[aria-label="dot"]') as unknown as SVGElement;
}

/** The figure as an element, to be put into others by {@link compose} or serialised by {@link svgFile}. */
export function figure(options: FigureOptions): SVGElement {
  const { title, legend = [], width, marginLeft = 64, marginRight = 20, ...rest } = options;
  const lines = titleLines(title, width - 2 * EDGE);
  const places = layOut(legend, EDGE, width - EDGE);
  const rows = legend.length === 0 ? 0 : places.at(-1)!.row + 1;
  const titleHeight = TITLE_HEIGHT + (lines.length - 1) * ROW_HEIGHT;
  const marginTop = titleHeight + rows * ROW_HEIGHT + GAP;
  const height = options.height + marginTop;
  const svg = Plot.plot({
    marginBottom: 42,
    ...rest,
    marginLeft,
    marginRight,
    marginTop,
    width,
    height,
    document: figureDocument,
  }) as unknown as SVGElement;
  // For the page that Plot is made for; here it would only reach into other figures.
  svg.querySelector('style')?.remove();
  svg.removeAttribute('class');
  for (const [key, value] of Object.entries({ 'font-family': FONT, 'font-size': FONT_SIZE, color: INK, fill: INK })) {
    svg.setAttribute(key, String(value));
  }
  svg.prepend(svgElement('rect', { width, height, fill: PAPER }));
  for (const [at, line] of lines.entries()) {
    const place = { x: EDGE, y: 18 + at * ROW_HEIGHT, 'text-anchor': 'start' };
    svg.append(svgElement('text', { ...place, 'font-size': FONT_SIZE + 1, 'font-weight': 600 }, line));
  }
  const key = svgElement('g', { 'aria-label': 'legend', 'text-anchor': 'start' });
  for (const [at, item] of legend.entries()) {
    const { x, row } = places[at]!;
    const entry = svgElement('g', { transform: `translate(${x},${titleHeight + (row + 0.5) * ROW_HEIGHT})` });
    entry.append(swatch(item), svgElement('text', { x: SWATCH, dy: '0.35em' }, item.label));
    key.append(entry);
  }
  if (legend.length > 0) svg.append(key);
  return named(svg, title);
}

/**
 * An axis with a label at every one of `ticks`: on a logarithmic scale Plot leaves those out that are far from a power of
 * its base.
 */
export function labelledAxis(along: 'x' | 'y', ticks: readonly number[], label: string): Plot.Markish {
  const options = { ...AXIS, label, text: (value: number) => tick(value) };
  return along === 'x' ? Plot.axisX([...ticks], options) : Plot.axisY([...ticks], options);
}

/** Figures side by side and one above the other, at the places given. */
export function compose(
  title: string,
  width: number,
  height: number,
  parts: readonly { readonly x: number; readonly y: number; readonly svg: SVGElement }[],
): SVGElement {
  const svg = svgElement('svg', { width, height, viewBox: `0 0 ${width} ${height}` });
  svg.append(svgElement('rect', { width, height, fill: PAPER }));
  for (const { x, y, svg: part } of parts) {
    part.setAttribute('x', String(x));
    part.setAttribute('y', String(y));
    svg.append(part);
  }
  return named(svg, title);
}

function named(svg: SVGElement, title: string): SVGElement {
  svg.setAttribute('role', 'img');
  svg.prepend(svgElement('title', {}, title));
  return svg;
}

/** The text of an .svg file. */
export const svgFile = (svg: SVGElement): string => serialise(svg);
