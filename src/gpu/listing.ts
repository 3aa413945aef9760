// `perturb devices`: every Vulkan driver of the machine, what became of it, and why.
//
// Each driver is tried in a process of its own: a driver that crashes takes nothing along, and what Dawn says of an
// adapter it refuses goes to that process's standard error, which is the only place where it says so.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { adapterRank, findAdapters } from './dawn';
import { findSwiftShader, unpackSwiftShader } from './swiftshader';

export interface AdapterListing {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** The driver's manifest file, or `packed` for the one that comes with this package. */
  readonly driver: string;
  readonly backend: string;
  readonly software: boolean;
  readonly usable: boolean;
  /** Whether a run without --device takes it. */
  readonly chosen: boolean;
  /** Why it was refused or not chosen. */
  readonly reason?: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

const SHOWN_FEATURES = ['subgroups', 'shader-f16', 'timestamp-query', 'chromium-experimental-subgroup-matrix'];
const SHOWN_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

type Probed = Omit<AdapterListing, 'driver' | 'chosen' | 'reason' | 'usable'> & { readonly rank: number };

/** Adapters that Dawn finds in this process's environment. */
export async function probeAdapters(): Promise<Probed[]> {
  const found = await findAdapters({ software: process.env.VK_DRIVER_FILES === undefined });
  return found.map(({ report, adapter }) => ({
    name: report.name,
    vendor: report.vendor,
    architecture: report.architecture,
    description: report.description,
    backend: report.backend,
    software: report.software,
    features: SHOWN_FEATURES.filter((name) => adapter.features.has(name as GPUFeatureName)),
    limits: Object.fromEntries(SHOWN_LIMITS.map((name) => [name, adapter.limits[name]])),
    rank: adapterRank(report),
  }));
}

/** Lists drivers and adapters, the one that a run would take first. */
export async function listAdapters(): Promise<AdapterListing[]> {
  if (process.platform !== 'linux')
    return mark(
      (await probeAdapters()).map((probed) => ({ ...probed, driver: 'system' })),
      [],
    );
  const packed = findSwiftShader();
  const packedManifest = 'reason' in packed ? undefined : (await unpackSwiftShader()).manifest;
  const manifests = [...(await systemManifests()), ...(packedManifest ? [packedManifest] : [])];
  const usable: (Probed & { driver: string })[] = [];
  const refused: AdapterListing[] = [];
  for (const manifest of manifests) {
    const driver = manifest === packedManifest ? 'packed' : manifest;
    const answer = await probeOne(manifest);
    usable.push(...answer.adapters.map((probed) => ({ ...probed, driver })));
    if (answer.adapters.length === 0) refused.push(nothing(driver, answer.reason));
  }
  if ('reason' in packed) refused.push(nothing('packed', packed.reason));
  return mark(usable, refused);
}

function mark(usable: readonly (Probed & { driver: string })[], refused: readonly AdapterListing[]): AdapterListing[] {
  const sorted = [...usable].sort((a, b) => b.rank - a.rank);
  const listed = sorted.map(({ rank, ...rest }, at) => {
    const chosen = at === 0;
    const reason = chosen
      ? {}
      : { reason: rank < sorted[0]!.rank ? `${sorted[0]!.name} is faster` : 'listed after the chosen one' };
    return { ...rest, usable: true, chosen, ...reason };
  });
  return [...listed, ...refused];
}

function nothing(driver: string, reason: string): AdapterListing {
  const name = driver === 'packed' ? 'SwiftShader (packed)' : basename(driver).replace(/(_icd)?(\.\w+)?\.json$/, '');
  const unknown = { vendor: '', architecture: '', description: '', backend: 'vulkan', features: [], limits: {} };
  return { name, driver, reason, software: false, usable: false, chosen: false, ...unknown };
}

/** Folders in which the Vulkan loader looks for drivers, in its order. */
async function systemManifests(): Promise<string[]> {
  const named = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
  if (named) return named.split(delimiter);
  const home = process.env.HOME ?? '';
  const folders = [
    join(process.env.XDG_CONFIG_HOME || join(home, '.config'), 'vulkan/icd.d'),
    '/etc/vulkan/icd.d',
    join(process.env.XDG_DATA_HOME || join(home, '.local/share'), 'vulkan/icd.d'),
    '/usr/local/share/vulkan/icd.d',
    '/usr/share/vulkan/icd.d',
  ];
  const found = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(folder).catch(() => []))
        .filter((file) => file.endsWith('.json'))
        .sort()
        .map((file) => join(folder, file)),
    ),
  );
  return found.flat();
}

function probeOne(manifest: string): Promise<{ adapters: Probed[]; reason: string }> {
  // All bundles lie in one folder; from source (tests) the built one is used.
  const entry = new URL(import.meta.url.endsWith('.ts') ? '../../dist/node.js' : './node.js', import.meta.url);
  const script = `import(${JSON.stringify(entry.href)}).then(async (m) => {
    console.log(JSON.stringify(await m.probeAdapters()));
    process.exit(0);
  });`;
  const env = { ...process.env, VK_DRIVER_FILES: manifest };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      { env, timeout: 60_000 },
      async (error, stdout, stderr) => {
        try {
          const adapters = JSON.parse(stdout) as Probed[];
          resolve({ adapters, reason: await whyNot(manifest, stderr) });
        } catch {
          const how = error?.signal ? `was stopped by ${error.signal}` : `ended with code ${error?.code ?? 0}`;
          resolve({ adapters: [], reason: `the driver failed: a process that tried it ${how}` });
        }
      },
    );
  });
}

async function whyNot(manifest: string, stderr: string): Promise<string> {
  const library = await readFile(manifest, 'utf8').then(
    (text) => (JSON.parse(text) as { ICD?: { library_path?: string } }).ICD?.library_path,
    () => undefined,
  );
  if (!library) return 'the manifest cannot be read or names no library';
  const said = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !/^at |artificially reduced|XDG_RUNTIME_DIR/.test(line));
  // The loader's way of saying it.
  if (said.some((line) => /Failed to detect any valid GPUs|no suitable/i.test(line)))
    return 'the driver found no device it can drive';
  return said[0]?.replace(/^(Warning|Error): /i, '') ?? 'the driver found no device it can drive';
}
