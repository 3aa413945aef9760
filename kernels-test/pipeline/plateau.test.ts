// The plateau schedule on the host, against the float64 schedule.

import { describe, expect, test } from 'vitest';
import { WORST_LOSS } from '../../src/kernels/weight-gradient';
import { PlateauReplay } from '../../src/network/plateau';
import { Draws, U } from '../helpers';
import { Plateau, type ReferenceSchedule } from '../reference/training';
import { TORCH } from './tasks';

describe('PlateauReplay against the float64 schedule', () => {
  /** Feeds chunks until all epochs are through, keeping what counts. */
  function replay(losses: Float32Array, lr: number, schedule: ReferenceSchedule | false, size: () => number): number[] {
    const plateau = new PlateauReplay({ lr, best: WORST_LOSS, bad: 0 }, schedule);
    const rates: number[] = [];
    while (rates.length < losses.length) {
      const now = plateau.lr;
      const count = Math.min(size(), losses.length - rates.length);
      const kept = plateau.advance(losses.subarray(rates.length, rates.length + count));
      expect(kept).toBeGreaterThan(0);
      expect(kept).toBeLessThanOrEqual(count);
      // Everything counts unless the rate moved.
      if (plateau.lr === now) expect(kept).toBe(count);
      for (let t = 0; t < kept; t++) rates.push(now);
    }
    return rates;
  }
  const sequences: Record<string, (draws: Draws) => Float32Array> = {
    'a noisy fall': (draws) => draws.normal(400, 0.1).map((value, t) => value + 2 / (1 + t / 20)),
    'noise around zero': (draws) => draws.normal(400),
    'a fall below zero': (draws) => draws.normal(400, 3).map((value, t) => value - t / 10),
    'negative and rising': (draws) => draws.normal(400, 0.5).map((value, t) => value - 40 + t / 10),
    'now and then not a number': (draws) => draws.normal(400).map((value) => (value > 1 ? Number.NaN : value - 1)),
    'not a number at first, infinite later': (draws) =>
      draws.normal(400).map((value, t) => (t < 15 ? Number.NaN : value < -1 ? Number.POSITIVE_INFINITY : value)),
    constant: () => new Float32Array(400),
  };
  for (const [what, make] of Object.entries(sequences)) {
    test(`${what}: in chunks of any size`, () => {
      for (const seed of [1, 2, 3]) {
        const draws = new Draws(seed);
        const losses = make(draws);
        for (const schedule of [TORCH, { factor: 0.5, patience: 0, threshold: 0 }, { ...TORCH, patience: 3 }]) {
          const reference = new Plateau(1, schedule);
          const expected = Array.from(losses, (loss) => {
            const now = reference.lr;
            reference.step(loss);
            return now;
          });
          const sizes = draws.bits(4000);
          let at = 0;
          const whole = replay(losses, 1, schedule, () => losses.length);
          for (let t = 0; t < losses.length; t++) {
            const drops = Math.round(Math.log(expected[t]!) / Math.log(schedule.factor));
            expect(Math.abs(whole[t]! / expected[t]! - 1)).toBeLessThanOrEqual((1 + 2 * drops) * U);
          }
          expect(replay(losses, 1, schedule, () => 1)).toEqual(whole);
          expect(replay(losses, 1, schedule, () => 1 + (sizes[at++ % sizes.length]! % 29))).toEqual(whole);
        }
        expect(replay(losses, 0.3, false, () => 7)).toEqual(new Array(400).fill(Math.fround(0.3)));
      }
    });
  }
  test('a change of 1e-8 or less is not made', () => {
    const schedule = { ...TORCH, patience: 0 };
    const drop = (lr: number) => {
      const plateau = new PlateauReplay({ lr, best: WORST_LOSS, bad: 0 }, schedule);
      plateau.advance(Float32Array.of(1, 1));
      return plateau.lr;
    };
    expect(drop(1.05e-8)).toBe(Math.fround(1.05e-8));
    expect(drop(1.2e-8)).toBeCloseTo(1.2e-9, 15);
  });
  test('from the middle of a schedule: as one that was there from the start', () => {
    const losses = new Draws(9).normal(200).map((value, t) => value + 2 / (1 + t / 20));
    const schedule = { ...TORCH, patience: 3 };
    const whole = new PlateauReplay({ lr: 1, best: WORST_LOSS, bad: 0 }, schedule);
    let { state } = whole;
    for (const loss of losses) {
      whole.advance(Float32Array.of(loss));
      const resumed = new PlateauReplay(state, schedule);
      resumed.advance(Float32Array.of(loss));
      state = resumed.state;
      expect(state).toEqual(whole.state);
    }
    expect(state.lr).toBeLessThan(0.1);
  });
});
