// Direct or Gram: what each would cost on this adapter, and whether Gram can run at all.
//
// The constants are seconds on two cores, measured (bench/RESULTS.md); only their ratios matter. What Gram training costs
// under the identity loss depends on how often derivative bits flip, which only the run shows: a prior decides whether to
// start, the count at a fixed epoch whether to go on. Counts, not clocks, decide: the same run always takes the same path.
// Under the logistic loss an epoch costs the same every time.

import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { matmulLayout } from '../kernels/variant';
import { gramLength, REVIEW_EPOCHS } from './gram';
import { gramLogisticElements, gramLogisticLength } from './gram-logistic';

export interface TrainingShape {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  readonly epochs: number;
  readonly loss: 'identity' | 'logistic';
  readonly momentum: number;
  /** Blocks the samples are split into. */
  readonly blocks: number;
}

interface Costs {
  /** A multiply-add of the direct trainer, and what an epoch costs besides. */
  readonly direct: number;
  readonly epoch: number;
  /** A multiply-add of K. */
  readonly gram: number;
  /** One sample's share of a flip, and of going to the next event. */
  readonly flip: number;
  readonly event: number;
  /** One entry of H and C in a dense epoch: its bit, its momentum step, its coefficient. */
  readonly entry: number;
}

const LAVAPIPE: Costs = { direct: 6.5e-11, epoch: 5e-4, gram: 1.4e-10, flip: 2e-9, event: 8e-9, entry: 3e-8 };
const SWIFTSHADER: Costs = { direct: 5.5e-10, epoch: 5e-4, gram: 1.1e-9, flip: 1.8e-8, event: 4e-8, entry: 3e-8 };

/** Share of all derivative bits that flips in an epoch, before anything is known: between shifted Gauss and MNIST. */
const PRIOR_SHARE = 1e-3;

/** Why Gram training cannot run, in words for the user, or undefined. */
export function gramObstacle(gpu: Gpu, shape: TrainingShape): string | undefined {
  const { n, m, loss, momentum, blocks } = shape;
  if (loss === 'identity') {
    // The closed form divides by 1 - mu: at 0.999 float32 loses three digits there (measured: 2e-4 of W, direct 1e-6).
    if (momentum > 0.99) return `Gram training is exact to float32 up to a momentum of 0.99, not ${momentum}`;
    const widest = gpu.limits.maxComputeWorkgroupsPerDimension;
    if (m > widest) return `Gram training takes at most ${widest} neurons on this adapter, not ${m}`;
  }
  if (gpu.adapter.subgroupSize === null || !gpu.features.has('subgroups' as GPUFeatureName)) {
    return 'Gram training needs a device with the feature "subgroups", all of one fixed size';
  }
  const bytes = gramLength(n) * 4;
  const most = gpu.maxArrayLength * 4;
  const state = 4 * (loss === 'identity' ? identityState(n, m) : gramLogisticLength(n, n, matmulLayout(gpu, m)));
  if (blocks > 1 || bytes > most || state > most) {
    return `Gram training needs ${formatBytes(bytes)} for the matrix X X^T and ${formatBytes(state)} for its state, each in one piece; this adapter binds ${formatBytes(most)}`;
  }
  return undefined;
}

/** Elements of the identity loss's state, padding included. */
function identityState(n: number, m: number): number {
  return (6 * m + 32) * Math.ceil(n / 32) * 32;
}

/** Bytes that Gram training holds beyond the samples and the weights: K, its state, and the copy a rollback needs. */
export function gramBytes(gpu: Gpu, { n, m, loss }: Pick<TrainingShape, 'n' | 'm' | 'loss'>): number {
  const state =
    loss === 'identity'
      ? identityState(n, m) + 6 * m * Math.ceil(n / 32) * 32
      : gramLogisticElements(n, n, matmulLayout(gpu, m));
  return 4 * (gramLength(n) + state);
}

/**
 * What a run may hold unless more is asked for: 1.25 (3 X + 4 W) and one readback of 4 MiB. Gram training is taken by
 * itself only within that; its matrix X X^T alone is larger where n is large against d.
 */
export function memoryBudget({ n, d, m }: Pick<TrainingShape, 'n' | 'd' | 'm'>): number {
  return 1.25 * 4 * (3 * n * d + 4 * m * d) + 4 * 1024 * 1024;
}

export interface Estimate {
  readonly direct: number;
  readonly gram: number;
}

function costs(gpu: Gpu): Costs | undefined {
  if (!gpu.adapter.software) return undefined;
  return gpu.adapter.subgroupSize === 4 ? SWIFTSHADER : LAVAPIPE;
}

/** Estimated seconds of both trainers on a CPU adapter; undefined on adapters that have not been measured. */
export function estimateCosts(gpu: Gpu, shape: TrainingShape): Estimate | undefined {
  const c = costs(gpu);
  if (!c) return undefined;
  const { n, d, m, epochs, loss } = shape;
  const flips = PRIOR_SHARE * n * m * epochs;
  const start = c.gram * n * n * d + 4 * c.direct * n * d * m;
  return {
    direct: epochs * (2 * c.direct * n * d * m + c.epoch),
    gram:
      start +
      (loss === 'identity'
        ? flips * n * c.flip + Math.min(flips, m * epochs) * n * c.event
        : epochs * (c.direct * n * n * m + c.entry * n * m + c.epoch)),
  };
}

/**
 * Whether direct training, from the start, beats going on: flips grow as a power of the epoch, read off the two reviews.
 * @param counted flips and events up to each review
 * @returns the reason to give up, or undefined
 */
export function reviewFlips(
  gpu: Gpu,
  shape: TrainingShape,
  counted: readonly { readonly flips: number; readonly events: number }[],
): string | undefined {
  const c = costs(gpu);
  const [first, second] = counted;
  if (!c || !first || !second) return undefined;
  const { n, d, m, epochs } = shape;
  const [early, late] = REVIEW_EPOCHS;
  const power = Math.log(Math.max(1, second.flips) / Math.max(1, first.flips)) / Math.log(late / early);
  const growth = (epochs / late) ** Math.min(1, Math.max(0, power)) - 1;
  const left = growth * n * (second.flips * c.flip + second.events * c.event);
  const direct = epochs * (2 * c.direct * n * d * m + c.epoch);
  if (left <= direct) return undefined;
  const share = ((100 * second.flips) / (n * m * late)).toPrecision(2);
  return `${share} % of the derivative bits flip in an epoch: going on was estimated at ${left.toFixed(1)} s, direct training at ${direct.toFixed(1)} s`;
}
