// How many derivative bits a direct epoch flips: what the choice of the trainer turns on.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { advanceDirect } from './direct';
import { hiddenStep, PassScratch } from './pass';
import type { TrainingOptions, TrainingProblem } from './trainer';
import type { TrainingRun } from './training-run';

/** Takes a run one epoch on, directly. @returns the derivative bits that this flipped, of n m */
export async function advanceCounting(gpu: Gpu, run: TrainingRun, options: TrainingOptions): Promise<number> {
  if (run.diverged) return 0;
  const before = await derivativeBits(gpu, run.problem);
  await advanceDirect(gpu, run, run.epoch + 1, options);
  const after = await derivativeBits(gpu, run.problem);
  return before.reduce((sum, words, block) => sum + differences(words, after[block]!), 0);
}

/** Mask words of every block. */
async function derivativeBits(gpu: Gpu, problem: TrainingProblem): Promise<Uint32Array[]> {
  const { panels, network, layout } = problem;
  const scope = new Scope();
  try {
    const scratch = scope.use(new PassScratch(gpu, panels, layout));
    const bits: Uint32Array[] = [];
    for (const [at, { rows }] of panels.blocks.entries()) {
      const batch = gpu.batch('derivative bits');
      (await hiddenStep(gpu, network, panels, at, scratch, layout))(batch);
      await batch.submit();
      bits.push(await scratch.mask.readUint(0, layout.words * rows));
    }
    return bits;
  } finally {
    scope.dispose();
  }
}

function differences(a: Uint32Array, b: Uint32Array): number {
  let count = 0;
  for (let at = 0; at < a.length; at++) {
    let bits = a[at]! ^ b[at]!;
    // Ones of a word, by halves.
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    count += (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
  }
  return count;
}
