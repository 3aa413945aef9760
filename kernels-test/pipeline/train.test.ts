// Trainings as the pipeline asks for them: side by side, with snapshots, with K only when it is needed, aborted.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import { groupCapacity } from '../../src/network/gram-groups';
import { gramMatrix } from '../../src/network/gram-make';
import type { NetworkArrays } from '../../src/network/network';
import { SampleGram } from '../../src/network/sample-gram';
import { type Trainer, type TrainingOutcome, train, trainAll } from '../../src/network/train';
import { expectSameBits, normwise, useEngine } from '../helpers';
import { needsGram } from './helpers';
import { reference, type SampleTask, type Task, TaskData } from './tasks';

const bound = useEngine();

/** Shares the device; arrays of at most `length` elements. */
function limited(length: number): Gpu {
  const { device, adapter } = bound.gpu;
  return new Gpu(device, { adapter, ownsDevice: false, maxArrayLength: length });
}

interface Trained {
  readonly outcome: TrainingOutcome;
  readonly after: NetworkArrays;
}

function expectSame(what: string, second: Trained, first: Trained): void {
  for (const key of ['W', 'b'] as const) expectSameBits(`${what}: ${key}`, second.after[key], first.after[key]);
  for (const key of ['loss', 'lr'] as const) {
    expectSameBits(`${what}: ${key}`, second.outcome[key], first.outcome[key]);
  }
  expect([second.outcome.chosen, second.outcome.reason]).toEqual([first.outcome.chosen, first.outcome.reason]);
}

async function trainTogether(data: TaskData, tasks: readonly Task[], wanted: Trainer): Promise<Trained[]> {
  const problems = [];
  for (const task of tasks) problems.push(await data.problem(task));
  const held = data.gpu.liveArrays;
  const outcomes = await trainAll(
    data.gpu,
    problems.map((problem) => ({ problem, wanted })),
  );
  expect(data.gpu.liveArrays).toBe(held);
  const trained: Trained[] = [];
  for (const [at, outcome] of outcomes.entries()) {
    trained.push({ outcome, after: await problems[at]!.network.read() });
  }
  return trained;
}

async function trainAlone(gpu: Gpu, samples: SampleTask, task: Task, wanted: Trainer): Promise<Trained> {
  using data = await TaskData.create(gpu, samples);
  const problem = await data.problem(task);
  return { outcome: await train(gpu, problem, wanted), after: await problem.network.read() };
}

describe('trainings side by side', () => {
  // Positive readout and labels -1, so that the schedule of the second fires; the others share the samples.
  const samples: SampleTask = { n: 257, d: 20, seed: 11, doomed: true };
  const plateau = { factor: 0.5, patience: 2, threshold: 0.1 };
  const grid: Task[] = [
    { ...samples, m: 33, lr: 0.05, epochs: 60, plateau: false, networkSeed: 1 },
    { ...samples, m: 47, lr: 0.2, epochs: 90, plateau, networkSeed: 2 },
    { ...samples, m: 5, lr: 0.5, epochs: 33, slope: 0.25, networkSeed: 3 },
    { ...samples, m: 64, lr: 0.1, epochs: 90, momentum: 0.5, networkSeed: 4 },
  ];
  test.for(['gram', 'auto'] as const)('four, trainer %s: each as alone, to the bit', async (wanted, { skip }) => {
    needsGram(bound.gpu, skip);
    using data = await TaskData.create(bound.gpu, samples);
    const together = await trainTogether(data, grid, wanted);
    expect(new Set(together[1]!.outcome.lr).size).toBeGreaterThan(3);
    for (const [at, task] of grid.entries()) {
      expectSame(`run ${at}`, together[at]!, await trainAlone(bound.gpu, samples, task, wanted));
    }
  });
  test('networks cut into groups and K into pieces: the bits of all in one', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    using whole = await TaskData.create(bound.gpu, samples);
    const expected = await trainTogether(whole, grid, 'gram');
    // 192 rows of 288: the state of 32 neurons, and 192 rows of K.
    const gpu = limited(192 * 288);
    expect(groupCapacity(gpu, samples.n, 1)).toBe(32);
    using data = await TaskData.create(gpu, samples);
    expect(data.blocks).toBe(1);
    const { panels } = await data.problem(grid[0]!);
    {
      using kernel = await gramMatrix(gpu, panels);
      expect(kernel.pieces).toHaveLength(2);
    }
    const cut = await trainTogether(data, grid, 'gram');
    for (const at of grid.keys()) expectSame(`run ${at}`, cut[at]!, expected[at]!);
  });
  test('samples in several blocks: each as alone to the bit, and as close to float64 as in one', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    // 50 rows of 128: 96 samples of 64 inputs a block, 32 rows of K a piece, the state of 3 neurons a group.
    const wide: SampleTask = { n: 120, d: 64, seed: 5 };
    const tasks: Task[] = [
      { ...wide, m: 3, lr: 0.1, epochs: 40, networkSeed: 1 },
      { ...wide, m: 2, lr: 0.2, epochs: 25, networkSeed: 2 },
    ];
    const gpu = limited(50 * 128);
    using data = await TaskData.create(gpu, wide);
    expect(data.blocks).toBeGreaterThan(1);
    const together = await trainTogether(data, tasks, 'gram');
    for (const [at, task] of tasks.entries()) {
      expectSame(`run ${at}`, together[at]!, await trainAlone(gpu, wide, task, 'gram'));
      const expected = reference(task);
      const one = await trainAlone(bound.gpu, wide, task, 'gram');
      const error = normwise(together[at]!.after.W, expected.net.W);
      expect(error).toBeLessThan(2 * normwise(one.after.W, expected.net.W) + 1e-6);
    }
  });
  test('of other samples: refused; none: nothing', async () => {
    using data = await TaskData.create(bound.gpu, samples);
    using other = await TaskData.create(bound.gpu, { ...samples, seed: 2 });
    const [a, b] = [await data.problem(grid[0]!), await other.problem(grid[0]!)];
    const tasks = [a, b].map((problem) => ({ problem, wanted: 'direct' as const }));
    await expect(trainAll(bound.gpu, tasks)).rejects.toThrow(RangeError);
    expect(await trainAll(bound.gpu, [])).toEqual([]);
  });
});

