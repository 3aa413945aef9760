// perturb-gpu itself, as built into dist/, through its public library: Network, Samples, Panels, trainDirect.
//
// The contract is the peers': epochs(count) trains `count` epochs from the initial weights (momenta zero), and `seconds`
// runs from the first dispatch until the queue has finished the last update. Ours includes allocating the training's
// scratch memory and reading the losses of all epochs. The harness checks those losses in every sample.
import { existsSync } from 'node:fs';

const BUILT = new URL('../../dist/node.js', import.meta.url);
const STREAMS = { W: 3, b: 4, a: 5 };

/**
 * @param problem { n, d, m, x, y, W, b, a, lr, momentum, slope }; x (n, d), W (m, d), row by row, all Float32Array.
 * @param device the GPUDevice to run on, so that all contestants share one Dawn.
 * @returns null when not built, else { adapterInfo, device, epochs(count): Promise<{ seconds, losses }>, dispose() }.
 */
export async function makeOurs({ d, m, x, y, W, b, a, lr, momentum, slope }, device) {
  if (!existsSync(BUILT)) return null;
  const { createEngine, matmulLayout, Network, Panels, Samples, trainDirect } = await import(BUILT);
  const engine = await createEngine({ device });
  const { gpu } = engine;
  const layout = matmulLayout(gpu, m, undefined, x.length * m);
  const samples = Samples.fromArray(gpu, 'x', x, d, layout.words);
  const panels = Panels.allocate(gpu, samples.blocks, d);
  await panels.fill(gpu, samples);
  const labels = gpu.upload('y', y);
  return {
    adapterInfo: device.adapterInfo,
    device,
    async epochs(count) {
      const network = await Network.create(gpu, { d, m, slope }, { W, b, a }, 0, STREAMS);
      const common = { samples, panels, labels, network, layout, loss: 'identity', lr, momentum, plateau: false };
      const began = performance.now();
      const { loss } = await trainDirect(gpu, { ...common, epochs: count });
      const seconds = (performance.now() - began) / 1000;
      network.dispose();
      return { seconds, losses: loss };
    },
    dispose() {
      engine.dispose();
    },
  };
}
