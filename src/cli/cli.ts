// The command `perturb`: arguments in, exit code out. Everything it needs from outside comes in as Services and CliIo.

import { Command, CommanderError } from 'commander';
import { InputError } from '../data/input-error';
import { toJson } from '../experiment/artifacts';
import type { BenchArguments } from './bench';
import { type DemoArguments, demoCommand } from './demo';
import { devicesCommand } from './devices';
import type { DoctorArguments } from './doctor';
import { describeFailure, EXIT, failureBlock } from './failure';
import type { FetchArguments } from './fetch';
import type { CliIo, Disposable, Services } from './io';
import { type MapArguments, mapCommand } from './map';
import type { ReproduceArguments } from './reproduce';
import { type RunArguments, runCommand } from './run';
import type { ServeArguments } from './serve';
import type { SweepArguments } from './sweep';

declare const PERTURB_VERSION: string | undefined;
/** Set by the build; absent when the sources run as they are. */
const VERSION = typeof PERTURB_VERSION === 'string' ? PERTURB_VERSION : '0.0.0-source';

const EXAMPLES = `
Examples:
  perturb demo                                         two experiments, explained, in runs/
  perturb run                                          the default experiment, on the screen only
  perturb run my.json --out runs/mine                  a configuration of yours, kept in a directory
  perturb run --set data.n=2000 --set loss=logistic    the defaults with changes
  perturb run --json --quiet | jq .metrics             for scripts
  perturb sweep grid.json --out runs/grid              many experiments, kept one by one and continued when interrupted
  perturb map runs/mine --resolution 800               its decision map, finer
  perturb bench --quick                                how fast the kernels are here
  perturb devices                                      the GPU adapters on this machine
  perturb doctor                                       whether the adapter computes rightly
  perturb serve --open                                 the laboratory page in the browser

Exit codes: 0 done, 2 bad usage or input, 3 no usable GPU adapter, 4 out of GPU memory, 5 device lost,
6 the training diverged (a sweep records such experiments and goes on), 130 interrupted, 1 a fault of ours.`;

const RUN_HELP = `
KEY=VALUE is a dotted key and a JSON value; a bare word is a string:
  --set data.n=2000   --set data.kind=glyphs   --set 'data.classes=[3,8]'   --set standard.plateau=false

The result directory holds report.html, config.json, result.json, history.npz, figures as .svg, pictures of image data,
and the arrays --save names.`;

const SWEEP_HELP = `
A grid, every part of it optional:
  {
    "base": { "data": { "n": 500 } },
    "vary": [
      { "key": "data.d", "values": [50, 100, 200] },
      { "keys": ["standard.lr", "learning.lr"], "values": [[0.1, 0.1], [1, 1]] }
    ],
    "seeds": 3,
    "bestOver": ["standard.lr", "learning.lr"]
  }
Axes are multiplied; "keys" go together. "seeds" is a count or a list. "bestOver" adds, for each seed, the maximum of each
metric over these keys, as the paper plots it. Every finished experiment is kept at once: the same command continues an
interrupted sweep, and a grid that has grown computes only what is new.`;

const NO_TUNE = ['--no-tune', 'the default kernels, whatever perturb bench --tune chose'] as const;

const append = (value: string, before: readonly string[]) => [...before, value];