describe('snapshots of one trajectory', () => {
  const EPOCHS = [1, 7, 16, 40];
  test.for([
    ['direct', { n: 64, d: 20, m: 17, epochs: 60 }],
    ['gram', { n: 64, d: 20, m: 17, epochs: 60 }],
    ['gram', { n: 64, d: 80, m: 17, epochs: 60, loss: 'logistic' }],
    // The rate drops after 4 and 36 epochs, and every few from there on.
    [
      'gram',
      {
        n: 41,
        d: 9,
        m: 13,
        lr: 0.05,
        epochs: 60,
        doomed: true,
        seed: 11,
        plateau: { factor: 0.8, patience: 2, threshold: 0.2 },
      },
    ],
    ['auto', { n: 64, d: 400, m: 16, epochs: 60 }],
    ['auto', { n: 64, d: 400, m: 16, epochs: 24 }],
    ['auto', { n: 300, d: 30, m: 33, epochs: 300 }],
    ['auto', { n: 40, d: 400, m: 50, epochs: 60, loss: 'logistic' }],
  ] as [Trainer, Task][])('trainer %s, %j: the bits of trainings of so many epochs', async ([wanted, task], {
    skip,
  }) => {
    needsGram(bound.gpu, skip);
    const { gpu } = bound;
    using data = await TaskData.create(gpu, task);
    const problem = await data.problem(task);
    const taken: number[] = [];
    const split: number[] = [];
    const held = gpu.liveArrays;
    const snapshots = EPOCHS.filter((epoch) => epoch <= task.epochs!);
    const shots = new Map<number, { after: NetworkArrays; chosen: string }>();
    let chosen = '';
    await trainAll(gpu, [
      {
        problem,
        wanted,
        options: {
          snapshots,
          onSnapshot: async (epoch, network) => {
            taken.push(epoch);
            shots.set(epoch, { after: await network.read(), chosen });
            network.dispose();
          },
        },
        onReason: (_, outcome) => {
          chosen = outcome.chosen;
        },
        onSplit: (epoch) => split.push(epoch),
      },
    ]);
    expect(gpu.liveArrays).toBe(held);
    // Each is told exactly once, one way or the other; asked for by name, none is split off.
    expect([...taken, ...split].sort((a, b) => a - b)).toEqual(snapshots);
    expect(taken).toEqual([...taken].sort((a, b) => a - b));
    if (wanted !== 'auto') expect(split).toEqual([]);
    for (const [epoch, shot] of shots) {
      const alone = await trainAlone(gpu, task, { ...task, epochs: epoch }, wanted);
      for (const key of ['W', 'b'] as const)
        expectSameBits(`epoch ${epoch}: ${key}`, shot.after[key], alone.after[key]);
      expect(shot.chosen).toBe(alone.outcome.chosen);
    }
    // And they leave no trace in the training itself.
    const whole = await trainAlone(gpu, task, task, wanted);
    expectSameBits('W', (await problem.network.read()).W, whole.after.W);
  });
});

