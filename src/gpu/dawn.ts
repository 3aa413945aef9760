// A device in Node: Dawn's adapters, which of them we take, and why.
//
// Choice: a real GPU before any software adapter, lavapipe before SwiftShader (several times faster), and what runs is
// said in every result. SwiftShader is unpacked only when nothing better is there or when it is asked for.

import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { GpuUnavailableError } from './errors';
import { type AdapterReport, Gpu } from './gpu';
import { requestGpuDevice } from './limits';
import { Rest } from './rest';
import { findSwiftShader, unpackSwiftShader } from './swiftshader';

export interface DawnOptions {
  /** Part of an adapter's name, vendor or architecture, or `software` for the best adapter on the CPU. */
  readonly adapter?: string;
  /** Dawn toggles to enable, for experts and benchmarks. */
  readonly toggles?: readonly string[];
}

/** One adapter as Dawn offers it. Keep `instance` referenced as long as anything made from it lives, or Dawn crashes. */
export interface FoundAdapter {
  readonly report: AdapterReport;
  readonly adapter: GPUAdapter;
  readonly instance: GPU;
}

/** Real GPUs 3, lavapipe 2, SwiftShader 1, other software 0: the higher wins. */
export function adapterRank(report: AdapterReport): number {
  if (!report.software) return 3;
  if (/llvmpipe|lavapipe/i.test(`${report.name} ${report.architecture}`)) return 2;
  return /swiftshader/i.test(`${report.name} ${report.architecture}`) ? 1 : 0;
}

/** Whether `wanted` (as --device takes it) means this adapter. */
export function adapterMatches(report: AdapterReport, wanted: string): boolean {
  if (wanted === 'software') return report.software;
  const words = `${report.name} ${report.vendor} ${report.architecture} ${report.description}`.toLowerCase();
  return words.includes(wanted.toLowerCase()) || (wanted.toLowerCase() === 'lavapipe' && /llvmpipe/i.test(words));
}

interface DawnModule {
  create(options: string[]): GPU;
}

let dawn: DawnModule | undefined;
// Every instance lives as long as the process: dropping one under a live device crashes Dawn.
const instances: GPU[] = [];

/** Loads the native module; on Linux prepares the environment the Vulkan loader reads. */
async function loadDawn(): Promise<DawnModule> {
  if (dawn) return dawn;
  if (process.platform === 'linux') {
    process.env.XDG_RUNTIME_DIR ??= tmpdir(); // lavapipe complains without it
    await ensureLoader();
  }
  try {
    dawn = (await import('webgpu')) as DawnModule;
  } catch (cause) {
    throw new GpuUnavailableError(
      `Dawn, the WebGPU implementation for Node, could not be loaded: ${(cause as Error).message.split('\n')[0]}`,
      'Install again with "npm ci"; the webgpu package has binaries for Linux, macOS and Windows on x64 and arm64.',
      cause,
    );
  }
  return dawn;
}

/** Names of all adapters. Dawn lists them only in the error for a name that does not exist. */
async function adapterNames(module: DawnModule): Promise<string[]> {
  const instance = module.create(['adapter=?']);
  instances.push(instance);
  const text = await instance.requestAdapter().then(
    () => '',
    (error: unknown) => String((error as Error).message),
  );
  const names = [...text.matchAll(/name: '([^\n]*)'/g)].map((match) => match[1]!);
  return names.filter((name, at) => names.indexOf(name) === at);
}

async function open(module: DawnModule, name: string, toggles: readonly string[]): Promise<FoundAdapter | undefined> {
  const options = [`adapter=${name}`];
  // Unsafe APIs: real GPUs quantise timestamps to 100 us without them, and subgroup matrices are not offered.
  // Half precision on NVIDIA: Dawn hides shader-f16 on Vulkan there, because its conformance tests found drivers that round
  // halves wrongly. The toggle only offers the feature: a module without "enable f16" compiles to the same code with it. It is
  // on for every device, since a device is made before anybody says which precision is wanted, and a device without the
  // feature cannot gain it. Halves run only for precision "f16" and in benchmarks, which check each variant against
  // float64 before they time it; "perturb doctor" checks the kernels of halves too.
  const enabled = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia', ...toggles];
  options.push(`enable-dawn-features=${enabled.join()}`);
  const instance = module.create(options);
  instances.push(instance);
  const adapter = await instance.requestAdapter().catch(() => null);
  if (!adapter) return undefined;
  return { adapter, instance, report: reportAdapter(adapter, name) };
}

function reportAdapter(adapter: GPUAdapter, name: string): AdapterReport {
  const info = adapter.info as GPUAdapterInfo & { isFallbackAdapter?: boolean; backend?: string };
  const software =
    info.isFallbackAdapter === true || /llvmpipe|swiftshader|software/i.test(`${name} ${info.architecture}`);
  const fixed = info.subgroupMinSize !== undefined && info.subgroupMinSize === info.subgroupMaxSize;
  const backend = { linux: 'vulkan', darwin: 'metal', win32: 'd3d12' }[process.platform as string] ?? 'unknown';
  return {
    name,
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
    backend: info.backend ?? backend,
    software,
    subgroupSize: fixed ? (info.subgroupMinSize ?? null) : null,
  };
}

