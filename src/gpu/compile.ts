// From a shader to a kernel. What the compiler refuses is told with the line and its text.

import { GpuValidationError } from './errors';
import { Kernel } from './kernel';
import type { ShaderDescriptor } from './shader';
import { specialise } from './specialise';

/** A shader with the constants it is to be compiled with. */
export interface CompileRequest {
  readonly shader: ShaderDescriptor;
  readonly constants: Readonly<Record<string, number>>;
  /** Identity within a device. */
  readonly key: string;
  /** Awaits what only the device can end; a lost device is thrown before all. */
  during<T>(promise: Promise<T>): Promise<T>;
  /** Throws what there is to say of the device before a fault is blamed on the shader. */
  assertAlive(): void;
}

/** @throws GpuValidationError for a shader that does not compile, or needs what the device lacks */
export async function compileKernel(device: GPUDevice, request: CompileRequest): Promise<Kernel<ShaderDescriptor>> {
  const { shader, constants, key } = request;
  const pick = (names: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(constants).filter(([name]) => name in names));
  for (const name of Object.keys(constants)) {
    if (!(name in shader.overrides) && !(name in shader.specialised)) {
      throw new TypeError(`${shader.name} has no constant ${name}`);
    }
  }
  const half = constants.HALF === 1 ? ['shader-f16'] : [];
  for (const feature of [...shader.features, ...half]) {
    if (device.features.has(feature as GPUFeatureName)) continue;
    throw new GpuValidationError(`${shader.name} needs the feature ${feature}, which this device lacks`, shader.name);
  }
  const code = specialise(shader.code, pick(shader.specialised));
  const all = { ...shader.overrides, ...shader.specialised, ...constants };
  const workgroup = shader.workgroupSize.map((size) => (typeof size === 'number' ? size : (all[size] ?? 1)));
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: shader.name, code });
  // It rejects with a lost device, and so does what follows.
  const scope = device.popErrorScope().catch(() => null);
  const compiling = device.createComputePipelineAsync({
    label: shader.name,
    layout: 'auto',
    compute: { module, entryPoint: shader.name, constants: pick(shader.overrides) },
  });
  let pipeline: GPUComputePipeline;
  try {
    pipeline = await request.during(compiling);
  } catch (cause) {
    request.assertAlive();
    // What the scope knows is among the messages.
    const { messages: told } = await request.during(module.getCompilationInfo());
    const messages = listed(told, shader.name, code);
    throw new GpuValidationError(`${shader.name} did not compile: ${messages || String(cause)}`, shader.name, cause);
  }
  const fault = await scope;
  if (fault) throw new GpuValidationError(`${shader.name}: ${fault.message}`, shader.name);
  request.assertAlive();
  return new Kernel(shader, pipeline, key, workgroup, all);
}

function listed(messages: readonly GPUCompilationMessage[], name: string, code: string): string {
  const lines = code.split('\n');
  return messages
    .map(
      ({ type, lineNum, linePos, message }) =>
        `${type} ${name}.wgsl:${lineNum}:${linePos} ${message}\n    ${lines[lineNum - 1] ?? ''}`,
    )
    .join('\n');
}
