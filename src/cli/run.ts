// `perturb run`: one experiment. Order matters: everything that can be wrong with the input is found before the engine
// is loaded, and nothing is written before everything is computed.

import { resolve } from 'node:path';
import { InputError } from '../data/input-error';
import { nodeReadFile } from '../data/node';
import { resultArtifacts, resultDocument, toJson } from '../experiment/artifacts';
import type { KeptRun, RunIdentity } from '../experiment/checkpoint-format';
import { placeOf } from '../experiment/checkpoint-place';
import { resolvedJson } from '../experiment/config';
import type { ExperimentConfig, ExperimentResult } from '../experiment/types';
import { resultTable } from '../report/table';
import { CheckpointStore, checkpointDirectory, hasCheckpoint, readCheckpoint } from './checkpoint';
import { CHECKPOINT_SECONDS, runCheckpointed } from './checkpointed-run';
import { readConfig } from './config-file';
import { tellEnded } from './ended-run';
import type { CliIo, Disposable, Services } from './io';
import { createReporter, type Reporter } from './progress';
import { rebaseFiles } from './rebase';
import { claimOutput, holdsResult, writeResult } from './store';

export interface RunArguments {
  readonly set: readonly string[];
  readonly out?: string;
  /** Seconds between checkpoints. */
  readonly checkpoint?: string;
  readonly resume?: string;
  readonly json?: boolean;
  readonly save?: string;
  readonly device?: string;
  /** False with --no-tune. */
  readonly tune?: boolean;
  readonly quiet?: boolean;
}

/** Runs one configuration on an engine that is already there, with progress shown; the display ends in every case. */
export async function runOn<E extends Disposable>(
  engine: E,
  { config, baseDir }: { config: ExperimentConfig; baseDir: string },
  { services, io, reporter }: { services: Services<E>; io: CliIo; reporter: Reporter },
): Promise<ExperimentResult> {
  try {
    const result = await services.runExperiment(engine, config, {
      onProgress: (progress) => reporter.report(progress),
      signal: io.signal,
      readFile: nodeReadFile(baseDir),
    });
    io.signal.throwIfAborted();
    return result;
  } finally {
    reporter.stop();
  }
}

/**
 * Writes result, pictures and report to `directory`; returns its absolute path.
 * @param baseDir what the paths in the configuration are relative to; those in config.json are relative to `directory`
 */
export async function storeResult(
  directory: string,
  result: ExperimentResult,
  io: CliIo,
  baseDir: string,
): Promise<string> {
  const [{ pictures }, { reportFiles }] = await Promise.all([import('../report/pictures'), import('../report/report')]);
  const written = { ...result, config: rebaseFiles(result.config, baseDir, resolve(directory)) };
  const files = [...resultArtifacts(written), ...pictures(written), ...reportFiles(written)];
  return writeResult(directory, files, io.signal);
}

export const tableWidth = (io: CliIo): number => Math.min(120, io.stdout.columns ?? 100);

/** What `--checkpoint` may say. */
function intervalOf(text: string | undefined): number {
  const value = text === undefined ? CHECKPOINT_SECONDS : Number(text);
  if (Number.isFinite(value) && value >= 0 && text?.trim() !== '') return value;
  throw new InputError(`--checkpoint takes seconds, not ${JSON.stringify(text)}`, {
    key: '--checkpoint',
    remedy: `Write a number of at least 0; the default is ${CHECKPOINT_SECONDS}.`,
  });
}

/** Of options that make no sense together, the first. */
function refuseClash(file: string | undefined, args: RunArguments): void {
  const { save, out, resume, set, checkpoint } = args;
  if (save !== undefined && out === undefined && resume === undefined) {
    throw new InputError('--save has no effect without --out', {
      key: '--save',
      remedy: 'Add --out DIR to say where the arrays go, or leave --save out.',
    });
  }
  if (checkpoint !== undefined && out === undefined && resume === undefined) {
    throw new InputError('--checkpoint has no effect without --out', {
      key: '--checkpoint',
      remedy: 'Add --out DIR: checkpoints are kept beside it.',
    });
  }
  if (resume === undefined) return;
  const named = { 'a configuration': file, '--out': out, '--save': save, '--set': set[0] };
  const clash = Object.entries(named).find(([, value]) => value !== undefined)?.[0];
  if (clash === undefined) return;
  throw new InputError(`--resume takes the run as it was begun: ${clash} cannot be given with it`, {
    key: '--resume',
    remedy: `Leave ${clash} out, or start another run.`,
  });
}