/** All adapters, best first. With `software`, SwiftShader is unpacked and offered too. */
export async function findAdapters(options: {
  software: boolean;
  toggles?: readonly string[];
}): Promise<FoundAdapter[]> {
  const module = await loadDawn();
  if (options.software) await offerSwiftShader();
  const found: FoundAdapter[] = [];
  for (const name of await adapterNames(module)) {
    const adapter = await open(module, name, options.toggles ?? []);
    if (adapter) found.push(adapter);
  }
  return found.sort((a, b) => adapterRank(b.report) - adapterRank(a.report));
}

/** Makes sure that there is a Vulkan loader, the packed one if need be. */
async function ensureLoader(): Promise<void> {
  if (hasSystemLoader() || 'reason' in findSwiftShader()) return;
  provideLoader((await unpackSwiftShader()).loader);
}

let offered = false;

/** Adds SwiftShader to what the Vulkan loader finds; brings a loader when the system has none. */
async function offerSwiftShader(): Promise<void> {
  if (offered || 'reason' in findSwiftShader()) return;
  offered = true;
  const { manifest } = await unpackSwiftShader();
  if (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) {
    // These name the drivers and make the loader ignore additions: the user's choice, extended.
    const key = process.env.VK_DRIVER_FILES ? 'VK_DRIVER_FILES' : 'VK_ICD_FILENAMES';
    process.env[key] = `${process.env[key]}:${manifest}`;
  } else {
    process.env.VK_ADD_DRIVER_FILES = [process.env.VK_ADD_DRIVER_FILES, manifest].filter(Boolean).join(':');
  }
}

/** Loads the packed Vulkan loader into this process when the system has none. */
function provideLoader(loader: string): void {
  if (hasSystemLoader()) return;
  // Dawn asks for libvulkan.so.1 by name. Loading ours first, and keeping it (RTLD_NODELETE), answers that; Node then
  // complains that it is no Node module, which is what we expect.
  const RTLD_NOW = 2;
  const RTLD_NODELETE = 0x1000;
  try {
    process.dlopen({ exports: {} } as NodeModule, loader, RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    if (!/self-register/.test(String(error))) {
      throw new GpuUnavailableError(
        `The packed Vulkan loader could not be loaded: ${(error as Error).message}`,
        'Install a Vulkan loader (Debian: apt-get install libvulkan1).',
        error,
      );
    }
  }
}

/** True when the dynamic linker finds a Vulkan loader: tried by loading it, as Dawn does. */
function hasSystemLoader(): boolean {
  try {
    process.dlopen({ exports: {} } as NodeModule, 'libvulkan.so.1', 1);
    return true;
  } catch (error) {
    return /self-register/.test(String(error));
  }
}

const NOTHING_REMEDY =
  'Install a GPU driver with Vulkan, or a software adapter: "npm install --include=optional" brings SwiftShader (Linux x64); ' +
  'Debian 12: apt-get install -t bookworm-backports mesa-vulkan-drivers brings lavapipe. "perturb devices" shows what is there.';

/**
 * Makes a device through Dawn and wraps it.
 * @throws GpuUnavailableError when no adapter is there, or none that `options.adapter` names.
 */
export async function createDawnGpu(options: DawnOptions = {}): Promise<Gpu> {
  const { adapter: wanted, toggles = [] } = options;
  let found = await findAdapters({ software: false, toggles });
  let fitting = found.filter(({ report }) => !wanted || adapterMatches(report, wanted));
  if (fitting.length === 0) {
    found = await findAdapters({ software: true, toggles });
    fitting = found.filter(({ report }) => !wanted || adapterMatches(report, wanted));
  }
  const best = fitting[0];
  if (!best) {
    const packed = findSwiftShader();
    const why = 'reason' in packed ? ` (${packed.reason})` : '';
    if (wanted && found.length) {
      const names = found.map(({ report }) => `"${report.name}"`).join(', ');
      throw new GpuUnavailableError(
        `No GPU adapter matches "${wanted}". There are: ${names}.`,
        'Give --device a part of one of these names, or "software".',
      );
    }
    throw new GpuUnavailableError(`There is no usable GPU adapter on this machine${why}.`, NOTHING_REMEDY);
  }
  const rest = new Rest();
  const during = <T>(promise: Promise<T>) => rest.during(promise);
  return new Gpu(await requestGpuDevice(best.adapter), { adapter: best.report, ownsDevice: true, during });
}

/** Version of the Dawn package in use. */
export function dawnVersion(): string {
  try {
    const require = createRequire(import.meta.url);
    return (require('webgpu/package.json') as { version: string }).version;
  } catch {
    return 'unknown';
  }
}
