// Every kernel in every variant beside the measured ceilings, written down case by case; with --tune also which variants
// would be chosen. `perturb bench` for machines that are lent by the minute.
//
//   node build.mjs && node bench/kernels.mjs [--adapter NAME] [--kernels LIST] [--shapes n/d/m,...] [--rounds N] [--tune] [--json FILE]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as perturb from '../dist/node.js';

const { values: options } = parseArgs({
  options: {
    adapter: { type: 'string' },
    kernels: { type: 'string' },
    shapes: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    tune: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
if (!(Number.isInteger(rounds) && rounds >= 1)) throw new Error(`--rounds ${options.rounds}: it takes a whole number`);
const shapes = options.shapes?.split(',').map((name) => {
  const shape = perturb.parseShape(name);
  if (!shape) throw new Error(`--shapes ${name}: write samples/inputs/neurons, such as 1000/100/100`);
  return shape;
});
const engine = await perturb.createEngine(options.adapter ? { adapter: options.adapter } : {});
const save = (report) => options.json && writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const bench = {
  rounds,
  ...(shapes ? { shapes } : {}),
  ...(options.kernels ? { kernels: options.kernels.split(',') } : {}),
  onPartial: save,
  onRow: ({ kernel, shape, variant, median, min, max, gflops, ofFma, ofRoofline, error, chosen }) => {
    const ms = [median, min, max].map((seconds) => (seconds * 1e3).toPrecision(4));
    const name = `${variant}${chosen ? ' *' : ''}`;
    const size = `${shape.n}/${shape.d}/${shape.m}`;
    const accuracy = error === undefined ? '' : `, error ${error.toExponential(1)}`;
    console.log(
      `${kernel.padEnd(15)} ${size.padEnd(16)} ${name.padEnd(15)} ${ms[0]} ms (${ms[1]}..${ms[2]}), ` +
        `${gflops.toPrecision(4)} GFLOP/s, ${percent(ofFma)} of FMA, ${percent(ofRoofline)} of roofline${accuracy}`,
    );
  },
};
const tuned = options.tune ? await perturb.tune(engine, bench) : undefined;
const report = tuned?.report ?? (await perturb.runBench(engine, { ...bench, variants: 'all' }));
save(tuned ? { ...report, kernels: tuned.kernels, tuning: tuned.tuning } : report);
const { ceilings, skipped } = report;
console.log(`ceilings: ${ceilings.gflops.toPrecision(4)} GFLOP/s, ${ceilings.gbs.toPrecision(4)} GB/s`);
for (const { kernel, shape, variant, status, reason } of tuned?.kernels ?? skipped) {
  if (status === 'absent') continue;
  console.log(`${status}: ${kernel} ${shape.n}/${shape.d}/${shape.m} ${variant}: ${reason}`);
}
process.exit(0);
