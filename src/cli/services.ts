// The real engine, loaded at the first use: Dawn is a native module that takes its time, and a misspelt key needs no GPU.

import type { createEngine } from '../node';
import type { Services } from './io';

type Engine = Awaited<ReturnType<typeof createEngine>>;

export const services: Services<Engine> = {
  createEngine: async ({ tune, ...options }) => {
    const [{ createEngine }, { tunedEngine }, { tuningFiles }] = await Promise.all([
      import('../node'),
      import('../bench/tuned-engine'),
      import('./tuning-files'),
    ]);
    const engine = await createEngine(options);
    return tune === false ? engine : tunedEngine(engine, tuningFiles(process.env));
  },
  noticesOf: ({ settings: { tuningRefused } }) =>
    tuningRefused === undefined
      ? []
      : [`the tuning kept for this adapter is not used: ${tuningRefused}. "perturb bench --tune" makes a new one.`],
  // The driver and the text of the shaders are in the key.
  identify: async ({ gpu, adapter, settings: { versions } }) => ({
    device: adapter.name,
    versions: { ...versions, kernels: (await (await import('../bench/tuned-engine')).tuningKey(gpu)).slice(0, 16) },
  }),
  runExperiment: async (engine, config, options) =>
    (await import('../experiment/run')).runExperiment(engine, config, options),
  runExperiments: async (engine, configs, options) =>
    (await import('../experiment/run')).runExperiments(engine, configs, { ...options, collect: false }),
  planSweep: async (engine, configs, readFile) =>
    (await import('../experiment/sweep-plan')).planSweep(engine?.gpu, configs, readFile, engine?.settings),
  adapterOf: ({ adapter }) => ({ ...adapter }),
  // The checks of the test suite, bundled with the command: what they find there they find here.
  examine: async function* (engine, signal) {
    yield* (await import('../../kernels-test/doctor')).examine(engine, signal);
  },
  runBench: async (engine, options) => (await import('../bench/bench')).runBench(engine, options),
  tune: async (engine, options) => {
    const [{ tune }, { saveTuning }, { tuningFiles }] = await Promise.all([
      import('../bench/tune'),
      import('../bench/tuning'),
      import('./tuning-files'),
    ]);
    const tuned = await tune(engine, options);
    const files = tuningFiles(process.env);
    return { ...tuned, tuning: await saveTuning(files, tuned), folder: files.folder };
  },
  listAdapters: async () => (await import('../node')).listAdapters(),
};
