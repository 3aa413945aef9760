// Direct or Gram: what each would cost on this adapter, and whether Gram can run at all.
//
// What Gram training costs under the identity loss depends on how often derivative bits flip, which only the run shows. So
// where the estimate leaves a doubt, a few epochs run directly and the flips of one are counted; and a training in Gram
// space is looked at again when it has gone on for a while. Counts, not clocks, decide: the same run always takes the same
// path. Under the logistic loss an epoch costs the same every time.
//
import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { GRAM_EPOCHS, GRAM_PIECES, gramSamples } from '../kernels/gram-limits';
import { paddedRow } from '../kernels/step';
import { gramLoop, type MatmulLayout, matmulLayout } from '../kernels/variant';
import { gradientPartLength, gradientSplits } from '../kernels/weight-gradient';
import { type Estimate, estimateCosts, flipSeconds } from './costs';
import { gramLogisticElements, gramLogisticLength } from './gram-logistic-size';
import { gramLength, gramPieces, gramRow } from './gram-matrix';
import { changeLength, groupLength, PLANES } from './gram-size';
import { planBlocks } from './samples';
import { inOneSlice } from './slices';
import type { Precision } from './trainer';

export interface TrainingShape {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  readonly epochs: number;
  readonly loss: 'identity' | 'logistic';
  readonly momentum: number;
  /** Default f32. */
  readonly precision?: Precision;
  /** Multiply-adds that an entry of K takes (default: d). */
  readonly inner?: number;
  /** That of the kernels which run (default: the adapter's own). */
  readonly layout?: MatmulLayout;
}

/** Epochs after which a training that goes on directly has its flips counted. */
export const PROBES = [2, 16, 64, 256, 1024, 4096] as const;
/** Epochs after which a training in Gram space is looked at again. */
export const REVIEWS = [16, 64, 256, 1024, 4096] as const;

/** Device memory that `auto` lets Gram training take, K before all, unless the engine is told another limit. */
export const GRAM_MEMORY = 2 * 1024 ** 3;

/** Flips of a derivative bit in a whole run, before anything is known (measured: 0.3 to 0.6; pure noise up to 5). */
const PRIOR_FLIPS = 0.6;
/** How far off that may be before a run is started without a look. */
const DOUBT = 3;
/** Share of the direct trainer's time below which no look is needed: reviews see to the rest. */
const SURE = 0.75;
/** Direct epochs that counting flips, or changing the trainer on the way, costs. */
const LOOK = 4;
/** Epochs over which the rate of flips is taken to last; later it falls off as 1 / epochs (measured on Gauss and MNIST). */
const STEADY = 64;

export interface Choice {
  /** `probe`: go on directly to the next of {@link PROBES}, and count. */
  readonly trainer: 'direct' | 'gram' | 'probe';
  readonly reason: string;
}

/** What the kernels of a training are cut by. */
const layoutOf = (gpu: Gpu, { n, d, m, layout }: Pick<TrainingShape, 'n' | 'd' | 'm' | 'layout'>): MatmulLayout =>
  layout ?? matmulLayout(gpu, m, undefined, n * d * m);

/** Why Gram training cannot run, in words for the user, or undefined. */
export function gramObstacle(gpu: Gpu, shape: TrainingShape): string | undefined {
  return innerObstacle(gpu, shape) ?? endsObstacle(gpu, shape);
}

/** What Gram training ends with, and for samples in several blocks what it begins with, in one piece each. */
function endsObstacle(gpu: Gpu, shape: TrainingShape): string | undefined {
  const { n, d, m, loss } = shape;
  const most = gpu.maxArrayLength;
  const layout = layoutOf(gpu, shape);
  if (!inOneSlice(gpu, d, layout)) {
    return `Gram training needs ${formatBytes(4 * (d + 1) * m)} in one piece for the weights; this adapter binds ${formatBytes(4 * most)}`;
  }
  const several = loss === 'identity' && n * paddedRow(d) > most;
  const blocks = several ? planBlocks(gpu, n, d, layout.words) : [];
  const parts = blocks.reduce((sum, { rows }) => sum + gradientSplits(rows, d, layout), 0);
  const ends = Math.max(changeLength(d, m), parts * gradientPartLength(d, layout));
  if (ends <= most) return undefined;
  return `Gram training needs ${formatBytes(4 * ends)} in one piece for the change of the weights; this adapter binds ${formatBytes(4 * most)}`;
}

