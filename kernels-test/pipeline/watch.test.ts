// Looking at a run: what is seen is true, and the run does not notice.

import { describe, expect, test } from 'vitest';
import { runExperiment, runExperiments } from '../../src/experiment/run';
import type { GallerySnapshot, MapSnapshot, Snapshot, TrainingSnapshot } from '../../src/experiment/snapshot';
import type { ExperimentConfig, ExperimentResult } from '../../src/experiment/types';
import { predict } from '../../src/network/predict';
import { expectSameBits, useEngine } from '../helpers';
import { expectSameResult, needsGram, smallConfig } from './helpers';

const bound = useEngine();

const save = ['networks', 'perturbations', 'outputs', 'data'];
const cases = {
  direct: smallConfig({ trainer: 'direct', save }),
  'Gram, identity': smallConfig({ trainer: 'gram', save }),
  'Gram, logistic': smallConfig({ trainer: 'gram', loss: 'logistic', save }),
  'scenario b, chosen': smallConfig({
    perturbation: { onData: true },
    theory: { cosine: true, map: { resolution: 20 } },
    save,
  }),
  glyphs: smallConfig({ data: { kind: 'glyphs', n: 70, size: 8 }, test: {}, save }),
} satisfies Record<string, ExperimentConfig>;

async function watched(config: ExperimentConfig): Promise<{ result: ExperimentResult; seen: Snapshot[] }> {
  const seen: Snapshot[] = [];
  const watch = {
    snapshots: 6,
    map: { resolution: 9, limits: [-7, 7] as const },
    onSnapshot: (snapshot: Snapshot) => void seen.push(snapshot),
  };
  return { result: await runExperiment(bound.engine, config, { watch }), seen };
}

const trainingOf = (seen: readonly Snapshot[], stage: TrainingSnapshot['stage']) =>
  seen.filter((each): each is TrainingSnapshot => each.kind === 'training' && each.stage === stage);

