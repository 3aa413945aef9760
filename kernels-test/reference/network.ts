// The two-layer network in float64, written from the mathematics of the design and not from the shaders: plain loops over
// Float64Array, samples and neurons in their natural order. Slow on purpose; nothing here is blocked, packed or fused.

export type Loss = 'identity' | 'logistic';
export type Norm = 'l2' | 'linf' | 'l0';
/** Anything with numbers by index. */
export type Numbers = ArrayLike<number>;

/** f(x) = sum_j a_j phi(w_j . x + b_j); W (m, d) row-major, b (m), a (m). */
export interface ReferenceNetwork {
  readonly W: Float64Array;
  readonly b: Float64Array;
  readonly a: Float64Array;
  readonly d: number;
  readonly m: number;
  readonly slope: number;
}

export function networkOf(
  arrays: { readonly W: Numbers; readonly b: Numbers; readonly a: Numbers },
  d: number,
  slope: number,
): ReferenceNetwork {
  const { W, b, a } = arrays;
  return { W: Float64Array.from(W), b: Float64Array.from(b), a: Float64Array.from(a), d, m: a.length, slope };
}

/** w_j . x_i + b_j. */
export function preActivation(net: ReferenceNetwork, X: Numbers, i: number, j: number): number {
  const { W, b, d } = net;
  let sum = b[j]!;
  for (let k = 0; k < d; k++) sum += W[j * d + k]! * X[i * d + k]!;
  return sum;
}

/** Outputs of all samples of X (n, d). */
export function outputs(net: ReferenceNetwork, X: Numbers): Float64Array {
  const n = X.length / net.d;
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < net.m; j++) {
      const z = preActivation(net, X, i, j);
      out[i]! += net.a[j]! * (z > 0 ? z : net.slope * z);
    }
  }
  return out;
}

/** Loss of one margin z = y f; the logistic one as softplus(-z), which neither overflows nor loses its tail. */
export function lossOf(loss: Loss, z: number): number {
  return loss === 'identity' ? -z : Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

/** dloss/dz. */
export function lossSlope(loss: Loss, z: number): number {
  if (loss === 'identity') return -1;
  // -sigma(-z); exp never sees a positive argument.
  const e = Math.exp(-Math.abs(z));
  return -(z >= 0 ? e : 1) / (1 + e);
}

/** Mean loss over the samples and its gradient in W and b. */
export function lossAndGradient(
  net: ReferenceNetwork,
  X: Numbers,
  y: Numbers,
  loss: Loss,
): { loss: number; dW: Float64Array; db: Float64Array; correct: number } {
  const { W, b, a, d, m, slope } = net;
  const n = y.length;
  const dW = new Float64Array(m * d);
  const db = new Float64Array(m);
  const z = new Float64Array(m);
  let total = 0;
  let correct = 0;
  for (let i = 0; i < n; i++) {
    let f = 0;
    for (let j = 0; j < m; j++) {
      let sum = b[j]!;
      for (let k = 0; k < d; k++) sum += W[j * d + k]! * X[i * d + k]!;
      z[j] = sum;
      f += a[j]! * (sum > 0 ? sum : slope * sum);
    }
    const margin = y[i]! * f;
    total += lossOf(loss, margin);
    if (margin > 0) correct++;
    const s = (lossSlope(loss, margin) * y[i]!) / n;
    for (let j = 0; j < m; j++) {
      const g = s * a[j]! * (z[j]! > 0 ? 1 : slope);
      if (g === 0) continue;
      db[j]! += g;
      for (let k = 0; k < d; k++) dW[j * d + k]! += g * X[i * d + k]!;
    }
  }
  return { loss: total / n, dW, db, correct };
}

/** df/dx of sample i. */
export function inputGradient(net: ReferenceNetwork, X: Numbers, i: number): Float64Array {
  const { W, a, d, m, slope } = net;
  const out = new Float64Array(d);
  for (let j = 0; j < m; j++) {
    const g = a[j]! * (preActivation(net, X, i, j) > 0 ? 1 : slope);
    for (let k = 0; k < d; k++) out[k]! += g * W[j * d + k]!;
  }
  return out;
}

/**
 * The perturbation of one row from g = df/dx and the target t: the loss falls with t f, so the way down the loss is the way
 * of t g. Ties of the l0 norm go to the lower column.
 */
export function perturbation(
  g: Numbers,
  t: number,
  spec: { readonly kind: Norm; readonly size: number; readonly k?: number },
): Float64Array {
  const { kind, size, k = 0 } = spec;
  const values = Float64Array.from(g);
  if (kind === 'linf') return values.map((value) => size * t * Math.sign(value));
  let kept = [...values.keys()];
  if (kind === 'l0') {
    kept.sort((p, q) => Math.abs(values[q]!) - Math.abs(values[p]!) || p - q);
    kept = kept.slice(0, k);
  }
  const most = Math.max(...kept.map((c) => Math.abs(values[c]!)));
  const out = new Float64Array(values.length);
  if (most === 0) return out;
  const length = Math.sqrt(kept.reduce((sum, c) => sum + (values[c]! / most) ** 2, 0));
  for (const c of kept) out[c] = (size * t * (values[c]! / most)) / length;
  return out;
}

/** Perturbations of all samples of X. */
export function perturbations(
  net: ReferenceNetwork,
  X: Numbers,
  targets: Numbers,
  spec: { readonly kind: Norm; readonly size: number; readonly k?: number },
): Float64Array {
  const n = targets.length;
  const out = new Float64Array(n * net.d);
  for (let i = 0; i < n; i++) out.set(perturbation(inputGradient(net, X, i), targets[i]!, spec), i * net.d);
  return out;
}

/** Share of samples with y f > 0. */
export function accuracy(f: Numbers, y: Numbers): number {
  let right = 0;
  for (let i = 0; i < y.length; i++) if (f[i]! * y[i]! > 0) right++;
  return right / y.length;
}

/** Share of points on which both networks have the same sign. */
export function agreement(f: Numbers, g: Numbers): number {
  let same = 0;
  for (let i = 0; i < f.length; i++) if (Math.sign(f[i]!) === Math.sign(g[i]!)) same++;
  return same / f.length;
}
