// The neuron loop of Gram training, gram_identity_subgroup and gram_identity_workgroup, against every epoch in float64.

import type { Gpu } from '../../src/gpu/gpu';
import * as shaders from '../../src/kernels/generated';
import { imageFor } from '../../src/kernels/pack';
import { type GramLoop, gramLoop } from '../../src/kernels/variant';
import { Bench, expectClose, expectExact, expectSameBits } from '../harness';
import type { NeuronRun } from '../reference/gram';
import { type Check, heldAtOnce } from './case';
import type { Crowd } from './gram-identity-crowd';
import { PLANES, Play, type Played } from './gram-identity-play';
import {
  type GramCase,
  gramProblem,
  PADDING,
  type Prepared,
  type Problem,
  SECOND_ORDER,
} from './gram-identity-problem';

/** Fails unless a training came to what the reference says. */
function expectReference({ n, ld }: Problem, training: Prepared, played: Played, name: string): void {
  const { m, runs, first, epochs } = training;
  const neuron = (j: number) => `${name}, neuron ${j}`;
  expectExact(
    'flips',
    played.flips,
    runs.map((each) => each.flips),
    neuron,
  );
  expectExact(
    'events',
    played.events,
    runs.map((each) => each.events),
    neuron,
  );
  for (const [j, reference] of runs.entries()) {
    const at = (i: number) => `${neuron(j)}, sample ${i}`;
    const plane = (p: number) => played.state.subarray((p * m + j) * ld, (p * m + j) * ld + n);
    for (const [p, what] of (['H', 'U', 'A', 'C', 'V'] as const).entries()) {
      const { value, bound } = reference[what];
      expectClose(what, plane(p), value, (i) => SECOND_ORDER * bound[i]!, at);
    }
    expectExact(PLANES[5], plane(5), new Array<number>(n).fill(first + epochs), at);
    const { value, bound } = reference.loss;
    const losses = played.losses.subarray(j * epochs, (j + 1) * epochs);
    const when = (t: number) => `${neuron(j)}, epoch ${t}`;
    expectClose('loss', losses, value, (t) => SECOND_ORDER * bound[t]!, when);
  }
  for (let row = 0; row < 6 * m; row++) {
    const padding = played.state.subarray(row * ld + n, (row + 1) * ld);
    const at = (i: number) => `${name}, row ${row}, column ${n + i}`;
    // H, U and A of padding move along, and mean nothing; what is kept for every flip stays.
    if (row >= 3 * m) expectExact('padding', padding, new Array<number>(ld - n).fill(PADDING), at);
    else if (!padding.every(Number.isFinite)) throw new Error(`padding that is not finite: ${at(0)}`);
  }
}

function expectSame(what: string, played: Played, expected: Played): void {
  expectSameBits(`${what}: state`, played.state, expected.state);
  expectSameBits(`${what}: losses`, played.losses, expected.losses);
  expectExact(`${what}: flips`, played.flips, expected.flips);
}

/** Fails unless neurons stopped for every epoch with so many flips, and for no other. */
function expectCrowds(runs: readonly NeuronRun[], played: Played, crowd: number, name: string): void {
  for (const [j, { turns }] of runs.entries()) {
    const due = turns.filter(({ flips }) => flips >= crowd);
    const columns = (of: readonly Crowd[]) => of.flatMap(({ epoch, flips }) => [epoch, flips]);
    const at = (e: number) => `${name}, neuron ${j}: ${['epoch', 'flips'][e % 2]} of stop ${Math.floor(e / 2)}`;
    expectExact('crowds', columns(played.crowds[j]!), columns(due), at);
  }
}

/** The case must have in it what it is there to show. */
function expectWorth(
  { n, flips: least = 0, crowded = false, spread }: GramCase,
  runs: readonly NeuronRun[],
  held: number,
): void {
  const crowds = runs.flatMap(({ turns }) => turns.map(({ flips }) => flips));
  const flips = crowds.reduce((sum, crowd) => sum + crowd, 0);
  if (flips < least) throw new Error(`the reference has ${flips} flips, fewer than ${least}: choose another case`);
  const most = Math.max(0, ...crowds);
  if (spread !== undefined && most < n / 3) throw new Error(`at most ${most} of ${n} samples flip in an epoch`);
  if (crowded && most <= held) throw new Error(`at most ${most} flips in an epoch, the kernel holds ${held} at once`);
}

