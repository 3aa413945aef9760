import { readFile } from 'node:fs/promises';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [
    {
      // Shaders are imported as text, in the tests as in the bundles (build.mjs).
      name: 'wgsl-as-text',
      enforce: 'pre',
      async load(id) {
        if (!id.endsWith('.wgsl')) return null;
        return `export default ${JSON.stringify(await readFile(id, 'utf8'))};`;
      },
    },
  ],
  test: {
    include: ['kernels-test/**/*.test.ts'],
    // Dawn is a native module that keeps threads: one process a file, never a worker thread.
    pool: 'forks',
    // Two cores, and the software adapters use both: files run one after another.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
