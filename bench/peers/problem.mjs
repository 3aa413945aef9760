// What every contestant trains: inputs from one seed, and the same training in float64 to check the contestants against.
//
// f(x) = sum_j a_j relu(w_j . x + b_j), loss mean(-y f), full-batch gradient descent with momentum: v <- 0.9 v + grad
// (v = grad at the first step), w <- w - lr v. The readout a is frozen. The loss of an epoch is the one before its step.

export const LR = 1;
export const MOMENTUM = 0.9;

export const SHAPES = {
  small: { n: 1000, d: 100, m: 100 },
  large: { n: 12700, d: 784, m: 100 },
};

// Multiply-adds count as two. Forward X W^T and the gradient S^T X; everything else is below 2 % of this at both shapes.
export const flopPerEpoch = ({ n, d, m }) => 4 * n * d * m;

function normalGenerator(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

const fill = (length, value) => Float32Array.from({ length }, (_, i) => value(i));

/** Two Gauss clouds 0.6 apart in every coordinate (the design's shifted-gauss), labels +1 and -1 in halves. */
export function makeProblem({ n, d, m }, seed = 1) {
  const normal = normalGenerator(seed);
  const y = fill(n, (i) => (2 * i < n ? 1 : -1));
  const x = fill(n * d, (k) => normal() + 0.3 * y[Math.floor(k / d)]);
  const W = fill(m * d, () => normal() / Math.sqrt(d));
  const b = fill(m, normal);
  const a = fill(m, () => normal() / Math.sqrt(m));
  return { n, d, m, x, y, W, b, a, lr: LR, momentum: MOMENTUM, slope: 0 };
}

/** A row-by-row (rows, columns) matrix as the (columns, rows) one. */
export function transpose(matrix, rows, columns) {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j];
  return out;
}

/** The outputs f = h a of (n, m) activations, in float64. */
export function outputsOf(h, a) {
  const m = a.length;
  const f = new Float64Array(h.length / m);
  for (let i = 0; i < f.length; i++) for (let j = 0; j < m; j++) f[i] += h[i * m + j] * a[j];
  return f;
}

/** The losses of the first `epochs` epochs, in float64. */
export function referenceLosses(problem, epochs) {
  const { n, d, m, x, y, a, lr, momentum } = problem;
  const W = Float64Array.from(problem.W);
  const b = Float64Array.from(problem.b);
  const X = Float64Array.from(x);
  const vW = new Float64Array(m * d);
  const vb = new Float64Array(m);
  const losses = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const last = epoch === epochs - 1;
    const gW = new Float64Array(m * d);
    const gb = new Float64Array(m);
    let loss = 0;
    for (let i = 0; i < n; i++) {
      const row = i * d;
      let f = 0;
      for (let j = 0; j < m; j++) {
        const w = j * d;
        let h = b[j];
        for (let k = 0; k < d; k++) h += W[w + k] * X[row + k];
        if (h <= 0) continue;
        f += a[j] * h;
        if (last) continue;
        const s = (-y[i] * a[j]) / n;
        gb[j] += s;
        for (let k = 0; k < d; k++) gW[w + k] += s * X[row + k];
      }
      loss -= (y[i] * f) / n;
    }
    losses.push(loss);
    for (let k = 0; k < m * d; k++) {
      vW[k] = momentum * vW[k] + gW[k];
      W[k] -= lr * vW[k];
    }
    for (let j = 0; j < m; j++) {
      vb[j] = momentum * vb[j] + gb[j];
      b[j] -= lr * vb[j];
    }
  }
  return losses;
}
