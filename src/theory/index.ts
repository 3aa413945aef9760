// perturb-gpu/theory: what the theory predicts, piece by piece.

export { type DirectionOptions, type Directions, predictDirections } from './directions';
export { type DecisionMap, decisionMap, type MapProblem } from './map';
export type { PhiProblem } from './phi';
export { classPlane, type Plane, placeSamples } from './plane';
export type { PhiSampling } from './sampled-phi';
