// `perturb doctor`: the checks of the test suite on an adapter that we have never seen. Every kernel on a case or two against
// float64, then a small experiment by every trainer against the reference. A driver that computes wrongly is found here.

import type { Finding } from '../src/cli/io';
import type { Engine } from '../src/engine';
import { runExperiment } from '../src/experiment/run';
import type { ExperimentConfig } from '../src/experiment/types';
import { gramObstacle } from '../src/network/choose';
import { halfObstacle } from '../src/network/half';
import type { Check } from './checks/case';
import { distant, givenExperiment, numbersOf, withTrainer } from './pipeline/helpers';
import { SABOTAGES } from './sabotages';
import { shaderObstacle } from './sabotages/sabotage';

/** Checks a kernel is given: what it is broken with in the tests, unbroken. */
const CASES_EACH = 2;

/** Normwise distance of a small experiment from float64; float32 stays below a tenth of it on every adapter seen. */
const EXPERIMENT_TOLERANCE = 1e-4;

/** The same with halves: both operands of a product are rounded once, by 2^-11 at most, and bits near a kink flip. */
const HALF_TOLERANCE = 10 * 2 ** -11;

function* kernelChecks(): Generator<readonly [kernel: string, check: Check]> {
  for (const [kernel, list] of Object.entries(SABOTAGES)) {
    const checks = [...new Set(list.map(({ check }) => check))];
    for (const check of checks.slice(0, CASES_EACH)) yield [kernel, check];
  }
}

/** Training with halves; drivers that offer them do not all round them. @returns why it cannot run here */
export async function checkHalves(engine: Engine): Promise<string | undefined> {
  const obstacle = halfObstacle(engine.gpu);
  if (obstacle !== undefined) return obstacle;
  const given = givenExperiment({ n: 101, d: 31, m: 33, loss: 'identity', lr: 0.5, epochs: 5, slope: 0.1 });
  const { f_W: weights } = given.reference().arrays;
  const config: ExperimentConfig = { ...withTrainer(given.config, 'direct'), precision: 'f16' };
  const result = await runExperiment(engine, config, { readFile: given.readFile });
  const far = distant(result, { arrays: { f_W: weights! }, history: {} }, HALF_TOLERANCE);
  if (far.length > 0) throw new Error(`away from float64, normwise: ${far.join(', ')}`);
  return undefined;
}

/** Goes through everything, each finding as it comes. @param signal stops between two */
export async function* examine(engine: Engine, signal: AbortSignal): AsyncGenerator<Finding> {
  const { gpu } = engine;
  const look = async (subject: string, act: () => Promise<string | undefined>): Promise<Finding> => {
    signal.throwIfAborted();
    const began = performance.now();
    const end = (status: Finding['status'], detail: string): Finding => ({
      subject,
      status,
      detail,
      seconds: (performance.now() - began) / 1000,
    });
    try {
      const skipped = await act();
      return skipped === undefined ? end('right', '') : end('skipped', skipped);
    } catch (error) {
      gpu.assertAlive();
      return end('wrong', (error as Error).message);
    }
  };
  for (const [kernel, check] of kernelChecks()) {
    yield await look(kernel, async () => {
      const obstacle = shaderObstacle(gpu, kernel);
      if (obstacle !== undefined) return obstacle;
      await check(gpu);
      return undefined;
    });
  }
  for (const loss of ['identity', 'logistic'] as const) {
    const given = givenExperiment({ n: 101, d: 31, m: 33, loss, lr: 0.5, epochs: 40, slope: 0.1 });
    const expected = given.reference();
    for (const trainer of ['direct', 'gram'] as const) {
      yield await look(`experiment, ${trainer} training, ${loss} loss`, async () => {
        const obstacle =
          trainer === 'gram' &&
          gramObstacle(gpu, { n: 101, d: 31, m: 33, epochs: 40, loss, momentum: given.config.standard.momentum });
        if (obstacle) return obstacle;
        const config: ExperimentConfig = withTrainer(given.config, trainer);
        const run = () => runExperiment(engine, config, { readFile: given.readFile });
        const result = await run();
        const far = distant(result, expected, EXPERIMENT_TOLERANCE);
        if (far.length > 0) throw new Error(`away from float64, normwise: ${far.join(', ')}`);
        const again = numbersOf(await run());
        const other = Object.entries(numbersOf(result)).find(([name, values]) => !same(values, again[name]!));
        if (other) throw new Error(`${other[0]}: a second run gave other bits`);
        return undefined;
      });
    }
  }
  yield await look('experiment, direct training with halves', () => checkHalves(engine));
}

const same = (a: Float32Array, b: Float32Array) =>
  a.length === b.length && a.every((value, at) => Object.is(value, b[at]));
