// The real engine, loaded at the first use: Dawn is a native module that takes its time, and a misspelt key needs no GPU.

import type { createEngine } from '../node';
import type { Services } from './io';

type Engine = Awaited<ReturnType<typeof createEngine>>;

export const services: Services<Engine> = {
  createEngine: async (options) => (await import('../node')).createEngine(options),
  identify: ({ adapter, settings }) => ({ device: adapter.name, versions: { ...settings.versions } }),
  runExperiment: async (engine, config, options) =>
    (await import('../experiment/run')).runExperiment(engine, config, options),
  runExperiments: async (engine, configs, options) =>
    (await import('../experiment/run')).runExperiments(engine, configs, { ...options, collect: false }),
  planSweep: async (engine, configs, readFile) =>
    (await import('../experiment/sweep-plan')).planSweep(engine?.gpu, configs, readFile, engine?.settings.memoryLimit),
  adapterOf: ({ adapter }) => ({ ...adapter }),
  // The checks of the test suite, bundled with the command: what they find there they find here.
  examine: async function* (engine, signal) {
    yield* (await import('../../kernels-test/doctor')).examine(engine, signal);
  },
  runBench: async (engine, options) => (await import('../bench/bench')).runBench(engine, options),
  listAdapters: async () => (await import('../node')).listAdapters(),
};
