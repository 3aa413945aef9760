// Compiles the training and perturbation kernels before the clock of a stage starts, by running them once on next to
// nothing: some drivers (lavapipe) compile at the first dispatch, not when the pipeline is made.

import type { Engine } from '../engine';
import { Scope } from '../gpu/scope';
import type { MatmulLayout } from '../kernels/variant';
import { chooseStart, gramObstacle, type TrainingShape } from '../network/choose';
import { trainDirect } from '../network/direct';
import { Network } from '../network/network';
import { gramTrainers } from '../network/sample-gram';
import { Panels, Samples } from '../network/samples';
import { train } from '../network/train';
import { perturb } from '../perturbation/perturb';
import type { ExperimentConfig } from './types';

const done = new WeakMap<Engine, Set<string>>();

/** Runs an epoch of each trainer that may be needed, and a perturbation, on two samples; once an engine and kind of run. */
export async function warmUp(
  engine: Engine,
  config: ExperimentConfig,
  layout: MatmulLayout,
  { n, d }: { readonly n: number; readonly d: number },
): Promise<void> {
  const { kind } = config.perturbation;
  const gram = mayUseGram(engine, config, { n, d, layout });
  const key = `${kind} ${config.network.width} ${config.loss} ${config.precision} ${layout.variant} ${JSON.stringify(layout.tile)} ${gram ? n : ''}`;
  const known = done.get(engine) ?? new Set();
  if (known.has(key)) return;
  const { gpu } = engine;
  const scope = new Scope();
  try {
    const { width: m, slope } = config.network;
    const samples = scope.use(Samples.fromArray(gpu, 'warm-up', Float32Array.of(1, -1), 1, layout.words));
    const panels = scope.use(Panels.allocate(gpu, samples.blocks, 1));
    await panels.fill(gpu, samples);
    const labels = scope.use(gpu.upload('warm-up labels', Float32Array.of(1, -1)));
    const network = scope.use(await Network.create(gpu, { d: 1, m, slope }, {}, 0, { W: 3, b: 4, a: 5 }, layout));
    const { loss, precision } = config;
    const common = { samples, panels, labels, network, layout, loss, precision };
    const problem = { ...common, lr: 1, epochs: 1, momentum: 0, plateau: false } as const;
    await trainDirect(gpu, problem);
    if (gram) {
      await train(gpu, problem, 'gram');
      if (config.loss === 'identity') {
        const { compileGramIdentity } = await gramTrainers();
        await compileGramIdentity(gpu, n);
      }
    }
    scope.use(await perturb(gpu, network, panels, labels, layout, { kind, size: 1, k: 1 }));
    done.set(engine, known.add(key));
  } finally {
    scope.dispose();
  }
}

/** Whether a stage may be trained in Gram space. */
function mayUseGram(
  { gpu, settings }: Engine,
  config: ExperimentConfig,
  data: Pick<TrainingShape, 'n' | 'd' | 'layout'>,
): boolean {
  if (config.trainer === 'direct') return false;
  return (['standard', 'learning'] as const).some((stage) => {
    const { epochs, momentum } = config[stage];
    const { loss, precision } = config;
    const shape = { ...data, m: config.network.width, epochs, momentum, loss, precision };
    if (epochs === 0 || gramObstacle(gpu, shape)) return false;
    return config.trainer === 'gram' || chooseStart(gpu, shape, settings.memoryLimit).trainer !== 'direct';
  });
}
