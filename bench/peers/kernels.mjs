// The two matrix products of an epoch, forward and weight gradient: ours against the peers, in one process, on one adapter.
// See README.md.
import { writeFileSync } from 'node:fs';
import { countDispatches } from './gpu.mjs';
import {
  digits,
  printTable,
  readOptions,
  reportHead,
  requireAdapter,
  runMain,
  spread,
  summary,
  throwDeviceErrors,
  watchErrors,
} from './harness.mjs';
import { makeJaxJsKernels } from './kernels-jaxjs.mjs';
import { makeOnnxKernels } from './kernels-onnx.mjs';
import { makeOursKernels } from './kernels-ours.mjs';
import { makeTfjsKernels } from './kernels-tfjs.mjs';
import { makeProblem } from './problem.mjs';

const SHAPES = {
  '1000/100/100': { n: 1000, d: 100, m: 100 },
  '2000/1000/1000': { n: 2000, d: 1000, m: 1000 },
  '12700/784/100': { n: 12700, d: 784, m: 100 },
  '12700/784/1000': { n: 12700, d: 784, m: 1000 },
  '10000/10000/100': { n: 10000, d: 10000, m: 100 },
  '10000/10000/1000': { n: 10000, d: 10000, m: 1000 },
};
const USUAL = ['1000/100/100', '2000/1000/1000', '12700/784/100'];
const USAGE = `node bench/peers/kernels.mjs [--shapes LIST|all] [--peers LIST] [--rounds N]
    [--adapter TEXT] [--json FILE]
  --shapes   n/d/m of the paper, with commas between: ${Object.keys(SHAPES).join(', ')};
             default ${USUAL.join(',')}
  --peers    some of jax-js,tfjs,onnxruntime-web; default all
  --rounds   interleaved rounds an operation; default 5
  --adapter  fail unless this text is in the adapter's vendor, architecture, device or description
  --json     write the figures with adapter, versions, date and command, after each shape`;

const OPERATIONS = ['forward', 'weight-gradient'];
const PEERS = [
  { name: 'jax-js', make: makeJaxJsKernels },
  { name: 'tfjs', make: makeTfjsKernels },
  { name: 'onnxruntime-web', make: makeOnnxKernels },
];
const SAMPLE_SECONDS = 0.4;
/** Entries of each result that are recomputed in float64. */
const CHECKED = 64;
const ROUNDOFF = 2 ** -24;

/** `count` places of 0 .. length - 1, first and last among them, the others spread by a step that meets every residue. */
const places = (length, count) => [
  ...new Set([0, length - 1, ...Array.from({ length: count }, (_, k) => (k * 7919 + 13) % length)]),
];

/** Entries of f = relu(X W^T + b) a and of dW = X^T S in float64, with the sum of the sizes of their terms. */
function references({ n, d, m, x, W, b, a, S }) {
  const outputs = places(n, CHECKED).map((at) => {
    let value = 0;
    let size = 0;
    for (let j = 0; j < m; j++) {
      let h = b[j];
      let terms = Math.abs(b[j]);
      for (let k = 0; k < d; k++) {
        const term = W[j * d + k] * x[at * d + k];
        h += term;
        terms += Math.abs(term);
      }
      value += a[j] * Math.max(0, h);
      size += Math.abs(a[j]) * terms;
    }
    return { at, value, size };
  });
  const gradients = places(d * m, CHECKED).map((at) => {
    const [k, j] = [Math.floor(at / m), at % m];
    let value = 0;
    let size = 0;
    for (let i = 0; i < n; i++) {
      const term = x[i * d + k] * S[i * m + j];
      value += term;
      size += Math.abs(term);
    }
    return { at, value, size };
  });
  return {
    forward: { entries: outputs, terms: d + m + 3 },
    'weight-gradient': { entries: gradients, terms: n + 3 },
  };
}

/** The largest error over the largest entry. @throws when an entry is further off than a float32 sum of its terms can be */
function checkEntries(who, values, { entries, terms }) {
  let largest = 0;
  let worst = 0;
  for (const { at, value, size } of entries) {
    const error = Math.abs(values[at] - value);
    // Any order of a float32 sum of so many terms stays within it (Higham 2002, section 4.2).
    if (!(error <= terms * ROUNDOFF * size)) {
      throw new Error(`${who} computes something else: entry ${at} is ${values[at]}, float64 has ${value}`);
    }
    worst = Math.max(worst, error);
    largest = Math.max(largest, Math.abs(value));
  }
  return worst / largest;
}

/** @throws when two results differ anywhere by more than their two float32 sums can */
function checkAgainst(who, values, ours, { entries, terms }) {
  const size = Math.max(...entries.map((entry) => entry.size));
  // The entries that were not recomputed have terms of about the same size; 4 leaves room for the largest of them.
  const allowed = 4 * 2 * terms * ROUNDOFF * size;
  if (values.length !== ours.length) throw new Error(`${who} has ${values.length} results, ours ${ours.length}`);
  for (let at = 0; at < ours.length; at++) {
    if (!(Math.abs(values[at] - ours[at]) <= allowed)) {
      throw new Error(`${who} differs from ours: entry ${at} is ${values[at]}, ours ${ours[at]}`);
    }
  }
}

