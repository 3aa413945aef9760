// The neuron loop of Gram training, and the product that makes K, compiled before a training needs them.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope, together } from '../gpu/scope';
import { gramIdentity, NEURON_WORDS } from '../kernels/gram-identity';
import { GRAM_PIECES } from '../kernels/gram-limits';
import { backgroundDot } from '../kernels/live';
import { matmul, panelHeight, plainOperand } from '../kernels/matmul';
import { type MatmulLayout, matmulVariant } from '../kernels/variant';
import { compileCrowds, crowdPlan } from './crowds';
import { gramPieces, gramRow } from './gram-matrix';

/**
 * Compiles the neuron loop, what crowds of flips go by, and the product of K where that is made for the first flip, for so many
 * samples of so many inputs: it takes seconds where they are new to the driver.
 * @param live whether the samples have a background
 */
export async function compileGramIdentity(
  gpu: Gpu,
  n: number,
  d: number,
  layout: MatmulLayout,
  live = false,
): Promise<void> {
  const { least, worth } = crowdPlan(gpu, { n, d, m: layout.m, layout });
  const scope = new Scope();
  try {
    await together([
      compileNeuronLoop(gpu, n, scope),
      (least < Infinity || worth > 0) && compileCrowds(gpu, layout, live),
      compileKernel(gpu, scope, d * gramRow(n), layout, live && worth === 0),
    ]);
  } finally {
    scope.dispose();
  }
}

async function compileNeuronLoop(gpu: Gpu, n: number, scope: Scope): Promise<void> {
  const ld = gramRow(n);
  const { rows: pieceRows, count: pieceCount, image } = gramPieces(gpu, n, 1);
  const spare = () => scope.use(gpu.array('warm-up', 32));
  const texels = image ? scope.use(gpu.image('warm-up', 1)) : undefined;
  // The same array may stand for every piece: nothing is read.
  const pieces = texels ? ([texels] as const) : new Array<GpuArray>(Math.min(pieceCount, GRAM_PIECES)).fill(spare());
  const neurons = scope.use(gpu.array('warm-up', NEURON_WORDS, 'u32'));
  const arrays = { pieces, sources: spare(), texels, vectors: 1, neurons, state: spare(), losses: spare() };
  const batch = gpu.batch('warm-up');
  // New WebGPU buffers are zero: the neuron has no epochs, and rests.
  (await gramIdentity(gpu, { ...arrays, pieceRows, pieceCount, n, ld, m: 1 }))(batch);
  await batch.submit();
}

/** @param work multiply-adds of a row @param live whether it is K above a background that is made */
async function compileKernel(gpu: Gpu, scope: Scope, work: number, layout: MatmulLayout, live: boolean): Promise<void> {
  const { variant } = layout;
  const spare = () => scope.use(gpu.array('warm-up', 32));
  const operand = plainOperand(spare(), 4);
  const background = spare();
  using batch = gpu.batch('warm-up');
  if (live) {
    const size = { panels: 1, steps: 1, offset: 0, outputFirst: 0 };
    (await backgroundDot(gpu, { x: spare(), background, output: spare(), ...size }))(batch);
  }
  const product = { a: operand, b: operand, bias: { array: spare(), first: 0, stride: 0 } };
  const height = panelHeight(work, matmulVariant(gpu, variant).lanes);
  // The plain one too: pre-activations are a product of that height.
  for (const by of live ? [{ live: { background, columns: 0 } }, {}] : [{}]) {
    (await matmul(gpu, { ...product, output: spare(), steps: 1, rows: 4, columns: 4, variant, height, ...by }))(batch);
  }
  await batch.submit();
}