function innerObstacle(gpu: Gpu, shape: TrainingShape): string | undefined {
  const { n, loss, momentum, epochs, precision } = shape;
  if (precision === 'f16') return "Gram training computes in float32; half precision is the direct trainer's";
  const most = gpu.maxArrayLength;
  const ld = gramRow(n);
  const limit = formatBytes(most * 4);
  if (loss === 'identity') {
    // The closed form divides by 1 - mu: at 0.999 float32 loses three digits there (measured: 2e-4 of W, direct 1e-6).
    if (momentum > 0.99) return `Gram training is exact to float32 up to a momentum of 0.99, not ${momentum}`;
    if (epochs > GRAM_EPOCHS) return `Gram training takes at most ${GRAM_EPOCHS} epochs, not ${epochs}`;
    const buffers = gpu.limits.maxStorageBuffersPerShaderStage;
    if (buffers < 4 + GRAM_PIECES)
      return `Gram training binds ${4 + GRAM_PIECES} arrays; this adapter takes ${buffers}`;
    const samples = gramLoop(gpu).variant === 'workgroup' ? gramSamples(gpu.limits) : n;
    if (n > samples) return `Gram training takes at most ${samples} samples on this adapter, not ${n}`;
    if (gramPieces(gpu, n, 1).count > GRAM_PIECES) {
      const bytes = formatBytes(4 * gramLength(n));
      return `Gram training needs ${bytes} for the matrix X X^T in at most ${GRAM_PIECES} pieces; this adapter binds ${limit} each`;
    }
    const state = groupLength(n, layoutOf(gpu, shape).group);
    if (state > most) {
      return `Gram training needs ${formatBytes(4 * state)} in one piece for the state of a few neurons; this adapter binds ${limit}`;
    }
    return undefined;
  }
  const { rows } = gramPieces(gpu, n, 0);
  const state = rows > 0 ? gramLogisticLength(n, rows, layoutOf(gpu, shape)) : Infinity;
  if (state > most) {
    const bytes = formatBytes(4 * (rows > 0 ? state : 32 * ld));
    return `Gram training under the logistic loss needs ${bytes} in one piece beside the matrix X X^T of ${formatBytes(4 * gramLength(n))}; this adapter binds ${limit}`;
  }
  return undefined;
}

/** Bytes that Gram training holds beyond the samples and the weights: K, its state, and the copy a rollback needs. */
export function gramBytes(gpu: Gpu, shape: Pick<TrainingShape, 'n' | 'd' | 'm' | 'loss' | 'layout'>): number {
  const { n, m, loss } = shape;
  const ld = gramRow(n);
  const { rows } = gramPieces(gpu, n, loss === 'identity' ? 1 : 0);
  const state = loss === 'identity' ? 2 * PLANES * m * ld : gramLogisticElements(n, rows, layoutOf(gpu, shape));
  return 4 * (gramLength(n) + state);
}

/** Seconds in Gram space, when so many derivative bits flip under the identity loss. */
function gramSeconds(estimate: Estimate, { m, epochs, loss }: TrainingShape, flips: number): number {
  if (loss === 'logistic') return estimate.ends + estimate.gramMatrix + epochs * estimate.denseEpoch;
  return estimate.ends + flipSeconds(estimate, flips, Math.min(flips, m * epochs), estimate.gramMatrix);
}

const expectedFlips = ({ n, m }: TrainingShape) => PRIOR_FLIPS * n * m;

const seconds = (value: number) => `${value.toPrecision(2)} s`;
const compared = (gram: number, direct: number) =>
  `estimated ${seconds(gram)} in Gram space, ${seconds(direct)} directly`;

/** What to do before the first epoch. @param memoryLimit bytes */
export function chooseStart(gpu: Gpu, shape: TrainingShape, memoryLimit = GRAM_MEMORY): Choice {
  const obstacle = gramObstacle(gpu, shape);
  if (obstacle) return { trainer: 'direct', reason: obstacle };
  const estimate = estimateCosts(gpu, shape);
  if (!estimate) {
    const reason = 'Gram training has not been measured on this adapter: trainer gram asks for it';
    return { trainer: 'direct', reason };
  }
  const { epochs, loss } = shape;
  const direct = epochs * estimate.directEpoch;
  const bytes = gramBytes(gpu, shape);
  if (bytes > memoryLimit) {
    const reason = `Gram space would take ${formatBytes(bytes)}, past the limit of ${formatBytes(memoryLimit)}: trainer gram asks for it`;
    return { trainer: 'direct', reason };
  }
  if (loss === 'logistic') {
    const gram = gramSeconds(estimate, shape, 0);
    return { trainer: gram < direct ? 'gram' : 'direct', reason: compared(gram, direct) };
  }
  const gram = (flips: number) => gramSeconds(estimate, shape, flips);
  const expected = expectedFlips(shape);
  const reason = compared(gram(expected), direct);
  // A look costs a few epochs itself: only where few flips would make the difference.
  if (epochs <= 2 * PROBES[0] || gram(expected / DOUBT) >= direct) return { trainer: 'direct', reason };
  return { trainer: gram(DOUBT * expected) < SURE * direct ? 'gram' : 'probe', reason };
}

