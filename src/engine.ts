// The engine: a device and the kernels bound to it. The one object users hold.

import { GpuUnavailableError } from './gpu/errors';
import { type AdapterReport, Gpu } from './gpu/gpu';
import { requestGpuDevice } from './gpu/limits';
import { bindKernels, type Kernels } from './kernels';
import type { Tuning } from './kernels/tuning';
import type { MatmulVariant } from './kernels/variant';

declare const PERTURB_VERSION: string;

/** Of this package; put in by the build. */
export const VERSION = typeof PERTURB_VERSION === 'string' ? PERTURB_VERSION : 'source';

export interface EngineSettings {
  /** Forces a matmul variant instead of the one chosen for the adapter; for benchmarks and tests. */
  readonly matmul?: MatmulVariant;
  /** Variants chosen by measurement, from `perturb bench --tune` or {@link tune}; without it the defaults run. */
  readonly tuning?: Tuning;
  /** Why a tuning that was kept for this adapter is not used; results say so. */
  readonly tuningRefused?: string;
  /** Bytes of device memory that `auto` lets training in Gram space take (default 2 GiB); asked for by name, it may take more. */
  readonly memoryLimit?: number;
  /** Bytes that runs may take in all, where that can be known; asked before each, which is refused when it needs more. */
  readonly availableMemory?: () => number | undefined;
  /** Dawn toggles that the device was made with, to record beside measurements. */
  readonly toggles?: readonly string[];
  /** Versions to record in results. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Seconds it took to find the adapter and make the device, when the caller measured them. */
  readonly startupSeconds?: number;
}

export class Engine {
  /** Every kernel as a function on device arrays, one call at a time. */
  readonly kernels: Kernels;

  constructor(
    readonly gpu: Gpu,
    readonly settings: EngineSettings = {},
  ) {
    this.kernels = bindKernels(gpu);
  }

  get adapter(): AdapterReport {
    return this.gpu.adapter;
  }

  /** Holds whatever runs before its next piece of work, a tenth of a second or so; results do not change by it. */
  pause(): void {
    this.gpu.pause();
  }

  /** Goes on after {@link pause}. Cancelling a run that is held goes on, too, and ends it. */
  resume(): void {
    this.gpu.resume();
  }

  /** Frees all device memory of this engine, and the device if the engine made it. */
  dispose(): void {
    this.gpu.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }
}

export interface CreateEngineOptions {
  /** A device to share. It is never destroyed by us, and must have been made with the limits you want us to use. */
  readonly device?: GPUDevice;
  /** Which adapter to ask the browser for (default: high-performance); without meaning for a device that is given. */
  readonly powerPreference?: GPUPowerPreference;
  readonly matmul?: MatmulVariant;
  readonly memoryLimit?: number;
}

/**
 * Makes an engine in a page (or a worker) from `navigator.gpu`, or on a device you already have.
 * @throws GpuUnavailableError when there is no WebGPU or no adapter.
 */
export async function createEngine(options: CreateEngineOptions = {}): Promise<Engine> {
  const began = performance.now();
  const { device, powerPreference = 'high-performance', ...given } = options;
  const settings = { ...given, versions: { 'perturb-gpu': VERSION } };
  if (device) {
    return new Engine(new Gpu(device, { adapter: reportInfo(device.adapterInfo), ownsDevice: false }), settings);
  }
  const api = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (!api) {
    throw new GpuUnavailableError(
      'This environment has no WebGPU (navigator.gpu is missing).',
      'Use a browser with WebGPU on a secure page (https or localhost); in Node, import from "perturb-gpu/node".',
    );
  }
  const adapter = await api.requestAdapter({ powerPreference });
  if (!adapter) {
    throw new GpuUnavailableError(
      'The browser found no GPU adapter.',
      'Update the GPU driver, or enable WebGPU in the browser settings.',
    );
  }
  const made = await requestGpuDevice(adapter);
  const gpu = new Gpu(made, { adapter: reportInfo(adapter.info), ownsDevice: true });
  return new Engine(gpu, { ...settings, startupSeconds: (performance.now() - began) / 1000 });
}

function reportInfo(info: GPUAdapterInfo | undefined): AdapterReport {
  const {
    vendor = '',
    architecture = '',
    device = '',
    description = '',
    subgroupMinSize,
    subgroupMaxSize,
  } = info ?? {};
  const fallback = (info as { isFallbackAdapter?: boolean } | undefined)?.isFallbackAdapter === true;
  return {
    name: description || device || `${vendor} ${architecture}`.trim() || 'unknown adapter',
    vendor,
    architecture,
    description,
    backend: 'webgpu',
    software: fallback || /llvmpipe|swiftshader/i.test(`${architecture} ${description}`),
    subgroupSize: subgroupMinSize !== undefined && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : null,
  };
}
