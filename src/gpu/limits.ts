// WebGPU gives the smallest limits unless asked: 128 MiB a binding, 16 KiB of workgroup memory, 256 invocations.
// We ask for all that the adapter has of what we use, and for the features the kernels can profit from.

import { GpuUnavailableError } from './errors';

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
  'maxTextureDimension2D',
] as const satisfies readonly (keyof GPUSupportedLimits)[];

// The last is Chromium's, behind the toggle allow_unsafe_apis: only kernels that are asked for by name use it.
const FEATURES = ['subgroups', 'timestamp-query', 'shader-f16', 'chromium-experimental-subgroup-matrix'] as const;

/** Requests a device with everything the adapter offers of what the kernels use. */
export async function requestGpuDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = FEATURES.filter((name) => adapter.features.has(name)) as GPUFeatureName[];
  try {
    return await adapter.requestDevice({ label: 'perturb-gpu', requiredLimits, requiredFeatures });
  } catch (cause) {
    throw new GpuUnavailableError(
      `The adapter ${adapter.info.description || adapter.info.device} gave no device: ${(cause as Error).message}`,
      'Close other programs that use the GPU, update its driver, or choose another adapter with --device.',
      cause,
    );
  }
}
