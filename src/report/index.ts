// perturb-gpu/report: figures and pages from results, as text and bytes; in a page or in Node, nothing is written. The rows
// and the summary that a report of a sweep takes come from perturb-gpu/sweep.

export type { Artifact } from '../experiment/artifacts';
export { curvesSvg } from './curves';
export { agreementPng, type MapFigureOptions, mapSvg, type PublishedZeros } from './map';
export { type Panel, type PanelPoint, type PanelSeries, type PublishedPoint, panelSvg, type Verdict } from './panel';
export { type Picture, pictures } from './pictures';
export { reportFiles, runReport } from './report';
export { type SweepReport, sweepReport } from './sweep-report';
