// The two products of an epoch in TensorFlow.js, WebGPU backend: the fused matMul with bias and relu, and the matMul with
// its left side transposed. W is stored (d, m), its fastest form (see tfjs.mjs).
import './gpu.mjs';
import tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import { outputsOf, transpose } from './problem.mjs';

export async function makeTfjsKernels({ n, d, m, x, W, b, a, S }) {
  if (!(await tf.setBackend('webgpu')) || tf.getBackend() !== 'webgpu') {
    throw new Error(`tfjs runs on ${tf.getBackend()}, not webgpu`);
  }
  const { device } = tf.backend();
  const t = {
    x: tf.tensor2d(x, [n, d]),
    W: tf.tensor2d(transpose(W, m, d), [d, m]),
    b: tf.tensor1d(b),
    S: tf.tensor2d(S, [n, m]),
  };
  // Reading one number of a tensor is how tfjs submits what it holds back and waits for it.
  const wait = async (tensor) => {
    const one = tf.tidy(() => tensor.flatten().slice(0, 1));
    await one.data();
    one.dispose();
  };
  // A tensor made from data stays on the CPU until a kernel wants it.
  for (const tensor of Object.values(t)) {
    const touched = tensor.sum();
    await wait(touched);
    touched.dispose();
  }
  const operation = (once, finish) => {
    let last;
    return {
      async run(count) {
        for (let k = 0; k < count; k++) {
          last?.dispose();
          last = once();
        }
        await wait(last);
      },
      result: async () => finish(await last.data()),
      dispose: () => last?.dispose(),
    };
  };
  const operations = {
    forward: operation(
      () => tf.fused.matMul({ a: t.x, b: t.W, bias: t.b, activation: 'relu' }),
      (h) => outputsOf(h, a),
    ),
    'weight-gradient': operation(
      () => tf.matMul(t.x, t.S, true, false),
      (values) => values,
    ),
  };
  return {
    adapterInfo: device.adapterInfo,
    device,
    ...operations,
    dispose() {
      for (const each of [...Object.values(operations), ...Object.values(t)]) each.dispose();
    },
  };
}
