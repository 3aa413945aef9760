// Adversarial perturbations of all samples towards given targets (design.md, "Perturbation").
//
// Only the sign of dloss/df matters, and both losses fall with the margin, so that sign is -t: no forward output and no
// loss is needed, only the derivative masks, and a saturated logistic loss cannot underflow.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { keptAfter } from '../gpu/scope';
import { add } from '../kernels/data';
import { inputGradient, perturbRows } from '../kernels/perturbation';
import type { MatmulLayout } from '../kernels/variant';
import type { Network } from '../network/network';
import { hiddenStep, PassScratch, sliceMask } from '../network/pass';
import { type Panels, Samples } from '../network/samples';
import { sliceLayout } from '../network/slices';
import type { PerturbationSpan } from './span';

export interface PerturbationSpec {
  readonly kind: 'l2' | 'linf' | 'l0';
  readonly size: number;
  /** l0 only: entries kept. */
  readonly k?: number;
}

/**
 * r_i for every sample of `panels`; the caller disposes it.
 * @param span filled for an l2 perturbation when given: its masks stay, where else blocks take turns in one
 * @throws RangeError for a span of linf or l0 perturbations, which do not lie in the span of W
 */
export async function perturb(
  gpu: Gpu,
  network: Network,
  panels: Panels,
  targets: GpuArray,
  layout: MatmulLayout,
  spec: PerturbationSpec,
  span?: PerturbationSpan,
): Promise<Samples> {
  const { d, slope, slices } = network;
  const { blocks } = panels;
  if (span && spec.kind !== 'l2') throw new RangeError(`${spec.kind} perturbations do not lie in the span of W`);
  const perturbation = Samples.allocate(gpu, 'perturbation', blocks, d);
  return keptAfter(perturbation, async (scope) => {
    const scratch = scope.use(new PassScratch(gpu, blocks, layout, network));
    const rows: GpuArray[] = [];
    for (const slice of slices) rows.push(scope.use(await network.rows(slice)));
    // Slices but the first take turns in a gradient that is added to theirs.
    const largest = Math.max(...perturbation.arrays.map(({ length }) => length));
    const ofSlice = slices.length > 1 ? scope.use(gpu.array('gradient of a slice', largest)) : undefined;
    const { start: from, rows: count } = blocks[blocks.length - 1]!;
    const coefficient = span?.coefficient ?? scope.use(gpu.array('perturbation coefficients', from + count));
    for (const [at, { start, rows: n }] of blocks.entries()) {
      const gradient = perturbation.arrays[at]!;
      const { mask, partial, packed, slice } = scratch;
      const outputs = { mask: span?.masks[at] ?? mask, partial, packed, ...(slice ? { slice } : {}) };
      const batch = gpu.batch('perturbation');
      (await hiddenStep(gpu, network, panels, at, outputs, layout))(batch);
      for (const [k, slice] of slices.entries()) {
        const { mask, step } = sliceMask(outputs, layout, slice, n);
        step(batch);
        const arrays = { mask, rows: rows[k]!, readout: slice.readout, gradient: k === 0 ? gradient : ofSlice! };
        (await inputGradient(gpu, { ...arrays, n, d, slope, layout: sliceLayout(layout, slice) }))(batch);
        if (k > 0) (await add(gpu, { a: ofSlice!, b: gradient, count: gradient.length }))(batch);
      }
      (await perturbRows(gpu, { targets, gradient, coefficient, n, d, start, ...spec }))(batch);
      await batch.submit();
    }
  });
}
