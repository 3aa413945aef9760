// PERTURB_LARGE=1 before `npx vitest run kernels-test/large`: data past one binding and past 2^31 elements, up to 18 GiB of
// memory and some minutes each. The same paths run in every suite on small data, by arrays that are told to be short.

import { describe } from 'vitest';

export const describeLarge = describe.skipIf(!process.env.PERTURB_LARGE);

/** Of one test here. */
export const TIMEOUT = 3_600_000;

/** Tells how long a part of a test took. */
export function stopwatch(): (what: string) => void {
  let began = performance.now();
  return (what) => {
    const now = performance.now();
    process.stdout.write(`${what}: ${((now - began) / 1000).toFixed(1)} s\n`);
    began = now;
  };
}
