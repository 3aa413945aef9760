// A worker whose device is lost a moment after the engine is made.

import { createEngine } from '../../src/engine';
import { type HostScope, serveEngine } from '../../src/worker/host';

serveEngine(globalThis as unknown as HostScope, async (options) => {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  setTimeout(() => device.destroy(), 300);
  const { powerPreference: _, ...settings } = options;
  return createEngine({ device, ...settings });
});
