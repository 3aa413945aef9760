// The package as a user gets it: packed, and installed by npm into an otherwise empty project.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';

export const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Installed {
  readonly tarball: string;
  /** The project. */
  readonly app: string;
  /** Where the package lies in it. */
  readonly folder: string;
  /** What npm said where no registry answered: its dependencies are links to ours then. */
  readonly linked: string | undefined;
}

/** How npm says that it reached no registry and had not everything in its cache. */
const NO_REGISTRY =
  /\b(ENOTCACHED|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|E(CONNECTION|IDLE|RESPONSE|TRANSFER)TIMEOUT)\b/;

/** Installs dist/ as it is, once for the tests of a file. */
export function useInstalled(): Installed {
  let folder: string;
  let installed: Installed;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'perturb-package-'));
    // `npm test` has just built dist/.
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: ROOT,
    });
    const tarball = join(folder, JSON.parse(stdout)[0].filename);
    const app = join(folder, 'app');
    await mkdir(app);
    await writeFile(join(app, 'package.json'), '{ "type": "module", "private": true }');
    const linked = await install(tarball, app).then(
      () => undefined,
      async (error: Error & { stderr?: string }) => {
        // What npm itself refuses is a fault of the package.
        if (!NO_REGISTRY.test(`${error.stderr} ${error.message}`)) throw error;
        await link(tarball, app);
        return error.stderr || error.message;
      },
    );
    installed = { tarball, app, folder: join(app, 'node_modules', 'perturb-gpu'), linked };
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const get = () => {
    if (!installed) throw new Error('the package is installed by beforeAll');
    return installed;
  };
  return {
    get tarball() {
      return get().tarball;
    },
    get app() {
      return get().app;
    },
    get folder() {
      return get().folder;
    },
    get linked() {
      return get().linked;
    },
  };
}

/** From npm's own cache where it has what is needed; asks the registry, briefly, for the rest. */
async function install(tarball: string, app: string): Promise<void> {
  const quick = ['--prefer-offline', '--fetch-retries=0', '--fetch-timeout=20000'];
  await run('npm', ['install', tarball, '--no-audit', '--no-fund', ...quick], { cwd: app });
}

/** The next best without a registry: the package unpacked beside links to its dependencies. */
async function link(tarball: string, app: string): Promise<void> {
  const modules = join(app, 'node_modules');
  await rm(modules, { recursive: true, force: true });
  const folder = join(modules, 'perturb-gpu');
  await mkdir(folder, { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder]);
  const { dependencies, optionalDependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    await mkdir(join(modules, name, '..'), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
}
