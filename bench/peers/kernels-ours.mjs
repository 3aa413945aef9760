// perturb-gpu's own kernels, as built into dist/, called one at a time through its public API.
//
// forward: the kernel of training, which keeps a derivative bit and a partial sum of the outputs instead of the (n, m)
// activations, so it also multiplies by the readout. weight-gradient: masked sums over the samples from those bits, and the
// kernel that adds their parts up, scales them by the readout and takes the step (here of length 0): more than the peers do.
import { existsSync } from 'node:fs';
import { requestDevice } from './gpu.mjs';

const BUILT = new URL('../../dist/node.js', import.meta.url);
const STREAMS = { W: 3, b: 4, a: 5 };
/** Submits in flight before one is waited for. */
const IN_FLIGHT = 8;

export async function makeOursKernels({ n, d, m, x, y, W, b, a }) {
  if (!existsSync(BUILT)) throw new Error('perturb-gpu is not built: run "node build.mjs" first');
  const device = await requestDevice();
  const perturb = await import(BUILT);
  const engine = await perturb.createEngine({ device });
  const { gpu, kernels } = engine;
  const layout = perturb.matmulLayout(gpu, m, undefined, n * d * m);
  const { words, group } = layout;
  const samples = perturb.Samples.fromArray(gpu, 'x', x, d, words);
  const panels = perturb.Panels.allocate(gpu, samples.blocks, d);
  await panels.fill(gpu, samples);
  const network = await perturb.Network.create(gpu, { d, m, slope: 0 }, { W, b, a }, 0, STREAMS);
  const { weights, readout } = network;
  const residual = gpu.upload(
    'residual',
    y.map((label) => -label / n),
  );
  const blocks = [];
  let parts = 0;
  for (const [at, { start, rows }] of samples.blocks.entries()) {
    const splits = perturb.gradientSplits(rows, d, layout);
    const mask = gpu.array('mask', words * rows, 'u32');
    const partial = gpu.array('partial outputs', words * rows);
    blocks.push({ start, rows, x: samples.arrays[at], panels: panels.arrays[at], mask, partial, part: parts, splits });
    parts += splits;
  }
  const gradient = gpu.array('gradient', parts * perturb.gradientPartLength(d, layout));
  const total = gpu.array('totals', parts * 4 * perturb.gradientQuads(d, layout));
  const velocity = gpu.array('velocity', (d + 1) * m);
  const state = gpu.array('state', 8); // learning rate 0: the weights stay
  const packed = perturb.packedWeights(gpu, d, layout);
  const common = { d, layout };
  const forward = () =>
    blocks.map(({ rows, panels, mask, partial }) =>
      kernels.forward({ ...common, packed, panels, weights, readout, mask, partial, n: rows, slope: 0 }),
    );
  const weightGradient = () => [
    ...blocks.map(({ rows, start, x, mask, part, splits }) =>
      kernels.weightGradient({ ...common, x, mask, residual, gradient, total, n: rows, start, part, splits }),
    ),
    kernels.momentumUpdate({
      ...common,
      ...{ gradient, total, readout, state, velocity, weights, parts, slope: 0, momentum: 0 },
    }),
  ];
  const repeat = (operation) => async (count) => {
    let flying = [];
    for (let k = 1; k <= count; k++) {
      flying.push(...operation());
      if (k % IN_FLIGHT !== 0) continue;
      await Promise.all(flying);
      flying = [];
    }
    await Promise.all(flying);
  };

  return {
    adapterInfo: device.adapterInfo,
    device,
    variant: layout.variant,
    forward: {
      run: repeat(forward),
      async result() {
        const f = new Float64Array(n);
        for (const { start, rows, partial } of blocks) {
          const values = await partial.read();
          for (let i = 0; i < rows; i++) for (let w = 0; w < words; w++) f[start + i] += values[w * rows + i];
        }
        return f;
      },
    },
    'weight-gradient': {
      run: repeat(weightGradient),
      result: async () => (await velocity.read()).subarray(0, d * m),
    },
    /** (n, m): which activations pass, from the bits of the last forward. */
    async passing() {
      const out = new Uint8Array(n * m);
      for (const { start, rows, mask } of blocks) {
        const bits = await mask.readUint();
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < m; j++)
            out[(start + i) * m + j] = (bits[Math.floor(j / group) * rows + i] >>> (j % group)) & 1;
      }
      return out;
    },
    dispose: () => engine.dispose(),
  };
}
