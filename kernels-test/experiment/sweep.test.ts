import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/data/input-error';
import { parseConfig } from '../../src/experiment/config';
import { cellHash, expandSweep, type Sweep } from '../../src/experiment/sweep';
import { parseGrid } from '../../src/experiment/sweep-grid';
import { planSweep } from '../../src/experiment/sweep-plan';
import { type CellOutcome, rowsOf, summarise, toCsv, toJsonLines } from '../../src/experiment/sweep-results';
import { runCells } from '../../src/experiment/sweep-run';
import { GpuOutOfMemoryError } from '../../src/gpu/errors';
import { sweepTable } from '../../src/report/sweep-table';
import { fakeResult } from '../cli/fake-result';

const expand = (document: Record<string, unknown>): Promise<Sweep> => {
  const grid = parseGrid(document, { file: 'grid.json' });
  return expandSweep(grid, grid.base, { grid: { file: 'grid.json' } });
};
const errorOf = async (document: unknown): Promise<InputError> => {
  try {
    await expand(document as Record<string, unknown>);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};
const noFiles = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' }));

describe('a grid', () => {
  test('is multiplied, the last axis and the seeds fastest', async () => {
    const { combinations, cells, seeds } = await expand({
      base: { data: { n: 50 } },
      vary: [
        { key: 'data.d', values: [5, 6] },
        { key: 'network.width', values: [3, 4] },
      ],
      seeds: [7, 1],
    });
    expect(seeds).toEqual([7, 1]);
    expect(combinations.map(({ values, seed }) => [...Object.values(values), seed])).toEqual([
      [5, 3, 7],
      [5, 3, 1],
      [5, 4, 7],
      [5, 4, 1],
      [6, 3, 7],
      [6, 3, 1],
      [6, 4, 7],
      [6, 4, 1],
    ]);
    expect(cells).toHaveLength(8);
    expect(cells[1]!.config).toEqual(parseConfig({ data: { n: 50, d: 5 }, network: { width: 3 }, seed: 1 }));
    expect(cells[1]!.hash).toBe(await cellHash(cells[1]!.config));
  });
  test('keys of one axis go together', async () => {
    const { cells } = await expand({
      vary: [
        {
          keys: ['data.d', 'perturbation.size'],
          values: [
            [5, 0.5],
            [6, 0.25],
          ],
        },
      ],
    });
    expect(cells.map(({ config: { data, perturbation } }) => [data, perturbation.size])).toMatchObject([
      [{ d: 5 }, 0.5],
      [{ d: 6 }, 0.25],
    ]);
  });
  test('a count of seeds goes up from that of the base', async () => {
    expect((await expand({ seeds: 2 })).seeds).toEqual([0, 1]);
    expect((await expand({ base: { seed: 40 }, seeds: 2 })).cells.map(({ config }) => config.seed)).toEqual([40, 41]);
    expect((await expand({ base: { seed: 40 } })).combinations).toMatchObject([{ seed: 40 }]);
    expect((await expand({ vary: [{ key: 'seed', values: [3, 5] }] })).seeds).toEqual([3, 5]);
  });
  test('equal combinations are one; equal configurations are one cell of two combinations', async () => {
    const twice = await expand({ vary: [{ key: 'data.d', values: [5, 5, 6] }] });
    expect([twice.combinations.length, twice.cells.length]).toEqual([2, 2]);
    const same = await expand({ vary: [{ key: 'standard.plateau', values: [{}, { factor: 0.1 }] }] });
    expect([same.combinations.length, same.cells.length]).toEqual([2, 1]);
    expect(same.combinations[0]!.cell).toBe(same.combinations[1]!.cell);
  });
  test('an impossible combination carries its error and leaves the others', async () => {
    const { combinations, cells } = await expand({
      base: { perturbation: { kind: 'l0' } },
      vary: [
        { key: 'data.d', values: [4, 8] },
        { key: 'perturbation.k', values: [3, 6] },
      ],
    });
    expect(cells).toHaveLength(3);
    expect(combinations[1]!.error?.message).toContain('at most the number of inputs, 4');
  });
  test('a hash does not depend on how the configuration was written', async () => {
    const [a] = (await expand({ base: { loss: 'identity', data: { d: 5, n: 9 } } })).cells;
    const [b] = (await expand({ base: { data: { n: 9 } }, vary: [{ key: 'data.d', values: [5] }] })).cells;
    expect(a!.hash).toBe(b!.hash);
    expect(a!.hash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a mistake in a grid', () => {
  test.for<[string, unknown, string, RegExp, RegExp]>([
    ['a misspelt key', { vri: [] }, 'vri', /did you mean vary/, /Write vary/],
    ['a key of the base', { data: { n: 3 } }, 'data', /not a key of a sweep but of a configuration/, /into "base"/],
    ['a key of an axis', { vary: [{ kye: 'data.d', values: [1] }] }, 'vary[0].kye', /did you mean key/, /Write key/],
    ['an axis without values', { vary: [{ key: 'data.d' }] }, 'vary[0].values', /missing/, /Add vary\[0\]\.values/],
    ['an axis of no values', { vary: [{ key: 'data.d', values: [] }] }, 'vary[0].values', /at least one/, /Set/],
    ['no axis', { vary: [3] }, 'vary[0]', /must be an object \{ "key"/, /"values"/],
    ['a list of axes that is none', { vary: {} }, 'vary', /a list of axes/, /Set vary/],
    [
      'a tuple too short',
      { vary: [{ keys: ['data.d', 'data.n'], values: [[1]] }] },
      'vary[0].values[0]',
      /1 values for the 2/,
      /each/,
    ],
    ['no tuple', { vary: [{ keys: ['data.d'], values: [1] }] }, 'vary[0].values[0]', /must be a list/, /as a list/],
    [
      'a key twice',
      {
        vary: [
          { key: 'data.d', values: [1] },
          { key: 'data.d', values: [2] },
        ],
      },
      'vary[1]',
      /twice/,
      /Keep one/,
    ],
    [
      'a key within another',
      {
        vary: [
          { key: 'data', values: [{}] },
          { key: 'data.d', values: [2] },
        ],
      },
      'vary[1]',
      /data.d is varied, and data too/,
      /Keep one/,
    ],
    [
      'seeds twice',
      { vary: [{ key: 'seed', values: [1] }], seeds: 2 },
      'vary[0]',
      /seed is varied, and seeds/,
      /seeds/,
    ],
    ['no seeds', { seeds: [] }, 'seeds', /a count from 1/, /Set seeds/],
    ['equal seeds', { seeds: [1, 1] }, 'seeds', /different/, /Set seeds/],
    [
      'a maximum over nothing',
      { vary: [{ key: 'standard.lr', values: [1] }], bestOver: ['standard.rl'] },
      'bestOver',
      /did you mean standard\.lr/,
      /Write/,
    ],
    [
      'a maximum over half an axis',
      { vary: [{ keys: ['standard.lr', 'learning.lr'], values: [[1, 1]] }], bestOver: ['learning.lr'] },
      'bestOver',
      /but not standard\.lr/,
      /Add standard\.lr/,
    ],
    [
      'a key that no configuration has',
      { vary: [{ key: 'data.dd', values: [1, 2] }] },
      'vary, data.dd',
      /data\.dd is not a key/,
      /Write data\.d/,
    ],
    [
      'a value that fits nowhere',
      { vary: [{ key: 'data.d', values: [1, 0] }] },
      'vary, data.d',
      /at least 1, not 0/,
      /Set data\.d/,
    ],
    [
      'a value that breaks another key',
      { base: { perturbation: { kind: 'l0', k: 5 } }, vary: [{ key: 'data.d', values: [9, 4] }] },
      'perturbation.k',
      /no combination with data\.d = 4 is possible/,
      /Set perturbation\.k/,
    ],
    [
      'a wrong base',
      { base: { network: { widht: 3 } }, vary: [{ key: 'data.d', values: [9] }] },
      'network.widht',
      /^network\.widht is not a key/,
      /Write network\.width/,
    ],
    ['a prototype', { vary: [{ key: '__proto__.x', values: [1] }] }, 'vary[0].key', /dotted configuration key/, /Set/],
    ['what is no object', [], '', /a sweep must be an object/, /"base"/],
    [
      'too many',
      { vary: [{ key: 'data.d', values: Array.from({ length: 400 }, (_, i) => i + 1) }], seeds: 1000 },
      'vary',
      /400000 combinations/,
      /fewer/,
    ],
  ])('%s', async ([, document, key, message, remedy]) => {
    const error = await errorOf(document);
    expect(error.message).toMatch(message);
    expect(error.key ?? '').toBe(key);
    expect(error.remedy).toMatch(remedy);
    expect(error.file).toBe('grid.json');
  });
});

describe('planSweep', () => {
  const document = {
    base: { data: { n: 40, d: 6 }, network: { width: 8 }, standard: { epochs: 10 }, learning: { epochs: 20 } },
    vary: [
      { key: 'standard.lr', values: [0.1, 1] },
      { key: 'learning.lr', values: [0.1, 1, 10] },
    ],
    seeds: 2,
  };
  test('keeps those on the same samples together and counts what they share', async () => {
    const configs = (await expand(document)).cells.map(({ config }) => config);
    const { batches, shares } = await planSweep(undefined, configs, noFiles);
    expect(batches.map(({ runs }) => new Set(runs.map((run) => configs[run]!.seed)))).toEqual([
      new Set([0]),
      new Set([1]),
    ]);
    expect(batches[0]!.estimate).toMatchObject({ first: 2, perturbations: 2, second: 6, seconds: undefined });
    // Two trainings of f of 10 epochs, six of g of 20, at 2 n d m each; 3 passes a perturbation; 2 + 1000 / 40 a result.
    const pass = 40 * 6 * 8;
    expect(batches[0]!.estimate.operations).toBeCloseTo(pass * (2 * 10 * 2 + 6 * 20 * 2 + 2 * 3 + 6 * 27), 6);
    const all = [...shares.values()].reduce((sum, share) => sum + share, 0);
    expect(all).toBeCloseTo(2 * batches[0]!.estimate.operations, 6);
    expect(new Set(shares.keys()).size).toBe(12);
  });
  test('parts a data set whose trainings of f do not fit together, between them', async () => {
    const configs = (await expand(document)).cells.map(({ config }) => config);
    const { batches } = await planSweep(undefined, configs, noFiles, { memoryLimit: 1 });
    expect(batches).toHaveLength(4);
    for (const { runs } of batches) expect(new Set(runs.map((run) => configs[run]!.standard.lr)).size).toBe(1);
    expect(batches.flatMap(({ runs }) => runs).sort((a, b) => a - b)).toEqual(configs.map((_, run) => run));
  });
  test('sets apart what has no data', async () => {
    const configs = [parseConfig({}), parseConfig({ data: { kind: 'npy', x: 'x.npy', y: 'y.npy' } })];
    const { batches, failed } = await planSweep(undefined, configs, noFiles);
    expect(batches.map(({ runs }) => runs)).toEqual([[0]]);
    expect(failed.get(1)?.message).toContain('no such file');
  });
});

describe('runCells', () => {
  const cellsOf = async (n: number) =>
    (await expand({ vary: [{ key: 'data.d', values: Array.from({ length: n }, (_, i) => i + 1) }] })).cells;

  test('halves a batch until the cell that fails stands alone, and computes no other twice', async () => {
    const cells = await cellsOf(8);
    const bad = new Set([cells[2]!, cells[5]!]);
    const done: string[] = [];
    const failed: string[] = [];
    await runCells(
      [cells],
      async (configs, onResult) => {
        for (const [at, config] of configs.entries()) {
          if ([...bad].some((cell) => cell.config === config)) throw new GpuOutOfMemoryError('no room', 'W', 1);
          await onResult(at, fakeResult(config));
        }
      },
      {
        onResult: async ({ hash }) => void done.push(hash),
        onFailure: async ({ hash }) => void failed.push(hash),
      },
    );
    expect(failed.sort()).toEqual([...bad].map(({ hash }) => hash).sort());
    expect(done.sort()).toEqual(
      cells
        .filter((cell) => !bad.has(cell))
        .map(({ hash }) => hash)
        .sort(),
    );
  });
  test('ends at what is no fault of a cell, and at a handler that fails', async () => {
    const cells = await cellsOf(3);
    let asked = 0;
    const handlers = { onResult: async () => {}, onFailure: async () => {} };
    const lost = runCells([cells], () => Promise.reject(new Error(`lost ${++asked}`)), handlers);
    await expect(lost).rejects.toThrow('lost 1');
    const full = runCells([cells], (configs, onResult) => onResult(0, fakeResult(configs[0]!)), {
      ...handlers,
      onResult: () => Promise.reject(new InputError('disk full', { remedy: 'free some space' })),
    });
    await expect(full).rejects.toThrow('disk full');
  });
});

describe('results', () => {
  const setting = async () => {
    const sweep = await expand({
      base: { perturbation: { kind: 'l0' } },
      vary: [
        { key: 'data.d', values: [4, 8] },
        { key: 'perturbation.k', values: [3, 6] },
      ],
      seeds: 2,
      bestOver: ['perturbation.k'],
    });
    const outcomes = new Map<string, CellOutcome>();
    for (const [at, { hash, config }] of sweep.cells.entries()) {
      const result = fakeResult(config);
      outcomes.set(hash, { result: { ...result, metrics: { ...result.metrics, agreement: at / 10 } } });
    }
    return { sweep, outcomes };
  };
  test('a row a combination, in their order; a maximum over fewer is told', async () => {
    const { sweep, outcomes } = await setting();
    const rows = rowsOf(sweep, outcomes);
    expect(rows).toHaveLength(8);
    const summary = summarise(sweep, rows);
    expect(summary.cells).toEqual({ total: 8, finished: 6, failed: 2, diverged: 0 });
    expect(summary.points).toHaveLength(3);
    // Cells: d = 4, k = 3 gives 0 and 0.1; d = 8 gives 0.2 and 0.3 for k = 3, 0.4 and 0.5 for k = 6.
    expect(summary.points[0]!.metrics.agreement!.mean).toBeCloseTo(0.05, 14);
    expect(summary.bestOver).toMatchObject({ keys: ['perturbation.k'], over: 2 });
    expect(summary.bestOver!.points[1]!.metrics.agreement!.mean).toBeCloseTo(0.45, 14);
    expect(summary.bestOver!.incomplete).toEqual([
      { values: { 'data.d': 4 }, seed: 0, over: 1 },
      { values: { 'data.d': 4 }, seed: 1, over: 1 },
    ]);
  });
  test('JSON lines and CSV hold the same', async () => {
    const { sweep, outcomes } = await setting();
    const rows = rowsOf(sweep, outcomes);
    const lines = toJsonLines(rows)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({
      values: { 'data.d': 4, 'perturbation.k': 3 },
      seed: 0,
      metrics: { agreement: 0 },
    });
    expect(lines[2].error.message).toContain('at most the number of inputs');
    const csv = toCsv(sweep.axes, rows).trimEnd().split('\n');
    expect(csv[0]).toBe(
      'data.d,perturbation.k,seed,standardAccuracy,perturbationAccuracy,agreement,cosine,standardLoss,learningLoss,standardTrainer,learningTrainer,seconds,cell,error,diverged',
    );
    expect(csv).toHaveLength(9);
    expect(csv[1]).toBe(`4,3,0,0.9876,0.9123,0,,-12.3456,-0.0123456,direct,direct,131.28,${sweep.cells[0]!.hash},,`);
    expect(csv[3]).toMatch(/^4,6,0,,,,,,,,,,,"?perturbation\.k must be/);
  });
  test('an experiment that diverged is told with its epoch and is in no statistics', async () => {
    const { sweep, outcomes } = await setting();
    const [first] = sweep.cells;
    const at = { stage: 'standard', what: 'loss', epoch: 12, message: 'it diverged' } as const;
    const rows = rowsOf(sweep, outcomes.set(first!.hash, { diverged: at }));
    const summary = summarise(sweep, rows);
    expect(summary.cells).toEqual({ total: 8, finished: 5, failed: 2, diverged: 1 });
    expect(summary.diverged).toEqual([{ values: { 'data.d': 4, 'perturbation.k': 3 }, seed: 0, at }]);
    expect(summary.points[0]!.metrics.agreement).toMatchObject({ count: 1, mean: 0.1 });
    expect(JSON.parse(toJsonLines(rows).split('\n')[0]!)).toMatchObject({ seed: 0, diverged: at });
    expect(toCsv(sweep.axes, rows).split('\n')[1]).toBe(`4,3,0,,,,,,,,,,${first!.hash},,"standard, epoch 12"`);
    expect(sweepTable(summary)).toContain('Diverged, and in none of these numbers: 1 of 8');
  });
  test('values that are no scalars are JSON in CSV', async () => {
    const sweep = await expand({ vary: [{ key: 'standard.plateau', values: [false, { patience: 3 }] }] });
    const outcomes = new Map(sweep.cells.map(({ hash, config }) => [hash, { result: fakeResult(config) }]));
    const csv = toCsv(sweep.axes, rowsOf(sweep, outcomes)).split('\n');
    expect(csv[1]).toMatch(/^false,0,/);
    expect(csv[2]).toMatch(/^"\{""patience"":3\}",0,/);
  });
});