async function sample({ contestant, name }, operation, count) {
  const began = performance.now();
  await contestant[operation].run(count);
  await contestant.device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - began) / 1e3;
  throwDeviceErrors();
  if (!(seconds > 0)) throw new Error(`${name} took no time`);
  return seconds / count;
}

/** Compiles, counts dispatches, checks the result, and finds how many runs make a sample. */
async function prepare(entry, operation, reference, ours) {
  const { contestant, name } = entry;
  await sample(entry, operation, 1);
  // The difference of two counts leaves out what happens once a sample.
  const { result: single, dispatches: one } = await countDispatches(() => sample(entry, operation, 1));
  const { dispatches: two } = await countDispatches(() => sample(entry, operation, 2));
  if (two - one <= 0) throw new Error(`${name} dispatches nothing: it is not computing on the GPU`);
  const values = await contestant[operation].result();
  const who = `${name}, ${operation}`;
  const error = checkEntries(who, values, reference);
  if (ours) checkAgainst(who, values, ours, reference);
  let count = Math.ceil(SAMPLE_SECONDS / single);
  // The first guess counts what a sample costs besides its runs; those that are long enough alone need no second.
  if (count > 1) count = Math.ceil(SAMPLE_SECONDS / (await sample(entry, operation, count)));
  return { ...entry, dispatches: two - one, error, count, values, samples: [] };
}

async function benchOperation(operation, entries, reference, { n, d, m }, rounds) {
  const runs = [];
  for (const entry of entries) runs.push(await prepare(entry, operation, reference, runs[0]?.values));
  for (let round = 0; round < rounds; round++) {
    // Everybody goes first once in a while, so that what one leaves behind (heat, garbage) meets all.
    for (let k = 0; k < runs.length; k++) {
      const run = runs[(k + round) % runs.length];
      run.samples.push(1e3 * (await sample(run, operation, run.count)));
    }
  }
  const [ours] = runs;
  return {
    operation,
    contestants: runs.map((run) => ({
      name: run.name,
      ms: summary(run.samples),
      gflops: (2 * n * d * m) / (summary(run.samples).median * 1e6),
      samples: run.samples,
      runsPerSample: run.count,
      dispatches: run.dispatches,
      error: run.error,
      // Paired by round, since the machine's other load drifts: the peer's time over ours.
      oursFasterBy: run === ours ? null : summary(run.samples.map((ms, round) => ms / ours.samples[round])),
    })),
  };
}

async function benchShape(name, { rounds, adapter, peers }) {
  const shape = SHAPES[name];
  const problem = makeProblem(shape);
  const { n, m, y, a } = problem;
  const ours = await makeOursKernels(problem);
  await ours.forward.run(1);
  const passing = await ours.passing();
  // What the peers multiply X by: S_ij = -y_i a_j / n where the activation passes; ours makes it from bits as it goes.
  problem.S = Float32Array.from(passing, (bit, at) => (bit * -y[Math.floor(at / m)] * a[at % m]) / n);
  const entries = [{ name: 'ours', contestant: ours }];
  const absent = [];
  for (const { name: peer, make } of PEERS.filter((each) => peers.includes(each.name))) {
    try {
      entries.push({ name: peer, contestant: await make(problem) });
    } catch (error) {
      absent.push({ name: peer, reason: String(error.message ?? error) });
    }
  }
  for (const { name: who, contestant } of entries) {
    requireAdapter(who, contestant.adapterInfo, adapter);
    watchErrors(who, contestant.device);
  }
  const reference = references(problem);
  const operations = [];
  for (const operation of OPERATIONS) {
    operations.push(await benchOperation(operation, entries, reference[operation], shape, rounds));
  }
  for (const { contestant } of entries) await contestant.dispose();
  return { shape: name, ...shape, variant: ours.variant, operations, absent };
}

function print({ shape, operations, absent }) {
  for (const { operation, contestants } of operations) {
    printTable(`${operation}, n/d/m = ${shape}`, [
      ['', 'ms (min..max)', 'GFLOP/s', 'runs/sample', 'dispatches', 'error', 'ours is faster by'],
      ...contestants.map((c) => [
        c.name,
        spread(c.ms),
        digits(c.gflops),
        String(c.runsPerSample),
        String(c.dispatches),
        c.error.toExponential(1),
        c.oursFasterBy ? spread(c.oursFasterBy, 'x') : '-',
      ]),
    ]);
  }
  for (const { name, reason } of absent) console.log(`${name} does not run here: ${reason}`);
}

async function main(args) {
  const options = readOptions(args, {
    shapes: Object.keys(SHAPES),
    usual: USUAL,
    peers: PEERS.map(({ name }) => name),
  });
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const head = await reportHead('kernels.mjs', args, options);
  const report = { ...head, shapes: [] };
  for (const shape of options.shapes) {
    const result = await benchShape(shape, { ...options, adapter: head.adapter });
    report.shapes.push(result);
    print(result);
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

runMain(main, USAGE);
