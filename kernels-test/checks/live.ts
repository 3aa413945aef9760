// pack_live_subgroup, background_dot, and matmul_subgroup of what they make.

import { backgroundDot, packLive } from '../../src/kernels/live';
import { matmul, type PanelHeight } from '../../src/kernels/matmul';
import { subgroupLanes } from '../../src/kernels/variant';
import { asHalves, Bench, Draws, expectClose, expectExact, expectSameBits, runStep, U } from '../harness';
import type { Check } from './case';
import { type Arrangement, arrange } from './matmul';

export interface LiveCase {
  readonly steps: number;
  readonly rows: number;
  readonly height: PanelHeight;
  readonly how?: Exclude<Arrangement, 'transposed'>;
  readonly first?: number;
  readonly half?: boolean;
}

/**
 * (steps, width) values over a background, which one entry in eight exceeds, in blocks of three rows; some steps are background
 * everywhere, some nowhere.
 */
export function over(background: Float32Array, width: number, draws: Draws): Float32Array {
  const steps = background.length;
  const values = new Float32Array(steps * width);
  const drawn = draws.normal(steps * width);
  const shown = draws.normal(steps * Math.ceil(width / 3));
  for (let k = 0; k < steps; k++) {
    for (let r = 0; r < width; r++) {
      const block = shown[k * Math.ceil(width / 3) + Math.floor(r / 3)]!;
      const live = k % 5 === 1 || (k % 7 !== 2 && block > 1.15);
      values[k * width + r] = live ? drawn[k * width + r]! : background[k]!;
    }
  }
  return values;
}

export function checkPackLive({ steps, rows, height, how = 'panels', first = 0, half = false }: LiveCase): Check {
  return async (gpu) => {
    const lanes = subgroupLanes(gpu)!;
    const draws = new Draws(steps * 1e6 + rows * 1e3 + height);
    const stored = half ? asHalves : (values: Float32Array) => values;
    const background = stored(draws.normal(steps));
    const values = stored(over(background, rows, draws));
    const { out, place } = arrange(how, values, steps, rows, first);
    using bench = new Bench(gpu);
    const input = half ? bench.halves('input', out) : bench.input('input', out);
    const panels = Math.ceil(rows / height);
    const heads = panels * steps * height;
    const length = heads + panels * (steps + 1) * 4;
    const args = {
      input,
      background: bench.input('background', background),
      lanes,
      steps,
      rows,
      height,
      first,
      ...place,
    };
    const run = async () => {
      const output = bench.inout('output', new Float32Array(length).fill(7));
      const pack = await packLive(gpu, args, 0);
      await runStep(gpu, (batch) => pack(batch, output));
      return bench.floats(output);
    };
    const actual = await run();
    // What no panel has stays as it was.
    const expected = new Float32Array(length).fill(7);
    for (let p = 0; p < panels; p++) {
      const head = heads + p * (steps + 1) * 4;
      let count = 0;
      for (let k = 0; k < steps; k++) {
        const above = Array.from({ length: height }, (_, r) => {
          const row = p * height + r;
          return row < rows ? Math.fround(values[k * rows + row]! - background[k]!) : 0;
        });
        if (above.every((value) => value === 0)) continue;
        expected.set(above, (p * steps + count) * height);
        expected.set([k, background[k]!, 0, 0], head + 4 * ++count);
      }
      expected.set([count, 0, 0, 0], head);
    }
    expectExact('packed rows', actual, expected);
    expectSameBits('packed rows', await run(), actual);
  };
}

export function checkBackgroundDot({
  panels,
  steps,
  outputFirst = 0,
}: Record<'panels' | 'steps', number> & { outputFirst?: number }): Check {
  return async (gpu) => {
    const draws = new Draws(panels * 1e3 + steps);
    const count = 32 * panels;
    const X = draws.normal(steps * count);
    const g = draws.normal(steps);
    const offset = Math.fround(0.3);
    using bench = new Bench(gpu);
    const x = bench.input('x', arrange('panels', X, steps, count, 0).out);
    const output = bench.output('output', outputFirst + count);
    const args = { x, background: bench.input('background', g), output, outputFirst, panels, steps, offset };
    await runStep(gpu, await backgroundDot(gpu, args));
    const expected = new Float64Array(count).fill(offset);
    const sizes = new Float64Array(count).fill(offset);
    for (let k = 0; k < steps; k++) {
      for (let i = 0; i < count; i++) {
        const term = X[k * count + i]! * g[k]!;
        expected[i]! += term;
        sizes[i]! += Math.abs(term);
      }
    }
    // A product and an addition a step.
    const actual = await bench.floats(output, outputFirst);
    expectClose(
      'inner products',
      actual,
      expected,
      (i) => (steps + 1) * U * sizes[i]!,
      (i) => `sample ${i}`,
    );
  };
}

/** matmul of what two operands are more than a background, against their whole product. */
export function checkLiveProduct(test: LiveCase & { readonly columns: number; readonly accumulate?: boolean }): Check {
  const { steps, rows, columns, height, how = 'panels', first = 0, half = false, accumulate = false } = test;
  return async (gpu) => {
    const draws = new Draws(steps * 1e6 + rows * 1e3 + columns);
    const stored = half ? asHalves : (values: Float32Array) => values;
    const g = stored(draws.normal(steps));
    const A = stored(over(g, rows, draws));
    const B = stored(over(g, columns, draws));
    // In float64, and rounded once: what of them is in error is U of each.
    const share = (values: Float32Array, width: number, c: number) => {
      let sum = 0;
      for (let k = 0; k < steps; k++) sum += g[k]! * (values[k * width + c]! - g[k]! / 2);
      return sum;
    };
    const shares = Float32Array.from([
      ...Array.from({ length: rows }, (_, r) => share(A, rows, r)),
      ...Array.from({ length: columns }, (_, c) => share(B, columns, c)),
    ]);
    using bench = new Bench(gpu);
    const operand = (label: string, values: Float32Array, width: number) => {
      const { out, place } = arrange(how, values, steps, width, first);
      return { array: half ? bench.halves(label, out) : bench.input(label, out), first, ...place };
    };
    const before = draws.normal(rows * columns);
    const a = operand('a', A, rows);
    const b = operand('b', B, columns);
    const bias = { array: bench.input('shares', shares), first: 0, stride: 1 };
    const live = { background: bench.input('background', g), columns: rows };
    const run = async () => {
      const output = bench.inout('output', before);
      const size = { steps, rows, columns, height, accumulate, variant: 'subgroup' } as const;
      await runStep(gpu, await matmul(gpu, { a, b, bias, output, live, ...size }));
      return bench.floats(output);
    };
    const actual = await run();
    const expected = new Float64Array(rows * columns);
    const tolerance = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        const at = r * columns + c;
        const old = accumulate ? before[at]! : 0;
        let size = Math.abs(shares[r]!) + Math.abs(shares[rows + c]!) + Math.abs(old);
        for (let k = 0; k < steps; k++) {
          expected[at]! += A[k * rows + r]! * B[k * columns + c]!;
          size += Math.abs((A[k * rows + r]! - g[k]!) * (B[k * columns + c]! - g[k]!));
        }
        expected[at]! += old;
        // Two differences, a product and an addition a step; two shares, each rounded once and added; the addition of nothing
        // that fills the last round of steps; what was there.
        tolerance[at] = (steps + 8) * U * size;
      }
    }
    const at = (e: number) => `row ${Math.floor(e / columns)}, column ${e % columns}`;
    expectClose('product', actual, expected, (e) => tolerance[e]!, at);
    expectSameBits('product', await run(), actual);
  };
}
