// The benchmark itself: every case of its list at small sizes in every variant, what it says when something is wrong, and
// comparing two of its reports.

import { describe, expect, test } from 'vitest';
import { type BenchReport, type BenchRow, runBench } from '../../src/bench/bench';
import { BENCH_KERNELS, benchCases, PAPER_SHAPES, parseShape, SMALL_SHAPES } from '../../src/bench/cases';
import { median, timeSteps } from '../../src/bench/clock';
import { compareBenches } from '../../src/bench/compare';
import { Extremes } from '../../src/bench/reference';
import { Engine } from '../../src/engine';
import { add } from '../../src/kernels/data';
import { useEngine, variants, withShaders } from '../helpers';

const bound = useEngine();
const FAST = { rounds: 1, seconds: 1e-6, quick: true } as const;

describe('the list of cases', () => {
  test('has every kernel at every shape of the paper, and plain products at squares', () => {
    const cases = benchCases();
    for (const shape of PAPER_SHAPES) {
      expect(cases.filter((each) => each.shape === shape).map(({ kernel }) => kernel)).toEqual([...BENCH_KERNELS]);
    }
    expect(cases.filter(({ shape }) => shape.n === shape.m && shape.n === 4096)).toMatchObject([
      { kernel: 'matmul', shape: { d: 1024 } },
      { kernel: 'matmul', shape: { d: 4096 } },
    ]);
    expect(benchCases({ quick: true }).length).toBeLessThan(cases.length);
    expect(benchCases({ kernels: ['gram'], shapes: SMALL_SHAPES })).toHaveLength(SMALL_SHAPES.length);
  });
  test('shapes are n/d/m', () => {
    expect(parseShape('12700/784/100')).toEqual({ n: 12700, d: 784, m: 100 });
    for (const wrong of ['1/2', '0/1/1', 'a/b/c', '1/2/3/4', '-1/2/3']) expect(parseShape(wrong)).toBeUndefined();
  });
});

describe('a run', () => {
  test.for(SMALL_SHAPES)('every kernel and variant agrees with float64 at $n/$d/$m', async (shape) => {
    const rows: BenchRow[] = [];
    const report = await runBench(bound.engine, {
      ...FAST,
      variants: 'all',
      shapes: [shape],
      onRow: (row) => rows.push(row),
    });
    expect(report.skipped.filter(({ status }) => status !== 'absent')).toEqual([]);
    for (const kernel of BENCH_KERNELS) {
      const here = report.rows.filter((row) => row.kernel === kernel);
      const halves = bound.gpu.features.has('shader-f16') && bound.gpu.adapter.software;
      const all = [
        ...variants(bound.gpu),
        ...(halves && variants(bound.gpu).includes('subgroup') ? ['subgroup-f16'] : []),
      ];
      if (bound.gpu.adapter.software) {
        expect(
          here.map(({ variant }) => variant),
          kernel,
        ).toEqual(kernel === 'input-gradient' ? [all[0]] : all);
      }
      expect(here.filter(({ chosen }) => chosen)).toHaveLength(1);
      for (const row of here) {
        expect(row.median).toBeGreaterThan(0);
        expect(row.gflops).toBeCloseTo(row.flop / row.median / 1e9, 6);
        expect(row.ofFma).toBeCloseTo(row.gflops / median(row.ceiling), 6);
        expect(row.ceiling).toHaveLength(2 * row.samples.length);
        if (kernel !== 'epoch') expect(row.error).toBeLessThanOrEqual(row.tolerance!);
      }
    }
    // The same kernel as the ceiling of the report, on a machine that others use too, by fits and starts.
    const ratio = median(report.rows.map(({ ceiling }) => median(ceiling) / report.ceilings.gflops));
    expect(ratio).toBeGreaterThan(0.2);
    expect(ratio).toBeLessThan(2);
    expect(rows).toEqual(report.rows);
    expect(report.adapter.name).toBe(bound.gpu.adapter.name);
    expect(report.ceilings.gflops).toBeGreaterThan(0.5);
    expect(report.ceilings.gbs).toBeGreaterThan(0.1);
  });

  test('a variant that is wrong is refused, not timed', async () => {
    using broken = withShaders(bound.gpu, ({ name, code }) =>
      name === 'forward_tiled' ? code.replace('if (k < d)', 'if (k + 1u < d)') : code,
    );
    const options = { ...FAST, kernels: ['forward'], shapes: [SMALL_SHAPES[3]!], variants: 'tiled' } as const;
    const report = await runBench(new Engine(broken), options);
    expect(report.rows).toEqual([]);
    expect(report.skipped).toMatchObject([{ variant: 'tiled', status: 'refused' }]);
    expect(report.skipped[0]!.reason).toMatch(/off by .* allowed/);
  });

  test('a shape that does not fit is told, and the rest goes on', async () => {
    const huge = { n: 32, d: 2 ** 40, m: 1 };
    const shapes = [huge, SMALL_SHAPES[1]!];
    const report = await runBench(bound.engine, { ...FAST, kernels: ['forward'], variants: 'default', shapes });
    expect(report.skipped).toMatchObject([{ shape: huge, status: 'memory' }]);
    expect(report.rows).toHaveLength(1);
  });

  test('quick runs what runs by default, unless asked for more', async () => {
    const options = { ...FAST, kernels: ['forward'], shapes: [SMALL_SHAPES[1]!] } as const;
    const { rows, skipped } = await runBench(bound.engine, options);
    expect(rows.map(({ chosen }) => chosen)).toEqual([true]);
    expect(skipped).toEqual([]);
  });

  test('ends when aborted, with nothing left on the device, and what was measured before is kept', async () => {
    const before = bound.gpu.liveArrays;
    const controller = new AbortController();
    const partial: BenchReport[] = [];
    const onPartial = (report: BenchReport) => void partial.push(report);
    const onProgress = ({ text }: { text: string }) => {
      if (text.startsWith('weight')) controller.abort();
    };
    await expect(
      runBench(bound.engine, { ...FAST, shapes: [SMALL_SHAPES[1]!], signal: controller.signal, onProgress, onPartial }),
    ).rejects.toThrow(/abort/i);
    expect(bound.gpu.liveArrays).toBe(before);
    expect(partial).toMatchObject([{ partial: { done: 1, cases: BENCH_KERNELS.length } }]);
    expect(partial[0]!.rows.map(({ kernel }) => kernel)).toEqual(['forward']);
    expect(partial[0]!.ceilings.gflops).toBeGreaterThan(0);
  });
});