/** The run that the arguments mean: a new one, or one that goes on. */
async function plannedRun(
  file: string | undefined,
  { save, set, out, resume }: RunArguments,
  io: CliIo,
): Promise<{ config: ExperimentConfig; baseDir: string; out: string | undefined; from?: KeptRun }> {
  if (resume !== undefined) {
    const directory = resolve(io.cwd, resume);
    await claimOutput(directory, {
      key: '--resume',
      remedy: 'Name the output directory of the interrupted run, and move what lies there now elsewhere.',
    });
    const from = await readCheckpoint(directory);
    return { config: from.config, baseDir: from.baseDir, out: directory, from };
  }
  const names = { ...(file === undefined ? {} : { file }), ...(save === undefined ? {} : { save }) };
  const read = await readConfig({ sets: set, ...names }, io.cwd);
  if (out === undefined) return { ...read, out };
  const directory = resolve(io.cwd, out);
  await claimOutput(directory);
  if (await hasCheckpoint(directory)) {
    throw new InputError('an interrupted run to this directory left a checkpoint', {
      file: checkpointDirectory(directory),
      key: '--out',
      remedy: `Continue it with perturb run --resume ${out}, or delete the checkpoint.`,
    });
  }
  return { ...read, out: directory };
}

/** The same bits come from the same adapter and versions alone. */
function refuseOther(from: KeptRun | undefined, now: RunIdentity): void {
  if (!from) return;
  if (now.device !== from.device) {
    throw new InputError(`the checkpoint is of a run on ${from.device}; this is ${now.device}`, {
      key: '--device',
      remedy: `Add --device "${from.device}", or run from the beginning.`,
    });
  }
  const names = Object.keys({ ...from.versions, ...now.versions });
  const differing = names.find((name) => from.versions[name] !== now.versions[name]);
  if (differing === undefined) return;
  const [before, here] = [from.versions[differing] ?? 'none', now.versions[differing] ?? 'none'];
  const back =
    differing !== 'tuning'
      ? 'Install that version again'
      : from.versions.tuning === undefined
        ? 'Add --no-tune'
        : 'Bring the same choices about by "perturb bench --tune"';
  throw new InputError(`the checkpoint has ${differing} ${before}; this run has ${here}`, {
    key: '--resume',
    remedy: `${back}, or run from the beginning.`,
  });
}

export async function runCommand<E extends Disposable>(
  file: string | undefined,
  args: RunArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  refuseClash(file, args);
  const interval = intervalOf(args.checkpoint);
  if (args.resume !== undefined) {
    const directory = resolve(io.cwd, args.resume);
    if (await holdsResult(directory)) {
      await tellEnded(directory, args.resume, args.json ?? false, io);
      return;
    }
  }
  const { config, baseDir, out, from } = await plannedRun(file, args, io);
  const store = out === undefined ? undefined : await CheckpointStore.open(out);
  try {
    const reporter = createReporter(io, config, args.quiet ?? false);
    if (from && !args.quiet) io.stderr.write(`going on from ${placeOf(from.checkpoint)}\n`);
    const place = args.resume ?? args.out;
    const run = {
      config,
      baseDir,
      interval,
      device: args.device,
      tune: args.tune,
      from,
      store,
      ...(place ? { place } : {}),
    };
    const result = await runCheckpointed(run, { services, io, reporter }, (now) => refuseOther(from, now));
    const writtenTo = out === undefined ? undefined : await storeResult(out, result, io, baseDir);
    await store?.remove();
    if (args.json) {
      io.stdout.write(toJson({ config: resolvedJson(result.config), ...resultDocument(result) }));
      return;
    }
    const width = tableWidth(io);
    io.stdout.write(`${resultTable(result, writtenTo === undefined ? { width } : { width, writtenTo })}\n`);
    if (writtenTo === undefined && !args.quiet) {
      io.stdout.write('Nothing was written; add --out DIR to keep the configuration, the results and a report.\n');
    }
  } finally {
    await store?.close();
  }
}
