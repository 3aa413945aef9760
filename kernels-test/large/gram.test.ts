// K beyond one binding and beyond 2^31 elements, and training on it.

import { expect, test } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import { gramLoop } from '../../src/kernels/variant';
import { trainDirect } from '../../src/network/direct';
import { advanceGramIdentity } from '../../src/network/gram-identity';
import { trainGramLogistic } from '../../src/network/gram-logistic';
import { gramMatrix } from '../../src/network/gram-make';
import { gramPieces } from '../../src/network/gram-matrix';
import type { NetworkArrays } from '../../src/network/network';
import { SampleGram } from '../../src/network/sample-gram';
import { Panels, Samples } from '../../src/network/samples';
import { TrainingRun } from '../../src/network/training-run';
import { gramRows } from '../gram';
import { Draws, normwise, U, useEngine } from '../helpers';
import { reference, type Task, TaskData } from '../pipeline/tasks';
import { describeLarge, stopwatch, TIMEOUT } from './settings';

const bound = useEngine();

interface Trained {
  readonly network: NetworkArrays;
  readonly loss: Float32Array;
}

describeLarge('K beyond 2^31 elements', () => {
  // Samples of signs: an entry is 1 and how many of 16 agree less how many do not, exactly. K takes 8.7 GB.
  test('n = 46500: every entry', { timeout: TIMEOUT }, async () => {
    const { gpu } = bound;
    const [n, d] = [46_500, 16];
    expect(n ** 2).toBeGreaterThan(2 ** 31);
    const lap = stopwatch();
    const X = new Draws(5).signs(n * d);
    using samples = Samples.fromArray(gpu, 'X', X, d);
    using panels = Panels.allocate(gpu, samples.blocks, d);
    await panels.fill(gpu, samples);
    using matrix = await gramMatrix(gpu, panels);
    lap(`K in ${matrix.pieces.length} pieces`);
    const { ld } = matrix;
    // A sample as 16 bits, and how many of them are set in each word.
    const words = new Uint16Array(n);
    for (const [e, sign] of X.entries()) if (sign > 0) words[Math.floor(e / d)]! |= 1 << (e % d);
    const ones = new Uint8Array(2 ** d);
    for (let word = 1; word < ones.length; word++) ones[word] = ones[word >> 1]! + (word & 1);
    let wrong = 0;
    let entries = 0;
    for await (const { start, values } of gramRows(gpu, matrix)) {
      for (let r = 0; r < values.length / ld; r++) {
        const i = start + r;
        for (let k = 0; k < ld; k++) {
          const inside = i < n && k < n;
          if (values[r * ld + k] !== (inside ? 1 + d - 2 * ones[words[i]! ^ words[k]!]! : 1)) wrong++;
        }
        entries += ld;
      }
    }
    lap('reference');
    expect(entries).toBe(ld ** 2);
    expect(wrong).toBe(0);
    process.stdout.write(`most device memory ${(gpu.peakBytes / 2 ** 30).toFixed(2)} GiB\n`);
  });

  test('n = 46500: three epochs of the logistic loss, as float64', { timeout: TIMEOUT }, async () => {
    const { gpu } = bound;
    const task: Task = { n: 46_500, d: 16, m: 4, loss: 'logistic', lr: 1, epochs: 3 };
    const lap = stopwatch();
    using data = await TaskData.create(gpu, task);
    const problem = await data.problem(task);
    using kernel = await gramMatrix(gpu, problem.panels, { layout: problem.layout, constant: 0 });
    lap(`X X^T in ${kernel.pieces.length} pieces`);
    using run = new TrainingRun(gpu, problem);
    await trainGramLogistic(gpu, run, kernel);
    lap('epochs');
    await expectAsReference({ network: await problem.network.read(), loss: run.loss }, data, task);
  });
});

describeLarge('the neuron loop on as many full bindings as it takes', () => {
  test.for(['pieces', 'image'])('%s: three epochs, as float64', { timeout: TIMEOUT }, async (as, { skip }) => {
    const { device, adapter, maxArrayLength } = bound.gpu;
    // Six whole bindings on lavapipe (0.8 GB); where bindings are larger, what memory and patience allow.
    const n = 14_100;
    // An image holds no more than the arrays where those are limited on purpose.
    using limited = new Gpu(device, { adapter, ownsDevice: false, maxArrayLength });
    const gpu = as === 'image' ? bound.gpu : limited;
    const plan = gramPieces(gpu, n, 1);
    if (plan.image !== (as === 'image')) skip('this adapter reads K from arrays');
    if (!plan.image && plan.count < 6) skip(`${plan.count} pieces on this adapter`);
    const task: Task = { n, d: 30, m: 12, lr: 0.5, epochs: 3 };
    const lap = stopwatch();
    using data = await TaskData.create(gpu, task);
    const problem = await data.problem(task);
    using kernel = new SampleGram(() => gramMatrix(gpu, problem.panels, { layout: problem.layout }));
    using run = new TrainingRun(gpu, problem);
    const [count] = await advanceGramIdentity(gpu, [{ run }], kernel);
    const { flips } = count!;
    lap(`${flips} flips, ${gramLoop(gpu).variant}`);
    expect(kernel.matrix!.pieces.length).toBe(plan.count);
    expect(flips).toBeGreaterThan(100);
    await expectAsReference({ network: await problem.network.read(), loss: run.loss }, data, task);
  });
});

/**
 * An entry of Q = K S is a sum of n terms in float32 in one lane, whose roundings, taken as independent, add up to about
 * sqrt(n) U (Higham and Mary, 2019): four times that, and beside it what direct training errs by.
 */
async function expectAsReference(trained: Trained, data: TaskData, task: Task): Promise<void> {
  const expected = reference(task);
  const errorsOf = ({ network: { W, b }, loss }: Trained) => ({
    W: normwise(W, expected.net.W),
    b: normwise(b, expected.net.b),
    loss: normwise(loss, expected.loss),
  });
  const problem = await data.problem(task);
  const { loss } = await trainDirect(data.gpu, problem);
  const near = errorsOf({ network: await problem.network.read(), loss });
  const far = errorsOf(trained);
  const told = (errors: object) => Object.values(errors).map((error) => error.toExponential(1));
  process.stdout.write(`errors of W, b and loss: directly ${told(near)}, in Gram space ${told(far)}\n`);
  for (const name of ['W', 'b', 'loss'] as const)
    expect(far[name], name).toBeLessThan(4 * Math.sqrt(task.n) * U + near[name]);
}
