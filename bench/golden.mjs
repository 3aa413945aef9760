// The golden experiments by number, with every matmul variant that runs here, and with halves: how far from float64.
//
//   node build.mjs && node bench/golden.mjs [--adapter NAME] [--json FILE]
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as perturb from '../dist/node.js';

const { values: options } = parseArgs({ options: { adapter: { type: 'string' }, json: { type: 'string' } } });
const engine = await perturb.createEngine(options.adapter ? { adapter: options.adapter } : {});
const { gpu } = engine;
const report = { date: new Date().toISOString(), adapter: engine.adapter, golden: [], half: [] };
const save = () => options.json && writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);

const folder = fileURLToPath(new URL('../kernels-test/golden/', import.meta.url));
const cases = readdirSync(folder).filter((entry) => entry.startsWith('p'));
const documentOf = (name) => JSON.parse(readFileSync(`${folder}${name}/config.json`, 'utf8'));

/** ||got - want|| / ||want|| */
function normwise(got, file) {
  const want = perturb.parseNpy(new Uint8Array(readFileSync(file)), file).data;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    difference += (got[i] - Number(want[i])) ** 2;
    size += Number(want[i]) ** 2;
  }
  return Math.sqrt(difference / size);
}

const variants = ['subgroup', 'tiled'].filter((variant) => {
  try {
    return perturb.matmulLayout(gpu, 1, variant);
  } catch {
    return false;
  }
});
for (const matmul of variants) {
  const forced = new perturb.Engine(gpu, { ...engine.settings, matmul });
  for (const name of cases) {
    for (const trainer of ['direct', 'gram']) {
      const config = perturb.parseConfig({ ...documentOf(name), trainer });
      const result = await perturb.runExperiment(forced, config, { baseDir: `${folder}${name}` });
      const pairs = { ...result.history };
      for (const [key, { data }] of Object.entries(result.arrays)) pairs[key] = data;
      let worst = { key: '', error: 0 };
      for (const [key, data] of Object.entries(pairs)) {
        if (key === 'targets' || /_a$/.test(key)) continue; // inputs
        const error = normwise(data, `${folder}${name}/expected/${key}.npy`);
        if (!(error <= worst.error)) worst = { key, error };
      }
      report.golden.push({ name, matmul, trainer, ...worst });
      save();
      console.log(
        `golden ${name.padEnd(24)} ${matmul.padEnd(9)} ${trainer.padEnd(6)} worst ${worst.key} ${worst.error.toExponential(1)}`,
      );
    }
  }
}
if (gpu.features.has('shader-f16')) {
  for (const name of cases) {
    const config = perturb.parseConfig({ ...documentOf(name), trainer: 'direct', precision: 'f16' });
    const result = await perturb.runExperiment(engine, config, { baseDir: `${folder}${name}` });
    const { f_W: weights } = result.arrays;
    const error = weights ? normwise(weights.data, `${folder}${name}/expected/f_W.npy`) : null;
    report.half.push({ name, error, metrics: result.metrics });
    save();
    console.log(`f16    ${name.padEnd(24)} f_W ${error?.toExponential(1) ?? 'not kept'}`);
  }
} else {
  console.log('f16: the adapter has no shader-f16');
}
process.exit(0);