/** The commands with their options; without a command it prints the help. */
export function buildProgram<E extends Disposable>(services: Services<E>, io: CliIo): Command {
  const program = new Command('perturb');
  program
    .description('Learns a classifier from adversarial perturbations alone, on the GPU.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      // Usage errors become a block like every other error, below.
      outputError: () => {},
    })
    .addHelpText('after', EXAMPLES);
  program
    .command('run')
    .description('run one experiment')
    .argument('[config.json]', 'the configuration; without it every key has its default')
    .option('--set <key=value>', 'set one key over the configuration (repeatable)', append, [])
    .option('--out <dir>', 'write the result directory DIR, which must not hold anything yet')
    .option('--checkpoint <seconds>', 'time between checkpoints, kept in DIR.checkpoint beside --out DIR (default: 60)')
    .option('--resume <dir>', 'go on with an interrupted run to DIR, to the same bits')
    .option('--json', 'print one JSON document instead of the table')
    .option('--save <list>', 'arrays to write: data,networks,perturbations,outputs,theory')
    .option('--device <name>', 'part of an adapter name, or "software"')
    .option(...NO_TUNE)
    .option('--quiet', 'show no progress')
    .addHelpText('after', RUN_HELP)
    .action((file: string | undefined, args: RunArguments) => runCommand(file, args, services, io));
  program
    .command('reproduce')
    .description('compute the published figures anew, beside the published values; without a figure, list them')
    .argument('[figure]', 'a figure, or "all"')
    .option('--panel <n>', 'one panel of it, counted from 1')
    .option('--scale <scale>', 'small (minutes on a CPU adapter, not the published setting) or paper (default: small)')
    .option(
      '--seeds <n>',
      'seeds a point (default: 2 at small, 5 at paper), or "published": the random numbers of the published runs',
    )
    .option(
      '--out <dir>',
      'where results are kept as they come; the same command continues (default: runs/reproduce-SCALE, with --seeds published runs/reproduce-SCALE-published)',
    )
    .option('--data-dir <dir>', 'the folder of MNIST or Fashion-MNIST, or of both as perturb fetch makes them')
    .option('--json', 'print one JSON document instead of the table')
    .option('--device <name>', 'part of an adapter name, or "software"')
    .option(...NO_TUNE)
    .option('--quiet', 'show no progress')
    .action(async (figure: string | undefined, args: ReproduceArguments) =>
      (await import('./reproduce')).reproduceCommand(figure, args, services, io),
    );
  program
    .command('fetch')
    .description('download a public data set: mnist, fashion-mnist or cifar10')
    .argument('<data set>')
    .option('--dir <dir>', 'where its files go (default: data/NAME); an interrupted download goes on')
    .option('--quiet', 'show no progress')
    .action(async (name: string, args: FetchArguments) => (await import('./fetch')).fetchCommand(name, args, io));
  program
    .command('sweep')
    .description('run many experiments: a grid of settings and seeds')
    .argument('<grid.json>', 'the base configuration, the keys to vary, the seeds')
    .option('--set <key=value>', 'set one key over the base configuration (repeatable)', append, [])
    .option('--out <dir>', 'directory of the sweep, new or to be continued (default: runs/ and the name of the grid)')
    .option('--dry-run', 'print the experiments, what they share and what they cost, and run nothing')
    .option('--json', 'print one JSON document instead of the tables')
    .option('--device <name>', 'part of an adapter name, or "software"')
    .option(...NO_TUNE)
    .option('--quiet', 'show no progress')
    .addHelpText('after', SWEEP_HELP)
    .action(async (file: string, args: SweepArguments) =>
      (await import('./sweep')).sweepCommand(file, args, services, io),
    );
  program
    .command('devices')
    .description('list the GPU adapters and say which one is taken')
    .option('--json', 'print one JSON document')
    .action((args: { json?: boolean }) => devicesCommand(args, services, io));
  program
    .command('doctor')
    .description('check every kernel and trainer on this machine against the CPU, in float64')
    .option('--device <name>', 'part of an adapter name, or "software"')
    .option('--json', 'print one JSON document')
    .option('--quiet', 'show no progress')
    .action(async (args: DoctorArguments) => (await import('./doctor')).doctorCommand(args, services, io));
  program
    .command('map')
    .description('run an experiment again for its decision map: map.svg and map.png')
    .argument('<dir>', 'a result directory, or a configuration file')
    .option('--resolution <n>', 'points a side')
    .option('--limits <low,high>', 'the same for both axes')
    .option('--out <dir>', 'where the two files go (default: the result directory itself)')
    .option('--device <name>', 'part of an adapter name, or "software"')
    .option(...NO_TUNE)
    .option('--quiet', 'show no progress')
    .action((where: string, args: MapArguments) => mapCommand(where, args, services, io));
  program
    .command('bench')
    .description('measure the kernels beside what the adapter can do at most; a few minutes, seconds on a GPU')
    .option('--kernel <list>', 'some of forward,weight-gradient,input-gradient,gram,matmul,epoch')
    .option(
      '--shape <list>',
      'samples/inputs/neurons, such as 1000/100/100,12700/784/100 (default: those of the paper)',
    )
    .option('--variant <name>', 'all, default, or one by name (default: all, with --quick default)')
    .option('--rounds <n>', 'rounds in which the variants take turns (default: 5, with --quick 3)')
    .option('--quick', 'two shapes and a square, what runs by default, shorter rounds: a minute on a CPU adapter')
    .option('--tune', 'choose the fastest variants of the training kernels at these shapes, for later runs to take')
    .option('--compare <files...>', 'two reports: what changed between them beyond noise; measures nothing')
    .option('--out <dir>', 'write bench.json and roofline.svg to DIR, which must not hold anything yet')
    .option('--json', 'print one JSON document instead of the tables')
    .option('--device <name>', 'part of an adapter name, or "software"')
    .option('--quiet', 'show no progress')
    .action(async (args: BenchArguments) => (await import('./bench')).benchCommand(args, services, io));
  program
    .command('demo')
    .description('run two experiments and explain them')
    .option('--out <dir>', 'where the result directories go (default: runs)')
    .option('--device <name>', 'part of an adapter name, or "software"')
    .option(...NO_TUNE)
    .option('--quiet', 'print the tables only')
    .action((args: DemoArguments) => demoCommand(args, services, io));
  program
    .command('serve')
    .description('show the laboratory page, on this machine only')
    .option('--port <n>', 'the port to listen on (default: a free one)')
    .option('--open', 'open the page in the browser')
    .action(async (args: ServeArguments) => (await import('./serve')).serveCommand(args, io));
  return program;
}

