// perturb-gpu/worker: the engine in a Web Worker, so that a page never stalls.

export type { Resumable, RunPlace } from '../experiment/checkpoint-place';
export {
  createWorkerEngine,
  type RunOptions,
  type WorkerCheckpointKeeper,
  WorkerEngine,
  type WorkerEngineOptions,
} from './client';
export type { HostReport, MemoryReport } from './protocol';
export { WorkerError } from './wire-error';