describe('K only when a flip asks for it', () => {
  const task: Task = { n: 64, d: 20, m: 17, lr: 1e-7, epochs: 50 };
  async function count(made: boolean, given: Task) {
    const { gpu } = bound;
    using data = await TaskData.create(gpu, given);
    const problem = await data.problem(given);
    let calls = 0;
    using kernel = new SampleGram(() => {
      calls++;
      return gramMatrix(gpu, problem.panels, { layout: problem.layout });
    });
    if (made) await kernel.make();
    const outcome = await train(gpu, problem, 'gram', { kernel });
    return { calls, trained: { outcome, after: await problem.network.read() } };
  }
  test('no bit flips: never made, and the bits of a training that has it', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    const [without, beforehand] = [await count(false, task), await count(true, task)];
    expect([without.calls, beforehand.calls]).toEqual([0, 1]);
    expect(without.trained.outcome.reason).toBe('asked for');
    expectSame('no flips', without.trained, beforehand.trained);
  });
  test('some flip: made once, and the bits of a training that had it from the start', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    const [late, beforehand] = [await count(false, { ...task, lr: 0.3 }), await count(true, { ...task, lr: 0.3 })];
    expect([late.calls, beforehand.calls]).toEqual([1, 1]);
    expect(late.trained.outcome.reason).toMatch(/^asked for; [1-9]\d* flips$/);
    expectSame('flips', late.trained, beforehand.trained);
  });
  test('a making that was aborted is none of the next training', async () => {
    using data = await TaskData.create(bound.gpu, task);
    const { panels, layout } = await data.problem(task);
    let fail = true;
    using kernel = new SampleGram(async () => {
      if (fail) throw new Error('enough');
      return gramMatrix(bound.gpu, panels, { layout });
    });
    await expect(kernel.make()).rejects.toThrow('enough');
    fail = false;
    expect(await kernel.make()).toBe(kernel.matrix);
  });
});

describe('chunks', () => {
  afterEach(() => void vi.restoreAllMocks());
  /** Epochs reported, with a clock that goes on by `tick` milliseconds a look. */
  async function chunks(task: Task, tick: number): Promise<{ seen: number[]; trained: Trained }> {
    using data = await TaskData.create(bound.gpu, task);
    const problem = await data.problem(task);
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (now += tick));
    const seen: number[] = [];
    const outcome = await train(bound.gpu, problem, 'gram', { onEpoch: ({ epoch }) => seen.push(epoch) });
    vi.restoreAllMocks();
    return { seen, trained: { outcome, after: await problem.network.read() } };
  }
  test('without events they grow, however long they take: a smaller one would take as long', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    const { seen } = await chunks({ n: 64, d: 20, m: 17, lr: 1e-7, epochs: 200 }, 1000);
    expect(seen).toEqual([16, 48, 112, 200]);
  });
  test('slow and fast clocks, with a schedule that fires: the same bits, flips and reason', async ({ skip }) => {
    needsGram(bound.gpu, skip);
    const plateau = { factor: 0.8, patience: 2, threshold: 0.2 };
    const task: Task = { n: 41, d: 9, m: 13, lr: 0.05, epochs: 200, doomed: true, seed: 11, plateau };
    const [slow, fast] = [await chunks(task, 1e5), await chunks(task, 0.001)];
    expect(slow.seen.length).toBeGreaterThan(fast.seen.length);
    expectSame('clocks', slow.trained, fast.trained);
  });
});

describe('abort in the middle of Gram training', () => {
  test.for(['identity', 'logistic'] as const)('%s loss: the reason, and no memory left behind', async (loss, {
    skip,
  }) => {
    needsGram(bound.gpu, skip);
    const { gpu } = bound;
    using data = await TaskData.create(gpu, { n: 64, d: 20 });
    const problem = await data.problem({ n: 64, d: 20, m: 17, lr: 0.01, epochs: 100_000, loss });
    const held = gpu.liveArrays;
    const controller = new AbortController();
    const reason = new Error('enough');
    const seen: number[] = [];
    const onEpoch = ({ epoch }: { epoch: number }) => {
      seen.push(epoch);
      if (seen.length === 2) controller.abort(reason);
    };
    await expect(train(gpu, problem, 'gram', { signal: controller.signal, onEpoch })).rejects.toBe(reason);
    expect(seen).toHaveLength(2);
    expect(gpu.liveArrays).toBe(held);
  });
});
