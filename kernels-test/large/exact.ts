// An epoch of direct training whose every number is exact: samples are random signs, W sixteenths, b odd 32nds, a plus or
// minus a half, and n a power of two. No sum of an epoch rounds, so that a sample or a weight left out, read twice or
// taken for another shows in any of the results.

import type { Gpu } from '../../src/gpu/gpu';
import { Scope } from '../../src/gpu/scope';
import { random } from '../../src/kernels/data';
import { matmulLayout } from '../../src/kernels/variant';
import { trainDirect } from '../../src/network/direct';
import { evaluate } from '../../src/network/evaluate';
import { Network } from '../../src/network/network';
import { Panels, planBlocks, Samples } from '../../src/network/samples';
import { Draws } from '../helpers';

/** Of the signs. */
export const [SEED, STREAM] = [7, 1];

/** What goes in and what comes out; the samples belong to `scope`. */
export async function exactEpoch(
  gpu: Gpu,
  { n, d, m }: { n: number; d: number; m: number },
  scope: Scope,
  lap: (what: string) => void,
) {
  const layout = matmulLayout(gpu, m);
  const blocks = planBlocks(gpu, n, d, layout.words);
  const samples = scope.use(Samples.allocate(gpu, 'X', blocks, d));
  for (const [at, { start, rows }] of blocks.entries()) {
    const batch = gpu.batch('signs');
    const where = { output: samples.arrays[at]!, rows, cols: d, ld: samples.ld, offset: start * d };
    (await random(gpu, { ...where, kind: 'sign', seed: SEED, stream: STREAM }))(batch);
    await batch.submit();
  }
  lap(`X in ${blocks.length} blocks`);
  const own = new Scope();
  try {
    const panels = own.use(Panels.allocate(gpu, blocks, d));
    await panels.fill(gpu, samples);
    lap('panels');
    const draws = new Draws(3);
    const y = draws.signs(n);
    const W = draws.integers(m * d, 8).map((value) => value / 16);
    const b = draws.integers(m, 50).map((value) => value / 16 + 1 / 32);
    const a = draws.signs(m).map((value) => value / 2);
    const labels = own.use(gpu.upload('labels', y));
    const given = { W, b, a };
    const network = own.use(await Network.create(gpu, { d, m, slope: 0 }, given, 0, { W: 0, b: 0, a: 0 }, layout));
    const slices = network.slices.length;
    lap(`network in ${slices} slices`);
    const { margin, accuracy } = await evaluate(gpu, network, panels, labels, layout, 'identity');
    const margins = await own.use(margin).read();
    lap('forward');
    const how = { layout, loss: 'identity', lr: 1, epochs: 1, momentum: 0.9, plateau: false } as const;
    const { loss } = await trainDirect(gpu, { samples, panels, labels, network, ...how });
    lap('epoch');
    return { samples, y, W, b, a, slices, margins, accuracy, loss, trained: await network.read() };
  } finally {
    own.dispose();
  }
}
