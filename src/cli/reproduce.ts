// `perturb reproduce`: the published figures computed anew, beside the published values.

import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { InputError } from '../data/input-error';
import { nodeReadFile } from '../data/node';
import { toJson } from '../experiment/artifacts';
import { seconds } from '../report/format';
import { withPublishedNumbers } from '../reproduce/published-numbers';
import { type CellPlan, runCells } from '../reproduce/run';
import { DEFAULT_SEEDS, SCALE_NOTE, SCALES, type Scale, type Seeds } from '../reproduce/scale';
import { CellDirectory } from './cell-store';
import { commandLine, optionWords } from './command-line';
import { overLostDevices, withEngine } from './engine';
import { InterruptedError } from './failure';
import type { CliIo, Disposable, Services } from './io';
import { OVERVIEW } from './reproduce-overview';
import { cellProgress } from './reproduce-progress';
import { figureList, summaryTable } from './reproduce-table';
import { chooseTasks, type LeftOut, mapReader, type Task } from './reproduce-tasks';
import { writeReproduction } from './reproduce-write';
import { tableWidth } from './run';

export interface ReproduceArguments {
  readonly panel?: string;
  readonly scale?: string;
  readonly seeds?: string;
  readonly out?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** False with --no-tune. */
  readonly tune?: boolean;
  readonly device?: string;
}

/** A whole number of at least 1. @throws InputError naming the option and what else it takes */
function count(text: string, key: string, otherwise = ''): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) {
    throw new InputError(`${key} must be a whole number of at least 1, not ${text}`, {
      key,
      remedy: `Write ${key} 1 or more${otherwise}.`,
    });
  }
  return value;
}

/** @throws InputError naming the option */
function seedsOf(text: string | undefined, scale: Scale): Seeds {
  if (text === undefined) return DEFAULT_SEEDS[scale];
  return text === 'published' ? text : count(text, '--seeds', ', or --seeds published');
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
  const seeds = seedsOf(args.seeds, scale);
  const panel = args.panel === undefined ? undefined : count(args.panel, '--panel');
  const folders = {
    mnist: await dataFolder(args.dataDir, 'mnist', io.cwd),
    'fashion-mnist': await dataFolder(args.dataDir, 'fashion-mnist', io.cwd),
  };
  const choice = { figure, panel, scale, seeds, folders };
  const { tasks, left } = await chooseTasks(choice);
  const say = (text: string) => {
    if (!args.quiet) io.stderr.write(`${text}\n`);
  };
  for (const line of leftOut(left)) say(line);
  say(`${scale} scale: ${SCALE_NOTE[scale]}`);
  const directory = resolve(
    io.cwd,
    args.out ?? join('runs', `reproduce-${scale}${seeds === 'published' ? '-published' : ''}`),
  );
  const place = relative(io.cwd, directory) || '.';
  const store = await CellDirectory.open(directory);
  try {
    const run = { scale, setting: SCALE_NOTE[scale], seeds };
    const figureTasks = panel === undefined ? tasks : (await chooseTasks({ ...choice, panel: undefined })).tasks;
    const commandOf = (one: string) =>
      commandLine([
        ...['npx', 'perturb', 'reproduce', one, '--scale', scale, '--seeds', String(seeds)],
        ...optionWords({ 'data-dir': args.dataDir, device: args.device, tune: args.tune, out: place }),
      ]);
    const warn = (text: string) => io.stderr.write(`warning: ${text}\n`);
    const write = () => writeReproduction(tasks, { ...run, store, figureTasks, commandOf, warn });
    try {
      await runTasks(tasks, store, args, services, io);
    } catch (error) {
      const { finished } = await write();
      if (!io.signal.aborted) throw error;
      const kept = `interrupted; ${finished} finished points and seeds are kept in ${place}`;
      throw new InterruptedError(kept, 'The same command goes on from there.');
    }
    const { panels } = await write();
    if (args.json) io.stdout.write(toJson({ ...run, directory, panels }));
    else
      io.stdout.write(
        `${summaryTable(panels, run)}\nWritten to ${place}: ${OVERVIEW}, and FIGURE/report.html for each figure\n`,
      );
  } finally {
    await store.close();
  }
}

/** A line for each thing that keeps panels from running. */
function leftOut(left: readonly LeftOut[]): string[] {
  const obstacles = new Map(left.map(({ obstacle }) => [obstacle.message, obstacle]));
  return [...obstacles.values()].map(({ message, remedy }) => {
    const names = left.filter(({ obstacle }) => obstacle.message === message).map(({ name }) => name);
    return `left out, as each ${message}: ${names.join(', ')}. ${remedy}`;
  });
}

/** Runs what the store does not have. */
async function runTasks<E extends Disposable>(
  tasks: readonly Task[],
  store: CellDirectory,
  args: ReproduceArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  const quiet = args.quiet ?? false;
  const readFile = withPublishedNumbers(nodeReadFile(io.cwd));
  const readMap = mapReader(tasks, store);
  const runOn = async (engine: E) => {
    const progress = cellProgress(io, quiet);
    try {
      await runCells(
        tasks.flatMap(({ cells }) => cells),
        {
          store,
          onPlan: (plan) => {
            if (!quiet) io.stderr.write(`${announcement(plan)}\n`);
          },
          onProgress: progress.report,
          ...(readMap ? { readMap } : {}),
          plan: (configs) => services.planSweep(engine, configs, readFile),
          runAll: (configs, onResult, onDivergence) =>
            services.runExperiments(engine, configs, {
              onResult,
              onDivergence,
              onProgress: () => {},
              signal: io.signal,
              readFile,
            }),
        },
      );
    } finally {
      progress.stop();
    }
  };
  const where = () => 'the points and seeds that are finished';
  await overLostDevices(io, where, (lost) => withEngine(services, io, args, runOn, lost));
}

/** How much there is to do, before anything is done. */
function announcement({ cells, kept, experiments, seconds: time }: CellPlan): string {
  const before = kept > 0 ? `, ${kept} kept from before` : '';
  const estimate = time === undefined ? 'time unknown until some are done' : `about ${seconds(time)}`;
  return `${cells} points and seeds${before}; ${experiments} experiments to run, ${estimate}`;
}
