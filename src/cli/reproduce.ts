// `perturb reproduce`: the published figures computed anew, beside the published values.

import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { InputError } from '../data/input-error';
import { nodeReadFile } from '../data/node';
import { toJson } from '../experiment/artifacts';
import { seconds } from '../report/table';
import { bySamples, type Cell } from '../reproduce/cells';
import { cellCosts } from '../reproduce/cost';
import { type CellOutcome, runCells } from '../reproduce/run';
import { DEFAULT_SEEDS, SCALE_NOTE, SCALES, type Scale } from '../reproduce/scale';
import { CellDirectory } from './cell-store';
import { InterruptedError } from './failure';
import type { CliIo, Disposable, Services } from './io';
import { cellProgress } from './reproduce-progress';
import { figureList, summaryTable } from './reproduce-table';
import { chooseTasks, mapReader, type TaskSummary, writeTask } from './reproduce-tasks';
import { tableWidth, withEngine } from './run';

export interface ReproduceArguments {
  readonly panel?: string;
  readonly scale?: string;
  readonly seeds?: string;
  readonly out?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly device?: string;
}

/** A whole number of at least 1. @throws InputError naming the option */
function count(text: string, key: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) {
    throw new InputError(`${key} must be a whole number of at least 1, not ${text}`, {
      key,
      remedy: `Write ${key} 1 or more.`,
    });
  }
  return value;
}

function scaleOf(text: string | undefined): Scale {
  const scale = SCALES.find((name) => name === (text ?? 'small'));
  if (scale) return scale;
  throw new InputError(`--scale is small or paper, not ${text}`, {
    key: '--scale',
    remedy: 'Choose small for minutes on a CPU adapter, paper for the published setting.',
  });
}

const isDirectory = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/** Where the files of a data set are: DIR/mnist and DIR/fashion-mnist, as `perturb fetch` makes them, or DIR itself. */
async function dataFolder(dataDir: string | undefined, kind: string, cwd: string): Promise<string | undefined> {
  if (dataDir === undefined) return undefined;
  const own = join(resolve(cwd, dataDir), kind);
  return (await isDirectory(own)) ? own : resolve(cwd, dataDir);
}

export async function reproduceCommand<E extends Disposable>(
  figure: string | undefined,
  args: ReproduceArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  if (figure === undefined) {
    io.stdout.write(`${figureList(tableWidth(io))}\n`);
    return;
  }
  const scale = scaleOf(args.scale);
  const seeds = args.seeds === undefined ? DEFAULT_SEEDS[scale] : count(args.seeds, '--seeds');
  const panel = args.panel === undefined ? undefined : count(args.panel, '--panel');
  const folders = {
    mnist: await dataFolder(args.dataDir, 'mnist', io.cwd),
    'fashion-mnist': await dataFolder(args.dataDir, 'fashion-mnist', io.cwd),
  };
  const { tasks, left } = await chooseTasks({ figure, panel, scale, seeds, folders });
  const out = resolve(io.cwd, args.out ?? join('runs', `reproduce-${scale}`));
  const store = await CellDirectory.open(out);
  const say = (text: string) => {
    if (!args.quiet) io.stderr.write(`${text}\n`);
  };
  for (const { name, needs } of left) say(`left out: ${name} needs --data-dir with ${needs} (perturb fetch ${needs})`);
  const cells = tasks.flatMap((task) => task.cells);
  await announce(cells, store, `${scale} scale, ${SCALE_NOTE[scale]}`, say);

  let outcomes = new Map<string, CellOutcome>();
  const progress = cellProgress(io, args.quiet ?? false);
  const readers = mapReader(tasks, store);
  const keeping = {
    load: (id: string) => store.load(id),
    save: async (outcome: CellOutcome) => {
      await store.save(outcome);
      outcomes.set(outcome.id, outcome);
    },
  };
  const finish = async (): Promise<TaskSummary[]> => {
    const summaries: TaskSummary[] = [];
    for (const task of tasks) {
      const summary = await writeTask(task, outcomes, { scale, seeds, store });
      if (summary) summaries.push(summary);
    }
    await store.write('.', 'summary.json', toJson({ scale, setting: SCALE_NOTE[scale], seeds, panels: summaries }));
    return summaries;
  };
  try {
    outcomes = await withEngine(services, io, { device: args.device }, (engine) =>
      runCells(cells, {
        store: keeping,
        onProgress: progress.report,
        ...(readers ? { readMap: readers } : {}),
        runAll: (configs, onResult) =>
          services.runExperiments(engine, configs, { onResult, signal: io.signal, readFile: nodeReadFile(io.cwd) }),
      }),
    );
  } catch (error) {
    progress.stop();
    for (const { id } of cells) {
      const kept = outcomes.get(id) ?? (await store.load(id));
      if (kept) outcomes.set(id, kept);
    }
    if (outcomes.size > 0) await finish();
    if (!io.signal.aborted) throw error;
    const place = relative(io.cwd, out) || '.';
    throw new InterruptedError(
      `interrupted; ${outcomes.size} finished points and seeds are kept in ${place}`,
      'The same command goes on from there.',
    );
  }
  progress.stop();
  const summaries = await finish();
  if (args.json)
    io.stdout.write(toJson({ scale, setting: SCALE_NOTE[scale], seeds, directory: out, panels: summaries }));
  else
    io.stdout.write(
      `${summaryTable(summaries, { scale, seeds, width: tableWidth(io) })}\nWritten to ${relative(io.cwd, out) || '.'}\n`,
    );
}

/** Says how much there is to do, before anything is done. */
async function announce(
  cells: readonly Cell[],
  store: CellDirectory,
  setting: string,
  say: (text: string) => void,
): Promise<void> {
  const groups = bySamples(cells);
  const unique = groups.flat();
  const kept = new Set<string>();
  for (const { id } of unique) if (await store.load(id)) kept.add(id);
  const missing = groups.map((group) => group.filter(({ id }) => !kept.has(id)));
  const cost = missing.flatMap((group) => [...cellCosts(group).values()]).reduce((sum, each) => sum + each, 0);
  const experiments = missing.flat().reduce((sum, { runs }) => sum + runs.length, 0);
  say(`${setting}`);
  const before = kept.size > 0 ? `, ${kept.size} kept from before` : '';
  say(
    `${unique.length} points and seeds${before}; ${experiments} experiments to run, about ${seconds(cost)} on two CPU cores with lavapipe`,
  );
}
