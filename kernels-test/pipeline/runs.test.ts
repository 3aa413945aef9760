// Many experiments at once: what comes out is, to the bit, what each gives alone.
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/engine';
import { parseConfig } from '../../src/experiment/config';
import { runExperiment, runExperiments } from '../../src/experiment/run';
import type { ExperimentConfig, ExperimentResult, Progress } from '../../src/experiment/types';
import { expectSameBits, useEngine } from '../helpers';
import { givenExperiment } from './helpers';

const bound = useEngine();

const BASE = {
  data: { n: 70, d: 33 },
  network: { width: 12 },
  standard: { lr: 0.5, epochs: 30 },
  learning: { lr: 0.5, epochs: 20 },
  test: { n: 50 },
  save: ['networks', 'perturbations', 'outputs', 'data'],
};
const config = (changes: Record<string, unknown>): ExperimentConfig => parseConfig({ ...BASE, ...changes });

function expectSame(what: string, result: ExperimentResult, alone: ExperimentResult): void {
  expect(result.config, what).toEqual(alone.config);
  expect(result.metrics, what).toEqual(alone.metrics);
  expect(result.loss, what).toEqual(alone.loss);
  expect(result.trainer, what).toEqual(alone.trainer);
  expect(Object.keys(result.arrays).sort(), what).toEqual(Object.keys(alone.arrays).sort());
  for (const [name, { shape, data }] of Object.entries(alone.arrays)) {
    expect(result.arrays[name]!.shape, `${what}: ${name}`).toEqual(shape);
    expectSameBits(`${what}: ${name}`, result.arrays[name]!.data, data);
  }
  for (const [name, data] of Object.entries(alone.history)) {
    expectSameBits(`${what}: ${name}`, result.history[name as keyof typeof alone.history], data);
  }
}

async function compare(
  configs: readonly ExperimentConfig[],
  engine: Engine = bound.engine,
): Promise<ExperimentResult[]> {
  const told: number[] = [];
  const results = await runExperiments(engine, configs, { onResult: (run) => void told.push(run) });
  expect(engine.gpu.liveArrays).toBe(0);
  expect([...told].sort((a, b) => a - b)).toEqual(configs.map((_, run) => run));
  for (const [run, each] of configs.entries())
    expectSame(`run ${run}`, results[run]!, await runExperiment(engine, each));
  return results;
}

describe.each(['direct', 'gram', 'auto'] as const)('trainer %s', (trainer) => {
  test('a grid of learning rates', async () => {
    const grid = [0.1, 2].flatMap((f) =>
      [0.05, 1].map((g) =>
        config({ trainer, standard: { lr: f, epochs: 30 }, learning: { lr: g, epochs: 20, plateau: false } }),
      ),
    );
    const results = await compare(grid);
    expect(new Set(results.map(({ loss }) => loss.learning)).size).toBe(4);
  });
  test('lengths of both trainings, none among them', async () => {
    const lengths = [0, 1, 7, 30].map((epochs) => config({ trainer, standard: { lr: 0.5, epochs } }));
    const second = [0, 3, 18].map((epochs) => config({ trainer, learning: { lr: 0.5, epochs } }));
    await compare([...lengths, ...second]);
  });
  test('widths, slopes, losses, perturbations, both scenarios, seeds', async () => {
    await compare([
      config({ trainer }),
      config({ trainer, network: { width: 33, slope: 0.25 } }),
      config({ trainer, loss: 'logistic' }),
      config({ trainer, perturbation: { kind: 'linf', size: 0.1 } }),
      config({ trainer, perturbation: { kind: 'l2', size: 0.3, onData: true } }),
      config({ trainer, perturbation: { kind: 'l0', size: 0.3, k: 3, onData: true } }),
      config({ trainer, seed: 5 }),
      config({ trainer, save: ['outputs'] }),
    ]);
  });
});

test('networks of several seeds on samples from a file', async () => {
  const { config: given, readFile } = givenExperiment({ n: 60, d: 9, m: 7, epochs: 12, onData: true });
  const { init: _f, ...standard } = given.standard;
  const { init: _g, ...learning } = given.learning;
  const configs = [1, 2, 3].map((seed): ExperimentConfig => ({ ...given, seed, standard, learning, trainer: 'gram' }));
  const results = await runExperiments(bound.engine, configs, { readFile });
  for (const [run, each] of configs.entries()) {
    expectSame(`seed ${each.seed}`, results[run]!, await runExperiment(bound.engine, each, { readFile }));
  }
  expect(new Set(results.map(({ loss }) => loss.standard)).size).toBe(3);
});

test('a decision map and the cosine for some of them', async () => {
  const theory = { cosine: true, map: { resolution: 9, limits: [-3, 3] } };
  await compare([
    config({ theory, save: ['theory'] }),
    config({}),
    config({ theory, save: ['theory'], learning: { lr: 1, epochs: 5 } }),
  ]);
});

test('progress says whose work it is; nothing is trained twice', async () => {
  const configs = [1, 3].map((lr) => config({ learning: { lr, epochs: 20 } }));
  const seen: (Progress & { run: number })[] = [];
  await runExperiments(bound.engine, configs, { onProgress: (progress) => void seen.push(progress) });
  const begun = seen.filter(({ epoch }) => epoch === 0).map(({ stage, run }) => `${stage} ${run}`);
  expect(begun).toEqual(['standard 0', 'learning 0', 'learning 1']);
});

test('nothing at all', async () => {
  expect(await runExperiments(bound.engine, [])).toEqual([]);
});

test('an experiment that cannot run stops all before anything is computed', async () => {
  const told: number[] = [];
  const bad = config({ trainer: 'gram', standard: { lr: 1, epochs: 3, momentum: 0.999 } });
  const onResult = (run: number) => void told.push(run);
  await expect(runExperiments(bound.engine, [config({}), bad], { onResult })).rejects.toThrow(/momentum/);
  expect(told).toEqual([]);
  expect(bound.gpu.liveArrays).toBe(0);
});

test('stopped on the way: what was told of stays, nothing is left on the device', async () => {
  const stop = new AbortController();
  const told: number[] = [];
  const configs = [1, 2].map((seed) => config({ seed }));
  const onResult = (run: number) => {
    told.push(run);
    stop.abort(new Error('enough'));
  };
  await expect(runExperiments(bound.engine, configs, { onResult, signal: stop.signal })).rejects.toThrow('enough');
  expect(told).toEqual([0]);
  expect(bound.gpu.liveArrays).toBe(0);
});
