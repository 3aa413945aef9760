// Everything worth knowing about a device in one call, so that a borrowed GPU is never wasted:
//   1. the adapter and its limits;
//   2. the eight golden experiments by number, with both matmul variants where both can run;
//   3. forward, weight gradient and whole epochs at the paper's shapes: median and spread, GFLOP/s;
//   4. whole experiments by every trainer, grids, and the same in PyTorch on the same machine where the yardstick and a GPU for it are at hand.
//
//   node build.mjs && node bench/device.mjs [--adapter NAME] [--json FILE] [--large] [--rounds N] [--mnist DIR] [--pytorch FILE.py]
//
// On a rented machine: bash ../shared/gpu/pack, then bash .gpu/run node bench/device.mjs --large --pytorch .gpu/pytorch_pipeline.py
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as perturb from '../dist/node.js';
import { runExperimentsBench } from './experiments.mjs';

const { values: options } = parseArgs({
  options: {
    adapter: { type: 'string' },
    json: { type: 'string' },
    large: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    pytorch: { type: 'string' },
    mnist: { type: 'string' },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${options.rounds}: a whole number from 1 on`);
const engine = await perturb.createEngine(options.adapter ? { adapter: options.adapter } : {});
const { gpu } = engine;
const report = {
  date: new Date().toISOString(),
  command: `node bench/device.mjs ${process.argv.slice(2).join(' ')}`.trim(),
  adapter: engine.adapter,
  versions: engine.settings.versions,
  golden: [],
  shapes: [],
  experiments: [],
};
console.log(`${engine.adapter.name} (${engine.adapter.description}), ${report.date}`);

// --- golden experiments -------------------------------------------------------------------------------------------
const variants = ['subgroup', 'tiled'].filter((variant) => {
  try {
    return perturb.matmulLayout(gpu, 1, variant);
  } catch {
    return false;
  }
});
const golden = fileURLToPath(new URL('../kernels-test/golden/', import.meta.url));
const normwise = (got, file) => {
  const want = perturb.parseNpy(new Uint8Array(readFileSync(file)), file).data;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    difference += (got[i] - Number(want[i])) ** 2;
    size += Number(want[i]) ** 2;
  }
  return Math.sqrt(difference / size);
};
for (const matmul of variants) {
  const forced = new perturb.Engine(gpu, { ...engine.settings, matmul });
  for (const name of readdirSync(golden).filter((entry) => entry.startsWith('p'))) {
    const document = JSON.parse(readFileSync(`${golden}${name}/config.json`, 'utf8'));
    for (const trainer of ['direct', 'gram']) {
      const config = perturb.parseConfig({ ...document, trainer });
      const result = await perturb.runExperiment(forced, config, { baseDir: `${golden}${name}` });
      const pairs = { ...result.history };
      for (const [key, { data }] of Object.entries(result.arrays)) pairs[key] = data;
      let worst = { key: '', error: 0 };
      for (const [key, data] of Object.entries(pairs)) {
        if (key === 'targets' || /_a$/.test(key)) continue; // inputs
        const error = normwise(data, `${golden}${name}/expected/${key}.npy`);
        if (!(error <= worst.error)) worst = { key, error };
      }
      report.golden.push({ name, matmul, trainer, ...worst });
      console.log(
        `golden ${name.padEnd(24)} ${matmul.padEnd(9)} ${trainer.padEnd(6)} worst ${worst.key} ${worst.error.toExponential(1)}`,
      );
    }
  }
}

// --- kernels and epochs -------------------------------------------------------------------------------------------
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const SHAPES = [
  [1000, 100, 100],
  [12700, 784, 100],
  [2000, 1000, 1000],
  ...(options.large
    ? [
        [12700, 784, 1000],
        [10000, 10000, 100],
        [10000, 10000, 1000],
      ]
    : []),
];
for (const [n, d, m] of SHAPES) {
  const runs = [];
  const begin = perturb.matmulLayout(gpu, m).words;
  const x = perturb.Samples.allocate(gpu, 'x', perturb.planBlocks(gpu, n, d, begin), d);
  for (const [at, { rows, start }] of x.blocks.entries()) {
    const { ld } = x;
    const normal = { kind: 'normal', seed: 1, stream: 1, offset: start * d };
    await engine.kernels.random({ output: x.arrays[at], rows, cols: d, ld, ...normal });
  }
  const labels = gpu.array('y', n);
  await engine.kernels.random({ output: labels, rows: n, cols: 1, kind: 'sign', seed: 1, stream: 2 });
  const panels = perturb.Panels.allocate(gpu, x.blocks, d);
  await panels.fill(gpu, x);
  for (const variant of variants) {
    const layout = perturb.matmulLayout(gpu, m, variant);
    const network = await perturb.Network.create(gpu, { d, m, slope: 0 }, {}, 1, { W: 3, b: 4, a: 5 });
    const common = { samples: x, panels, labels, network, layout, loss: 'identity', lr: 1e-3, momentum: 0.9 };
    const train = async (epochs) => {
      const began = performance.now();
      await perturb.trainDirect(gpu, { ...common, epochs, plateau: false });
      return (performance.now() - began) / 1000 / epochs;
    };
    const first = await train(1);
    const epochs = Math.max(2, Math.min(500, Math.round(0.5 / (await train(2)))));
    runs.push({ variant, epochs, first, train, seconds: [], network });
  }
  // Variants take turns, so that a machine that slows down slows both.
  for (let round = 0; round < rounds; round++) for (const run of runs) run.seconds.push(await run.train(run.epochs));
  for (const { variant, epochs, first, seconds, network } of runs) {
    network.dispose();
    const mid = median(seconds);
    const gflops = (4 * n * d * m) / mid / 1e9;
    const row = {
      n,
      d,
      m,
      variant,
      epochs,
      firstSeconds: first,
      epochSeconds: mid,
      min: Math.min(...seconds),
      max: Math.max(...seconds),
      gflops,
    };
    report.shapes.push(row);
    const spread = `${(row.min * 1e3).toFixed(2)}..${(row.max * 1e3).toFixed(2)}`;
    console.log(
      `epoch ${n}/${d}/${m} ${variant.padEnd(9)} ${(mid * 1e3).toFixed(2)} ms (${spread}), ${gflops.toFixed(1)} GFLOP/s, first ${first.toFixed(2)} s`,
    );
  }
  for (const thing of [x, panels, labels]) thing.dispose();
}

// --- whole experiments, and PyTorch beside them ---------------------------------------------------------------------
report.experiments = await runExperimentsBench(engine, {
  rounds,
  mnist: options.mnist,
  large: options.large,
  pytorch: options.pytorch,
});
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
engine.dispose();
process.exit(0);
