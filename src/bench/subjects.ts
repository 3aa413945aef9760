// One kernel at one shape in one variant: the steps to time, what they compute and move, and how wrong they are.
//
// Errors are max|difference| / max|reference| over a few entries recomputed in float64 from the same float32 inputs. The
// tolerance is the bound of a float32 sum of that length (Higham, "Accuracy and Stability of Numerical Algorithms",
// section 4.2) relative to the size of its terms, so a variant that loses or doubles a term is refused.

import type { Scope } from '../gpu/scope';
import { forward, packedWeights } from '../kernels/forward';
import { matmul, panelOperand, plainOperand } from '../kernels/matmul';
import { inputGradient } from '../kernels/perturbation';
import { paddedRow, type Step } from '../kernels/step';
import type { MatmulLayout } from '../kernels/variant';
import {
  gradientPartLength,
  gradientQuads,
  gradientSplits,
  gradientWords,
  plateauState,
  weightGradient,
} from '../kernels/weight-gradient';
import { prepareEpoch } from '../network/direct';
import { gramRow } from '../network/gram-matrix';
import { TrainingRun } from '../network/training-run';
import type { Candidate } from './candidates';
import type { BenchKernel } from './cases';
import type { BenchProblem } from './problem';
import { Extremes, hidden, sampled, sumOf } from './reference';

export interface Subject {
  readonly steps: readonly Step[];
  /** Operations, a multiply-add being two. */
  readonly flop: number;
  /** Bytes that must be read or written at least once. */
  readonly bytes: number;
  /** Largest error found, and what is allowed; undefined where the parts are checked on their own (epoch). Runs the steps. */
  check(): Promise<{ readonly error: number; readonly tolerance: number } | undefined>;
}

/** Operations that one submit of the Gram kernel may have: rows of K are taken until it has so many. */
const GRAM_FLOP = { software: 4e9, gpu: 2e12 };
/** Epochs that a bench of the epoch may run in all its rounds. */
const EPOCHS = 1 << 20;
/** Unit roundoff of float32, and of halves: what an operand stored as one is off by. */
const U = 2 ** -24;
const HALF_U = 2 ** -11;

const operandBytes = (half: boolean) => (half ? 2 : 4);

type Work = Omit<Candidate, 'name'>;
type Make = (problem: BenchProblem, candidate: Work, scope: Scope) => Promise<Subject>;

async function run(problem: BenchProblem, steps: readonly Step[]): Promise<void> {
  const batch = problem.gpu.batch('bench check');
  for (const step of steps) step(batch);
  await batch.submit();
}

/** Masks and partial outputs of every block, and the steps that fill them. */
async function hiddenLayer(problem: BenchProblem, layout: MatmulLayout, scope: Scope, half = false) {
  const { gpu, network, samples } = problem;
  const operands = half ? await problem.half() : undefined;
  const { panels } = operands ?? problem;
  const { d, slope, weights, readout } = network;
  const blocks = samples.blocks.map(({ rows }) => ({
    mask: scope.use(gpu.array('mask', layout.words * rows, 'u32')),
    partial: scope.use(gpu.array('partial outputs', layout.words * rows)),
  }));
  const packed = packedWeights(gpu, d, layout);
  if (packed) scope.use(packed);
  const steps = await Promise.all(
    blocks.map((block, at) =>
      forward(gpu, {
        panels: panels.arrays[at]!,
        weights,
        ...(operands ? { half: operands.weights[0]! } : {}),
        readout,
        packed,
        ...block,
        n: samples.blocks[at]!.rows,
        d,
        slope,
        layout,
      }),
    ),
  );
  return { blocks, steps };
}

const makeForward: Make = async (problem, { layout, half }, scope) => {
  const { shape, network, samples } = problem;
  const { n, d, m } = shape;
  const { blocks, steps } = await hiddenLayer(problem, layout, scope, half);
  const { words, group } = layout;
  return {
    steps,
    flop: 2 * n * d * m,
    bytes: operandBytes(half) * (n * d + d * m) + 4 * (2 * m + 2 * words * n),
    async check() {
      await run(problem, steps);
      const x = await problem.hostX();
      const { weights, readout } = { weights: await network.weights.read(), readout: await network.readout.read() };
      const seen = new Extremes();
      for (const i of sampled(n)) {
        const at = samples.blocks.findIndex(({ start, rows }) => i < start + rows);
        const { start, rows } = samples.blocks[at]!;
        const terms = hidden(x.subarray(i * d, (i + 1) * d), weights, m);
        for (const word of sampled(words)) {
          const [actual] = await blocks[at]!.partial.read(word * rows + i - start, 1);
          const first = word * group;
          const { sum } = sumOf(
            Math.min(group, m - first),
            (r) => readout[first + r]! * Math.max(0, terms[first + r]!.sum),
          );
          // phi passes on at most what the pre-activation is off by.
          const { size } = sumOf(Math.min(group, m - first), (r) => readout[first + r]! * terms[first + r]!.size);
          seen.add(actual!, sum, size);
        }
      }
      return seen.verdict((d + group + 3) * U + (half ? 2 * HALF_U : 0));
    },
  };
};

