// A worker's two sides in one process, joined by a channel that clones and moves as a worker's does.

import type { Engine } from '../../src/engine';
import { createWorkerEngine, type WorkerEngine, type WorkerEngineOptions } from '../../src/worker';
import { type HostScope, serveEngine } from '../../src/worker/host';

/** An engine behind messages. Disposing it closes the channel; the engine stays the caller's. */
export function engineBehindMessages(
  engine: Engine,
  options: Pick<WorkerEngineOptions, 'tunings'> = {},
): Promise<WorkerEngine> {
  const { port1, port2 } = new MessageChannel();
  serveEngine(port1 as unknown as HostScope, async () => engine);
  const terminate = () => {
    port1.close();
    port2.close();
  };
  port1.start();
  port2.start();
  return createWorkerEngine({ ...options, worker: Object.assign(port2, { terminate }) as unknown as Worker });
}
