// jax-js on its WebGPU backend. One jitted function is one epoch: loss, gradients, momentum, update.
//
// Forms compared on lavapipe, 2 cores, all in one process, interleaved; ms per epoch at 1000/100/100 and 12700/784/100
// (medians of 3 to 5 rounds; the machine was shared, so only differences above about 5 % mean something):
//   autodiff, W stored (m, d)                             12.9     902
//   autodiff, W stored (d, m)                             14.2     897   <- "jax-js" (dispatches an epoch: 14)
//   autodiff, X stored (d, n), W either way           13.1-14.5   919-951
//   autodiff, transposed net W X^T                        14.4     950
//   gradient by hand, derivative mask then outer product  12.1     779-819
//   gradient by hand, an own copy of X^T, fwd or bwd  11.9-13.4    764-817
//   gradient by hand, S = where(h > 0, -y a / n, 0)       12.6     765   <- "jax-js, by hand" (dispatches an epoch: 7)
//   the same with W stored (m, d)                         12.4     813
// Several epochs unrolled into one jit (4, 16) and waiting every 1, 4, 8, 32 or never: no difference above the noise, but
// for waiting after every epoch, 1.3 times slower at the small shape. There is no scan or fori_loop in 0.1.25.
import './gpu.mjs';
import * as jax from '@jax-js/jax';
import { transpose } from './problem.mjs';

const { numpy: np, nn } = jax;

// Its README asks for a wait now and then in a loop, so that pending work does not pile up.
const EPOCHS_PER_WAIT = 8;

const loss = (W, b, x, y, a) => np.mean(np.matmul(nn.relu(np.matmul(x, W).add(b)), a).mul(y)).neg();

// Each takes ownership of everything but W and b, which the step still needs, and returns [loss, [gW, gb]].
const lossAndGradient = {
  autodiff: jax.valueAndGrad(loss, { argnums: [0, 1] }),
  hand: (W, b, x, y, a) => {
    const n = x.shape[0];
    const h = np.matmul(x.ref, W).add(b);
    const S = np.where(np.greater(h.ref, 0), a.mul(y.mul(-1 / n).reshape([n, 1])), 0);
    return [np.sum(h.mul(S.ref)), [np.matmul(x.transpose(), S.ref), np.sum(S, 0)]];
  },
};

/** @returns epochs(count): trains `count` epochs from the initial weights. */
export async function makeJaxJs({ n, d, m, x, y, W, b, a, lr, momentum }, form) {
  const available = await jax.init('webgpu');
  if (!available.includes('webgpu')) throw new Error(`jax-js has no WebGPU backend, only ${available}`);
  jax.defaultDevice('webgpu');

  const upload = (data, shape) => np.array(data).reshape(shape);
  const data = { x: upload(x, [n, d]), y: upload(y, [n]), a: upload(a, [m]) };
  const W0 = transpose(W, m, d);

  const step = jax.jit((W, b, vW, vb, x, y, a) => {
    const [loss, [gW, gb]] = lossAndGradient[form](W.ref, b.ref, x, y, a);
    const newVW = vW.mul(momentum).add(gW);
    const newVb = vb.mul(momentum).add(gb);
    return [loss, W.sub(newVW.ref.mul(lr)), b.sub(newVb.ref.mul(lr)), newVW, newVb];
  });

  return {
    adapterInfo: jax.getWebGPUDevice().adapterInfo,
    device: jax.getWebGPUDevice(),
    async epochs(count) {
      let state = [upload(W0, [d, m]), upload(b, [m]), np.zeros([d, m]), np.zeros([m])];
      await jax.blockUntilReady([state, data.x, data.y, data.a]);
      const losses = [];
      const start = performance.now();
      for (let epoch = 1; epoch <= count; epoch++) {
        const [loss, ...next] = step(...state, data.x.ref, data.y.ref, data.a.ref);
        state = next;
        losses.push(loss);
        if (epoch % EPOCHS_PER_WAIT === 0) await jax.blockUntilReady(loss);
      }
      // Nothing is computed before someone asks, so ask for the weights and momenta too, not only for the loss.
      await jax.blockUntilReady([losses.at(-1), state]);
      const seconds = (performance.now() - start) / 1e3;
      for (const array of [...losses, ...state]) {
        if (array.device !== 'webgpu') throw new Error(`jax-js computed on ${array.device}, not webgpu`);
      }
      const values = [];
      for (const loss of losses) values.push((await loss.data())[0]);
      for (const array of state) array.dispose();
      return { seconds, losses: values };
    },
    dispose() {
      for (const array of Object.values(data)) array.dispose();
      step.dispose?.();
    },
  };
}
