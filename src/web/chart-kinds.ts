// The kinds of live chart, and their heights in pixels: known before the code that draws them is there.

export type ChartKind = 'accuracy' | 'loss' | 'rate';

export const CHART_HEIGHT: Readonly<Record<ChartKind, number>> = { accuracy: 132, loss: 112, rate: 62 };