/** The case on one of the two kernels. */
export function checkGramIdentity(test: GramCase, variant: GramLoop['variant']): Check {
  const { recuts = [], pieces = [], missing = false, crowds = [], lanes } = test;
  // Sabotages run the same case many times.
  let problem: Problem | undefined;
  return async (gpu: Gpu) => {
    problem ??= gramProblem(test);
    const { trainings } = problem;
    const [own] = trainings;
    expectWorth(
      test,
      trainings.flatMap(({ runs }) => runs),
      heldAtOnce((variant === 'subgroup' ? shaders.gramIdentitySubgroup : shaders.gramIdentityWorkgroup).code),
    );
    const loop = gramLoop(gpu, variant);
    using bench = new Bench(gpu);
    const play = (some: readonly Prepared[], rows: number | 'image' = 1, crowd?: number) =>
      new Play(bench, problem!, some, lanes ? { ...loop, lanes } : loop, rows, crowd);
    const whole = trainings.map(({ parts }) => parts.map(({ chunks }) => chunks));

    const results = await play(trainings).run(whole, false);
    for (const [k, training] of trainings.entries()) {
      expectReference(problem, training, results[k]!, `training ${k}`);
      // With nothing beside it, it is the same call once more.
      const [alone] = await play([training]).run([whole[k]!], false);
      expectSame(`training ${k} alone`, alone!, results[k]!);
    }
    for (const cuts of recuts) {
      const [again] = await play([own!]).run([cuts], false);
      expectSame(`cut into ${JSON.stringify(cuts)}`, again!, results[0]!);
    }
    for (const count of pieces) {
      for (const [k, again] of (await play(trainings, count).run(whole, false)).entries()) {
        expectSame(`training ${k}, K in ${count} pieces`, again, results[k]!);
      }
    }
    const forms = loop.variant === 'subgroup' && imageFor(loop.lanes) ? ([1, 'image'] as const) : ([1] as const);
    for (const crowd of variant === 'subgroup' ? crowds : []) {
      const all = trainings.flatMap(({ runs }) => runs.flatMap(({ turns }) => turns));
      const large = all.filter(({ flips }) => flips >= crowd).length;
      if (large === 0 || (crowd > 1 && large === all.length)) {
        throw new Error(`${large} of ${all.length} epochs with flips have ${crowd} or more: choose another case`);
      }
      const stopping = await play(trainings, 1, crowd).run(whole, false);
      for (const [k, training] of trainings.entries()) {
        const name = `training ${k}, crowds of ${crowd}`;
        expectReference(problem, training, stopping[k]!, name);
        expectCrowds(training.runs, stopping[k]!, crowd, name);
      }
      // Alone, cut in another way; K in another form.
      const [again] = await play([own!], 1, crowd).run([recuts[0] ?? whole[0]!], false);
      expectSame(`training 0 alone, crowds of ${crowd}`, again!, stopping[0]!);
      if (forms.length === 1) continue;
      for (const [k, image] of (await play(trainings, 'image', crowd).run(whole, false)).entries()) {
        expectSame(`training ${k}, crowds of ${crowd}, K an image`, image, stopping[k]!);
      }
    }
    if (forms.length > 1) {
      for (const [k, again] of (await play(trainings, 'image').run(whole, false)).entries()) {
        expectSame(`training ${k}, K an image`, again, results[k]!);
      }
    }
    if (!missing) return;
    for (const form of forms) {
      const waiting = play(trainings, form);
      for (const [k, again] of (await waiting.run(whole, true)).entries()) {
        expectSame(`training ${k}, K missing at first`, again, results[k]!);
        expectExact(`training ${k}, K missing at first: events`, again.events, results[k]!.events);
      }
      const { yes, no } = waiting.waited;
      if (yes === 0 || no === 0) throw new Error(`of the calls without K ${yes} wait for it, ${no} do not: no case`);
    }
  };
}
