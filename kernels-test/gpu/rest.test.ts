// The thread that waits for the device leaves the cores to it.

import { expect, it } from 'vitest';
import { Rest } from '../../src/gpu/rest';

/** Dawn's way of waiting: a look in every turn of the event loop. */
async function looking(seconds: number): Promise<number> {
  const began = performance.now();
  let looks = 0;
  while (performance.now() - began < 1000 * seconds) {
    looks++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return looks;
}

it('sleeps between two looks while something is awaited, and not a moment longer', async () => {
  const rest = new Rest();
  const before = process.cpuUsage();
  const looks = await rest.during(looking(0.4));
  const { user, system } = process.cpuUsage(before);
  // A millisecond a look, after the first 16 of them; a thread that never sleeps looks tens of thousands of times.
  expect(looks).toBeGreaterThan(50);
  expect(looks).toBeLessThan(2000);
  expect((user + system) / 1e6).toBeLessThan(0.3);
  expect(await looking(0.05)).toBeGreaterThan(200);
});

it('adds at most a sixteenth to a wait, and passes on what ends it', async () => {
  const rest = new Rest();
  const began = performance.now();
  await rest.during(looking(0.02));
  expect(performance.now() - began).toBeLessThan(20 * (1 + 1 / 16) + 20);
  await expect(rest.during(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  await expect(Promise.all([rest.during(looking(0.02)), rest.during(looking(0.01))])).resolves.toHaveLength(2);
});
