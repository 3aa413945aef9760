// `perturb sweep --dry-run`: what would run, what it shares, what it costs. A device is asked for its limits and its name;
// nothing is computed on it and nothing is written.

import { relative } from 'node:path';
import { nodeReadFile } from '../data/node';
import { toJson } from '../experiment/artifacts';
import type { Batch, SweepPlan } from '../experiment/sweep-plan';
import { GpuUnavailableError } from '../gpu/errors';
import { bytes, seconds } from '../report/format';
import { valueText } from '../report/metrics';
import { plainTable } from '../report/sweep-table';
import { withEngine } from './engine';
import type { CliIo, Disposable, Services } from './io';
import type { SweepJob } from './sweep';
import { readCells } from './sweep-store';

const SHOWN_ROWS = 40;

/** Sums over the batches; the most where they take turns. */
function totals(batches: readonly Batch[]) {
  const sum = (of: (estimate: Batch['estimate']) => number) =>
    batches.reduce((total, { estimate }) => total + of(estimate), 0);
  const known = batches.every(({ estimate }) => estimate.seconds !== undefined);
  return {
    samples: batches.length,
    trainingsOfF: sum(({ first }) => first),
    perturbations: sum(({ perturbations }) => perturbations),
    trainingsOfG: sum(({ second }) => second),
    multiplyAdds: sum(({ operations }) => operations),
    seconds: known ? sum((estimate) => estimate.seconds!) : null,
    deviceBytes: Math.max(0, ...batches.map(({ estimate }) => estimate.bytes)),
  };
}

/** On the device that would be used, or without one. */
async function planOn<E extends Disposable>(
  job: SweepJob,
  use: (engine: E | undefined) => Promise<SweepPlan>,
  services: Services<E>,
  io: CliIo,
): Promise<SweepPlan> {
  try {
    return await withEngine(services, io, job, use);
  } catch (error) {
    if (!(error instanceof GpuUnavailableError) || job.device !== undefined) throw error;
    io.stderr.write('there is no usable adapter here: the estimate is without one\n');
    return use(undefined);
  }
}

export async function printPlan<E extends Disposable>(
  job: SweepJob,
  json: boolean,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  const { sweep, directory, baseDir } = job;
  const { outcomes, bad } = await readCells(directory, sweep.cells);
  const left = sweep.cells.filter(({ hash }) => !outcomes.get(hash)?.result);
  const configs = left.map(({ config }) => config);
  const readFile = nodeReadFile(baseDir);
  const plan = await planOn(job, (engine) => services.planSweep(engine, configs, readFile), services, io);
  const failed = new Map([...plan.failed].map(([at, error]) => [left[at]!.hash, error.message]));
  const waiting = new Set(left.map(({ hash }) => hash));
  const rows = sweep.combinations.map(({ values, seed, cell, error }) => {
    const failure = error?.message ?? (cell && failed.get(cell.hash));
    const state = failure === undefined ? (waiting.has(cell!.hash) ? 'to run' : 'finished') : 'impossible';
    return { values, seed, cell: cell?.hash, state, ...(failure === undefined ? {} : { error: failure }) };
  });
  const cost = totals(plan.batches);
  const count = {
    combinations: sweep.combinations.length,
    experiments: sweep.cells.length,
    finished: sweep.cells.length - left.length,
    toRun: left.length - failed.size,
  };
  if (json) {
    io.stdout.write(toJson({ directory, ...count, bad, cost, rows }));
    return;
  }
  const keys = sweep.axes.flatMap((axis) => axis.keys).filter((key) => key !== 'seed');
  const shown = rows.slice(0, SHOWN_ROWS);
  const table = plainTable(
    [...keys, 'seed', 'state', 'cell'],
    shown.map(({ values, seed, state, cell, error }) => [
      ...keys.map((key) => valueText(values[key])),
      String(seed),
      error === undefined ? state : `${state}: ${error}`,
      cell?.slice(0, 8) ?? '',
    ]),
  );
  const where = relative(io.cwd, directory) || '.';
  const time =
    cost.seconds === null ? `${cost.multiplyAdds.toExponential(1)} multiply-adds` : `roughly ${seconds(cost.seconds)}`;
  const lines = [
    table,
    ...(rows.length > shown.length ? [`... and ${rows.length - shown.length} more; --json lists them all`] : []),
    '',
    `experiments:  ${count.experiments}${count.experiments === count.combinations ? '' : ` for ${count.combinations} combinations`}, ${count.finished} finished in ${where}, ${count.toRun} to run`,
    ...bad.map(({ file, reason }) => `              ${file} would be computed again: ${reason}`),
    `shared:       ${cost.samples} sets of samples, ${cost.trainingsOfF} trainings of f, ${cost.perturbations} perturbations, ${cost.trainingsOfG} trainings of g`,
    `time:         ${time}, estimated for a machine with nothing else to do, without start-up`,
    `memory:       up to ${bytes(cost.deviceBytes)} on the device, estimated`,
    '',
    'Nothing was run.',
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
}
