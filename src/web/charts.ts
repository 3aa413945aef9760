// The live charts, drawn by Observable Plot; in a chunk of their own, because Plot is most of the page's weight.

import * as Plot from '@observablehq/plot';
import { decimate, lossScale, steps } from '../report/curve-data';
import { tick } from '../report/style';
import { CHART_HEIGHT, type ChartKind } from './chart-kinds';
import type { Course, Training } from './live';

/** Points that a chart of this size can show. */
const BUCKETS = 120;
const MARGIN = { marginLeft: 44, marginRight: 8 } as const;

const LINE = { strokeWidth: 1.75, strokeLinejoin: 'round' } as const;
/** Colours come from the style sheet, so that a chart follows light and dark without being drawn again. */
const COLOUR: Readonly<Record<Training, string>> = { standard: 'var(--f)', learning: 'var(--g)' };

export function drawChart(kind: ChartKind, training: Training, course: Course, width: number): SVGElement {
  const x = { domain: [0, Math.max(1, course.epochs)], label: null, ticks: 4, tickSize: 3 };
  const options = { ...draw[kind](training, course), ...MARGIN, width, height: CHART_HEIGHT[kind] };
  return withoutStyle(Plot.plot({ marginTop: 8, marginBottom: 20, className: 'plot', ...options, x }));
}

/** A plot without its own style element, which the page's policy refuses; style.css has what is needed. */
export function withoutStyle(plot: Element): SVGElement {
  plot.querySelector('style')?.remove();
  // What it shows is said by the figure around it.
  plot.setAttribute('aria-hidden', 'true');
  return plot as SVGElement;
}

const draw: Readonly<Record<ChartKind, (training: Training, course: Course) => Plot.PlotOptions>> = {
  accuracy(training, { looks }) {
    const values = looks.flatMap(({ accuracy, agreement }) => [accuracy, agreement ?? accuracy]);
    const low = Math.min(0.5, ...values);
    const stroke = COLOUR[training];
    const agreeing = looks.filter(({ agreement }) => agreement !== undefined);
    return {
      y: { domain: [Math.floor(10 * low) / 10, 1], label: null, ticks: 4, tickFormat: '.0%', grid: true, tickSize: 0 },
      marks: [
        Plot.ruleY([0.5], { stroke: 'currentColor', strokeOpacity: 0.45, strokeDasharray: '2 3' }),
        Plot.line(agreeing, { x: 'epoch', y: 'agreement', stroke, ...LINE, strokeDasharray: '4 3' }),
        Plot.line(looks, { x: 'epoch', y: 'accuracy', stroke, ...LINE }),
        Plot.dot(looks.slice(-1), { x: 'epoch', y: 'accuracy', fill: stroke, r: 3 }),
      ],
    };
  },
  loss(training, { loss }) {
    const { label: _, ...scale } = lossScale(loss);
    return {
      y: { ...scale, label: null, ticks: scale.ticks ?? 4, tickFormat: tick, grid: true, tickSize: 0 },
      marks: [Plot.line(decimate(loss, BUCKETS), { x: 'epoch', y: 'value', stroke: COLOUR[training], ...LINE })],
    };
  },
  rate(training, { lr }) {
    const points = steps(lr).filter(({ value }) => value > 0);
    const values = [...new Set(points.map(({ value }) => value))];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return {
      y: {
        type: 'log',
        domain: values.length === 0 ? [0.1, 1] : [low / 2, high * 2],
        ticks: values.length <= 3 ? values : [low, high],
        tickFormat: tick,
        label: null,
        grid: true,
        tickSize: 0,
      },
      marks: [Plot.line(points, { x: 'epoch', y: 'value', stroke: COLOUR[training], ...LINE, curve: 'step-after' })],
    };
  },
};
