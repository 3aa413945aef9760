// Cold start: what a run pays for compiling, with every cache empty. Adapters on the CPU compile at the first dispatch as much
// as at the creation of a pipeline, so each kernel of a run is compiled, dispatched once with all parameters zero, and
// waited for, one after another; their sum is the figure, in wall time and in CPU time, which a busy machine hardly moves. Each trainer in a process of its own, Mesa's disk cache off
// (Dawn keeps none of its own in Node).
//
//   node build.mjs && node bench/cold-start.mjs [--adapter NAME] [--trainers direct,gram,auto] [--set FILE.json] [--json FILE]
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    adapter: { type: 'string' },
    trainers: { type: 'string', default: 'direct,gram,auto' },
    /** A configuration in place of the default one. */
    set: { type: 'string' },
    json: { type: 'string' },
    /** Measures one trainer in this process and prints JSON. */
    child: { type: 'string' },
  },
});

const document = options.set ? JSON.parse(readFileSync(options.set, 'utf8')) : {};

/** Compiles and dispatches every kernel as it is asked for, alone, and writes down how long each took. */
async function measure(trainer) {
  const perturb = await import('../dist/node.js');
  const engine = await perturb.createEngine(options.adapter ? { adapter: options.adapter } : {});
  const { gpu } = engine;
  const kernels = [];
  const compile = gpu.kernel.bind(gpu);
  const known = new Map();
  let queue = Promise.resolve();
  const firstDispatch = async (shader, constants) => {
    const cpu = process.cpuUsage();
    const began = performance.now();
    const kernel = await compile(shader, constants);
    const compiled = performance.now();
    const arrays = Object.entries(shader.bindings).map(([name, { element, half, image }]) => {
      if (image && constants.IMAGE === 1) return [name, gpu.image(name, 1024)];
      const type = half && constants.HALF === 1 ? 'f16' : element === 'raw' ? 'f32' : element;
      return [name, gpu.array(name, 1024, type)];
    });
    const params = Object.fromEntries(Object.keys(shader.params?.fields ?? {}).map((name) => [name, 0]));
    await gpu.batch(shader.name).dispatch(kernel, Object.fromEntries(arrays), params, [1]).submit();
    const dispatched = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    for (const [, array] of arrays) array.dispose();
    kernels.push({
      name: shader.name,
      constants,
      compileSeconds: (compiled - began) / 1e3,
      dispatchSeconds: (dispatched - compiled) / 1e3,
      cpuSeconds: (user + system) / 1e6,
    });
    return kernel;
  };
  gpu.kernel = (shader, constants = {}) => {
    const key = `${shader.name}:${JSON.stringify(Object.entries(constants).sort())}`;
    if (!known.has(key)) {
      const next = queue.then(() => firstDispatch(shader, constants));
      queue = next.catch(() => undefined);
      known.set(key, next);
    }
    return known.get(key);
  };
  const config = perturb.parseConfig({ ...document, trainer });
  // Direct training needs the same kernels for two epochs as for a thousand.
  const short = { ...config, standard: { ...config.standard, epochs: 2 }, learning: { ...config.learning, epochs: 2 } };
  await perturb.runExperiment(engine, trainer === 'direct' ? short : config);
  const { adapter } = engine;
  engine.dispose();
  const total = (value) => kernels.reduce((sum, each) => sum + value(each), 0);
  const seconds = total((each) => each.compileSeconds + each.dispatchSeconds);
  return { adapter, trainer, seconds, cpuSeconds: total((each) => each.cpuSeconds), kernels };
}

function inOwnProcess(trainer) {
  const args = [fileURLToPath(import.meta.url), '--child', trainer];
  for (const key of ['adapter', 'set']) if (options[key]) args.push(`--${key}`, options[key]);
  const child = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, MESA_SHADER_CACHE_DISABLE: '1' },
    timeout: 180_000,
  });
  const line = child.stdout?.trim().split('\n').at(-1) ?? '';
  if (child.status !== 0 || !line.startsWith('{')) {
    return { trainer, failed: String(child.error?.message ?? child.signal ?? child.stderr.slice(-2000)) };
  }
  return JSON.parse(line);
}

if (options.child) {
  console.log(JSON.stringify(await measure(options.child)));
  process.exit(0);
}

const ms = (seconds) => `${(1e3 * seconds).toFixed(0)} ms`.padStart(8);
const report = { date: new Date().toISOString(), loadAverage: os.loadavg()[0], trainers: [] };
for (const trainer of options.trainers.split(',')) {
  const result = inOwnProcess(trainer);
  report.trainers.push(result);
  if (result.failed !== undefined) {
    console.log(`${trainer}: failed: ${result.failed}`);
    continue;
  }
  report.adapter ??= result.adapter;
  console.log(
    `${result.adapter.name}, ${trainer}: ${result.seconds.toFixed(2)} s (${result.cpuSeconds.toFixed(2)} s of CPU) for ${result.kernels.length} kernels (load average ${os.loadavg()[0].toFixed(1)})`,
  );
  const slowest = [...result.kernels].sort((a, b) => b.cpuSeconds - a.cpuSeconds);
  for (const { name, constants, compileSeconds, dispatchSeconds, cpuSeconds } of slowest) {
    const times = `${ms(compileSeconds)} to compile, ${ms(dispatchSeconds)} at the first dispatch, ${ms(cpuSeconds)} of CPU`;
    console.log(`  ${name.padEnd(26)} ${times}  ${JSON.stringify(constants)}`);
  }
  if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
}
process.exit(report.trainers.some(({ failed }) => failed !== undefined) ? 1 : 0);
