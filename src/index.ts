// perturb-gpu: the browser-safe library.

export type { HostDataset, HostMatrix, ImageShape, ReadFile } from './data/dataset';
export { InputError } from './data/input-error';
export { encodeNpy, parseNpy } from './data/npy';
export { type CreateEngineOptions, createEngine, Engine, type EngineSettings } from './engine';
export { resultArtifacts } from './experiment/artifacts';
export type { Checkpoint, CheckpointKeeper } from './experiment/checkpoint';
export { parseConfig } from './experiment/config';
export { type RunOptions, type RunsOptions, runExperiment, runExperiments } from './experiment/run';
export { type Cell, type Combination, expandSweep, type Sweep } from './experiment/sweep';
export { type Axis, type Grid, parseGrid } from './experiment/sweep-grid';
export { planSweep, type SweepPlan } from './experiment/sweep-plan';
export { type CellHandlers, runCells } from './experiment/sweep-run';
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
export { paddedRow } from './kernels/step';
export { type MatmulLayout, type MatmulVariant, matmulLayout } from './kernels/variant';
export { gradientPartLength, gradientQuads } from './kernels/weight-gradient';
export { gramObstacle } from './network/choose';
export { trainDirect } from './network/direct';
export { DivergenceError } from './network/divergence';
export { evaluate } from './network/evaluate';
export { Network } from './network/network';
export { Panels, planBlocks, Samples } from './network/samples';
export { type TrainingOutcome, train } from './network/train';
export type { TrainingHistory, TrainingOptions, TrainingProblem } from './network/trainer';
export { perturb } from './perturbation/perturb';
export { type DirectionOptions, type Directions, predictDirections } from './theory/directions';
export { type DecisionMap, decisionMap, type MapProblem } from './theory/map';
export type { PhiProblem } from './theory/phi';
export { classPlane, type Plane, placeSamples } from './theory/plane';
export type { PhiSampling } from './theory/sampled-phi';
