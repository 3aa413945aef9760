// How fast the machine is at what pages take longest with, compiling shaders on SwiftShader. What its other guests do to caches and
// memory makes the same work take up to three times as long, and no clock of the system shows it.

import type { Page } from 'playwright-core';

/** Seconds of {@link compileReference} on the two cores of 2026-11-23, in an hour when the page's first curve took 2.4 s. */
const CALM = 0.7;

/** Compiles shaders that no code of the project changes, two at a time. @param page one with WebGPU that nothing else runs in @returns seconds */
function compileReference(page: Page): Promise<number> {
  // As text: the test runner rewrites functions.
  return page.evaluate(`(async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter.requestDevice();
    // Never twice the same: what was compiled once may be remembered.
    let seed = Math.floor(Math.random() * 2 ** 24);
    const compile = () => {
      seed++;
      const lines = Array.from({ length: 60 }, (_, k) =>
        'x = fma(x, y, input[(id.x + ' + (seed + 7 * k) + 'u) % 64u]); y = select(y, x * ' + (k + 1) + '.5, x > y);');
      const code = '@group(0) @binding(0) var<storage, read> input: array<f32>;'
        + '@group(0) @binding(1) var<storage, read_write> output: array<f32>;'
        + '@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {'
        + 'var x = f32(id.x); var y = 1.0; ' + lines.join('\\n') + ' output[id.x] = x + y; }';
      return device.createComputePipelineAsync({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } });
    };
    await compile();
    const from = performance.now();
    for (let k = 0; k < 4; k++) await Promise.all([compile(), compile()]);
    const seconds = (performance.now() - from) / 1000;
    device.destroy();
    return seconds;
  })()`);
}

/** The most that other guests have been seen to slow it down; more is not taken for their doing. */
const MOST = 4;

/** How many times longer than on a calm machine it takes now, from 1 to 4. A faster machine is held to the seconds of that one. */
export async function slowness(page: Page): Promise<number> {
  return Math.min(MOST, Math.max(1, (await compileReference(page)) / CALM));
}