/**
 * Commander's usage errors as input errors: its text starts with "error: " and ends in "(Did you mean ...?)".
 * @param command whose help says more
 */
function usageError(error: CommanderError, command: string): InputError {
  const [what = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const meant = suggestion?.replace(/^\(|\)$/g, '');
  return new InputError(what, { remedy: `${meant ? `${meant} ` : ''}See ${command} --help.` });
}

/** Notes whether anything went to stdout, where --json promises exactly one document. */
function watch(io: CliIo): { io: CliIo; wrote: () => boolean } {
  let wrote = false;
  const { stdout } = io;
  const write = (text: string) => {
    wrote = true;
    return stdout.write(text);
  };
  const watched = {
    write,
    ...(stdout.isTTY === undefined ? {} : { isTTY: stdout.isTTY }),
    ...(stdout.columns === undefined ? {} : { columns: stdout.columns }),
  };
  return { io: { ...io, stdout: watched }, wrote: () => wrote };
}

/** Runs the command line (arguments without node and script) and returns the exit code; prints every error itself. */
export async function runCli<E extends Disposable>(
  argv: readonly string[],
  services: Services<E>,
  outside: CliIo,
): Promise<number> {
  const { io, wrote } = watch(outside);
  const program = buildProgram(services, io);
  try {
    // Of a command that it does not know commander's help says nothing.
    const [first, topic] = argv;
    const known =
      topic === undefined || topic.startsWith('-') || program.commands.some((each) => each.name() === topic);
    await program.parseAsync(first === 'help' && !known ? [topic] : [...argv], { from: 'user' });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      // Without a command commander has printed the help already.
      if (error.code === 'commander.help') return EXIT.input;
    }
    const command = program.commands.find((each) => each.name() === argv[0]);
    const asked = command ? `perturb ${command.name()}` : 'perturb';
    const thrown = error instanceof CommanderError ? usageError(error, asked) : error;
    const failure = describeFailure(thrown, io.signal.aborted);
    io.stderr.write(failureBlock(failure));
    if (io.env.PERTURB_DEBUG === '1' && thrown instanceof Error) io.stderr.write(`${thrown.stack}\n`);
    if (argv.includes('--json') && !wrote()) io.stdout.write(toJson({ error: failure }));
    return failure.exitCode;
  }
}
