// `perturb bench`: how fast the kernels are here, beside what the adapter can do; and what changed between two such reports.

import { arch, cpus, platform } from 'node:os';
import { resolve } from 'node:path';
import type { BenchOptions, BenchReport } from '../bench/bench';
import { BENCH_KERNELS, BENCH_VARIANTS, type BenchKernel, type BenchShape, parseShape } from '../bench/cases';
import { compareBenches } from '../bench/compare';
import { readReport } from '../bench/documents';
import type { Tuned } from '../bench/tune';
import { InputError } from '../data/input-error';
import { toJson } from '../experiment/artifacts';
import { benchTable, comparisonTable, kernelTable } from '../report/bench-table';
import { rooflineSvg } from '../report/roofline';
import { readBoundedText } from './bounded-read';
import { withEngine } from './engine';
import { InterruptedError } from './failure';
import type { CliIo, Disposable, Services } from './io';
import { claimOutput, writeResult } from './store';

export interface BenchArguments {
  readonly kernel?: string;
  readonly shape?: string;
  readonly variant?: string;
  readonly rounds?: string;
  readonly quick?: boolean;
  readonly tune?: boolean;
  readonly compare?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
  readonly device?: string;
  readonly quiet?: boolean;
}

type KeptTuning = Tuned & { readonly folder: string };

const listOf = (text: string) => text.split(',').map((part) => part.trim());

function wrong(key: string, value: string, remedy: string): InputError {
  return new InputError(`${key} cannot be "${value}"`, { key, remedy });
}

function kernelsOf(text: string): BenchKernel[] {
  return listOf(text).map((name) => {
    const kernel = BENCH_KERNELS.find((each) => each === name);
    if (!kernel) throw wrong('--kernel', name, `Name some of ${BENCH_KERNELS.join(', ')}, with commas between.`);
    return kernel;
  });
}

function shapesOf(text: string): BenchShape[] {
  return listOf(text).map((name) => {
    const shape = parseShape(name);
    if (!shape)
      throw wrong('--shape', name, 'Write samples/inputs/neurons, such as 1000/100/100, with commas between.');
    return shape;
  });
}

function optionsOf(args: BenchArguments): BenchOptions {
  const variant = BENCH_VARIANTS.find((name) => name === args.variant);
  if (args.variant !== undefined && !variant)
    throw wrong('--variant', args.variant, `Choose one of ${BENCH_VARIANTS.join(', ')}.`);
  const rounds = args.rounds === undefined ? undefined : Number(args.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100)) {
    throw wrong('--rounds', args.rounds!, 'Choose a whole number from 1 to 100.');
  }
  return {
    ...(variant ? { variants: variant } : {}),
    quick: args.quick ?? false,
    ...(args.kernel === undefined ? {} : { kernels: kernelsOf(args.kernel) }),
    ...(args.shape === undefined ? {} : { shapes: shapesOf(args.shape) }),
    ...(rounds === undefined ? {} : { rounds }),
  };
}

const encode = (text: string) => new TextEncoder().encode(text);

/** The command that measures the same again. */
function commandOf(args: BenchArguments): string {
  const parts = (['kernel', 'shape', 'variant', 'rounds', 'device'] as const).flatMap((key) =>
    args[key] === undefined ? [] : [`--${key} ${args[key]}`],
  );
  const flags = (['quick', 'tune'] as const).flatMap((key) => (args[key] ? [`--${key}`] : []));
  return ['perturb bench', ...flags, ...parts].join(' ');
}

/** A report that `perturb bench` wrote. @throws InputError for what is none */
async function reportFile(path: string, io: CliIo): Promise<BenchReport> {
  const remedy = 'Give two files that "perturb bench --out DIR" wrote as bench.json.';
  const text = await readBoundedText(resolve(io.cwd, path)).catch((cause) => {
    throw new InputError(`the benchmark report cannot be read: ${cause.message}`, { file: path, remedy, cause });
  });
  const read = readReport(text);
  if ('problem' in read) throw new InputError(`this is no benchmark report: ${read.problem}`, { file: path, remedy });
  return read.value;
}

/** Writes the report and its picture to --out, and prints it. */
async function deliver(report: BenchReport, tuned: KeptTuning | undefined, args: BenchArguments, io: CliIo) {
  if (args.out !== undefined) {
    const files = [
      { name: 'bench.json', bytes: encode(toJson(report)) },
      { name: 'roofline.svg', bytes: encode(rooflineSvg(report)) },
    ];
    // A report of what came before an interruption is written although the signal is aborted.
    await writeResult(resolve(io.cwd, args.out), files, report.partial ? undefined : io.signal);
  }
  if (args.json) {
    io.stdout.write(toJson(tuned ? { ...report, tuning: tuned.tuning, kernels: tuned.kernels } : report));
    return;
  }
  io.stdout.write(`${benchTable(report)}\n`);
  const told = Object.keys(tuned?.tuning.choices ?? {}).length
    ? `kept in ${tuned!.folder} for later runs`
    : 'nothing was clearly faster: later runs of these shapes take the defaults';
  if (tuned) io.stdout.write(`\n${kernelTable(tuned.kernels)}\n${told}\n`);
  if (args.out !== undefined) io.stdout.write(`written to ${args.out}: bench.json, roofline.svg\n`);
}

export async function benchCommand<E extends Disposable>(
  args: BenchArguments,
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  if (args.compare) {
    const [before, after, ...more] = args.compare;
    if (after === undefined || more.length > 0) {
      throw wrong('--compare', args.compare.join(' '), 'Give two reports: --compare before.json after.json');
    }
    const comparison = compareBenches(await reportFile(before!, io), await reportFile(after, io));
    io.stdout.write(args.json ? toJson(comparison) : `${comparisonTable(comparison)}\n`);
    return;
  }
  const options = optionsOf(args);
  if (args.tune) {
    for (const key of ['kernel', 'variant'] as const) {
      if (args[key] !== undefined)
        throw wrong(`--${key}`, args[key], 'Leave it out: --tune measures what it chooses from.');
    }
  }
  if (args.out !== undefined) await claimOutput(resolve(io.cwd, args.out));
  let partial: BenchReport | undefined;
  const watched: BenchOptions = {
    ...options,
    signal: io.signal,
    onProgress: ({ done, cases, text }) => {
      if (!args.quiet) io.stderr.write(`${done} of ${cases} done; now ${text}\n`);
    },
    onPartial: (report) => {
      partial = report;
    },
  };
  const host = { platform: platform(), arch: arch(), cpu: cpus()[0]?.model ?? '', cores: cpus().length };
  const about = { command: commandOf(args), host };
  // What is measured are the defaults, and what could take their place.
  const engineOptions = { device: args.device, tune: false };
  let measured: BenchReport;
  let tuned: KeptTuning | undefined;
  try {
    if (args.tune) tuned = await withEngine(services, io, engineOptions, (engine) => services.tune(engine, watched));
    measured =
      tuned?.report ?? (await withEngine(services, io, engineOptions, (engine) => services.runBench(engine, watched)));
  } catch (error) {
    if (!partial) throw error;
    // What was measured stays measured, whatever ended the rest.
    await deliver({ ...partial, ...about }, undefined, args, io);
    const { done, cases } = partial.partial!;
    const state = `${done} of ${cases} cases were measured`;
    if (io.signal.aborted) {
      const again = args.out === undefined ? '' : ' with another --out';
      throw new InterruptedError(`interrupted; ${state}`, `The same command${again} measures all of them.`);
    }
    io.stderr.write(`${state} before this:\n`);
    throw error;
  }
  await deliver({ ...measured, ...about }, tuned, args, io);
}
