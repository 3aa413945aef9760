// Agreement of two networks on fresh points, in pieces, so that the test set costs no more memory than one piece.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { signAgreement } from '../kernels/compare';
import type { MatmulLayout } from '../kernels/variant';
import { evaluate } from '../network/evaluate';
import { firstFault } from '../network/finite';
import type { Network } from '../network/network';
import { Panels, planBlocks, Samples } from '../network/samples';
import type { RowSource } from './prepare';

export interface TestOutcome {
  /** Share of points where sign f = sign g. */
  readonly agreement: number;
  /** Networks whose outputs are not all finite: the agreement means nothing. */
  readonly notFinite: readonly ('f' | 'g')[];
  /** (n) outputs, when asked for. */
  readonly f?: Float32Array;
  readonly g?: Float32Array;
  /** (n, d) the points themselves, when asked for. */
  readonly x?: Float32Array;
}

/** Points of a test set evaluated at once, at most. */
export const TEST_ROWS = 4096;

/** Runs f and g over the test points of `source`. */
export async function testAgreement(
  gpu: Gpu,
  f: Network,
  g: Network,
  source: RowSource,
  layout: MatmulLayout,
  keep: { readonly outputs: boolean; readonly points: boolean },
): Promise<TestOutcome> {
  const { n, d } = source;
  const count = gpu.array('agreement', 1, 'u32');
  const outputs = keep.outputs ? { f: new Float32Array(n), g: new Float32Array(n) } : undefined;
  const notFinite = new Set<'f' | 'g'>();
  const points = keep.points ? new Float32Array(n * d) : undefined;
  try {
    const piece = Math.min(TEST_ROWS, planBlocks(gpu, n, d, layout.words)[0]!.rows);
    for (let start = 0; start < n; start += piece) {
      const rows = Math.min(piece, n - start);
      using ones = gpu.upload('ones', new Float32Array(rows).fill(1));
      using samples = Samples.allocate(gpu, 'test points', [{ start: 0, rows }], d);
      await source.fill(samples.arrays[0]!, { start, rows });
      points?.set(await samples.read(), start * d);
      using panels = Panels.allocate(gpu, samples.blocks, d);
      await panels.fill(gpu, samples);
      samples.dispose();
      // With labels of +1 the margins are the outputs.
      using of: GpuArray = (await evaluate(gpu, f, panels, ones, layout, 'identity')).margin;
      using og: GpuArray = (await evaluate(gpu, g, panels, ones, layout, 'identity')).margin;
      const batch = gpu.batch('agreement');
      (await signAgreement(gpu, { f: of, g: og, count, n: rows }))(batch);
      await batch.submit();
      for (const [name, margin] of [['f', of] as const, ['g', og] as const]) {
        const values = await margin.read();
        if (firstFault(values) >= 0) notFinite.add(name);
        outputs?.[name].set(values, start);
      }
    }
    const [same] = await count.readUint();
    return { agreement: same! / n, notFinite: [...notFinite], ...(outputs ?? {}), ...(points ? { x: points } : {}) };
  } finally {
    count.dispose();
  }
}
