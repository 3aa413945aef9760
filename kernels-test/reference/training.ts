// Full-batch gradient descent with momentum, and torch's ReduceLROnPlateau, in float64.

import { type Loss, lossAndGradient, type Numbers, type ReferenceNetwork } from './network';

export interface ReferenceSchedule {
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
}

/** Mode min, relative threshold, no cooldown, eps 1e-8. */
export class Plateau {
  best = Number.POSITIVE_INFINITY;
  bad = 0;
  drops = 0;

  constructor(
    public lr: number,
    private readonly schedule: ReferenceSchedule,
  ) {}

  /** Looks at the loss of an epoch; `lr` is then that of the next. */
  step(loss: number): void {
    const { factor, patience, threshold } = this.schedule;
    if (loss < this.best * (1 - threshold)) {
      this.best = loss;
      this.bad = 0;
    } else {
      this.bad++;
    }
    if (this.bad > patience) {
      if (this.lr - this.lr * factor > 1e-8) {
        this.lr *= factor;
        this.drops++;
      }
      this.bad = 0;
    }
  }
}

/** Trains a copy of `net`; the history has the loss before, and the learning rate of, each update; velocity is the last. */
export function train(
  net: ReferenceNetwork,
  X: Numbers,
  y: Numbers,
  options: {
    readonly loss: Loss;
    readonly lr: number;
    readonly epochs: number;
    readonly momentum: number;
    readonly plateau: ReferenceSchedule | false;
  },
): {
  net: ReferenceNetwork;
  velocity: { W: Float64Array; b: Float64Array };
  loss: Float64Array;
  lr: Float64Array;
  accuracy: Float64Array;
} {
  const { loss, epochs, momentum, plateau } = options;
  const trained = { ...net, W: net.W.slice(), b: net.b.slice() };
  const schedule = plateau ? new Plateau(options.lr, plateau) : undefined;
  const vW = new Float64Array(net.W.length);
  const vb = new Float64Array(net.b.length);
  const history = { loss: new Float64Array(epochs), lr: new Float64Array(epochs), accuracy: new Float64Array(epochs) };
  for (let t = 0; t < epochs; t++) {
    const lr = schedule?.lr ?? options.lr;
    const step = lossAndGradient(trained, X, y, loss);
    history.loss[t] = step.loss;
    history.lr[t] = lr;
    history.accuracy[t] = step.correct / y.length;
    // From zero, the first velocity is the first gradient.
    for (const [e, g] of step.dW.entries()) {
      vW[e] = momentum * vW[e]! + g;
      trained.W[e]! -= lr * vW[e]!;
    }
    for (const [j, g] of step.db.entries()) {
      vb[j] = momentum * vb[j]! + g;
      trained.b[j]! -= lr * vb[j]!;
    }
    schedule?.step(step.loss);
  }
  return { net: trained, velocity: { W: vW, b: vb }, ...history };
}
