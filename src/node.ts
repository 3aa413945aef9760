// perturb-gpu/node: the library with a device of its own through Dawn, and files read from the disk.

import { nodeReadFile } from './data/node';
import { type CreateEngineOptions, createEngine as createOnDevice, Engine, VERSION } from './engine';
import {
  type RunOptions,
  type RunsOptions,
  runExperiment as runAnywhere,
  runExperiments as runManyAnywhere,
} from './experiment/run';
import type { ExperimentConfig, ExperimentResult } from './experiment/types';
import { createDawnGpu, dawnVersion } from './gpu/dawn';

export * from './bench';
export { nodeReadFile } from './data/node';
export * from './experiment/files';
// Kept out of the pages' entry: it needs jStat for Student's t.
export { bestOver, overSeeds, type Statistics, statistics } from './experiment/statistics';
export * from './experiment/sweeps';
export { type AdapterListing, listAdapters, probeAdapters } from './gpu/listing';
export * from './index';
export * from './theory';

export interface NodeEngineOptions extends Omit<CreateEngineOptions, 'powerPreference'> {
  /** Part of an adapter's name, vendor or architecture, or `software`; default: the best there is. */
  readonly adapter?: string;
  /** Dawn toggles to enable. */
  readonly toggles?: readonly string[];
}

/** Versions recorded in every result. */
const versions = (): Record<string, string> => ({
  'perturb-gpu': VERSION,
  webgpu: dawnVersion(),
  node: process.version,
});

/**
 * Makes an engine through Dawn: a real GPU before lavapipe before SwiftShader, which comes with the package.
 * @throws GpuUnavailableError when there is no adapter, or none that `adapter` names.
 */
export async function createEngine(options: NodeEngineOptions = {}): Promise<Engine> {
  if (options.device) {
    const { device, matmul, memoryLimit } = options;
    if (options.adapter !== undefined) throw new TypeError('give either a device or the name of an adapter, not both');
    const engine = await createOnDevice({ device });
    return new Engine(engine.gpu, { versions: versions(), ...settings(matmul, memoryLimit) });
  }
  const began = performance.now();
  const { adapter, toggles, matmul, memoryLimit } = options;
  const gpu = await createDawnGpu({ ...(adapter ? { adapter } : {}), ...(toggles ? { toggles } : {}) });
  const startupSeconds = (performance.now() - began) / 1000;
  // An adapter on the CPU takes the memory of the machine, or of the container; that of a GPU nobody tells.
  const availableMemory = gpu.adapter.software ? { availableMemory: freeMemory } : {};
  return new Engine(gpu, {
    versions: versions(),
    startupSeconds,
    ...availableMemory,
    ...(toggles ? { toggles } : {}),
    ...settings(matmul, memoryLimit),
  });
}

/** Undefined before Node 20.13. */
const freeMemory = (): number | undefined => process.availableMemory?.();

const settings = (matmul: NodeEngineOptions['matmul'], memoryLimit: number | undefined) => ({
  ...(matmul ? { matmul } : {}),
  ...(memoryLimit === undefined ? {} : { memoryLimit }),
});

/** {@link runAnywhere} with files read from the disk, relative to `options.baseDir` (default: the working directory). */
export function runExperiment(
  engine: Engine,
  config: ExperimentConfig,
  options: RunOptions & { readonly baseDir?: string } = {},
): Promise<ExperimentResult> {
  const { baseDir = process.cwd(), ...rest } = options;
  return runAnywhere(engine, config, { readFile: nodeReadFile(baseDir), ...rest });
}

/** {@link runManyAnywhere} with files read from the disk, relative to `options.baseDir` (default: the working directory). */
export function runExperiments(
  engine: Engine,
  configs: readonly ExperimentConfig[],
  options: RunsOptions & { readonly baseDir?: string } = {},
): Promise<ExperimentResult[]> {
  const { baseDir = process.cwd(), ...rest } = options;
  return runManyAnywhere(engine, configs, { readFile: nodeReadFile(baseDir), ...rest });
}
