// The two products of an epoch in ONNX Runtime Web, WebGPU execution provider: Gemm and Relu, and Gemm with its left side
// transposed, the operators an exported two-layer network has. Inputs and outputs stay on the device.

import * as ort from 'onnxruntime-web/webgpu';
import { sharedWriteBuffer } from './gpu.mjs';
import { onnxModel } from './onnx-model.mjs';
import { outputsOf, transpose } from './problem.mjs';

const OPTIONS = { executionProviders: ['webgpu'], preferredOutputLocation: 'gpu-buffer' };

export async function makeOnnxKernels({ n, d, m, x, W, b, a, S }) {
  sharedWriteBuffer();
  ort.env.wasm.numThreads = 1;
  // Its promises hang on Dawn's, which alone do not keep Node running.
  const alive = setInterval(() => {}, 100);
  const session = (nodes, inputs, outputs) =>
    ort.InferenceSession.create(onnxModel({ nodes, inputs, outputs }), OPTIONS);
  const sessions = {
    forward: await session(
      [
        { op: 'Gemm', inputs: ['x', 'W', 'b'], outputs: ['z'] },
        { op: 'Relu', inputs: ['z'], outputs: ['out'] },
      ],
      { x: [n, d], W: [d, m], b: [m] },
      { out: [n, m] },
    ),
    'weight-gradient': await session(
      [{ op: 'Gemm', inputs: ['x', 'S'], outputs: ['out'], attributes: { transA: 1 } }],
      { x: [n, d], S: [n, m] },
      { out: [d, m] },
    ),
  };
  const device = await ort.env.webgpu.device;
  const buffers = [];
  const tensor = (data, dims) => {
    const buffer = device.createBuffer({ size: data.byteLength, usage: 0x80 | 0x04 | 0x08 }); // STORAGE | COPY_SRC | COPY_DST
    device.queue.writeBuffer(buffer, 0, data);
    buffers.push(buffer);
    return ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
  };
  const shared = tensor(x, [n, d]);
  const feeds = {
    forward: { x: shared, W: tensor(transpose(W, m, d), [d, m]), b: tensor(b, [m]) },
    'weight-gradient': { x: shared, S: tensor(S, [n, m]) },
  };
  const operation = (name, finish) => {
    let last;
    return {
      async run(count) {
        for (let k = 0; k < count; k++) {
          last?.dispose();
          ({ out: last } = await sessions[name].run(feeds[name]));
        }
      },
      result: async () => finish(await last.getData()),
      dispose: () => last?.dispose(),
    };
  };
  const operations = {
    forward: operation('forward', (h) => outputsOf(h, a)),
    'weight-gradient': operation('weight-gradient', (values) => values),
  };
  return {
    adapterInfo: device.adapterInfo,
    device,
    ...operations,
    async dispose() {
      for (const each of Object.values(operations)) each.dispose();
      for (const each of Object.values(sessions)) await each.release();
      for (const buffer of buffers) buffer.destroy();
      clearInterval(alive);
    },
  };
}
