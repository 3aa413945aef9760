// Whole experiments: directly, in Gram space and as `auto` chooses, a grid of learning rates, samples that two runs share;
// and the same in PyTorch on the same machine where the yardstick is at hand.
//
//   node build.mjs && node bench/experiments.mjs [--adapter NAME] [--rounds 3] [--mnist DIR] [--large] [--pytorch FILE.py]
//     [--python python3] [--json FILE]
//
// The trainers take turns, so that a machine that slows down slows all; every round has a seed of its own, for the number of
// flips, and with it the time in Gram space, differs from seed to seed. Figures are medians, ratios medians of the rounds'
// ratios. Seconds are timing.totalSeconds: everything but adapter and compiling.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as perturb from '../dist/node.js';

const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
};
const show = (value) => value.toPrecision(3);

function experimentsOf({ mnist, large }) {
  const gauss = (n, d, m, epochs) => ['-n', n, '-d', d, '-m', m, '--epochs', epochs, epochs].map(String);
  const list = [
    {
      name: 'shifted Gauss 1000/100/100, 1000+1000 epochs',
      document: {},
      python: gauss(1000, 100, 100, 1000),
      grid: true,
    },
  ];
  if (mnist) {
    const stage = { lr: 0.01, epochs: 100 };
    list.push({
      name: 'MNIST 1 vs 2, 12700/784/100, 100+100 epochs',
      document: {
        data: { kind: 'mnist', dir: resolve(mnist) },
        standard: stage,
        learning: stage,
        perturbation: { kind: 'l2', size: 0.14 },
      },
      python: [
        '--data',
        'idx',
        '--images',
        `${mnist}/train-images-idx3-ubyte.gz`,
        '--labels',
        `${mnist}/train-labels-idx1-ubyte.gz`,
        '--subtract',
        '0.1307',
        '-m',
        '100',
        '--epochs',
        '100',
        '100',
        '--lr',
        '0.01',
        '0.01',
        '--size',
        '0.14',
      ],
      shared: true,
    });
  }
  if (large) {
    list.push({
      name: 'Gauss 10000/10000/100, 1000+1000 epochs',
      document: { data: { kind: 'gauss', n: 10000, d: 10000 } },
      python: ['--data', 'gauss', ...gauss(10000, 10000, 100, 1000)],
    });
  }
  return list;
}

/** Seconds under PyTorch, medians over seeds: on the GPU with and without autocast, else on the CPU at its best number of threads. */
function pytorch({ pytorch: file, python: interpreter = 'python3', rounds }, args) {
  // Of each process the second repetition: the first warms up.
  const once = (seed, extra) => {
    const all = [file, ...args, '--seed', String(seed), '--repeat', '2', ...extra];
    const lines = execFileSync(interpreter, all, { encoding: 'utf8' }).trim().split('\n');
    return JSON.parse(lines.at(-1)).total_s;
  };
  const run = (...extra) => median(Array.from({ length: rounds }, (_, seed) => once(seed, extra)));
  const probe = ['-c', 'import torch; print(torch.cuda.is_available())'];
  if (execFileSync(interpreter, probe, { encoding: 'utf8' }).trim() === 'True') {
    return { cuda: run('--device', 'cuda'), autocast: run('--device', 'cuda', '--autocast') };
  }
  return { cpu: Math.min(...['1', '2'].map((threads) => run('--threads', threads))) };
}

/** Learning rates side by side against one run. */
async function grid(engine, document, rounds) {
  const rates = [1, 0.3, 0.1, 0.03];
  const stage = (lr) => ({ lr, epochs: 1000 });
  const configsOf = (seed) =>
    rates.flatMap((f) =>
      rates.map((g) => perturb.parseConfig({ ...document, seed, standard: stage(f), learning: stage(g) })),
    );
  const ratios = [];
  const seconds = [];
  for (let round = 0; round <= rounds; round++) {
    const configs = configsOf(Math.max(0, round - 1));
    let began = performance.now();
    await perturb.runExperiment(engine, configs[0]);
    const one = performance.now() - began;
    began = performance.now();
    await perturb.runExperiments(engine, configs);
    const all = performance.now() - began;
    if (round === 0) continue;
    ratios.push(all / one);
    seconds.push(all / 1000);
  }
  console.log(
    `  4 x 4 learning rates: ${show(median(seconds))} s, ${show(median(ratios))} times one run (${ratios.map(show).join(', ')})`,
  );
  return { seconds, ratios };
}

