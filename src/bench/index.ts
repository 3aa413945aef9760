// perturb-gpu/bench: the kernels on a device, measured.

export { type BenchOptions, type BenchReport, type BenchRow, type BenchSkip, runBench } from './bench';
export { BENCH_KERNELS, type BenchKernel, type BenchShape, benchCases, PAPER_SHAPES, parseShape } from './cases';
export { type BenchComparison, compareBenches } from './compare';
export { type KernelReport, type Tuned, tune } from './tune';
export { tunedEngine, tuningKey } from './tuned-engine';
export {
  forgetTuning,
  type LoadedTuning,
  loadTuning,
  saveTuning,
  type Tuning,
  type TuningStorage,
} from './tuning';
