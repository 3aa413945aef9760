// Matrix units, in a process of their own: their WGSL is experimental, no adapter of ours compiled it before, and a driver
// that dies should not take the other measurements with it. Prints one JSON document: what compiled, how wrong it is, how fast.
//
//   node bench/matrix.mjs [--adapter NAME] [--sizes 512,4096,8192]
import { parseArgs } from 'node:util';
import * as perturb from '../dist/node.js';

const { values: options } = parseArgs({
  options: { adapter: { type: 'string' }, sizes: { type: 'string', default: '512,4096,8192' } },
});
const engine = await perturb.createEngine(options.adapter ? { adapter: options.adapter } : {});
const shapes = options.sizes.split(',').map(Number);
const rows = [];
const skipped = [];
for (const size of shapes) {
  const shape = { n: size, d: size, m: size };
  // One variant at a time, so that what a failing one leaves behind is nobody else's.
  for (const variants of ['matrix-f16', 'tiled-f16', 'tiled']) {
    try {
      const report = await perturb.runBench(engine, { kernels: ['matmul'], shapes: [shape], variants, rounds: 5 });
      rows.push(...report.rows);
      skipped.push(...report.skipped);
    } catch (error) {
      skipped.push({ kernel: 'matmul', shape, variant: variants, status: 'refused', reason: String(error) });
    }
  }
}
console.log(JSON.stringify({ adapter: engine.adapter, rows, skipped }));
process.exit(0);
