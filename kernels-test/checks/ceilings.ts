// fma_throughput, copy_quads.

import { copyQuads, fmaThroughput } from '../../src/kernels/ceilings';
import { Bench, Draws, expectExact, expectSameBits, runStep } from '../helpers';
import type { Check } from './case';

/**
 * With scale 1/2 and shift 1 a start of x is 2 + (x - 2) / 2^k after k steps, which float32 holds exactly as long as k and
 * the bits of x do not exceed its 24: so the sum tells how many steps were taken, and that every chain took them.
 */
export function checkFma(test: { count: number; rounds: number; R: number; U: number }): Check {
  const { count, rounds, R, U } = test;
  return async (gpu) => {
    using bench = new Bench(gpu);
    const run = async () => {
      const output = bench.output('sums', count);
      const args = { output, count, rounds, scale: 0.5, shift: 1, blocking: { R, U } };
      await runStep(gpu, await fmaThroughput(gpu, args));
      return bench.floats(output);
    };
    const sums = await run();
    const expected = Array.from({ length: count }, (_, e) => {
      let sum = 0;
      for (let r = 0; r < R; r++) sum += 4 * (2 + ((e % 32) + r - 2) / 2 ** (rounds * U));
      return sum;
    });
    expectExact('sums', sums, expected);
    expectSameBits('sums', await run(), sums);
  };
}

export function checkCopy(count: number): Check {
  return async (gpu) => {
    const values = new Draws(count).bits(4 * count);
    // As floats, but never a NaN, whose bits a copy may change.
    for (let e = 0; e < values.length; e++) values[e] = values[e]! & 0xbfffffff;
    const floats = new Float32Array(values.buffer);
    using bench = new Bench(gpu);
    const input = bench.input('input', floats);
    const output = bench.output('output', floats.length);
    await runStep(gpu, await copyQuads(gpu, { input, output, count }));
    expectExact('copy', await bench.bits(output), values);
  };
}
