// What a training under `auto` does with each answer it may get: into Gram space at a probe, out of it at a review. The
// answers are scripted; whether they are wise is another test's affair.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { TrainingShape } from '../../src/network/choose';
import { type TrainingOutcome, train, trainAll } from '../../src/network/train';
import { expectSameBits, normwise, useEngine } from '../helpers';
import { needsGram } from './helpers';
import { reference, type Task, TaskData } from './tasks';

const bound = useEngine();

const script = vi.hoisted(() => ({
  start: 'probe' as 'probe' | 'gram' | 'direct',
  /** Epoch of the probe at which the training goes to Gram space. */
  enter: Infinity,
  /** Whether it stays there, by length and epoch. */
  stay: (_epochs: number, _epoch: number): boolean => true,
  seen: [] as string[],
}));

vi.mock('../../src/network/choose', async (original) => ({
  ...(await original<typeof import('../../src/network/choose')>()),
  chooseStart: () => ({ trainer: script.start, reason: 'the start' }),
  chooseAtProbe: (_: unknown, shape: TrainingShape, epoch: number, flips: number) => {
    script.seen.push(`probe ${epoch} of ${shape.epochs}: ${flips > 0}`);
    return { trainer: epoch >= script.enter ? 'gram' : 'probe', reason: `the probe at ${epoch}` };
  },
  reviewGram: (_: unknown, shape: TrainingShape, epoch: number, since: { flips: number }) => {
    script.seen.push(`review ${epoch} of ${shape.epochs}: ${since.flips > 0}`);
    return { stay: script.stay(shape.epochs, epoch), reason: `the review at ${epoch}` };
  },
}));

const task: Task = { n: 101, d: 20, m: 33, lr: 0.1, epochs: 90 };

beforeEach(() => {
  script.seen.length = 0;
  Object.assign(script, { start: 'probe', enter: Infinity, stay: () => true });
});
afterEach(() => expect(bound.gpu.liveArrays).toBe(0));

async function outcomeOf(given: Task): Promise<{ outcome: TrainingOutcome; W: Float32Array }> {
  using data = await TaskData.create(bound.gpu, given);
  const problem = await data.problem(given);
  return { outcome: await train(bound.gpu, problem, 'auto'), W: (await problem.network.read()).W };
}

test.for([
  ['never to Gram space', { enter: Infinity }, 'direct', /^the probe at 64$/, ['probe 2', 'probe 16', 'probe 64']],
  ['at the second probe', { enter: 16 }, 'gram', /^the probe at 16; \d+ flips$/, ['probe 2', 'probe 16', 'review 64']],
  ['from the start', { start: 'gram' }, 'gram', /^the start; \d+ flips$/, ['review 16', 'review 64']],
  ['directly from the start', { start: 'direct' }, 'direct', /^the start$/, []],
  [
    'in at 2, out at 16',
    { enter: 2, stay: (_: number, epoch: number) => epoch < 16 },
    'direct',
    /^the review at 16; \d+ flips$/,
    ['probe 2', 'review 16'],
  ],
] as const)('%s: the reason of the answer, and float64 all the same', async ([, answers, chosen, reason, asked], {
  skip,
}) => {
  needsGram(bound.gpu, skip);
  Object.assign(script, answers);
  const { outcome, W } = await outcomeOf(task);
  expect(outcome.chosen).toBe(chosen);
  expect(outcome.reason).toMatch(reason);
  expect(script.seen).toEqual(asked.map((each) => `${each} of 90: true`));
  const expected = reference(task);
  expect(normwise(W, expected.net.W)).toBeLessThan(1e-4);
  expect(normwise(outcome.loss, expected.loss)).toBeLessThan(1e-4);
});

test('snapshots that a review would keep in Gram space, though the training leaves it: split off, and not taken', async ({
  skip,
}) => {
  needsGram(bound.gpu, skip);
  // A training of up to 50 epochs stays at the review at 16, a longer one leaves.
  Object.assign(script, { enter: 2, stay: (epochs: number, epoch: number) => epoch < 16 || epochs <= 50 });
  const split: number[] = [];
  const taken = new Map<number, Float32Array>();
  {
    using data = await TaskData.create(bound.gpu, task);
    const onSnapshot = async (epoch: number, network: Awaited<ReturnType<typeof data.problem>>['network']) => {
      taken.set(epoch, (await network.read()).W);
      network.dispose();
    };
    const options = { snapshots: [1, 7, 16, 40, 70], onSnapshot };
    const onSplit = (epoch: number) => split.push(epoch);
    await trainAll(bound.gpu, [{ problem: await data.problem(task), wanted: 'auto', options, onSplit }]);
  }
  expect(split).toEqual([40]);
  expect([...taken.keys()]).toEqual([1, 7, 16, 70]);
  for (const [epoch, W] of taken) expectSameBits(`epoch ${epoch}`, W, (await outcomeOf({ ...task, epochs: epoch })).W);
});

test('snapshots that stay while the training stays, and one that would leave', async ({ skip }) => {
  needsGram(bound.gpu, skip);
  // Only a training of 40 epochs leaves at 16: asked for at that review, it must not come from one that stays.
  Object.assign(script, { enter: 2, stay: (epochs: number, epoch: number) => epoch < 16 || epochs !== 40 });
  const split: number[] = [];
  const taken: number[] = [];
  {
    using data = await TaskData.create(bound.gpu, task);
    const options = {
      snapshots: [7, 40, 70],
      onSnapshot: (epoch: number, network: { dispose(): void }) => {
        taken.push(epoch);
        network.dispose();
      },
    };
    const onSplit = (epoch: number) => split.push(epoch);
    await trainAll(bound.gpu, [{ problem: await data.problem(task), wanted: 'auto', options, onSplit }]);
  }
  expect([split, taken]).toEqual([[40], [7, 70]]);
});
