// A run that goes on from a checkpoint ends with the bits of one that was never interrupted: wherever it was taken, whichever
// trainer was at work.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Checkpoint, runExperiment } from '../../src';
import type { TrainingShape } from '../../src/network/choose';
import type * as costs from '../../src/network/costs';
import { expectSameBits, useEngine } from '../helpers';
import { needsGram, numbersOf, smallConfig } from './helpers';

const bound = useEngine();

const script = vi.hoisted(() => ({
  on: false,
  enter: Infinity,
  leave: Infinity,
  crowds: undefined as costs.CrowdPlan | undefined,
}));
vi.mock('../../src/network/costs', async (original) => {
  const { withPlan } = await import('./scripted-costs');
  return withPlan(original, () => script.crowds);
});
vi.mock('../../src/network/choose', async (original) => {
  const actual = await original<typeof import('../../src/network/choose')>();
  const scripted = <T extends (...args: never[]) => unknown>(real: T, answer: (...args: Parameters<T>) => unknown) =>
    ((...args: Parameters<T>) => (script.on ? answer(...args) : real(...args))) as T;
  return {
    ...actual,
    chooseStart: scripted(actual.chooseStart, () => ({ trainer: 'probe', reason: 'the start' })),
    chooseAtProbe: scripted(actual.chooseAtProbe, (_: unknown, _shape: TrainingShape, epoch: number) => ({
      trainer: epoch >= script.enter ? 'gram' : 'probe',
      reason: `the probe at ${epoch}`,
    })),
    reviewGram: scripted(actual.reviewGram, (_: unknown, _shape: TrainingShape, epoch: number) => ({
      stay: epoch < script.leave,
      reason: `the review at ${epoch}`,
    })),
  };
});

afterEach(() => {
  Object.assign(script, { on: false, enter: Infinity, leave: Infinity, crowds: undefined });
  expect(bound.gpu.liveArrays).toBe(0);
});

/** As it comes back from a file: JSON, and arrays of their own. */
const stored = (checkpoint: Checkpoint): Checkpoint => ({
  ...(JSON.parse(JSON.stringify({ ...checkpoint, arrays: {} })) as Checkpoint),
  arrays: Object.fromEntries(Object.entries(checkpoint.arrays).map(([name, values]) => [name, values.slice()])),
});

/** Runs with a checkpoint at every chunk, then from each of them. */
async function checkEvery(changes: Record<string, unknown>, most = 6): Promise<Checkpoint[]> {
  const stage = { lr: 0.5, epochs: 90 };
  const config = smallConfig({
    standard: stage,
    learning: stage,
    save: ['networks', 'perturbations', 'outputs'],
    ...changes,
  });
  const whole = await runExperiment(bound.engine, config);
  const all: Checkpoint[] = [];
  const keeper = { due: () => true, keep: async (checkpoint: Checkpoint) => void all.push(stored(checkpoint)) };
  await runExperiment(bound.engine, config, { checkpoint: { keeper } });
  expect(new Set(all.map(({ stage: where }) => where))).toEqual(new Set(['standard', 'learning']));
  // Some of them, spread out, each stage's first and last among them.
  const chosen = all.filter(
    (_, at) => at % Math.ceil(all.length / most) === 0 || all[at]?.stage !== all[at + 1]?.stage,
  );
  for (const from of chosen) {
    const again = await runExperiment(bound.engine, config, { checkpoint: { from } });
    const numbers = numbersOf(again);
    for (const [name, values] of Object.entries(numbersOf(whole))) {
      expectSameBits(`${name} from ${from.stage} ${from.epoch}`, numbers[name]!, values);
    }
    expect(again.metrics).toEqual(whole.metrics);
    expect(again.trainer).toEqual(whole.trainer);
  }
  return all;
}

describe.each(['direct', 'gram'] as const)('%s training', (trainer) => {
  test.for(['identity', 'logistic'] as const)('of the %s loss', async (loss, { skip }) => {
    if (trainer === 'gram') needsGram(bound.gpu, skip);
    await checkEvery({ trainer, loss });
  });
});

test('flips through X, before and after a look at which K turns out to be worth it', async ({ skip }) => {
  needsGram(bound.gpu, skip);
  script.crowds = { least: 3, worth: 300 };
  const all = await checkEvery({ trainer: 'gram' }, 12);
  const looks = all.map(({ facts }) => facts.training?.identity?.look);
  expect(looks.some((look) => look === 0)).toBe(true);
  expect(looks.some((look) => look! > 0)).toBe(true);
});

test('scenario b, whose second K is made from the first', async ({ skip }) => {
  needsGram(bound.gpu, skip);
  const data = { kind: 'shifted-gauss', n: 60, d: 90, shift: 0.3 };
  await checkEvery({ trainer: 'gram', data, perturbation: { kind: 'l2', onData: true } });
});

test.for([
  ['with K', undefined],
  ['whose flips went through X, so that K of what g learns from is not made from that of the samples', 1e9],
] as const)('a training that counts flips, enters Gram space and leaves it again, %s', async ([, worth], { skip }) => {
  needsGram(bound.gpu, skip);
  Object.assign(script, { on: true, enter: 16, leave: 64 });
  if (worth) script.crowds = { least: Infinity, worth };
  const all = await checkEvery({ perturbation: { kind: 'l2', size: 0.3, onData: worth !== undefined } }, 12);
  const phases = new Set(all.map(({ facts }) => facts.training?.choice.phase));
  expect([...phases]).toEqual(expect.arrayContaining(['probe', 'gram', 'direct']));
});

test('a checkpoint of another experiment is refused', async () => {
  const all: Checkpoint[] = [];
  const keeper = { due: () => true, keep: async (checkpoint: Checkpoint) => void all.push(checkpoint) };
  await runExperiment(bound.engine, smallConfig(), { checkpoint: { keeper } });
  const other = smallConfig({ network: { width: 32 } });
  await expect(runExperiment(bound.engine, other, { checkpoint: { from: all[0]! } })).rejects.toThrow(RangeError);
});
