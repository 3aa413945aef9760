// matmul_subgroup of columns that leave out their background, and of rows that go where they are told: how crowds of flips are
// brought to Gram space. The rows lie as crowd_gradient_subgroup makes them: inputs, then the bias and the row of the output.

import { crowdRow } from '../../src/kernels/crowd';
import { LIVE_COLUMNS, liveLength, packLive } from '../../src/kernels/live';
import { matmul, type Operand, type PanelHeight, transposedOperand } from '../../src/kernels/matmul';
import { subgroupLanes } from '../../src/kernels/variant';
import { Bench, Draws, expectClose, expectExact, expectSameBits, runStep, U } from '../harness';
import type { Check } from './case';
import { over } from './live';
import { arrange } from './matmul';

export interface LiveColumnsCase {
  readonly steps: number;
  readonly rows: number;
  readonly columns: number;
  readonly height: PanelHeight;
  /** Columns leave out a background, which may be zero everywhere: then the bits are those of the product that leaves nothing out. */
  readonly columnsAbove?: 'background' | 'zero';
  /** A panel of columns that is background alone. */
  readonly empty?: number;
  /** Rows go to other ones of an output of so many, in no order. */
  readonly rowsOf?: number;
  readonly outputFirst?: number;
  readonly outputStride?: number;
  readonly scale?: number;
  readonly accumulate?: boolean;
}

export function checkLiveColumns(test: LiveColumnsCase): Check {
  const { steps, rows, columns, height, columnsAbove, empty, rowsOf } = test;
  const { outputFirst = 0, outputStride = columns, scale = 1, accumulate = false } = test;
  return async (gpu) => {
    const lanes = subgroupLanes(gpu)!;
    const draws = new Draws(steps * 1e6 + rows * 1e3 + columns);
    const g = columnsAbove === 'background' ? draws.normal(steps) : new Float32Array(steps);
    const B = over(g, columns, draws);
    if (empty !== undefined) {
      const end = Math.min(columns, (empty + 1) * LIVE_COLUMNS);
      for (let k = 0; k < steps; k++) B.fill(g[k]!, k * columns + empty * LIVE_COLUMNS, k * columns + end);
    }
    const isLive = (k: number) => B.subarray(k * columns, (k + 1) * columns).some((value) => value !== g[k]);
    const row = crowdRow(steps);
    const entries = draws.normal(rows * row);
    const biases = draws.normal(rows);
    // All rows of the output by their keys: distinct, and in no order.
    const keys = draws.bits(rowsOf ?? rows);
    const order = Array.from(keys, (_, at) => at).sort((p, q) => keys[p]! - keys[q]!);
    for (let r = 0; r < rows; r++) {
      entries.set([biases[r]!, order[r]!], r * row + row - 4);
      for (let k = 0; k < steps; k++) {
        // What is left out in all panels is not even read.
        if (columnsAbove === 'background' && !isLive(k)) entries[r * row + k] = Number.NaN;
      }
    }
    const target = (r: number) => (rowsOf === undefined ? r : order[r]!);
    const before = draws.normal(outputFirst + ((rowsOf ?? rows) - 1) * outputStride + columns);

    using bench = new Bench(gpu);
    const array = bench.input('rows', entries);
    const { out, place } = arrange('panels', B, steps, columns, 0);
    const whole: Operand = { array: bench.input('columns', out), first: 0, ...place };
    const pack = async (): Promise<Operand> => {
      const size = { steps, rows: columns, height: LIVE_COLUMNS };
      // Where a panel has no step there is nothing to be read.
      const packed = bench.inout('packed columns', new Float32Array(liveLength(size)).fill(Number.NaN));
      const args = { ...size, first: 0, ...place, input: whole.array, background: bench.input('background', g), lanes };
      const packing = await packLive(gpu, args, 0);
      await runStep(gpu, (batch) => packing(batch, packed));
      return { array: packed, width: LIVE_COLUMNS, panel: 0, stride: 0 };
    };
    const run = async (liveColumns: boolean) => {
      const output = bench.inout('output', before);
      const a = transposedOperand(array, row);
      const of = { a, b: liveColumns ? await pack() : whole, bias: { array, first: row - 4, stride: row }, output };
      const size = { steps, rows, columns, height, outputFirst, outputStride, scale, accumulate };
      const how = { liveColumns, chosenRows: rowsOf !== undefined, variant: 'subgroup' } as const;
      await runStep(gpu, await matmul(gpu, { ...of, ...size, ...how }));
      return bench.floats(output, outputFirst);
    };
    const actual = await run(columnsAbove !== undefined);

    const expected = Float64Array.from(before.subarray(outputFirst));
    const tolerance = new Float64Array(expected.length);
    const factor = Math.fround(scale);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        let sum: number = biases[r]!;
        let size = Math.abs(sum);
        for (let k = 0; k < steps; k++) {
          const above = B[k * columns + c]! - g[k]!;
          // Where rows hold what may not be read.
          if (above === 0) continue;
          const term = entries[r * row + k]! * above;
          sum += term;
          size += Math.abs(term);
        }
        const at = target(r) * outputStride + c;
        const old = accumulate ? expected[at]! : 0;
        expected[at] = factor * sum + old;
        // A difference, a product and an addition a step; the scale, and the addition of what was there.
        tolerance[at] = (steps + 4) * U * (Math.abs(factor) * size + Math.abs(old));
      }
    }
    // Between rows, and in rows that nobody chose, every bit stays.
    const at = (e: number) => `row ${Math.floor(e / outputStride)}, column ${e % outputStride} of ${columns}`;
    expectClose('product', actual, expected, (e) => tolerance[e]!, at);
    expectSameBits('product', await run(columnsAbove !== undefined), actual);
    if (columnsAbove === 'zero') expectExact('product that leaves nothing out', await run(false), actual, at);
  };
}
