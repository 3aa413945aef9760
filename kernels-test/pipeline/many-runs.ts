// A process of its own that runs many experiments on one engine and tells what it holds, a line of JSON each time it looks.
// Run by memory.test.ts; arguments: how many runs, and after how many it looks.

import { parseConfig } from '../../src/experiment/config';
import { runExperiment } from '../../src/experiment/run';
import { createEngine } from '../../src/node';

/** What the process holds after so many runs. */
export interface Held {
  readonly run: number;
  /** Bytes. */
  readonly rss: number;
  readonly heap: number;
  readonly arrayBuffers: number;
  /** Arrays and bytes that the runtime counts. */
  readonly liveArrays: number;
  readonly deviceBytes: number;
  /** WebGPU buffers of every kind that were made and not destroyed, whether or not the runtime counts them. */
  readonly buffers: number;
}

const [runs, every] = process.argv.slice(2).map(Number) as [number, number];
const collect = (globalThis as { gc?: () => void }).gc;
if (!collect) throw new Error('start it with --expose-gc');

const adapter = process.env.PERTURB_TEST_ADAPTER;
const engine = await createEngine(adapter ? { adapter } : {});
const { gpu } = engine;

let buffers = 0;
const make = gpu.device.createBuffer.bind(gpu.device);
gpu.device.createBuffer = (descriptor) => {
  const buffer = make(descriptor);
  buffers++;
  const destroy = buffer.destroy.bind(buffer);
  let gone = false;
  buffer.destroy = () => {
    if (!gone) buffers--;
    gone = true;
    return destroy();
  };
  return buffer;
};

for (let run = 1; run <= runs; run++) {
  const stage = { lr: 0.5, epochs: 15 };
  const config = parseConfig({
    seed: run,
    // Other shapes each time: what is kept by shape would pile up.
    data: { kind: 'shifted-gauss', n: 60 + (run % 37), d: 20, shift: 0.3 },
    network: { width: 33 },
    loss: run % 3 === 0 ? 'logistic' : 'identity',
    trainer: run % 2 === 0 ? 'direct' : 'gram',
    standard: stage,
    learning: stage,
    test: { n: 70 },
    theory: { cosine: run % 5 === 0 },
    save: ['networks', 'perturbations', 'outputs'],
  });
  await runExperiment(engine, config);
  if (run % every !== 0) continue;
  // What the collector finds may be freed by tasks of its own.
  for (let round = 0; round < 2; round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { rss, heapUsed: heap, arrayBuffers } = process.memoryUsage();
  const counted = { liveArrays: gpu.liveArrays, deviceBytes: gpu.currentBytes, buffers };
  process.stdout.write(`${JSON.stringify({ run, rss, heap, arrayBuffers, ...counted } satisfies Held)}\n`);
}
engine.dispose();
// The native module would keep the process alive.
process.exit(0);