/** Epochs that `left` epochs count for, the rate of flips falling off. */
const lasting = (left: number) => (left <= STEADY ? left : STEADY * (1 + Math.log(left / STEADY)));

/** The same from an early epoch on: up to {@link STEADY} the rate falls off as 1 / epochs at least, or a review tells. */
function lastingFrom(epoch: number, left: number): number {
  if (epoch >= STEADY) return lasting(left);
  const steady = Math.min(STEADY, epoch + left);
  return epoch * Math.log(steady / epoch) + (epoch / steady) * lasting(epoch + left - steady);
}

/** What a whole training is expected to take, K included, before anything is known of it. */
export interface Expectation {
  readonly start: Choice['trainer'];
  /** Undefined on adapters that have not been measured. */
  readonly seconds: number | undefined;
}

/** @param wanted the configured trainer @param memoryLimit as for {@link chooseStart} */
export function expectTraining(
  gpu: Gpu,
  shape: TrainingShape,
  wanted: 'auto' | 'direct' | 'gram',
  memoryLimit = GRAM_MEMORY,
): Expectation {
  const start = wanted === 'auto' ? chooseStart(gpu, shape, memoryLimit).trainer : wanted;
  const estimate = estimateCosts(gpu, shape);
  if (!estimate) return { start, seconds: undefined };
  const direct = shape.epochs * estimate.directEpoch;
  const gram = gramSeconds(estimate, shape, expectedFlips(shape));
  const seconds = { direct, gram, probe: Math.min(direct, gram) }[start];
  return { start, seconds };
}

/** What to do when `flips` derivative bits flipped in the epoch before `epoch`, the run going on directly. */
export function chooseAtProbe(gpu: Gpu, shape: TrainingShape, epoch: number, flips: number): Choice {
  const estimate = estimateCosts(gpu, shape);
  if (!estimate) return { trainer: 'direct', reason: 'asked for' };
  const left = shape.epochs - epoch;
  const direct = left * estimate.directEpoch;
  const events = Math.min(flips, shape.m);
  const perEpoch = flipSeconds(estimate, flips, events);
  const all = lastingFrom(epoch, left);
  // Without a flip K may never be needed.
  const gram = estimate.ends + flipSeconds(estimate, all * flips, all * events, flips && estimate.gramMatrix);
  const reason = `${flips} derivative bits flipped in epoch ${epoch}: the rest ${compared(gram, direct)}`;
  const next = PROBES.find((probe) => probe > epoch && probe < shape.epochs);
  // Early flips fall off about as 1 / epochs^2 (measured on shifted Gauss). While those up to the next look cost more than
  // direct epochs and the look, the switch can wait.
  const wait = next && perEpoch * epoch * (1 - epoch / next) > (next - epoch + LOOK) * estimate.directEpoch;
  if (gram < direct && !wait) return { trainer: 'gram', reason };
  return { trainer: next ? 'probe' : 'direct', reason };
}

/** Whether to stay in Gram space at `epoch`, after so many flips and events since the last look. */
export function reviewGram(
  gpu: Gpu,
  shape: TrainingShape,
  epoch: number,
  since: { readonly epochs: number; readonly flips: number; readonly events: number },
): { readonly stay: boolean; readonly reason: string } {
  const estimate = estimateCosts(gpu, shape);
  if (!estimate) return { stay: true, reason: 'asked for' };
  const left = shape.epochs - epoch;
  const perEpoch = flipSeconds(estimate, since.flips, since.events) / since.epochs;
  // An early mean is of more than what still goes on: of a rate that falls off as 1 / epochs, its end is so much. From STEADY on
  // it is taken to last, which is rather too much: no other review comes for long.
  const end = epoch < STEADY ? since.epochs / (epoch * Math.log(epoch / Math.max(1, epoch - since.epochs))) : 1;
  const gram = lastingFrom(epoch, left) * end * perEpoch;
  const direct = (left + LOOK) * estimate.directEpoch;
  const share = ((100 * since.flips) / (shape.n * shape.m * since.epochs)).toPrecision(2);
  const reason = `${share} % of the derivative bits flipped in an epoch up to epoch ${epoch}: the rest ${compared(gram, direct)}`;
  return { stay: gram <= direct, reason };
}
