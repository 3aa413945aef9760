// The roofline of a benchmark: what the adapter can do at a ratio of operations to bytes, and what each kernel does of it
// (Williams, Waterman, Patterson, "Roofline: an insightful visual performance model", 2009).

import * as Plot from '@observablehq/plot';
import type { BenchReport, BenchRow } from '../bench/bench';
import { BENCH_KERNELS, shapeName } from '../bench/cases';
import { figure, type LegendItem, svgFile } from './figure';
import { AXIS, colourOf, INK } from './style';

const WIDTH = 860;
const HEIGHT = 480;
const SYMBOLS = [
  'circle',
  'square',
  'triangle',
  'diamond',
  'star',
  'wye',
] as const satisfies readonly Plot.SymbolType[];

/** The text of an .svg file. */
export function rooflineSvg(report: BenchReport): string {
  return svgFile(rooflineFigure(report));
}

/** Rows that ran by default as filled symbols, their other variants as outlines. */
export function rooflineFigure({ adapter, ceilings, rows }: BenchReport): SVGElement {
  const kernels = BENCH_KERNELS.filter((kernel) => rows.some((row) => row.kernel === kernel));
  const intensity = ({ flop, bytes }: BenchRow) => flop / bytes;
  const ridge = ceilings.gflops / ceilings.gbs;
  const low = Math.min(0.25 * ridge, ...rows.map(intensity)) / 2;
  const high = Math.max(4 * ridge, ...rows.map(intensity)) * 2;
  const roof = [low, ridge, high].map((x) => ({ x, y: Math.min(ceilings.gflops, x * ceilings.gbs) }));
  const colour = (kernel: BenchRow['kernel']) => colourOf(BENCH_KERNELS.indexOf(kernel));
  const symbol = (kernel: BenchRow['kernel']) => SYMBOLS[BENCH_KERNELS.indexOf(kernel)]!;
  const legend: LegendItem[] = kernels.map((kernel) => ({
    label: kernel,
    colour: colour(kernel),
    mark: symbol(kernel),
  }));
  if (rows.some(({ chosen }) => !chosen)) {
    legend.push({ label: 'a variant that is not the default', colour: INK, mark: 'circle', hollow: true });
  }
  const title = `${adapter.name}: ${ceilings.gflops.toPrecision(3)} GFLOP/s, ${ceilings.gbs.toPrecision(3)} GB/s, both measured`;
  const ranges = rows.map((row) => ({
    x: intensity(row),
    low: row.flop / row.max / 1e9,
    high: row.flop / row.min / 1e9,
    colour: colour(row.kernel),
  }));
  return figure({
    title,
    legend,
    width: WIDTH,
    height: HEIGHT,
    x: { ...AXIS, type: 'log', label: 'operations a byte that must be moved', domain: [low, high], grid: true },
    y: { ...AXIS, type: 'log', label: 'GFLOP/s', grid: true },
    marks: [
      Plot.line(roof, { x: 'x', y: 'y', stroke: INK, strokeWidth: 2 }),
      Plot.ruleX(ranges, { x: 'x', y1: 'low', y2: 'high', stroke: 'colour' }),
      ...rows.map((row) =>
        Plot.dot([row], {
          x: intensity(row),
          y: row.gflops,
          symbol: symbol(row.kernel),
          r: 4.5,
          stroke: colour(row.kernel),
          fill: row.chosen ? colour(row.kernel) : 'white',
          title: () => `${row.kernel} ${shapeName(row.shape)} ${row.variant}: ${row.gflops.toPrecision(3)} GFLOP/s`,
        }),
      ),
    ],
  });
}
