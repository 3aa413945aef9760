// A worker whose device is lost when it is told to lose it.

import { createEngine } from '../../src/engine';
import { type HostScope, serveEngine } from '../../src/worker/host';

serveEngine(globalThis as unknown as HostScope, async (options) => {
  const engine = await createEngine(options);
  addEventListener('message', ({ data }) => data === 'lose' && engine.gpu.device.destroy());
  return engine;
});
