// A software adapter for machines without a GPU, from an npm package alone.
//
// @sparticuz/chromium carries SwiftShader (a Vulkan driver on the CPU) and a Vulkan loader as a compressed archive.
// We unpack it once into the user's cache and point Dawn at it. Nothing is downloaded.

import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { extract } from 'tar-fs';

const FILES = ['libvk_swiftshader.so', 'vk_swiftshader_icd.json', 'libvulkan.so.1'];

export interface SwiftShaderFiles {
  /** The Vulkan loader, for machines that have none. */
  readonly loader: string;
  /** The driver's manifest, as VK_DRIVER_FILES takes it. */
  readonly manifest: string;
}

/** Where the packed driver is, or why it cannot be used here. */
export function findSwiftShader(): { archive: string; version: string } | { reason: string } {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { reason: `the packed SwiftShader is for Linux on x64, this is ${process.platform} on ${process.arch}` };
  }
  try {
    const require = createRequire(import.meta.url);
    // The package exports no files, only its entry: build/cjs/index.cjs.
    const root = join(dirname(require.resolve('@sparticuz/chromium')), '..', '..');
    const { version } = require(join(root, 'package.json')) as { version: string };
    return { archive: join(root, 'bin', 'swiftshader.tar.br'), version };
  } catch {
    return { reason: 'the optional package @sparticuz/chromium is not installed (npm install --include=optional)' };
  }
}

/** Unpacks the driver unless an earlier run did. Several processes may do so at once: the last rename is harmless. */
export async function unpackSwiftShader(): Promise<SwiftShaderFiles> {
  const found = findSwiftShader();
  if ('reason' in found) throw new Error(found.reason);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  let folder = join(cache, 'perturb-gpu', `swiftshader-${found.version}`);
  if (!(await complete(folder))) {
    let parent = dirname(folder);
    try {
      await mkdir(parent, { recursive: true });
      await access(parent, 2);
    } catch {
      // A home that cannot be written (containers): a private folder for this process.
      parent = await mkdtemp(join(tmpdir(), 'perturb-gpu-'));
      folder = join(parent, 'swiftshader');
    }
    const fresh = await mkdtemp(join(parent, 'unpack-'));
    await pipeline(
      createReadStream(found.archive),
      createBrotliDecompress(),
      extract(fresh, { ignore: (name) => !FILES.some((file) => name === fresh || name.endsWith(file)) }),
    );
    await rename(fresh, folder).catch(async (error: unknown) => {
      await rm(fresh, { recursive: true, force: true });
      if (!(await complete(folder))) throw error;
    });
  }
  return { loader: join(folder, 'libvulkan.so.1'), manifest: join(folder, 'vk_swiftshader_icd.json') };
}

async function complete(folder: string): Promise<boolean> {
  const checks = FILES.map((file) =>
    access(join(folder, file)).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(checks)).every(Boolean);
}
