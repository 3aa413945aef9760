// Everything worth knowing about a device in one call, so that a borrowed GPU is never wasted:
//   1. the adapter and its limits;
//   2. the eight golden experiments by number, with both matmul variants where both can run;
//   3. the golden experiments with halves, and how far from float64 they are;
//   4. every kernel in every variant at the paper's shapes, beside measured ceilings; which variants tuning would choose;
//   5. matrix units, in a process of their own;
//   6. whole experiments by every trainer, grids, and the same in PyTorch on the same machine where the yardstick and a GPU for it are at hand.
//
//   node build.mjs && node bench/device.mjs [--adapter NAME] [--json FILE] [--large] [--rounds N] [--mnist DIR] [--pytorch FILE.py]
//
// On a rented machine: bash ../shared/gpu/pack, then bash .gpu/run node bench/device.mjs --large --pytorch .gpu/pytorch_pipeline.py
import { spawnSync } from 'node:child_process';
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
  half: [],
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

// --- precision f16: the same experiments in float32 and with halves -----------------------------------------------------
if (gpu.features.has('shader-f16')) {
  for (const name of readdirSync(golden).filter((entry) => entry.startsWith('p'))) {
    const document = JSON.parse(readFileSync(`${golden}${name}/config.json`, 'utf8'));
    const config = perturb.parseConfig({ ...document, trainer: 'direct', precision: 'f16' });
    const result = await perturb.runExperiment(engine, config, { baseDir: `${golden}${name}` });
    const { f_W: weights } = result.arrays;
    const error = weights ? normwise(weights.data, `${golden}${name}/expected/f_W.npy`) : null;
    report.half.push({ name, error, metrics: result.metrics });
    console.log(`f16    ${name.padEnd(24)} f_W ${error?.toExponential(1) ?? 'not kept'}`);
  }
} else {
  console.log('f16: the adapter has no shader-f16');
}

// --- every kernel, every variant, beside the ceilings ---------------------------------------------------------------
const paper = perturb.PAPER_SHAPES;
report.bench = await perturb.runBench(engine, {
  rounds,
  ...(options.large ? {} : { kernels: ['forward', 'weight-gradient', 'epoch'], shapes: paper.slice(0, 3) }),
  onRow: ({ kernel, shape, variant, median, min, max, gflops, ofFma, ofRoofline, error, chosen }) =>
    console.log(
      `${kernel.padEnd(15)} ${`${shape.n}/${shape.d}/${shape.m}`.padEnd(16)} ${`${variant}${chosen ? ' *' : ''}`.padEnd(15)} ` +
        `${(median * 1e3).toPrecision(4)} ms (${(min * 1e3).toPrecision(4)}..${(max * 1e3).toPrecision(4)}), ${gflops.toPrecision(4)} GFLOP/s, ` +
        `${(100 * ofFma).toFixed(0)} % of FMA, ${(100 * ofRoofline).toFixed(0)} % of roofline${error === undefined ? '' : `, error ${error.toExponential(1)}`}`,
    ),
});
const { ceilings, skipped } = report.bench;
console.log(`ceilings: ${ceilings.gflops.toPrecision(4)} GFLOP/s, ${ceilings.gbs.toPrecision(4)} GB/s`);
for (const { kernel, shape, variant, status, reason } of skipped.filter((skip) => skip.status !== 'absent')) {
  console.log(`${status}: ${kernel} ${shape.n}/${shape.d}/${shape.m} ${variant}: ${reason}`);
}

// --- which variants would be chosen -----------------------------------------------------------------------------------
if (!engine.adapter.software) {
  const { kernels, tuning } = await perturb.tune(engine, { rounds, shapes: options.large ? paper : paper.slice(0, 3) });
  report.tuning = { kernels, tuning };
  for (const { kernel, shape, variant, status, reason } of kernels.filter((each) => each.status !== 'absent')) {
    console.log(
      `tune   ${kernel.padEnd(15)} ${shape.n}/${shape.d}/${shape.m} ${variant.padEnd(14)} ${status}: ${reason}`,
    );
  }
}

// --- matrix units, where a crash harms nobody -----------------------------------------------------------------------------
if (gpu.features.has('chromium-experimental-subgroup-matrix')) {
  const script = fileURLToPath(new URL('./matrix.mjs', import.meta.url));
  const given = options.adapter ? ['--adapter', options.adapter] : [];
  const child = spawnSync(process.execPath, [script, ...given], {
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 1 << 26,
  });
  const document = child.stdout.trim().split('\n').at(-1);
  report.matrix =
    child.status === 0 && document?.startsWith('{')
      ? JSON.parse(document)
      : { failed: child.error?.message ?? child.signal ?? child.status, stderr: child.stderr.slice(-4000) };
  for (const { variant, shape, gflops, error } of report.matrix.rows ?? []) {
    console.log(
      `matrix ${variant.padEnd(12)} ${shape.n}: ${(gflops / 1e3).toPrecision(4)} TFLOP/s, error ${error.toExponential(1)}`,
    );
  }
  if (report.matrix.failed !== undefined)
    console.log(`matrix: the process failed: ${report.matrix.failed}\n${report.matrix.stderr}`);
  for (const { variant, shape, status, reason } of report.matrix.skipped ?? []) {
    console.log(`matrix ${variant} ${shape.n}: ${status}: ${reason}`);
  }
} else {
  console.log('matrix: the adapter offers no subgroup matrices');
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
