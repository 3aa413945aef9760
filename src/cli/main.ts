// The process around the command: signals, closed pipes, exit code. Everything else is in cli.ts and can be tested.

import { runCli } from './cli';
import { describeFailure, EXIT, failureBlock } from './failure';
import { services } from './services';

const controller = new AbortController();

function onSignal(): void {
  // The first asks for an orderly end; whoever asks twice does not want to wait for it.
  if (controller.signal.aborted) process.exit(EXIT.interrupted);
  controller.abort();
}

function fail(error: unknown): never {
  const failure = describeFailure(error, controller.signal.aborted);
  process.stderr.write(failureBlock(failure));
  if (process.env.PERTURB_DEBUG === '1') process.stderr.write(`${(error as Error)?.stack}\n`);
  process.exit(failure.exitCode);
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

// `perturb run --json | head` closes the pipe early; the run and what it writes to disk go on.
process.stderr.on('error', () => {});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') fail(error);
});
// A native callback can throw where no promise is waiting for it.
process.on('uncaughtException', fail);

const code = await runCli(process.argv.slice(2), services, {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: controller.signal,
  now: () => performance.now(),
});

// Output to a pipe may still be on its way; the native module would keep the process alive, so it is ended by hand.
const flushed = (stream: NodeJS.WriteStream) =>
  new Promise<void>((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) resolve();
    else stream.write('', () => resolve());
  });
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);
