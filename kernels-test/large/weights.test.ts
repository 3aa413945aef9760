// W beyond one binding.

import { expect, test } from 'vitest';
import { Scope } from '../../src/gpu/scope';
import { expectExact, useEngine } from '../helpers';
import { exactEpoch } from './exact';
import { describeLarge, stopwatch, TIMEOUT } from './settings';

const bound = useEngine();

describeLarge('W beyond one binding', () => {
  // On lavapipe three slices of 128 MiB each.
  test('d = 20003, m = 4001: one epoch, exactly', { timeout: TIMEOUT }, async ({ skip }) => {
    const { gpu } = bound;
    const [n, d, m] = [128, 20_003, 4001];
    if (d * m <= gpu.maxArrayLength) skip('one binding holds it on this adapter');
    const lap = stopwatch();
    const scope = new Scope();
    try {
      const { samples, y, W, b, a, slices, margins, trained } = await exactEpoch(gpu, { n, d, m }, scope, lap);
      const X = await samples.read();
      const expectedMargins = new Float64Array(n);
      const expectedW = Float64Array.from(W);
      const expectedB = Float64Array.from(b);
      for (let j = 0; j < m; j++) {
        const w = Float64Array.from(W.subarray(j * d, (j + 1) * d));
        const to = expectedW.subarray(j * d, (j + 1) * d);
        for (let i = 0; i < n; i++) {
          const x = X.subarray(i * d, (i + 1) * d);
          let h = b[j]!;
          for (let k = 0; k < d; k++) h += w[k]! * x[k]!;
          if (h <= 0) continue;
          expectedMargins[i]! += y[i]! * a[j]! * h;
          const step = (a[j]! * y[i]!) / n;
          for (let k = 0; k < d; k++) to[k]! += step * x[k]!;
          expectedB[j]! += step;
        }
      }
      lap('reference');
      expect(slices).toBeGreaterThan(1);
      expectExact('margins', margins, expectedMargins);
      expectExact('W', trained.W, expectedW, (e) => `neuron ${Math.floor(e / d)}, input ${e % d}`);
      expectExact('b', trained.b, expectedB);
      process.stdout.write(`most device memory ${(gpu.peakBytes / 2 ** 30).toFixed(2)} GiB\n`);
    } finally {
      scope.dispose();
    }
  });
});
