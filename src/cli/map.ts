// `perturb map`: the decision map of an experiment, from its configuration alone. The experiment is run again, which gives
// the same networks to the bit on the same adapter and version; nothing of it but the map is written.

import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { InputError } from '../data/input-error';
import { toJson } from '../experiment/artifacts';
import { isPlainObject } from '../experiment/config-problems';
import type { ExperimentResult } from '../experiment/types';
import { seconds } from '../report/format';
import { readBoundedText } from './bounded-read';
import { type ReadConfig, readConfig } from './config-file';
import { overLostDevices, withEngine } from './engine';
import type { CliIo, Disposable, Services } from './io';
import { createReporter } from './progress';
import { runOn } from './run';
import { asInputError, replaceFile } from './store';

export interface MapArguments {
  readonly resolution?: string;
  readonly limits?: string;
  readonly out?: string;
  readonly device?: string;
  readonly quiet?: boolean;
  /** False with --no-tune. */
  readonly tune?: boolean;
}

export async function mapCommand<E extends Disposable>(
  where: string,
  args: MapArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  const { file, directory } = await target(resolve(io.cwd, where), where, args.out && resolve(io.cwd, args.out));
  const { config, baseDir } = await mapConfig(relative(io.cwd, file) || '.', args, io.cwd);
  if (!args.quiet) io.stderr.write('A map needs both networks and the theory: the whole experiment is run for it.\n');
  const reporter = createReporter(io, config, args.quiet ?? false);
  const run = (engine: E) => runOn(engine, { config, baseDir }, { services, io, reporter });
  const result = await overLostDevices(
    io,
    () => 'the beginning',
    (lost) => withEngine(services, io, args, run, lost),
  );
  const { map } = result;
  if (!map) throw new Error('the run gave no map');
  await warnIfOther(join(dirname(file), 'result.json'), result, io);
  const { agreementPng, mapSvg, mapTitle } = await import('../report/map');
  const files = { 'map.svg': mapSvg(map, { title: mapTitle(config) }), 'map.png': agreementPng(map) };
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw asInputError(error, directory);
  });
  for (const [name, content] of Object.entries(files)) await replaceFile(join(directory, name), content);
  const { totalSeconds, theorySeconds = 0 } = result.timing;
  const took = `in ${seconds(totalSeconds)}, ${seconds(theorySeconds)} of it for the theory and the map`;
  const [low, high] = map.limits;
  io.stdout.write(`${map.resolution} x ${map.resolution} points from ${low} to ${high}, ${took}\n`);
  io.stdout.write(`written to ${relative(io.cwd, join(directory, 'map.svg'))} and map.png beside it\n`);
}

/** The configuration meant by `path`, and where the map goes. */
async function target(path: string, named: string, out?: string): Promise<{ file: string; directory: string }> {
  const kind = await stat(path).catch((cause) => {
    throw new InputError(`there is no file or directory "${named}"`, {
      remedy: 'Name a result directory, or a configuration file.',
      cause,
    });
  });
  if (kind.isDirectory()) return { file: join(path, 'config.json'), directory: out ?? path };
  if (out !== undefined) return { file: path, directory: out };
  // A result directory named by the configuration in it.
  const finished =
    basename(path) === 'config.json' && (await stat(join(dirname(path), 'result.json')).catch(() => null));
  if (finished) return { file: path, directory: dirname(path) };
  throw new InputError('a configuration file does not say where its map goes', {
    key: '--out',
    remedy: 'Add --out DIR, or name the directory of a finished run.',
  });
}

/** The configuration with the map that the arguments ask for, and nothing saved. */
async function mapConfig(file: string, { resolution, limits }: MapArguments, cwd: string): Promise<ReadConfig> {
  const { map } = (await readConfig({ file, sets: [] }, cwd)).config.theory;
  const wanted = {
    ...(typeof map === 'object' ? map : {}),
    ...(resolution === undefined ? {} : { resolution: numberOf(resolution) }),
    ...(limits === undefined ? {} : { limits: limits.split(',').map(numberOf) }),
  };
  const sets = [`theory.map=${JSON.stringify(wanted)}`, 'theory.cosine=false', 'save=[]'];
  return readConfig({ file, sets }, cwd).catch((error: unknown) => {
    throw error instanceof InputError ? (asOption(error) ?? error) : error;
  });
}

/** What is wrong with --resolution or --limits, told of the option; undefined for what is wrong with the configuration. */
function asOption({ key, file, message, remedy }: InputError): InputError | undefined {
  const option = file === '--set' && key?.replace(/^theory\.map\.(resolution|limits)$/, '--$1');
  if (!option || option === key) return undefined;
  return new InputError(message.replace(key!, option), { key: option, remedy: remedy.replace(key!, option) });
}

/** A number, or the text as it is: the schema then says what it should have been. */
const numberOf = (text: string): number | string =>
  text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);

/** Says so when the run of the map is not the one whose result lies there. */
async function warnIfOther(file: string, result: ExperimentResult, io: CliIo): Promise<void> {
  const uncompared = (why: string) => io.stderr.write(`warning: ${why}; the map was not compared with it\n`);
  let text: string;
  try {
    text = await readBoundedText(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') uncompared(`result.json cannot be read: ${message}`);
    return;
  }
  const before = metricsIn(text);
  if (!before) {
    uncompared('result.json is not that of a run');
    return;
  }
  const { cosine: _, ...now } = result.metrics;
  if (toJson(before) === toJson(now)) return;
  io.stderr.write('warning: the run gave other metrics than result.json: another adapter or version, or other files\n');
}

/** The metrics of a result.json without the cosine, which a map does not compute; undefined when it is none. */
export function metricsIn(text: string): Record<string, unknown> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (!isPlainObject(document) || !isPlainObject(document.metrics)) return undefined;
    const { cosine: _, ...metrics } = document.metrics;
    return metrics;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
