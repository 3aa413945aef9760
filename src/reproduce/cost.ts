// What cells cost, roughly, before any has run: for the time that is announced, and for the share of the work that is done.
// The time left is corrected by what the finished cells took.

import { canonical } from '../experiment/plan';
import type { ExperimentConfig, TrainingConfig } from '../experiment/types';
import type { Cell } from './cells';

/** Samples and inputs of the two classes that the paper takes: MNIST 1 and 2, Fashion-MNIST 0 and 9. */
const FILES = { mnist: { n: 12_700, d: 784 }, 'fashion-mnist': { n: 12_000, d: 784 } } as const;

// Seconds on lavapipe with two cores (bench/RESULTS.md and runs of the panels): a multiply-add of the direct trainer; a
// sample's share of a neuron's epoch in Gram space, most epochs having a flip; an entry of K for each input.
const DIRECT = 6.5e-11;
const NEURON_EPOCH = 4e-9;
const KERNEL = 7e-11;
/** A stage's fixed costs: dispatches, evaluation, results. */
const FIXED = 0.02;

function shape({ data }: ExperimentConfig): { n: number; d: number } {
  if (data.kind === 'mnist' || data.kind === 'fashion-mnist') return FILES[data.kind];
  if (data.kind === 'shifted-gauss' || data.kind === 'gauss') return data;
  throw new TypeError(`no published figure has data of the kind ${data.kind}`);
}

function trainingSeconds(config: ExperimentConfig, { epochs }: TrainingConfig): number {
  const { n, d } = shape(config);
  const { width: m } = config.network;
  const direct = 2 * DIRECT * n * d * m;
  const gram = config.loss === 'identity' ? NEURON_EPOCH * n * m : DIRECT * n * n * m;
  return FIXED + epochs * Math.min(direct, gram);
}

/**
 * Estimated seconds of each cell, of cells on the same samples; what several share is the first one's. On lavapipe with
 * two cores: elsewhere only the ratios mean something.
 */
export function cellCosts(group: readonly Cell[]): Map<string, number> {
  const known = new Set<string>();
  const once = (key: unknown, cost: number): number => {
    const name = canonical(key);
    if (known.has(name)) return 0;
    known.add(name);
    return cost;
  };
  const costs = new Map<string, number>();
  for (const { id, runs } of group) {
    let cost = 0;
    for (const { config } of runs) {
      const { n, d } = shape(config);
      const { data, network, loss, standard, perturbation, learning, theory } = config;
      const kernel = KERNEL * n * n * d;
      const first = { network, loss, lr: standard.lr };
      cost += once({ data }, kernel);
      // Trainings that differ in length alone are one.
      cost += once(first, trainingSeconds(config, standard));
      const perturbed = { ...first, epochs: standard.epochs, perturbation, theory };
      cost +=
        once(perturbed, learning.epochs > 0 ? kernel : 0) +
        once({ ...perturbed, theory: 0 }, theory.cosine ? kernel : 0);
      cost += once({ ...perturbed, lr: learning.lr, g: true }, trainingSeconds(config, learning));
      if (typeof theory.map === 'object')
        cost += once({ ...perturbed, map: true }, 4 * DIRECT * n * theory.map.resolution ** 2);
    }
    costs.set(id, cost);
  }
  return costs;
}
