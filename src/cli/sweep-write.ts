// What a sweep comes to, of the experiments that are finished: results as rows, their statistics, and the report.

import { basename } from 'node:path';
import { toJson } from '../experiment/artifacts';
import {
  type CellOutcome,
  rowsOf,
  type SweepSummary,
  summarise,
  toCsv,
  toJsonLines,
} from '../experiment/sweep-results';
import { rebaseFiles } from './rebase';
import type { SweepJob } from './sweep';
import { GRID_FILE, type SweepStore } from './sweep-store';

/** Writes results.jsonl, results.csv, summary.json and report.html, each whole or not at all. */
export async function writeSweep(
  store: SweepStore,
  job: SweepJob,
  outcomes: ReadonlyMap<string, CellOutcome>,
): Promise<SweepSummary> {
  const { sweep, directory, document } = job;
  const rows = rowsOf(sweep, outcomes);
  const summary = summarise(sweep, rows);
  await store.write('results.jsonl', toJsonLines(rows));
  await store.write('results.csv', toCsv(sweep.axes, rows));
  await store.write('summary.json', toJson(summary));
  // Plot and its document are loaded for those who draw.
  const { sweepReport } = await import('../report/sweep-report');
  const report = sweepReport({
    title: `Sweep: ${basename(directory)}`,
    summary,
    rows,
    missing: sweep.combinations.filter(({ cell }) => cell && !outcomes.has(cell.hash)),
    document,
    again: againOf(job),
  });
  await store.write('report.html', report);
  return summary;
}

/** The directory has all that it takes, unless configurations name files from where the base was. */
function againOf({ sweep, baseDir, directory, command }: SweepJob): { where: string; command: string } {
  const movable = sweep.cells.every(
    ({ config }) => JSON.stringify(rebaseFiles(config, baseDir, directory)) === JSON.stringify(config),
  );
  return movable
    ? {
        where: 'In the folder of this report, where finished experiments are kept:',
        command: `npx perturb sweep ${GRID_FILE} --out .`,
      }
    : { where: 'In the folder where the sweep was run, because its configurations name files:', command };
}
