// TensorFlow.js on its WebGPU backend, default flags. The full package is needed for the gradients.
//
// Forms compared on lavapipe, 2 cores, all in one process, interleaved; ms per epoch at 1000/100/100 (median of 3) and
// 12700/784/100 (the better of 2, the machine being loaded twofold by others; read ratios, and none below 10 %):
//   autodiff, W stored (m, d), readout as matmul       35.7    2883
//   autodiff, W stored (d, m), readout as matmul       34.4
//   autodiff, W stored (m, d), readout as sum(h a)     34.4    2759
//   autodiff, W stored (d, m), readout as sum(h a)     27.7    2341   <- "tfjs" (dispatches an epoch: 26)
//   the same with tf.train.momentum().minimize         level (29.6 against 29.0 in a quieter run)
//   autodiff through tf.fused.matMul                   41.9            (it computes dX too)
//   gradient by hand, W stored (m, d)                  26.7    2643
//   gradient by hand, W stored (d, m)                  24.3    2309   <- "tfjs, by hand" (dispatches an epoch: 16)
//   the same with an own copy of X^T, forward          22.3    2415
//   the same with an own copy of X^T, gradient         22.4    2191   (within the noise; twice the memory)
// Flags: WEBGPU_MATMUL_PROGRAM_TYPE split-k 1.0 to 1.2 times slower, small-output 3 to 4, reduce refuses to run, packed is
// what it picks itself; WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE 5 up to 1.1 times slower, 60 and 500 level with its 15.
import './gpu.mjs';
import tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import { transpose } from './problem.mjs';

// tf.matMul and not tf.fused.matMul where it differentiates: unfused, the gradient in X is never computed.
const loss = (W, b, x, y, a) => tf.matMul(x, W).add(b).relu().mul(a).sum(1).mul(y).mean().neg();

const lossAndGradient = {
  autodiff({ W, b, x, y, a }) {
    const { value, grads } = tf.variableGrads(() => loss(W, b, x, y, a), [W, b]);
    return [value, grads[W.name], grads[b.name]];
  },
  // weight (n, m) holds -y_i a_j / n, the same every epoch.
  hand({ W, b, x, weight }) {
    const h = tf.fused.matMul({ a: x, b: W, bias: b, activation: 'relu' });
    const S = weight.mul(h.step());
    return [h.mul(weight).sum(), tf.matMul(x, S, true, false), S.sum(0)];
  },
};

/** @returns epochs(count): trains `count` epochs from the initial weights. */
export async function makeTfjs(problem, form) {
  const { n, d, m, lr, momentum } = problem;
  if (!(await tf.setBackend('webgpu')) || tf.getBackend() !== 'webgpu') {
    throw new Error(`tfjs runs on ${tf.getBackend()}, not webgpu`);
  }
  const { device } = tf.backend();
  const W0 = transpose(problem.W, m, d);
  const t = {
    x: tf.tensor2d(problem.x, [n, d]),
    y: tf.tensor1d(problem.y),
    a: tf.tensor1d(problem.a),
    W: tf.variable(tf.zeros([d, m])),
    b: tf.variable(tf.zeros([m])),
    vW: tf.variable(tf.zeros([d, m])),
    vb: tf.variable(tf.zeros([m])),
  };
  if (form === 'hand')
    t.weight = tf.tidy(() =>
      tf
        .mul(t.y, -1 / n)
        .reshape([n, 1])
        .mul(t.a),
    );

  const step = () =>
    tf.tidy(() => {
      const [loss, gW, gb] = lossAndGradient[form](t);
      t.vW.assign(t.vW.mul(momentum).add(gW));
      t.vb.assign(t.vb.mul(momentum).add(gb));
      t.W.assign(t.W.sub(t.vW.mul(lr)));
      t.b.assign(t.b.sub(t.vb.mul(lr)));
      return loss;
    });

  // Reading one number of a tensor is how tfjs waits for it; its queue is in order, so all before it is done as well.
  const wait = async (...tensors) => {
    for (const tensor of tensors) {
      const one = tf.tidy(() => tensor.flatten().slice(0, 1));
      await one.data();
      one.dispose();
    }
  };

  return {
    adapterInfo: device.adapterInfo,
    device,
    async epochs(count) {
      tf.tidy(() => {
        t.W.assign(tf.tensor2d(W0, [d, m]));
        t.b.assign(tf.tensor1d(problem.b));
        t.vW.assign(tf.zeros([d, m]));
        t.vb.assign(tf.zeros([m]));
      });
      // A tensor made from data stays on the CPU until a kernel wants it; the upload belongs outside the clock.
      const touched = tf.tidy(() => [t.x, t.y, t.a, t.W, t.b].map((tensor) => tensor.sum()));
      await wait(...touched);
      tf.dispose(touched);
      const losses = [];
      const start = performance.now();
      for (let epoch = 0; epoch < count; epoch++) losses.push(step());
      await wait(t.b);
      const seconds = (performance.now() - start) / 1e3;
      const values = [];
      for (const loss of losses) values.push((await loss.data())[0]);
      tf.dispose(losses);
      return { seconds, losses: values };
    },
    dispose() {
      tf.dispose(Object.values(t));
    },
  };
}
