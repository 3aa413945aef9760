// One Dawn instance for the whole process, put where browser libraries look for it.
// Import this before any peer: tfjs decides at import whether WebGPU exists, jax-js reads navigator.userAgent.
import os from 'node:os';
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);

// Kept at module scope: Dawn goes away with the object that create() returned.
export const gpu = create([]);

Object.defineProperty(globalThis, 'navigator', {
  value: { gpu, userAgent: `Node.js/${process.versions.node}`, hardwareConcurrency: os.cpus().length },
  configurable: true,
});

/** A device with the adapter's limits and the features our kernels choose by. */
export async function requestDevice() {
  const adapter = await gpu.requestAdapter();
  const names = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage'];
  const requiredLimits = Object.fromEntries(names.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = ['subgroups'].filter((name) => adapter.features.has(name));
  return adapter.requestDevice({ requiredLimits, requiredFeatures });
}

export function describeAdapter(info) {
  const { vendor, architecture, device, description } = info ?? {};
  return { vendor, architecture, device, description };
}

/** Makes writeBuffer take views of shared memory, as a browser's does and Dawn's for Node does not; onnxruntime-web needs it. */
export function sharedWriteBuffer() {
  const proto = globalThis.GPUQueue.prototype;
  const { writeBuffer } = proto;
  proto.writeBuffer = function (buffer, offset, data, ...range) {
    const shared = data.buffer instanceof SharedArrayBuffer;
    return writeBuffer.call(this, buffer, offset, shared ? data.slice() : data, ...range);
  };
}

/** Counts compute dispatches while `work` runs, on every device of the process, then puts Dawn's own methods back. */
export async function countDispatches(work) {
  const proto = globalThis.GPUComputePassEncoder.prototype;
  const { dispatchWorkgroups, dispatchWorkgroupsIndirect } = proto;
  let dispatches = 0;
  proto.dispatchWorkgroups = function (...args) {
    dispatches++;
    return dispatchWorkgroups.apply(this, args);
  };
  proto.dispatchWorkgroupsIndirect = function (...args) {
    dispatches++;
    return dispatchWorkgroupsIndirect.apply(this, args);
  };
  try {
    return { result: await work(), dispatches };
  } finally {
    Object.assign(proto, { dispatchWorkgroups, dispatchWorkgroupsIndirect });
  }
}
