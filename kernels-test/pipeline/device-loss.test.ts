// A device destroyed at random moments: a clean error, and on a new device the run goes on from its last checkpoint to the
// same bits. PERTURB_DEVICE_LOSSES=200 loses more.

import { expect, test } from 'vitest';
import { type Checkpoint, DeviceLostError, type Engine, runExperiment } from '../../src';
import { expectSameBits, testEngine } from '../helpers';
import { numbersOf, smallConfig } from './helpers';

const LOSSES = Number(process.env.PERTURB_DEVICE_LOSSES ?? 4);
const stage = { lr: 0.5, epochs: 1500 };
const configs = (['direct', 'gram', 'auto'] as const).map((trainer, at) =>
  smallConfig({
    trainer,
    loss: at === 2 ? 'logistic' : 'identity',
    standard: stage,
    learning: stage,
    theory: { cosine: true },
    save: ['networks', 'perturbations', 'outputs'],
  }),
);

test(`${LOSSES} lost devices`, { timeout: 60_000 + 20_000 * LOSSES }, async () => {
  const engine = await testEngine();
  const whole = [];
  let took = 0;
  for (const config of configs) {
    const began = performance.now();
    whole.push(await runExperiment(engine, config));
    took = Math.max(took, performance.now() - began);
  }
  engine.dispose();
  let lost = 0;
  let errors = 0;
  for (let round = 0; lost < LOSSES; round++) {
    const at = round % configs.length;
    let from: Checkpoint | undefined;
    const keeper = {
      due: () => true,
      keep: async (checkpoint: Checkpoint) => {
        from = checkpoint;
      },
    };
    // Twice in a run, then it may end.
    for (let times = 0; ; times++) {
      const mine: Engine = await testEngine();
      const timer =
        times < 2 ? setTimeout(() => mine.gpu.device.destroy(), Math.random() * Math.min(took, 1500)) : undefined;
      try {
        const result = await runExperiment(mine, configs[at]!, { checkpoint: { keeper, ...(from ? { from } : {}) } });
        const numbers = numbersOf(result);
        for (const [name, values] of Object.entries(numbersOf(whole[at]!))) {
          expectSameBits(`${name} after ${lost} lost devices`, numbers[name]!, values);
        }
        expect(result.metrics).toEqual(whole[at]!.metrics);
        break;
      } catch (error) {
        expect(error).toBeInstanceOf(DeviceLostError);
        errors++;
      } finally {
        clearTimeout(timer);
        if (times < 2) lost++;
        mine.dispose();
        expect([mine.gpu.currentBytes, mine.gpu.liveArrays]).toEqual([0, 0]);
      }
    }
  }
  expect(errors).toBeGreaterThan(0);
  if (process.env.PERTURB_DEVICE_LOSSES) process.stdout.write(`${lost} destroyed, ${errors} seen as errors\n`);
});
