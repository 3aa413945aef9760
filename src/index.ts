// perturb-gpu: the browser-safe library. Files, sweeps, the theory's parts and benchmarks have entries of their
// own (perturb-gpu/files, /sweep, /theory, /bench), so that a page which does not use them does not load them.

export type { HostDataset, HostMatrix, ImageShape, ReadFile } from './data/dataset';
export { InputError } from './data/input-error';
export { type CreateEngineOptions, createEngine, Engine, type EngineSettings } from './engine';
export type { Checkpoint, CheckpointKeeper } from './experiment/checkpoint';
export { parseConfig } from './experiment/config';
export { type RunOptions, type RunsOptions, runExperiment, runExperiments } from './experiment/run';
export type * from './experiment/snapshot';
export type * from './experiment/types';
export { GpuArray } from './gpu/array';
export {
  DeviceLostError,
  DisposedError,
  GpuError,
  GpuOutOfMemoryError,
  GpuUnavailableError,
  GpuValidationError,
} from './gpu/errors';
export { type AdapterReport, Gpu } from './gpu/gpu';
export type { Kernels } from './kernels';
export { panelsLength } from './kernels/data';
export { packedWeights } from './kernels/forward';
export { paddedRow } from './kernels/step';
export { type MatmulLayout, type MatmulVariant, matmulLayout } from './kernels/variant';
export { gradientPartLength, gradientQuads, gradientSplits } from './kernels/weight-gradient';
export { gramObstacle } from './network/choose';
export { trainDirect } from './network/direct';
export { DivergenceError } from './network/divergence';
export { evaluate } from './network/evaluate';
export { HalfRangeError } from './network/half-range';
export { Network } from './network/network';
export { type PlainNetwork, predict } from './network/predict';
export { Panels, planBlocks, Samples } from './network/samples';
export { type TrainingOutcome, train } from './network/train';
export type { TrainingHistory, TrainingOptions, TrainingProblem } from './network/trainer';
export { perturb } from './perturbation/perturb';
export type { DecisionMap } from './theory/map';
