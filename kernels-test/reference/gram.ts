// Gram-space training of one neuron under the identity loss in float64: every epoch from the definition (design.md, "Gram
// space"), and beside it how far float32 may be off when it goes from event to event.
//
// The bounds are running ones. Between events H, U and A pass on what they are off by linearly, with coefficients that
// are all positive, and each event adds the roundings of its own formula; u is the unit roundoff. WGSL allows a division
// 2.5 and exp2 3 + 2 |x| units in the last place, one unit being 2 u. An epoch at which some |H| is below its
// bound is a kink that float32 may cross earlier or later: `margin` says how far the run stays away from that.

import { TINY, U } from '../harness';
import type { Numbers } from './network';

export interface NeuronCase {
  /** (n, n) X X^T + 1 */
  readonly K: Numbers;
  /** (n) -y / n */
  readonly s: Numbers;
  /** Readout. */
  readonly a: number;
  /** (n) pre-activations before the first epoch. */
  readonly h: Numbers;
  /** (n) U before the first epoch, from training of another kind; default zero. */
  readonly u?: Numbers;
  readonly momentum: number;
  readonly slope: number;
  /** Learning rate of each epoch; where it changes, the kernel is brought to that epoch first. */
  readonly rates: Numbers;
}

/** A value of the reference and how far the kernel's may be off, for each sample. */
interface Bounded {
  readonly value: Float64Array;
  readonly bound: Float64Array;
}

export interface NeuronRun {
  readonly H: Bounded;
  readonly U: Bounded;
  /** a K S / (1 - momentum) */
  readonly A: Bounded;
  readonly C: Bounded;
  readonly V: Bounded;
  /** By epoch. */
  readonly loss: Bounded;
  readonly flips: number;
  /** Epochs at which something flipped, and those at which the kernel was brought up without a flip. */
  readonly events: number;
  /** Epochs after which something flipped, and how many flips there were. */
  readonly turns: readonly { readonly epoch: number; readonly flips: number }[];
  /** Smallest |H| / bound over all epochs and samples: above 1 the kernel must flip exactly where the reference does. */
  readonly margin: number;
}

