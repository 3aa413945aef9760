// An engine for a command: made as the options say, disposed whatever happens, and made again when its device is lost.

import { DeviceLostError } from '../gpu/errors';
import type { CliIo, Disposable, EngineOptions, Services } from './io';

/** New devices that one command is given. */
const MOST_DEVICES_LOST = 3;

interface EngineArguments {
  readonly device?: string | undefined;
  /** False: the default kernels, whatever has been tuned. */
  readonly tune?: boolean | undefined;
}

/** Makes the engine, lends it to `use`, and disposes it whatever happens. */
export async function withEngine<E extends Disposable, T>(
  services: Services<E>,
  io: CliIo,
  { device, tune }: EngineArguments,
  use: (engine: E) => Promise<T>,
  /** Devices lost before: an engine after the first finds the same, and says nothing of it. */
  lost = 0,
): Promise<T> {
  io.signal.throwIfAborted();
  const options: EngineOptions = {
    ...(device === undefined ? {} : { adapter: device }),
    ...(tune === false ? { tune } : {}),
  };
  const engine = await services.createEngine(options);
  try {
    io.signal.throwIfAborted();
    if (lost === 0) for (const notice of services.noticesOf(engine)) io.stderr.write(`warning: ${notice}\n`);
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

/**
 * Makes an attempt, and another with a new device when the device is lost.
 * @param where from where the next attempt goes on, for the user
 * @param attempt told how many devices were lost before
 * @throws DeviceLostError when more devices were lost than {@link MOST_DEVICES_LOST}; else as the attempt does
 */
export async function overLostDevices<T>(
  io: CliIo,
  where: () => string,
  attempt: (lost: number) => Promise<T>,
): Promise<T> {
  for (let lost = 0; ; lost++) {
    try {
      return await attempt(lost);
    } catch (error) {
      if (!(error instanceof DeviceLostError) || lost === MOST_DEVICES_LOST || io.signal.aborted) throw error;
      const count = `${lost + 1} of at most ${MOST_DEVICES_LOST}`;
      io.stderr.write(`${error.message} Going on from ${where()} on a new device (${count}).\n`);
    }
  }
}
