// X beyond one binding and beyond 2^31 elements.

import { expect, test } from 'vitest';
import { PhiloxStream } from '../../src/data/philox';
import { Scope } from '../../src/gpu/scope';
import { expectExact, useEngine } from '../helpers';
import { exactEpoch, SEED, STREAM } from './exact';
import { describeLarge, stopwatch, TIMEOUT } from './settings';

const bound = useEngine();

describeLarge('X beyond 2^31 elements', () => {
  // Rows of 4105 are padded; X and its panels take 8.6 GB each.
  test('n = 2^19, d = 4105: one epoch, exactly', { timeout: TIMEOUT }, async () => {
    const { gpu } = bound;
    const [n, d, m] = [2 ** 19, 4105, 4];
    expect(n * d).toBeGreaterThan(2 ** 31);
    const lap = stopwatch();
    const scope = new Scope();
    try {
      const { samples, y, W, b, a, margins, accuracy, loss, trained } = await exactEpoch(gpu, { n, d, m }, scope, lap);
      const { blocks } = samples;

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
      expectExact('loss', loss, [-expectedMargins.reduce((sum, z) => sum + z, 0) / n]);
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
    } finally {
      scope.dispose();
    }
  });
});
