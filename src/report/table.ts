// The table at the end of a run, in words that do not need the paper beside them: f is the network trained on the data,
// g the one that saw perturbations with random labels.

import Table from 'cli-table3';
import type { ExperimentResult } from '../experiment/types';
import { bytes, deviceText, estimatedPhi, percent, seconds } from './format';

export interface TableOptions {
  /** Where the result directory was written. */
  readonly writtenTo?: string;
  /** Columns of the terminal (default 100). */
  readonly width?: number;
}

const LABEL_WIDTH = 44;
const NARROWEST_VALUE = 24;
/** Two borders, a line between, and what cli-table3 takes for padding is inside the columns. */
const FRAME = 3;

/** Last losses span many orders of magnitude: four digits, and powers of ten only where they are needed. */
const loss = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(4))) : 'diverged');

function times({ timing }: ExperimentResult): string {
  const parts = [
    `training f ${seconds(timing.standardSeconds)}`,
    `perturbations ${seconds(timing.perturbationSeconds)}`,
    `training g ${seconds(timing.learningSeconds)}`,
    ...(timing.theorySeconds === undefined ? [] : [`theory ${seconds(timing.theorySeconds)}`]),
    `evaluation ${seconds(timing.evaluationSeconds)}`,
  ];
  return `${seconds(timing.totalSeconds)} (${parts.join(', ')}), after ${seconds(timing.startupSeconds)} of start-up`;
}

/** The rows of the table: plain-language name and value. */
export function summaryRows(result: ExperimentResult, writtenTo?: string): [string, string][] {
  const { metrics, config } = result;
  const trainedOn = config.perturbation.onData ? 'perturbed data with random labels' : 'perturbations alone';
  const rows: [string, string][] = [
    ['standard accuracy: f on its training data', percent(metrics.standardAccuracy)],
    [`perturbation accuracy: g, trained on ${trainedOn}, on clean data`, percent(metrics.perturbationAccuracy)],
    [
      'agreement of f and g on fresh points',
      metrics.agreement === null ? 'not measured: the data have no test points' : percent(metrics.agreement),
    ],
  ];
  if (metrics.cosine !== undefined) {
    const name = `cosine of perturbations and the predicted direction${estimatedPhi(result)}`;
    rows.push([name, metrics.cosine.toFixed(4)]);
  }
  rows.push(
    ['last loss of f', loss(result.loss.standard)],
    ['last loss of g', loss(result.loss.learning)],
    ['trainer', `${result.trainer.chosen}: ${result.trainer.reason}`],
    ['device', deviceText(result)],
    ['time', times(result)],
    ['peak device memory', bytes(result.memory.peakDeviceBytes)],
  );
  if (writtenTo !== undefined) rows.push(['written to', writtenTo]);
  return rows;
}

/** The table as text without colour codes, so that it reads the same in a terminal, a pipe and a log. */
export function resultTable(result: ExperimentResult, options: TableOptions = {}): string {
  const width = options.width ?? 100;
  const table = new Table({
    colWidths: [LABEL_WIDTH, Math.max(NARROWEST_VALUE, width - LABEL_WIDTH - FRAME)],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  table.push(...summaryRows(result, options.writtenTo));
  return table.toString();
}