const makeWeightGradient: Make = async (problem, { layout, half }, scope) => {
  const { gpu, shape, samples } = problem;
  const { n, d, m } = shape;
  const { blocks, steps: fill } = await hiddenLayer(problem, layout, scope);
  await run(problem, fill);
  const x = half ? (await problem.half()).samples : samples;
  const splits = samples.blocks.map(({ rows }) => gradientSplits(rows, d, layout));
  const parts = splits.reduce((sum, count) => sum + count, 0);
  const gradient = scope.use(gpu.array('gradient', parts * gradientPartLength(d, layout)));
  const total = scope.use(gpu.array('totals', parts * 4 * gradientQuads(d, layout)));
  let part = 0;
  const steps: Step[] = [];
  for (const [at, { rows, start }] of samples.blocks.entries()) {
    const place = { n: rows, d, start, part, splits: splits[at]!, layout };
    const arrays = { x: x.arrays[at]!, mask: blocks[at]!.mask, residual: problem.labels, gradient, total };
    steps.push(await weightGradient(gpu, { ...arrays, ...place }));
    part += splits[at]!;
  }
  return {
    steps,
    flop: 2 * n * (d + 1) * m,
    bytes: operandBytes(half) * n * d + 4 * (n + layout.words * n + parts * (d + 1) * m),
    async check() {
      await run(problem, steps);
      const [values, labels] = [await problem.hostX(), await problem.labels.read()];
      const masks = await Promise.all(blocks.map(({ mask }) => mask.readUint()));
      const { group, lanes } = layout;
      const seen = new Extremes();
      for (const j of sampled(m)) {
        const bit = (i: number) => {
          const at = samples.blocks.findIndex(({ start, rows }) => i < start + rows);
          const { start, rows } = samples.blocks[at]!;
          return (masks[at]![Math.floor(j / group) * rows + i - start]! >>> (j % group)) & 1;
        };
        for (const c of sampled(d)) {
          const quad = Math.floor(c / 4);
          let actual = 0;
          for (let p = 0; p < parts; p++) {
            const tile = p * (gradientQuads(d, layout) / lanes) + Math.floor(quad / lanes);
            const row = (tile * gradientWords(layout) + Math.floor(j / group)) * group + (j % group);
            actual += (await gradient.read((row * lanes + (quad % lanes)) * 4 + (c % 4), 1))[0]!;
          }
          const { sum, size } = sumOf(n, (i) => bit(i) * labels[i]! * values[i * d + c]!);
          seen.add(actual, sum, size);
        }
      }
      return seen.verdict((Math.ceil(n / parts) + parts + 2) * U + (half ? HALF_U : 0));
    },
  };
};

const makeInputGradient: Make = async (problem, { layout }, scope) => {
  const { gpu, shape, samples, network } = problem;
  const { n, d, m } = shape;
  const { blocks, steps: fill } = await hiddenLayer(problem, layout, scope);
  await run(problem, fill);
  const rows = scope.use(await network.rows(network.slices[0]!));
  const gradients = samples.blocks.map((block) => scope.use(gpu.array('df/dx', block.rows * paddedRow(d))));
  const { readout, slope } = network;
  const steps = await Promise.all(
    blocks.map(({ mask }, at) =>
      inputGradient(gpu, {
        mask,
        rows,
        readout,
        gradient: gradients[at]!,
        n: samples.blocks[at]!.rows,
        d,
        slope,
        layout,
      }),
    ),
  );
  return {
    steps,
    flop: 2 * n * d * m,
    bytes: 4 * (layout.words * n + m * d + m + n * d),
    async check() {
      await run(problem, steps);
      const [weights, a] = [await network.weights.read(), await readout.read()];
      const masks = await Promise.all(blocks.map(({ mask }) => mask.readUint()));
      const seen = new Extremes();
      for (const i of sampled(n)) {
        const at = samples.blocks.findIndex((block) => i < block.start + block.rows);
        const { start, rows: count } = samples.blocks[at]!;
        const row = await gradients[at]!.read((i - start) * paddedRow(d), d);
        for (const c of sampled(d)) {
          const { sum, size } = sumOf(m, (j) => {
            const word = masks[at]![Math.floor(j / layout.group) * count + i - start]!;
            return ((word >>> (j % layout.group)) & 1) * a[j]! * weights[c * m + j]!;
          });
          seen.add(row[c]!, sum, size);
        }
      }
      return seen.verdict((m + 3) * U);
    },
  };
};

