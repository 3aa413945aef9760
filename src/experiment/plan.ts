// Which stages of many experiments are the same, so that each is computed once: data, the training of f, the
// perturbations, the training of g. A stage is known by its content, the part of the configuration that it depends on.

import { sha256 } from '../data/sha256';
import type { ExperimentConfig, TrainingConfig } from './types';

/** Experiments, by their places in the list, that one training of g serves. */
export interface SecondEnd {
  readonly epochs: number;
  readonly runs: number[];
}

/** A training of g; those that differ in length alone are snapshots of the longest. */
export interface SecondTraining {
  readonly key: string;
  readonly config: ExperimentConfig;
  readonly ends: SecondEnd[];
}

/** Perturbations of one f, and the trainings on them. */
export interface PerturbationStage {
  readonly key: string;
  readonly config: ExperimentConfig;
  readonly trainings: SecondTraining[];
}

export interface FirstEnd {
  readonly epochs: number;
  readonly perturbations: PerturbationStage[];
}

/** A training of f; those that differ in length alone are snapshots of the longest. */
export interface FirstTraining {
  readonly key: string;
  readonly config: ExperimentConfig;
  readonly ends: FirstEnd[];
}

/** Experiments on the same samples. */
export interface DataStage {
  readonly key: string;
  readonly config: ExperimentConfig;
  readonly trainings: FirstTraining[];
}

/** JSON with its keys in order: equal for equal content. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .join()}}`;
}

/** SHA-256 of a stage's content, hexadecimal: the name under which it may be kept. */
export function contentHash(value: unknown): Promise<string> {
  return sha256(new TextEncoder().encode(canonical(value)));
}

/** Whether drawing the samples takes the seed; files have none. */
const drawn = ({ data }: ExperimentConfig) => ['shifted-gauss', 'gauss', 'glyphs'].includes(data.kind);

const without = ({ epochs: _, ...training }: TrainingConfig) => training;

const dataContent = (config: ExperimentConfig) => ({
  data: config.data,
  test: config.test,
  ...(drawn(config) ? { seed: config.seed } : {}),
});
const firstContent = (config: ExperimentConfig) => ({
  seed: config.seed,
  network: config.network,
  loss: config.loss,
  trainer: config.trainer,
  precision: config.precision,
  standard: without(config.standard),
});
// The theory's predictions are made where the perturbations are.
const perturbationContent = ({ perturbation, theory, save }: ExperimentConfig) => ({
  perturbation,
  theory,
  directions: save.includes('theory'),
});
const secondContent = ({ learning }: ExperimentConfig) => ({ learning: without(learning) });

/** The entry of `list` with this key, added when there is none. */
function at<T extends { readonly key: string }>(list: T[], key: string, make: () => T): T {
  let found = list.find((each) => each.key === key);
  if (!found) {
    found = make();
    list.push(found);
  }
  return found;
}

function ending<T extends { readonly epochs: number }>(list: T[], epochs: number, make: () => T): T {
  let found = list.find((each) => each.epochs === epochs);
  if (!found) {
    found = make();
    list.push(found);
    list.sort((a, b) => a.epochs - b.epochs);
  }
  return found;
}

/**
 * Shares the stages of experiments.
 * @param layout what else the samples' place on the device depends on: experiments that differ in it do not share
 */
export function planRuns(configs: readonly ExperimentConfig[], layout: (run: number) => unknown): DataStage[] {
  const stages: DataStage[] = [];
  for (const [run, config] of configs.entries()) {
    const dataKey = canonical([dataContent(config), layout(run)]);
    const { trainings } = at(stages, dataKey, () => ({ key: dataKey, config, trainings: [] }));
    const firstKey = canonical(firstContent(config));
    const { ends } = at(trainings, firstKey, () => ({ key: firstKey, config, ends: [] }));
    const { epochs } = config.standard;
    const { perturbations } = ending(ends, epochs, () => ({ epochs, perturbations: [] }));
    const key = canonical(perturbationContent(config));
    const stage = at(perturbations, key, () => ({ key, config, trainings: [] }));
    const secondKey = canonical(secondContent(config));
    const second = at(stage.trainings, secondKey, () => ({ key: secondKey, config, ends: [] }));
    const length = config.learning.epochs;
    ending(second.ends, length, () => ({ epochs: length, runs: [] })).runs.push(run);
  }
  return stages;
}

/** All experiments that a stage serves. */
export const runsOf = {
  second: ({ ends }: SecondTraining): number[] => ends.flatMap(({ runs }) => runs),
  perturbation: ({ trainings }: PerturbationStage): number[] => trainings.flatMap(runsOfSecond),
  firstEnd: ({ perturbations }: FirstEnd): number[] => perturbations.flatMap((stage) => runsOf.perturbation(stage)),
  first: ({ ends }: FirstTraining): number[] => ends.flatMap((end) => runsOf.firstEnd(end)),
  data: ({ trainings }: DataStage): number[] => trainings.flatMap((training) => runsOf.first(training)),
};

function runsOfSecond(training: SecondTraining): number[] {
  return runsOf.second(training);
}