describe('the clock', () => {
  test('contestants in turns, as many samples as rounds, each long enough', async () => {
    using a = bound.gpu.array('a', 1 << 16);
    using b = bound.gpu.array('b', 1 << 16);
    const step = await add(bound.gpu, { a, b, count: a.length });
    const [one, two] = await timeSteps(bound.gpu, [[step], [step, step, step, step]], { rounds: 3, seconds: 0.01 });
    expect(one!.samples).toHaveLength(3);
    expect(one!.repeats).toBeGreaterThan(1);
    expect(one!.min).toBeLessThanOrEqual(one!.median);
    expect(one!.median).toBeLessThanOrEqual(one!.max);
    // Four times the work; noise on a shared machine is less than a factor of two and a half.
    expect(two!.min / one!.min).toBeGreaterThan(1.6);
  });
  test('the median of an even number is the mean of the middle two', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([3, 1, 2])).toBe(2);
  });
});

describe('errors', () => {
  test('NaN is larger than any error', () => {
    const seen = new Extremes();
    seen.add(1, 1, 1);
    seen.add(Number.NaN, 1, 1);
    seen.add(1, 1, 1);
    const { error, tolerance } = seen.verdict(1);
    expect(error <= tolerance).toBe(false);
  });
});

describe('comparing two reports', () => {
  const row = (variant: 'subgroup' | 'tiled', samples: number[]): BenchRow =>
    ({
      kernel: 'forward',
      shape: PAPER_SHAPES[0]!,
      variant,
      samples,
      median: median(samples),
      min: Math.min(...samples),
      max: Math.max(...samples),
    }) as unknown as BenchRow;
  const report = (rows: BenchRow[], changes: object = {}): BenchReport =>
    ({
      schemaVersion: 1,
      adapter: { name: 'A', description: 'driver 1' },
      toggles: [],
      versions: { node: 'v20' },
      ceilings: { gflops: 50, gbs: 10 },
      rows,
      skipped: [],
      ...changes,
    }) as unknown as BenchReport;
  const verdictOf = (before: number[], after: number[]) =>
    compareBenches(report([row('tiled', before)]), report([row('tiled', after)])).rows[0]!.verdict;

  test('faster and slower only where the ranges do not overlap', () => {
    expect(verdictOf([10, 11, 12], [5, 6, 7])).toBe('faster');
    expect(verdictOf([5, 6, 7], [10, 11, 12])).toBe('slower');
    expect(verdictOf([10, 11, 12], [11.5, 13, 14])).toBe('same');
    expect(verdictOf([100, 100.1, 100.2], [101, 101.1, 101.2])).toBe('same');
  });
  test('what is in only one of them, and what else differs', () => {
    const a = report([row('tiled', [1]), row('subgroup', [1])]);
    const partial = { done: 1, cases: 2 };
    const b = report([row('tiled', [1])], { partial, versions: { node: 'v22' }, ceilings: { gflops: 80, gbs: 10 } });
    const { gone, added, differences } = compareBenches(a, b);
    expect(gone).toEqual(['forward 1000/100/100 subgroup']);
    expect(added).toEqual([]);
    expect(differences).toEqual([
      'report: whole before, 1 of 2 cases after',
      'node: v20 before, v22 after',
      'multiply-add ceiling: 50.0 GFLOP/s before, 80.0 GFLOP/s after',
    ]);
  });
});
