// Trained networks on inputs of one's own: from host arrays to host arrays.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { matmulLayout } from '../kernels/variant';
import { evaluate } from './evaluate';
import { Network, type NetworkArrays } from './network';
import { Panels, Samples } from './samples';

/** A trained network as plain data: what a result's f_W, f_b, f_a (or g_...) and network.slope hold. */
export interface PlainNetwork extends NetworkArrays {
  /** Slope of the activation below zero. */
  readonly slope: number;
}

/**
 * Outputs f(x) of a network; the sign is the class.
 * @param X (n, d) row-major
 * @returns (n)
 * @throws RangeError when the shapes do not fit; GpuError when the device fails
 */
export async function predict(gpu: Gpu, network: PlainNetwork, X: Float32Array): Promise<Float32Array> {
  const { W, b, a, slope } = network;
  const m = b.length;
  const d = W.length / m;
  if (!Number.isInteger(d) || d < 1) throw new RangeError(`W has ${W.length} entries, no multiple of the ${m} of b`);
  if (a.length !== m) throw new RangeError(`a has ${a.length} entries, b has ${m}`);
  const n = X.length / d;
  if (!Number.isInteger(n)) throw new RangeError(`X has ${X.length} entries, no multiple of ${d} inputs`);
  if (n === 0) return new Float32Array();
  const layout = matmulLayout(gpu, m);
  const scope = new Scope();
  try {
    // Every array is given: no number is drawn.
    const on = scope.use(await Network.create(gpu, { d, m, slope }, { W, b, a }, 0, { W: 0, b: 0, a: 0 }));
    const samples = scope.use(Samples.fromArray(gpu, 'inputs', X, d, layout.words));
    const panels = scope.use(Panels.allocate(gpu, samples.blocks, d));
    await panels.fill(gpu, samples);
    const ones = scope.use(gpu.upload('ones', new Float32Array(n).fill(1)));
    // With labels of +1 the margins are the outputs.
    const { margin } = await evaluate(gpu, on, panels, ones, layout, 'identity');
    return await scope.use(margin).read();
  } finally {
    scope.dispose();
  }
}
