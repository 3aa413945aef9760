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
  await together([
    compileNeuronLoop(gpu, n),
    (least < Infinity || worth > 0) && compileCrowds(gpu, layout, live),
    compileKernel(gpu, n, d, layout, live && worth === 0),
  ]);
}

async function compileNeuronLoop(gpu: Gpu, n: number): Promise<void> {
  const scope = new Scope();
  try {
    const ld = gramRow(n);
    const { rows: pieceRows, count: pieceCount, image } = gramPieces(gpu, n, 1);
    const spare = () => scope.use(gpu.array('warm-up', 4));
    const texels = image ? scope.use(gpu.image('warm-up', 1)) : undefined;
    // The same array may stand for every piece: nothing is read.
    const pieces = texels ? ([texels] as const) : new Array<GpuArray>(Math.min(pieceCount, GRAM_PIECES)).fill(spare());
    const neurons = scope.use(gpu.array('warm-up neurons', NEURON_WORDS, 'u32'));
    const arrays = { pieces, sources: spare(), texels, vectors: 1, neurons, state: spare(), losses: spare() };
    const batch = gpu.batch('compile the neuron loop');
    // New WebGPU buffers are zero: the neuron has no epochs, and rests.
    (await gramIdentity(gpu, { ...arrays, pieceRows, pieceCount, n, ld, m: 1 }))(batch);
    await batch.submit();
  } finally {
    scope.dispose();
  }
}

/** @param live whether it is K above a background that is made */
async function compileKernel(gpu: Gpu, n: number, d: number, { variant }: MatmulLayout, live: boolean): Promise<void> {
  const scope = new Scope();
  try {
    const spare = () => scope.use(gpu.array('warm-up', 4));
    const operand = plainOperand(spare(), 4);
    const background = spare();
    const batch = gpu.batch('compile the product of K');
    if (live) {
      const x = scope.use(gpu.array('warm-up', 32));
      const size = { panels: 1, steps: 1, offset: 0, outputFirst: 0 };
      (await backgroundDot(gpu, { x, background, output: scope.use(gpu.array('warm-up', 32)), ...size }))(batch);
    }
    const product = { a: operand, b: operand, bias: { array: spare(), first: 0, stride: 0 } };
    const output = scope.use(gpu.array('warm-up', 16));
    const height = panelHeight(d * gramRow(n), matmulVariant(gpu, variant).lanes);
    // The plain one too: pre-activations are a product of that height.
    for (const by of live ? [{ live: { background, columns: 0 } }, {}] : [{}]) {
      (await matmul(gpu, { ...product, output, steps: 1, rows: 4, columns: 4, variant, height, ...by }))(batch);
    }
    await batch.submit();
  } finally {
    scope.dispose();
  }
}
