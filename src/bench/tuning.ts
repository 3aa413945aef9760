// Tunings as values and where they are kept, for those who may not reach into the kernels.

export { loadTuning, saveTuning, type Tuning, type TuningStorage, tuningKey } from '../kernels/tuning';
