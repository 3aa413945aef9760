// perturb-gpu/theory: what the theory predicts, piece by piece.

export { type DirectionOptions, type Directions, predictDirections } from './directions';
export { type DecisionMap, decisionMap, type MapProblem } from './map';
export { type PredictOptions, predictF, predictG } from './outputs';
export type { PhiProblem } from './phi';
export { classPlane, type Plane, placeSamples } from './plane';
export { type NeuronPulls, pullsOfNeurons } from './plane-neurons';
export { type PullOptions, predictPulls } from './pulls';
export type { PhiSampling } from './sampled-phi';
