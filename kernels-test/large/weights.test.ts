// W beyond one binding: an epoch of direct training, whose every number is exact (as in samples.test.ts).

import { expect, test } from 'vitest';
import { random } from '../../src/kernels/data';
import { matmulLayout } from '../../src/kernels/variant';
import { trainDirect } from '../../src/network/direct';
import { evaluate } from '../../src/network/evaluate';
import { Network } from '../../src/network/network';
import { Panels, planBlocks, Samples } from '../../src/network/samples';
import { Draws, expectExact, useEngine } from '../helpers';
import { describeLarge, stopwatch, TIMEOUT } from './settings';

const bound = useEngine();

describeLarge('W beyond one binding', () => {
  // On lavapipe three slices of 128 MiB each.
  test('d = 20003, m = 4001: one epoch, exactly', { timeout: TIMEOUT }, async ({ skip }) => {
    const { gpu } = bound;
    const [n, d, m] = [128, 20_003, 4001];
    if (d * m <= gpu.maxArrayLength) skip('one binding holds it on this adapter');
    const lap = stopwatch();
    const layout = matmulLayout(gpu, m);
    const blocks = planBlocks(gpu, n, d, layout.words);
    using samples = Samples.allocate(gpu, 'X', blocks, d);
    for (const [at, { start, rows }] of blocks.entries()) {
      const batch = gpu.batch('signs');
      const where = { output: samples.arrays[at]!, rows, cols: d, ld: samples.ld, offset: start * d };
      (await random(gpu, { ...where, kind: 'sign', seed: 7, stream: 1 }))(batch);
      await batch.submit();
    }
    using panels = Panels.allocate(gpu, blocks, d);
    await panels.fill(gpu, samples);
    const draws = new Draws(3);
    const y = draws.signs(n);
    const W = draws.integers(m * d, 8).map((value) => value / 16);
    const b = draws.integers(m, 50).map((value) => value / 16 + 1 / 32);
    const a = draws.signs(m).map((value) => value / 2);
    using labels = gpu.upload('labels', y);
    using network = await Network.create(gpu, { d, m, slope: 0 }, { W, b, a }, 0, { W: 0, b: 0, a: 0 }, layout);
    lap(`${network.slices.length} slices`);
    const { margin } = await evaluate(gpu, network, panels, labels, layout, 'identity');
    const margins = await margin.read();
    margin.dispose();
    const how = { layout, loss: 'identity', lr: 1, epochs: 1, momentum: 0.9, plateau: false } as const;
    await trainDirect(gpu, { samples, panels, labels, network, ...how });
    const trained = await network.read();
    lap('epoch');

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
    expect(network.slices.length).toBeGreaterThan(1);
    expectExact('margins', margins, expectedMargins);
    expectExact('W', trained.W, expectedW, (e) => `neuron ${Math.floor(e / d)}, input ${e % d}`);
    expectExact('b', trained.b, expectedB);
    process.stdout.write(`most device memory ${(gpu.peakBytes / 2 ** 30).toFixed(2)} GiB\n`);
  });
});
