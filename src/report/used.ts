// What experiments used: trainers, kernels, versions, time. Of many experiments each is said once.

import type { ExperimentResult } from '../experiment/types';
import { seconds } from './format';

/** Of a result's trainer what other experiments may share: not the reasons, which name their sizes and flips. */
export interface TrainerUse {
  readonly standard: string;
  readonly learning: string;
  readonly kernels: Readonly<Record<string, string>>;
}

export const trainerUse = ({ stages, kernels }: ExperimentResult['trainer']): TrainerUse => ({
  standard: stages.standard.chosen,
  learning: stages.learning.chosen,
  kernels,
});

/** Without those that have the same JSON text as one before. */
export const distinct = <T>(values: readonly T[]): T[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];

/** "matmul subgroup, lanes 8". */
export const pairs = (record: Readonly<Record<string, string>>): string =>
  Object.entries(record)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

/** Kernels and why these, in lines. */
export function kernelText(all: readonly TrainerUse['kernels'][]): string {
  const names = [...new Set(all.flatMap((kernels) => Object.keys(kernels)))];
  const values = (name: string) => distinct(all.flatMap((kernels) => kernels[name] ?? []));
  const chosen = Object.fromEntries(
    names.filter((name) => name !== 'reason').map((name) => [name, values(name).join(' or ')]),
  );
  return [pairs(chosen), ...values('reason')].join('\n');
}

/** Rows of a table of facts; none when nothing is known. */
export function usedFacts(uses: readonly TrainerUse[]): [string, string][] {
  if (uses.length === 0) return [];
  const chosen = (stage: 'standard' | 'learning') => distinct(uses.map((use) => use[stage])).join(' or ');
  return [
    ['trainer of f', chosen('standard')],
    ['trainer of g', chosen('learning')],
    ['kernels', kernelText(uses.map(({ kernels }) => kernels))],
  ];
}

type Timing = ExperimentResult['timing'];

const STAGES = {
  standardSeconds: 'training f',
  perturbationSeconds: 'perturbations',
  learningSeconds: 'training g',
  theorySeconds: 'theory',
  evaluationSeconds: 'evaluation',
} as const satisfies Partial<Record<keyof Timing, string>>;

/** "training f 0.50 s" and so on, of all together; without the stages that took no time. */
export const stageTimes = (timings: readonly Timing[]): string[] =>
  (Object.keys(STAGES) as (keyof typeof STAGES)[]).flatMap((stage) => {
    const total = timings.reduce((sum, timing) => sum + (timing[stage] ?? 0), 0);
    return total > 0 ? [`${STAGES[stage]} ${seconds(total)}`] : [];
  });
