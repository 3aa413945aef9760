// The neuron loop of Gram training, compiled before a training needs it.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { gramIdentity, NEURON_WORDS } from '../kernels/gram-identity';
import { GRAM_PIECES } from '../kernels/gram-limits';
import { gramPieces, gramRow } from './gram-matrix';

/** Compiles the neuron loop for so many samples, which takes a second or two where n is new to the driver. */
export async function compileGramIdentity(gpu: Gpu, n: number): Promise<void> {
  const scope = new Scope();
  try {
    const ld = gramRow(n);
    const { rows: pieceRows, count: pieceCount, image } = gramPieces(gpu, n, 1);
    const spare = () => scope.use(gpu.array('warm-up', 4));
    const texels = image ? scope.use(gpu.image('warm-up', 1)) : undefined;
    // The same array may stand for every piece: nothing is read.
    const pieces = texels ? ([texels] as const) : new Array<GpuArray>(Math.min(pieceCount, GRAM_PIECES)).fill(spare());
    const neurons = scope.use(gpu.array('warm-up neurons', NEURON_WORDS, 'u32'));
    const arrays = { pieces, sources: spare(), texels, vectors: 1, neurons, state: spare(), losses: spare() };
    const batch = gpu.batch('compile the neuron loop');
    // New WebGPU buffers are zero: the neuron has no epochs, and rests.
    (await gramIdentity(gpu, { ...arrays, pieceRows, pieceCount, n, ld, m: 1 }))(batch);
    await batch.submit();
  } finally {
    scope.dispose();
  }
}
