// `perturb run`: one experiment. Order matters: everything that can be wrong with the input is found before the engine
// is loaded, and nothing is written before everything is computed.

import { resolve } from 'node:path';
import { InputError } from '../data/input-error';
import { nodeReadFile } from '../data/node';
import { resultArtifacts, resultDocument, toJson } from '../experiment/artifacts';
import { resolvedJson } from '../experiment/config';
import type { ExperimentConfig, ExperimentResult } from '../experiment/types';
import { resultTable } from '../report/table';
import { readConfig } from './config-file';
import type { CliIo, Disposable, Services } from './io';
import { createReporter, type Reporter } from './progress';
import { rebaseFiles } from './rebase';
import { claimOutput, writeResult } from './store';

export interface RunArguments {
  readonly set: readonly string[];
  readonly out?: string;
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

/** Makes the engine, lends it to `use`, and disposes it whatever happens. */
export async function withEngine<E extends Disposable, T>(
  services: Services<E>,
  io: CliIo,
  options: { readonly device?: string | undefined; readonly tune?: boolean | undefined },
  use: (engine: E) => Promise<T>,
): Promise<T> {
  io.signal.throwIfAborted();
  const engine = await services.createEngine({
    ...(options.device === undefined ? {} : { adapter: options.device }),
    ...(options.tune === false ? { tune: false } : {}),
  });
  try {
    io.signal.throwIfAborted();
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

/**
 * Writes result, pictures and report to `directory`; returns its absolute path.
 * @param baseDir what the paths in the configuration are relative to; those in config.json are relative to `directory`
 */
export async function store(directory: string, result: ExperimentResult, io: CliIo, baseDir: string): Promise<string> {
  const [{ pictures }, { reportFiles }] = await Promise.all([import('../report/pictures'), import('../report/report')]);
  const written = { ...result, config: rebaseFiles(result.config, baseDir, resolve(directory)) };
  const files = [...resultArtifacts(written), ...pictures(written), ...reportFiles(written)];
  return writeResult(directory, files, io.signal);
}

export const tableWidth = (io: CliIo): number => Math.min(120, io.stdout.columns ?? 100);

export async function runCommand<E extends Disposable>(
  file: string | undefined,
  args: RunArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  if (args.save !== undefined && args.out === undefined) {
    throw new InputError('--save has no effect without --out', {
      key: '--save',
      remedy: 'Add --out DIR to say where the arrays go, or leave --save out.',
    });
  }
  const { save, set } = args;
  const read = await readConfig(
    { sets: set, ...(file === undefined ? {} : { file }), ...(save === undefined ? {} : { save }) },
    io.cwd,
  );
  const out = args.out === undefined ? undefined : resolve(io.cwd, args.out);
  if (out !== undefined) await claimOutput(out);

  const reporter = createReporter(io, read.config, args.quiet ?? false);
  const result = await withEngine(services, io, { device: args.device, tune: args.tune }, (engine) =>
    runOn(engine, read, { services, io, reporter }),
  );
  const writtenTo = out === undefined ? undefined : await store(out, result, io, read.baseDir);
  if (args.json) {
    io.stdout.write(toJson({ config: resolvedJson(result.config), ...resultDocument(result) }));
    return;
  }
  const width = tableWidth(io);
  io.stdout.write(`${resultTable(result, writtenTo === undefined ? { width } : { width, writtenTo })}\n`);
  if (writtenTo === undefined && !args.quiet) {
    io.stdout.write('Nothing was written; add --out DIR to keep the configuration, the results and a report.\n');
  }
}
