// The roofline of what was measured, in the page's colours (Williams, Waterman, Patterson 2009).

import * as Plot from '@observablehq/plot';
import type { BenchReport, BenchRow } from '../bench/bench';
import { tick } from '../report/style';
import { withoutStyle } from './charts';

const HEIGHT = 320;
/** Below the ridge it is memory that limits, above it arithmetic: so far the axes reach beyond what was measured. */
const ROOM = 2;

const intensity = ({ flop, bytes }: BenchRow) => flop / bytes;

/** @param width in pixels */
export function drawRoofline({ ceilings, rows }: BenchReport, width: number): SVGElement {
  const ridge = ceilings.gflops / ceilings.gbs;
  const low = Math.min(ridge, ...rows.map(intensity)) / ROOM;
  const high = Math.max(ridge, ...rows.map(intensity)) * ROOM;
  const roof = [low, ridge, high].map((x) => ({ x, y: Math.min(ceilings.gflops, x * ceilings.gbs) }));
  const axis = { type: 'log', tickFormat: tick, ticks: 4, grid: true, tickSize: 0 } as const;
  return withoutStyle(
    Plot.plot({
      className: 'plot',
      width,
      height: HEIGHT,
      marginLeft: 48,
      marginTop: 24,
      marginBottom: 36,
      x: { ...axis, label: 'operations a byte', labelAnchor: 'center', labelArrow: 'none' },
      y: { ...axis, label: 'GFLOP/s', labelArrow: 'none' },
      marks: [
        Plot.line(roof, { x: 'x', y: 'y', stroke: 'var(--f)', strokeWidth: 1.75 }),
        Plot.dot(rows, { x: intensity, y: 'gflops', fill: 'var(--g)', r: 4 }),
        Plot.text(rows, {
          x: intensity,
          y: 'gflops',
          // The number of its row in the table.
          text: (_, at) => String(at + 1),
          dx: 10,
          fill: 'currentColor',
        }),
      ],
    }),
  );
}
