// What the parts of a training cost on an adapter that has been measured, and what follows for the flips of Gram space.
//
// The constants are seconds on two cores, measured (bench/RESULTS.md); only their ratios matter.

import type { Gpu } from '../gpu/gpu';
import { gramLoop } from '../kernels/variant';

interface Costs {
  /** A multiply-add of the direct trainer, and what an epoch costs besides. */
  readonly direct: number;
  readonly epoch: number;
  /** A multiply-add of K, of which half are computed, and what both ends of Gram training cost besides: submits, readbacks. */
  readonly gram: number;
  readonly ends: number;
  /** A multiply-add of a crowd's product with X, of one neuron: SwiftShader computes 16 rows however few stopped. */
  readonly crowd: number;
  /** A flip, one sample's share of it, and of going to the next event. */
  readonly row: number;
  readonly flip: number;
  readonly event: number;
  /** One entry of H and C in a dense epoch: its bit, its momentum step, its coefficient. */
  readonly entry: number;
}

const LAVAPIPE: Costs = {
  direct: 4.2e-11,
  epoch: 8e-4,
  gram: 2.5e-11,
  ends: 0.025,
  crowd: 4.2e-11,
  row: 5e-7,
  flip: 3.5e-10,
  event: 4e-9,
  entry: 3e-8,
};
const SWIFTSHADER: Costs = {
  direct: 5.5e-10,
  epoch: 5e-4,
  gram: 3.7e-10,
  ends: 0.05,
  crowd: 2.4e-9,
  row: 0,
  flip: 8e-9,
  event: 4e-8,
  entry: 3e-8,
};

/** Seconds that an entry of K takes besides its multiply-adds: written, mirrored, and its memory touched for the first time. */
const ENTRY = 3e-9;
/** Elements of X below which crowds are not worth their submits, and their kernels to compile. */
const LEAST_CROWD = 2.4e6;
/** Seconds of K up to which it is made for the first flip. */
const CHEAP_KERNEL = 0.1;

export interface CostShape {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  /** Multiply-adds that an entry of K takes (default: d). */
  readonly inner?: number | undefined;
}

/** When the flips of a training in Gram space go through X: by shape and costs alone, so that it takes the same way every time. */
export interface CrowdPlan {
  /** Flips of one epoch of a neuron from which on a product with X costs less than their rows of K; Infinity where it never does. */
  readonly least: number;
  /**
   * Events, all by a product with X, that cost as much as K: before there have been so many, K is not made. It is then never much more
   * than twice too late, whatever comes, and it does not depend on how long the training is to be. 0 where K is made at once.
   */
  readonly worth: number;
}

/** Measured constants of the adapter, or undefined. */
function costsOf(gpu: Gpu): Costs | undefined {
  if (!gpu.adapter.software) return undefined;
  return gpu.adapter.subgroupSize === 4 ? SWIFTSHADER : LAVAPIPE;
}

/** Estimated seconds of the parts of a training. */
export interface Estimate {
  /** An epoch of the direct trainer. */
  readonly directEpoch: number;
  /** K alone, which trainings over the same samples share. */
  readonly gramMatrix: number;
  /** Both ends of Gram training. */
  readonly ends: number;
  /** A flip, and an event, of the identity loss. */
  readonly flip: number;
  readonly event: number;
  /** A flip whose sample is added up with others, and what all of an event then take together: a product with X, or Infinity. */
  readonly gather: number;
  readonly product: number;
  readonly crowds: CrowdPlan;
  /** An epoch of the logistic loss. */
  readonly denseEpoch: number;
}

/** Undefined on adapters that have not been measured. */
export function estimateCosts(gpu: Gpu, { n, d, m, inner = d }: CostShape): Estimate | undefined {
  const c = costsOf(gpu);
  if (!c) return undefined;
  const matrix = c.gram * n * n * inner;
  const flip = c.row + c.flip * n;
  const gather = c.row + c.flip * d;
  const kernel = matrix + ENTRY * n * n;
  const product = gramLoop(gpu).variant === 'subgroup' && n * d >= LEAST_CROWD ? c.crowd * n * d : Infinity;
  const worth = Math.ceil(kernel / product);
  const crowds = {
    least: flip > gather ? Math.ceil(product / (flip - gather)) : Infinity,
    // Below m an epoch in which every neuron flips pays for K, and looks at every epoch would cost more than they spare.
    worth: kernel > CHEAP_KERNEL && worth >= m ? worth : 0,
  };
  return {
    directEpoch: 2 * c.direct * n * d * m + c.epoch,
    gramMatrix: matrix,
    ends: 4 * c.direct * n * d * m + c.ends,
    flip,
    event: c.event * n,
    gather,
    product,
    crowds,
    denseEpoch: c.direct * n * n * m + c.entry * n * m + c.epoch,
  };
}

/**
 * Seconds that flips take, so many epochs of a neuron having any, under the identity loss.
 * @param kernel seconds of K, if it is still to be made should it be worth it
 */
export function flipSeconds(
  { flip, gather, product, event }: Estimate,
  flips: number,
  events: number,
  kernel = 0,
): number {
  const through = (events && events * product) + flips * gather;
  return events * event + Math.min(through, kernel + Math.min(flips * flip, through));
}
