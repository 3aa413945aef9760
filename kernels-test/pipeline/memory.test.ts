// Memory over many runs in one process, on the host and on the device. PERTURB_LEAK_RUNS=1000 runs more and prints a table.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bundle, bundleScript } from '../cli/bundle';
import type { Held } from './many-runs';

const long = process.env.PERTURB_LEAK_RUNS;
const RUNS = Number(long ?? 60);
const MIB = 2 ** 20;

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleScript(new URL('./many-runs.ts', import.meta.url), 'many-runs');
});
afterAll(() => bundle.remove());

test(`${RUNS} runs hold no more memory than a tenth of them`, { timeout: 120_000 + 10_000 * RUNS }, async () => {
  const every = Math.max(1, Math.floor(RUNS / 10));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', bundle.script, String(RUNS), String(every)],
    { maxBuffer: MIB },
  );
  const held = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Held);
  if (long !== undefined) {
    const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
    for (const { run, rss, heap, deviceBytes, buffers } of held) {
      const kept = `${buffers} device buffers (${deviceBytes} B)`;
      process.stdout.write(`run ${run}: resident ${mib(rss)}, heap ${mib(heap)}, ${kept}\n`);
    }
  }
  // What the first runs teach the heap is learned by then: 0.8 of the 1.2 MiB that it grows by in all.
  const [first, last] = [held[2]!, held.at(-1)!];
  expect(last.run).toBe(every * 10);
  for (const { liveArrays, deviceBytes, buffers } of held) {
    expect(liveArrays).toBe(0);
    // Parameters of at most 64 bytes, 256 of them beside those of one batch, and a staging buffer of 64 KiB.
    expect(buffers).toBeLessThan(400);
    expect(deviceBytes).toBeLessThan(400 * 64 + 64 * 1024);
  }
  // 4 KiB a run is less than any array of these runs: the heap may learn new shapes, not keep what it worked on.
  const ran = last.run - first.run;
  expect(last.heap - first.heap).toBeLessThan(MIB / 2 + 4096 * ran);
  expect(last.arrayBuffers - first.arrayBuffers).toBeLessThan(MIB);
  // In the first dozens of runs the allocator and the driver's caches still fill: with no leak, 10 to 20 MiB.
  expect(last.rss).toBeLessThan(RUNS >= 1000 ? 1.1 * first.rss : first.rss + 64 * MIB);
});
