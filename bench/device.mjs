// Everything worth knowing about a device, so that a borrowed GPU is never wasted: each step in a process of its own, with a
// time limit of its own, its output and figures in files of their own that grow as it measures. What fails or takes too
// long costs its own figures only.
//
//   node build.mjs && node bench/device.mjs --out DIR [--large] [--steps LIST] [--budget SECONDS] [--adapter NAME]
//     [--rounds N] [--mnist DIR] [--pytorch FILE.py]
//
// On a rented machine (at most ten minutes a command): bash ../shared/gpu/pack --mnist, then
//   bash .gpu/run node bench/device.mjs --out $OUT --large --steps adapter,squares,matrix,cublas,doctor,golden,cold-start
//   bash .gpu/run node bench/device.mjs --out $OUT --large --steps kernels,tune
//   bash .gpu/run node bench/device.mjs --out $OUT --large --steps experiments --mnist .gpu/mnist --pytorch .gpu/pytorch_pipeline.py
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    adapter: { type: 'string' },
    large: { type: 'boolean', default: false },
    steps: { type: 'string' },
    /** Seconds for all steps: what has not begun by then is left out. */
    budget: { type: 'string', default: '570' },
    rounds: { type: 'string', default: '5' },
    mnist: { type: 'string' },
    pytorch: { type: 'string' },
  },
});
const { out, large, rounds } = options;
if (!out) throw new Error('--out DIR says where the figures go');
const budget = Number(options.budget);
if (!(budget > 0)) throw new Error(`--budget ${options.budget}: it takes seconds, a number above 0`);
const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(out, { recursive: true });

const node = process.execPath;
const adapter = options.adapter ? ['--adapter', options.adapter] : [];
const device = options.adapter ? ['--device', options.adapter] : [];
const json = (name) => ['--json', join(out, `${name}.json`)];
const script = (name, ...args) => [node, join(root, 'bench', `${name}.mjs`), ...adapter, ...args];
const SMALL = '1000/100/100';

/** In the order of what would be missed most; seconds are limits, not expectations. */
const STEPS = [
  { name: 'adapter', seconds: 30, command: [node, join(root, 'dist/cli.js'), 'devices', '--json'] },
  {
    name: 'squares',
    seconds: 150,
    command: script(
      'kernels',
      '--kernels',
      'matmul',
      '--rounds',
      rounds,
      ...json('squares'),
      '--shapes',
      large ? '512/512/512,4096/1024/4096,4096/4096/4096,8192/8192/8192' : '512/512/512',
    ),
  },
  { name: 'matrix', seconds: 120, command: script('matrix', ...(large ? [] : ['--sizes', '512'])) },
  { name: 'cublas', seconds: 60, command: ['python3', join(root, 'bench/cublas.py')] },
  {
    name: 'kernels',
    seconds: 330,
    command: script('kernels', '--rounds', rounds, ...json('kernels'), ...(large ? [] : ['--shapes', SMALL])),
  },
  {
    name: 'tune',
    seconds: 200,
    command: script('kernels', '--tune', '--rounds', rounds, ...json('tune'), ...(large ? [] : ['--shapes', SMALL])),
  },
  { name: 'cold-start', seconds: 90, command: script('cold-start', ...json('cold-start')) },
  { name: 'doctor', seconds: 150, command: [node, join(root, 'dist/cli.js'), 'doctor', '--json', ...device] },
  { name: 'golden', seconds: 150, command: script('golden', ...json('golden')) },
  {
    name: 'experiments',
    seconds: 500,
    command: script(
      'experiments',
      '--rounds',
      rounds,
      ...(large ? ['--large'] : []),
      ...json('experiments'),
      ...['mnist', 'pytorch'].flatMap((key) => (options[key] ? [`--${key}`, options[key]] : [])),
    ),
  },
];

/** Runs one step to its end or to its limit; its output goes to the terminal and to NAME.log. */
function run({ name, seconds, command: [program, ...args] }, left) {
  const limit = Math.min(seconds, left);
  const log = createWriteStream(join(out, `${name}.log`));
  const began = performance.now();
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let status = '';
    const stop = setTimeout(() => {
      status = `ended at its limit of ${limit.toFixed(0)} s`;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 5000).unref();
    }, limit * 1000);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        process.stdout.write(chunk);
        log.write(chunk);
      });
    }
    const end = (what) => {
      clearTimeout(stop);
      log.end();
      resolve({ name, status: status || what, seconds: (performance.now() - began) / 1000 });
    };
    child.on('error', (error) => end(`did not start: ${error.message}`));
    child.on('close', (code, signal) => end(code === 0 ? 'done' : `failed: ${signal ?? `exit code ${code}`}`));
  });
}

const wanted = options.steps?.split(',') ?? STEPS.map(({ name }) => name);
const unknown = wanted.find((name) => !STEPS.some((step) => step.name === name));
if (unknown) throw new Error(`--steps ${unknown}: there are ${STEPS.map(({ name }) => name).join(', ')}`);
const deadline = performance.now() + 1000 * budget;
const steps = [];
for (const step of STEPS.filter(({ name }) => wanted.includes(name))) {
  const left = (deadline - performance.now()) / 1000;
  console.log(`\n--- ${step.name} (${new Date().toISOString()}, ${left.toFixed(0)} s left)`);
  steps.push(left < 10 ? { name: step.name, status: 'left out: no time', seconds: 0 } : await run(step, left));
  const summary = { date: new Date().toISOString(), command: process.argv.slice(2).join(' '), steps };
  writeFileSync(join(out, `steps-${wanted[0]}.json`), `${JSON.stringify(summary, null, 1)}\n`);
}
console.log('');
for (const { name, status, seconds } of steps)
  console.log(`${name.padEnd(12)} ${seconds.toFixed(0).padStart(4)} s  ${status}`);
process.exit(steps.every(({ status }) => status === 'done') ? 0 : 1);
