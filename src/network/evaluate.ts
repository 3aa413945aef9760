// What a network says of samples: margins, and from them accuracy and loss.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { marginSummary } from '../kernels/forward';
import type { MatmulLayout } from '../kernels/variant';
import type { Network } from './network';
import { hiddenStep, outputStep, PassScratch } from './pass';
import type { Panels } from './samples';

export interface Evaluation {
  /** (n) margins y f on the device; with labels of +1 they are the outputs. The caller disposes it. */
  readonly margin: GpuArray;
  readonly loss: number;
  /** Share of samples with y f > 0. */
  readonly accuracy: number;
}

/** Runs the network over all samples of `panels`. */
export async function evaluate(
  gpu: Gpu,
  network: Network,
  panels: Panels,
  labels: GpuArray,
  layout: MatmulLayout,
  loss: 'identity' | 'logistic',
): Promise<Evaluation> {
  const n = panels.blocks.reduce((sum, block) => sum + block.rows, 0);
  const scope = new Scope();
  let margin: GpuArray | undefined;
  try {
    const scratch = scope.use(new PassScratch(gpu, panels, layout));
    const residual = scope.use(gpu.array('residuals', n));
    const summary = scope.use(gpu.array('summary', 2));
    margin = gpu.array('margins', n);
    const batch = gpu.batch('evaluate');
    for (const [at, block] of panels.blocks.entries()) {
      (await hiddenStep(gpu, network, panels, at, scratch, layout))(batch);
      (await outputStep(gpu, block, { labels, margin, residual }, scratch, layout, loss, n))(batch);
    }
    (await marginSummary(gpu, { margin, summary, n, loss }))(batch);
    await batch.submit();
    const [mean, correct] = await summary.read();
    return { margin, loss: mean!, accuracy: correct! / n };
  } catch (error) {
    margin?.dispose();
    throw error;
  } finally {
    scope.dispose();
  }
}