export function simulateNeuron({ K, s, a, h, u, momentum, rates, ...rest }: NeuronCase): NeuronRun {
  const n = s.length;
  const epochs = rates.length;
  const mu = Math.fround(momentum);
  const slope = Math.fround(rest.slope);
  const still = 1 - mu;
  // What p log2(mu) is off by for each p: the shader gets the logarithm rounded to float32, of the number not yet rounded.
  const log = momentum > 0 ? Math.log2(momentum) : 0;
  const logError = momentum > 0 ? Math.abs(Math.fround(log) - Math.log2(mu)) + U * Math.abs(log) : 0;
  const decay = (p: number) => mu ** p;
  const decayError = (p: number) => {
    if (momentum === 0 || p === 0) return 0;
    return decay(p) * (Math.LN2 * p * logError + (3 + 2 * p * Math.abs(log)) * 2 * U);
  };
  /** `value - lr (b (1 - mu^p) + p goal)` and its velocity after p epochs: how far they are off at most. */
  const ahead = (
    p: number,
    lr: number,
    at: { value: number; velocity: number; goal: number },
    off: { value: number; velocity: number; goal: number },
    result: number,
  ) => {
    const [power, error] = [decay(p), decayError(p)];
    const b = (Math.abs(at.velocity - at.goal) * mu) / still;
    const ofVelocity = (mu * (1 - power)) / still;
    const carried = lr * (ofVelocity * off.velocity + (p - ofVelocity) * off.goal);
    // b: the difference, the division and 1 - mu before it, the product; then two products, two sums and lr.
    const own = U * Math.abs(result) + lr * (b * (error + (1 - power) * 13 * U) + p * Math.abs(at.goal) * 4 * U) + TINY;
    const sizes = power * Math.abs(at.velocity) + (1 - power) * Math.abs(at.goal);
    return {
      value: off.value + carried + own,
      velocity:
        power * off.velocity +
        (1 - power) * off.goal +
        error * (Math.abs(at.velocity) + Math.abs(at.goal)) +
        4 * U * sizes +
        TINY,
    };
  };

  const zeros = () => new Float64Array(n);
  const bounded = (value = zeros()): Bounded => ({ value, bound: zeros() });
  const H = bounded(Float64Array.from(h));
  const velocity = bounded(u ? Float64Array.from(u) : zeros());
  const A = bounded();
  const C = bounded();
  const V = bounded();
  const loss: Bounded = { value: new Float64Array(epochs), bound: new Float64Array(epochs) };
  const phi = Float64Array.from(h, (value) => (value > 0 ? 1 : slope));
  const fill = () => {
    for (let i = 0; i < n; i++) {
      let q = 0;
      for (let k = 0; k < n; k++) q += K[i * n + k]! * s[k]! * phi[k]!;
      A.value[i] = (a * q) / still;
    }
  };
  fill();
  // A comes rounded to float32.
  for (let i = 0; i < n; i++) A.bound[i] = U * Math.abs(A.value[i]!);

  // What the kernel holds: the values at its last event, and C and V of each sample at that sample's last change.
  let eventAt = 0;
  let held = { H: H.value.slice(), U: velocity.value.slice(), A: A.value.slice() };
  const changedAt = zeros();
  const changed = { C: zeros(), V: zeros() };
  let margin = Number.POSITIVE_INFINITY;
  let flips = 0;
  const turns: { epoch: number; flips: number }[] = [];
  let events = 0;

  const settle = (i: number, t: number, lr: number, derivative: number) => {
    const goal = (a * s[i]! * derivative) / still;
    const at = { value: changed.C[i]!, velocity: changed.V[i]!, goal };
    // Two products, the division and 1 - mu before it.
    const off = { value: C.bound[i]!, velocity: V.bound[i]!, goal: 9 * U * Math.abs(goal) };
    const next = ahead(t - changedAt[i]!, lr, at, off, C.value[i]!);
    C.bound[i] = next.value;
    V.bound[i] = next.velocity;
    changed.C[i] = C.value[i]!;
    changed.V[i] = V.value[i]!;
    changedAt[i] = t;
  };

  for (let t = 0; t < epochs; t++) {
    const lr = Math.fround(rates[t]!);
    const p = t - eventAt;
    // The loss before the update of epoch t, and the sums it is made from at the last event.
    let sum = 0;
    let sizeH = 0;
    let sizeB = 0;
    let sizeA = 0;
    let carried = 0;
    const ofVelocity = (mu * (1 - decay(p))) / still;
    for (let i = 0; i < n; i++) {
      const source = s[i]! * phi[i]!;
      sum += source * H.value[i]!;
      const weight = Math.abs(source);
      sizeH += weight * Math.abs(held.H[i]!);
      sizeB += (weight * Math.abs(held.U[i]! - held.A[i]!) * mu) / still;
      sizeA += weight * Math.abs(held.A[i]!);
      const off = ofVelocity * velocity.bound[i]! + (p - ofVelocity) * A.bound[i]!;
      carried += weight * (H.bound[i]! + lr * off);
    }
    loss.value[t] = a * sum;
    const terms = n + 6;
    const steps = sizeB * ((1 - decay(p)) * (terms + 9) * U + decayError(p)) + p * terms * U * sizeA;
    loss.bound[t] = Math.abs(a) * (carried + terms * U * sizeH + lr * steps) + TINY;

    // One epoch, in the order of the definition.
    for (let i = 0; i < n; i++) {
      velocity.value[i] = mu * velocity.value[i]! + still * A.value[i]!;
      H.value[i]! -= lr * velocity.value[i]!;
      V.value[i] = mu * V.value[i]! + a * s[i]! * phi[i]!;
      C.value[i]! -= lr * V.value[i]!;
    }
    const now = t + 1;
    const after = (i: number) =>
      ahead(
        now - eventAt,
        lr,
        { value: held.H[i]!, velocity: held.U[i]!, goal: held.A[i]! },
        { value: H.bound[i]!, velocity: velocity.bound[i]!, goal: A.bound[i]! },
        H.value[i]!,
      );
    const flipped: number[] = [];
    for (let i = 0; i < n; i++) {
      margin = Math.min(margin, Math.abs(H.value[i]!) / after(i).value);
      if ((H.value[i]! > 0 ? 1 : slope) !== phi[i]!) flipped.push(i);
    }
    const brought = now === epochs || rates[now] !== rates[t];
    if (flipped.length === 0 && !brought) continue;
    events++;
    for (let i = 0; i < n; i++) {
      const next = after(i);
      H.bound[i] = next.value;
      velocity.bound[i] = next.velocity;
    }
    const moved = zeros();
    for (const k of flipped) {
      settle(k, now, lr, phi[k]!);
      const other = phi[k] === 1 ? slope : 1;
      const change = other - phi[k]!;
      for (let i = 0; i < n; i++) moved[i]! += Math.abs((a * s[k]! * change * K[i * n + k]!) / still);
      phi[k] = other;
    }
    if (flipped.length > 0) {
      turns.push({ epoch: now, flips: flipped.length });
      flips += flipped.length;
      for (let i = 0; i < n; i++) {
        // The step: a difference, two products, the division and 1 - mu; its product with K. Then one addition a flip.
        const additions = flipped.length * U * (Math.abs(A.value[i]!) + moved[i]!);
        A.bound[i]! += 15 * U * moved[i]! + additions;
      }
      fill();
    }
    if (brought) for (let i = 0; i < n; i++) settle(i, now, lr, phi[i]!);
    eventAt = now;
    held = { H: H.value.slice(), U: velocity.value.slice(), A: A.value.slice() };
  }
  return { H, U: velocity, A, C, V, loss, flips, events, turns, margin };
}
