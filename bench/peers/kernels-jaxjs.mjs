// The two products of an epoch in jax-js, WebGPU backend, each one jitted function. W is stored (d, m), its fastest form
// (see jaxjs.mjs). Nothing is computed that nobody asks for, so every result is blocked on.
import './gpu.mjs';
import * as jax from '@jax-js/jax';
import { outputsOf, transpose } from './problem.mjs';

const { numpy: np, nn } = jax;
/** Results in flight before they are waited for. */
const IN_FLIGHT = 4;

export async function makeJaxJsKernels({ n, d, m, x, W, b, a, S }) {
  const available = await jax.init('webgpu');
  if (!available.includes('webgpu')) throw new Error(`jax-js has no WebGPU backend, only ${available}`);
  jax.defaultDevice('webgpu');
  const upload = (data, shape) => np.array(data).reshape(shape);
  const data = {
    x: upload(x, [n, d]),
    W: upload(transpose(W, m, d), [d, m]),
    b: upload(b, [m]),
    S: upload(S, [n, m]),
  };
  await jax.blockUntilReady(Object.values(data));
  const forward = jax.jit((x, W, b) => nn.relu(np.matmul(x, W).add(b)));
  const gradient = jax.jit((x, S) => np.matmul(x.transpose(), S));

  const operation = (once, finish) => {
    let last;
    return {
      async run(count) {
        let flying = [];
        for (let k = 1; k <= count; k++) {
          flying.push(once());
          if (k % IN_FLIGHT !== 0 && k !== count) continue;
          await jax.blockUntilReady(flying);
          last?.dispose();
          last = flying.pop();
          for (const array of flying) array.dispose();
          flying = [];
        }
        if (last.device !== 'webgpu') throw new Error(`jax-js computed on ${last.device}, not webgpu`);
      },
      result: async () => finish(await last.ref.data()),
      dispose: () => last?.dispose(),
    };
  };
  const operations = {
    forward: operation(
      () => forward(data.x.ref, data.W.ref, data.b.ref),
      (h) => outputsOf(h, a),
    ),
    'weight-gradient': operation(
      () => gradient(data.x.ref, data.S.ref),
      (values) => values,
    ),
  };
  return {
    adapterInfo: jax.getWebGPUDevice().adapterInfo,
    device: jax.getWebGPUDevice(),
    ...operations,
    dispose() {
      for (const each of [...Object.values(operations), ...Object.values(data), forward, gradient]) each.dispose();
    },
  };
}
