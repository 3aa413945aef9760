// perturb-gpu itself, as built into dist/. Until the build has a trainer for the bench, this contestant is skipped.
//
// The contract is the peers': epochs(count) trains `count` epochs from the initial weights (momenta zero), and `seconds`
// runs from the first dispatch until the queue has finished the last update; setting the weights and reading the losses
// of all epochs afterwards are outside the clock. The harness checks those losses in every sample.
import { existsSync } from 'node:fs';

const BUILT = new URL('../../dist/node.js', import.meta.url);

/**
 * @param problem { n, d, m, x, y, W, b, a, lr, momentum, slope }; x (n, d), W (m, d), row by row, all Float32Array.
 * @returns null when not built, else { adapterInfo, device?, epochs(count): Promise<{ seconds, losses }>, dispose() }.
 */
export async function makeOurs(problem) {
  if (!existsSync(BUILT)) return null;
  const { createEngine, benchTrainer } = await import(BUILT);
  if (typeof createEngine !== 'function' || typeof benchTrainer !== 'function') return null;
  const engine = await createEngine();
  const trainer = await benchTrainer(engine, problem);
  return {
    adapterInfo: trainer.adapterInfo ?? engine.adapterInfo,
    epochs: (count) => trainer.epochs(count),
    dispose() {
      trainer.dispose();
      engine.dispose();
    },
  };
}