/** What a second run costs that differs from the first in the seed of its networks alone. */
async function second(engine, document, rounds) {
  const more = [];
  const one = [];
  for (let round = 0; round < rounds; round++) {
    const [first, other] = [2 * round, 2 * round + 1].map((seed) => perturb.parseConfig({ ...document, seed }));
    const seconds = [];
    for (const configs of [[first], [first, other]]) {
      const began = performance.now();
      await perturb.runExperiments(engine, configs);
      seconds.push((performance.now() - began) / 1000);
    }
    one.push(seconds[0]);
    more.push(seconds[1] - seconds[0]);
  }
  const list = more.map(show).join(', ');
  console.log(
    `  a second run on the same samples: ${show(median(more))} s (${list}) more than ${show(median(one))} s alone`,
  );
  return { one, more };
}

/** Runs all; prints and returns what it measured; onRow is given all rows so far after each. */
export async function runExperimentsBench(engine, options) {
  const { rounds } = options;
  const rows = [];
  for (const { name, document, python, grid: wantsGrid, shared } of experimentsOf(options)) {
    const configs = ['direct', 'gram', 'auto'].map((trainer) => perturb.parseConfig({ ...document, trainer }));
    const seconds = { direct: [], gram: [], auto: [] };
    const last = {};
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const config of configs.map((base) => ({ ...base, seed: Math.max(0, round - 1) }))) {
        const result = await perturb.runExperiment(engine, config);
        if (round > 0) seconds[config.trainer].push(result.timing.totalSeconds);
        last[config.trainer] = {
          timing: result.timing,
          trainer: result.trainer,
          metrics: result.metrics,
          memory: result.memory,
        };
      }
    }
    const ratio = (trainer) => seconds.direct.map((value, round) => value / seconds[trainer][round]);
    const row = { name, seconds, ratios: { gram: ratio('gram'), auto: ratio('auto') }, last };
    console.log(`${name}:`);
    for (const trainer of ['direct', 'gram', 'auto']) {
      const against =
        trainer === 'direct'
          ? ''
          : `, ${show(median(row.ratios[trainer]))} times faster than direct (${row.ratios[trainer].map(show).join(', ')})`;
      console.log(
        `  ${trainer}: ${show(median(seconds[trainer]))} s (${seconds[trainer].map(show).join(', ')})${against}`,
      );
    }
    console.log(`  ${JSON.stringify(last.auto.metrics)}; ${last.auto.trainer.reason}`);
    if (wantsGrid) row.grid = await grid(engine, document, rounds);
    if (shared) row.second = await second(engine, document, rounds);
    if (options.pytorch) {
      row.pytorch = pytorch(options, python);
      for (const [kind, value] of Object.entries(row.pytorch)) {
        console.log(`  PyTorch, ${kind}: ${show(value)} s, ${show(value / median(seconds.auto))} times ours`);
      }
    }
    rows.push(row);
    options.onRow?.(rows);
  }
  return rows;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      adapter: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      mnist: { type: 'string' },
      large: { type: 'boolean', default: false },
      pytorch: { type: 'string' },
      python: { type: 'string' },
      json: { type: 'string' },
    },
  });
  const engine = await perturb.createEngine(values.adapter ? { adapter: values.adapter } : {});
  console.log(`${engine.adapter.name} (${engine.adapter.description}), ${new Date().toISOString()}`);
  const save = (rows) => values.json && writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`);
  await runExperimentsBench(engine, { ...values, rounds: Number(values.rounds), onRow: save });
  engine.dispose();
  process.exit(0);
}
