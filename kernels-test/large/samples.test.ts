// X beyond one binding and beyond 2^31 elements: an epoch of direct training, whose every number is exact.
//
// Samples are random signs, W sixteenths, b odd 32nds, a plus or minus a half, and n a power of two: no sum of an epoch
// rounds, so that one sample left out, read twice or taken for another shows in any of the results.

import { expect, test } from 'vitest';
import { PhiloxStream } from '../../src/data/philox';
import { random } from '../../src/kernels/data';
import { matmulLayout } from '../../src/kernels/variant';
import { trainDirect } from '../../src/network/direct';
import { evaluate } from '../../src/network/evaluate';
import { Network } from '../../src/network/network';
import { Panels, planBlocks, Samples } from '../../src/network/samples';
import { Draws, expectExact, useEngine } from '../helpers';
import { describeLarge, stopwatch, TIMEOUT } from './settings';

const bound = useEngine();
const [SEED, STREAM] = [7, 1];

describeLarge('X beyond 2^31 elements', () => {
  // Rows of 4105 are padded; X and its panels take 8.6 GB each.
  test('n = 2^19, d = 4105: one epoch, exactly', { timeout: TIMEOUT }, async () => {
    const { gpu } = bound;
    const [n, d, m] = [2 ** 19, 4105, 4];
    expect(n * d).toBeGreaterThan(2 ** 31);
    const lap = stopwatch();
    const layout = matmulLayout(gpu, m);
    const blocks = planBlocks(gpu, n, d, layout.words);
    using samples = Samples.allocate(gpu, 'X', blocks, d);
    for (const [at, { start, rows }] of blocks.entries()) {
      const batch = gpu.batch('signs');
      const where = { output: samples.arrays[at]!, rows, cols: d, ld: samples.ld, offset: start * d };
      (await random(gpu, { ...where, kind: 'sign', seed: SEED, stream: STREAM }))(batch);
      await batch.submit();
    }
    lap(`X in ${blocks.length} blocks`);
    using panels = Panels.allocate(gpu, blocks, d);
    await panels.fill(gpu, samples);
    lap('panels');

    const draws = new Draws(3);
    const y = draws.signs(n);
    const W = draws.integers(m * d, 8).map((value) => value / 16);
    const b = draws.integers(m, 50).map((value) => value / 16 + 1 / 32);
    const a = draws.signs(m).map((value) => value / 2);
    using labels = gpu.upload('labels', y);
    using network = await Network.create(gpu, { d, m, slope: 0 }, { W, b, a }, 0, { W: 0, b: 0, a: 0 });
    const { margin, accuracy } = await evaluate(gpu, network, panels, labels, layout, 'identity');
    const margins = await margin.read();
    margin.dispose();
    lap('forward');
    const how = { layout, loss: 'identity', lr: 1, epochs: 1, momentum: 0.9, plateau: false } as const;
    const history = await trainDirect(gpu, { samples, panels, labels, network, ...how });
    lap('epoch');
    const trained = await network.read();

    // All of it again, block by block, in float64 and integers.
    const expectedMargins = new Float64Array(n);
    const sums = Array.from({ length: m }, () => new Int32Array(d));
    const biasSums = new Int32Array(m);
    const rowsOfW = Array.from({ length: m }, (_, j) => Float64Array.from(W.subarray(j * d, (j + 1) * d)));
    const stream = new PhiloxStream(SEED, STREAM);
    for (const [at, { start, rows }] of blocks.entries()) {
      const values = await samples.arrays[at]!.read();
      for (let r = 0; r < rows; r++) {
        const i = start + r;
        const x = values.subarray(r * samples.ld, r * samples.ld + d);
        if (r === 0 || r === rows - 1) {
          stream.seek(i * d);
          const signs = x.map(() => (stream.nextU32() & 1 ? 1 : -1));
          expectExact(`sample ${i}`, x, signs);
        }
        let f = 0;
        for (let j = 0; j < m; j++) {
          const w = rowsOfW[j]!;
          let h = b[j]!;
          for (let k = 0; k < d; k++) h += w[k]! * x[k]!;
          if (h <= 0) continue;
          f += a[j]! * h;
          const sum = sums[j]!;
          const sign = -y[i]!;
          for (let k = 0; k < d; k++) sum[k]! += sign * x[k]!;
          biasSums[j]! += sign;
        }
        expectedMargins[i] = y[i]! * f;
      }
    }
    lap('reference');
    expectExact('margins', margins, expectedMargins);
    expect(accuracy).toBe(Math.fround(expectedMargins.filter((z) => z > 0).length) / n);
    expectExact('loss', history.loss, [-expectedMargins.reduce((sum, z) => sum + z, 0) / n]);
    const step = (j: number, sum: number) => a[j]! * (sum / n);
    const at = (e: number) => `neuron ${Math.floor(e / d)}, input ${e % d}`;
    const expectedW = Float64Array.from(W, (w, e) => {
      const j = Math.floor(e / d);
      return w - step(j, sums[j]![e % d]!);
    });
    expectExact('W', trained.W, expectedW, at);
    expectExact(
      'b',
      trained.b,
      b.map((value, j) => value - step(j, biasSums[j]!)),
    );
    process.stdout.write(`most device memory ${(gpu.peakBytes / 2 ** 30).toFixed(2)} GiB\n`);
  });
});