describe('a watched run', () => {
  test.for(Object.entries(cases))('%s: gives the same bits, and shows what it does', async ([name, config], {
    skip,
  }) => {
    if (name.startsWith('Gram')) needsGram(bound.gpu, skip);
    const alone = await runExperiment(bound.engine, config);
    const { result, seen } = await watched(config);
    expectSameResult(result, alone);
    expect(bound.gpu.liveArrays).toBe(0);

    for (const stage of ['standard', 'learning'] as const) {
      const looks = trainingOf(seen, stage);
      const { epochs } = config[stage];
      expect(looks.map(({ epoch }) => epoch)).toEqual([1, 2, 4, 7, 11, 15]);
      for (const { epoch, loss, lr } of looks) {
        expectSameBits('loss so far', loss, result.history[`${stage}Loss`].slice(0, epoch));
        expectSameBits('rate so far', lr, result.history[`${stage}Lr`].slice(0, epoch));
      }
      expect(looks.at(-1)!.epoch).toBe(epochs);
    }
    // All samples and test points of a small data set are watched, so the last look is the result.
    const last = trainingOf(seen, 'learning').at(-1)!;
    expect(trainingOf(seen, 'standard').at(-1)!.accuracy).toBeCloseTo(result.metrics.standardAccuracy, 12);
    expect(last.accuracy).toBeCloseTo(result.metrics.perturbationAccuracy, 12);
    expect(last.agreement ?? null).toEqual(result.metrics.agreement);
    expect(last.map!.g).toHaveLength(81);
    if (result.map) {
      const pieces = seen.filter((each): each is MapSnapshot => each.kind === 'map');
      expect(pieces.length).toBeGreaterThan(1);
      for (const of of ['f', 'g', 'fHat', 'gHat'] as const) {
        const joined = pieces.flatMap((piece) => [...piece[of]]);
        expectSameBits(`pieces of ${of}`, Float32Array.from(joined), alone.map![of]);
      }
    }
    expect(last.map!.labels).toHaveLength(result.arrays.y!.data.length);
    if (config.theory.cosine) {
      expect(seen.find(({ kind }) => kind === 'theory')).toEqual({
        kind: 'theory',
        run: 0,
        cosine: result.metrics.cosine,
      });
    }

    // The gallery's rows are samples of the data, and what the networks say of them is what they say of those.
    const gallery = seen.find((each): each is GallerySnapshot => each.kind === 'gallery')!;
    const { slope } = config.network;
    const net = (of: 'f' | 'g') => ({
      W: result.arrays[`${of}_W`]!.data,
      b: result.arrays[`${of}_b`]!.data,
      a: result.arrays[`${of}_a`]!.data,
      slope,
    });
    const adversarial = gallery.x.map((value, e) => value + gallery.r[e]!);
    for (const [points, of] of [
      ['x', gallery.x],
      ['r', gallery.r],
      ['adversarial', adversarial],
    ] as const) {
      expectSameBits(`f of ${points}`, gallery.answers[points], await predict(bound.gpu, net('f'), of));
      expectSameBits(`g of ${points}`, last.answers![points], await predict(bound.gpu, net('g'), of));
    }
    expect(gallery.image !== undefined).toBe(name === 'glyphs');
  });

  test('the answers of a trained network are its outputs in the result', async () => {
    const { arrays, config } = await runExperiment(bound.engine, cases.direct);
    const { slope } = config.network;
    const f = { W: arrays.f_W!.data, b: arrays.f_b!.data, a: arrays.f_a!.data, slope };
    expectSameBits('f_X', await predict(bound.gpu, f, arrays.X!.data), arrays.f_X!.data);
    expect(await predict(bound.gpu, f, new Float32Array())).toHaveLength(0);
    await expect(predict(bound.gpu, f, new Float32Array(7))).rejects.toThrow(/no multiple of 20 inputs/);
    await expect(predict(bound.gpu, { ...f, a: f.a.slice(1) }, arrays.X!.data)).rejects.toThrow(/a has 32/);
  });

  test('lengths that share a training are each what they are alone, watched or not', async () => {
    const configs = [5, 15].map((epochs) => smallConfig({ save, standard: { lr: 0.5, epochs } }));
    const seen: Snapshot[] = [];
    const results = await runExperiments(bound.engine, configs, {
      watch: { snapshots: 3, onSnapshot: (snapshot) => void seen.push(snapshot) },
    });
    for (const [at, config] of configs.entries()) {
      expectSameResult(results[at]!, await runExperiment(bound.engine, config));
    }
    expect(trainingOf(seen, 'standard').map(({ epoch }) => epoch)).toEqual([2, 7, 15]);
    expect(bound.gpu.liveArrays).toBe(0);
  });
});

test('what is watched of one f is freed before the next', async () => {
  const { engine, gpu } = bound;
  const arraysAt: number[] = [];
  const configs = [0.1, 0.2, 0.3].map((size) => smallConfig({ trainer: 'direct', perturbation: { size } }));
  const onSnapshot = ({ kind }: Snapshot) => {
    if (kind === 'gallery') arraysAt.push(gpu.liveArrays);
  };
  await runExperiments(engine, configs, { watch: { snapshots: 1, onSnapshot } });
  expect(arraysAt).toEqual([arraysAt[0], arraysAt[0], arraysAt[0]]);
});

describe('an engine that is held', () => {
  test('stands still, goes on with the same result, and its clock leaves the pause out', async () => {
    const { engine } = bound;
    const config = cases.direct;
    const alone = await runExperiment(engine, config);
    let told = 0;
    const run = runExperiment(engine, config, {
      onProgress: ({ stage, epoch }) => {
        told++;
        if (stage === 'learning' && epoch === 0) engine.pause();
      },
    });
    while (!engine.gpu.paused) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = told;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(told).toBe(before);
    engine.resume();
    const result = await run;
    expectSameResult(result, alone);
    expect(result.timing.totalSeconds).toBeLessThan(alone.timing.totalSeconds + 0.5);
  });

  test('can be cancelled', async () => {
    const { engine } = bound;
    const controller = new AbortController();
    const run = runExperiment(engine, cases.direct, {
      signal: controller.signal,
      onProgress: ({ stage }) => stage === 'learning' && engine.pause(),
    });
    const ended = expect(run).rejects.toThrow('enough');
    while (!engine.gpu.paused) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error('enough'));
    await ended;
    expect(engine.gpu.paused).toBe(false);
    expect(bound.gpu.liveArrays).toBe(0);
  });
});