/** A product whose b is the first block's samples in panels. */
async function product(
  problem: BenchProblem,
  { layout, half, matrix }: Work,
  scope: Scope,
  kind: 'gram' | 'matmul',
): Promise<Subject> {
  const { gpu, shape, samples, panels, network } = problem;
  const { d, m } = shape;
  const count = samples.blocks[0]!.rows;
  const columns = gramRow(count);
  const budget = gpu.adapter.software ? GRAM_FLOP.software : GRAM_FLOP.gpu;
  const fits = Math.floor(gpu.maxArrayLength / columns / 64) * 64;
  const wanted = kind === 'gram' ? Math.min(count, Math.max(64, Math.floor(budget / (2 * d * columns) / 64) * 64)) : m;
  const rows = Math.min(wanted, fits);
  const output = scope.use(gpu.array('product', rows * columns));
  const constant = scope.use(gpu.upload('constant', Float32Array.of(1)));
  const operands = half ? await problem.half() : { panels, weights: [network.weights] };
  const b = panelOperand(operands.panels.arrays[0]!, d);
  const a = kind === 'gram' ? b : plainOperand(operands.weights[0]!, m);
  const bias =
    kind === 'gram' ? { array: constant, first: 0, stride: 0 } : { array: network.weights, first: d * m, stride: 1 };
  const sizes = {
    steps: d,
    rows,
    columns,
    variant: layout.variant,
    ...(layout.tile ? { tile: layout.tile } : {}),
    matrix,
  };
  const steps = [await matmul(gpu, { a, b, bias, output, ...sizes })];
  return {
    steps,
    flop: 2 * rows * columns * d,
    bytes: operandBytes(half) * (rows * d + columns * d) + 4 * rows * columns,
    async check() {
      await run(problem, steps);
      const x = await problem.hostX();
      const weights = await network.weights.read();
      const seen = new Extremes();
      for (const r of sampled(rows)) {
        for (const i of sampled(count)) {
          const [actual] = await output.read(r * columns + i, 1);
          const left = (k: number) => (kind === 'gram' ? x[r * d + k]! : weights[k * m + r]!);
          const { sum, size } = sumOf(d, (k) => left(k) * x[i * d + k]!);
          const start = kind === 'gram' ? 1 : weights[d * m + r]!;
          seen.add(actual!, sum + start, size + Math.abs(start));
        }
      }
      return seen.verdict((d + 3) * U + (half ? 2 * HALF_U : 0));
    },
  };
}

const makeEpoch: Make = async (problem, { layout, half }, scope) => {
  const { gpu, shape, samples, panels, labels } = problem;
  const { n, d, m } = shape;
  const network = scope.use(await problem.network.copy());
  const common = { samples, panels, labels, network, layout, loss: 'identity', lr: 1e-6, epochs: 1 } as const;
  const precision = half ? 'f16' : 'f32';
  const training = scope.use(new TrainingRun(gpu, { ...common, momentum: 0.9, plateau: false, precision }));
  // A record for more epochs than any bench runs.
  const { steps, state } = await prepareEpoch(gpu, training, EPOCHS, scope);
  state.write(plateauState(training.schedule));
  return {
    steps,
    flop: 4 * n * d * m,
    bytes: operandBytes(half) * 2 * n * d + 4 * (6 * (d + 1) * m + 3 * layout.words * n),
    check: async () => undefined,
  };
};

const MAKERS: Readonly<Record<BenchKernel, Make>> = {
  forward: makeForward,
  'weight-gradient': makeWeightGradient,
  'input-gradient': makeInputGradient,
  gram: (problem, candidate, scope) => product(problem, candidate, scope, 'gram'),
  matmul: (problem, candidate, scope) => product(problem, candidate, scope, 'matmul'),
  epoch: makeEpoch,
};

/** A subject; what it allocates is disposed with `scope`. @throws RangeError where the variant cannot run */
export function makeSubject(
  problem: BenchProblem,
  kernel: BenchKernel,
  candidate: Work,
  scope: Scope,
): Promise<Subject> {
  return MAKERS[kernel](problem, candidate, scope);
}
