// Compiles the training and perturbation kernels before the clock of a stage starts, by running them once on next to
// nothing: some drivers (lavapipe) compile at the first dispatch, not when the pipeline is made.

import type { Engine } from '../engine';
import { Scope, together } from '../gpu/scope';
import type { MatmulLayout } from '../kernels/variant';
import { chooseStart, gramObstacle, type TrainingShape } from '../network/choose';
import { trainDirect } from '../network/direct';
import { evaluate } from '../network/evaluate';
import { Network } from '../network/network';
import { gramTrainers } from '../network/sample-gram';
import { Panels, Samples } from '../network/samples';
import { train } from '../network/train';
import { perturb } from '../perturbation/perturb';
import type { ExperimentConfig } from './types';

export interface WarmUpData {
  readonly n: number;
  readonly d: number;
  /** What most samples share, if they do. */
  readonly background: () => Promise<Float32Array | undefined>;
}

/** Neurons from which on networks of fewer inputs than {@link FEW} are no larger than those that kernels are compiled with. */
const WIDE = 4096;
const FEW = 8;

const done = new WeakMap<Engine, Set<string>>();

/** Runs an epoch of each trainer that will be needed, an evaluation and a perturbation on two samples; once an engine and kind of run. */
export async function warmUp(
  engine: Engine,
  config: ExperimentConfig,
  layout: MatmulLayout,
  { n, d, background }: WarmUpData,
): Promise<void> {
  const { kind } = config.perturbation;
  const { direct, gram } = trainersOf(engine, config, { n, d, layout });
  const { loss, precision } = config;
  const { width: m, slope } = config.network;
  const live = gram && loss === 'identity' && (await background()) !== undefined;
  const key = JSON.stringify([kind, loss, precision, layout, direct, gram && [n, d, live]]);
  const known = done.get(engine) ?? new Set();
  if (known.has(key)) return;
  const { gpu } = engine;
  const scope = new Scope();
  try {
    const samples = scope.use(Samples.fromArray(gpu, 'warm-up', Float32Array.of(1, -1), 1, layout.words));
    const panels = scope.use(Panels.allocate(gpu, samples.blocks, 1));
    await panels.fill(gpu, samples);
    const labels = scope.use(gpu.upload('warm-up', Float32Array.of(1, -1)));
    const untrained = async () =>
      scope.use(await Network.create(gpu, { d: 1, m, slope }, {}, 0, { W: 3, b: 4, a: 5 }, layout));
    const common = { samples, panels, labels, layout, loss, precision };
    const problem = { ...common, lr: 1, epochs: 1, momentum: 0, plateau: false } as const;
    const { compileGramIdentity } = gram ? await gramTrainers() : {};
    // Side by side they have a network each: where the run's own is as large, that could be the most it ever takes.
    const one = m > WIDE && d < FEW ? await untrained() : undefined;
    const network = async () => one ?? untrained();
    const works = [
      () => loss === 'identity' && compileGramIdentity?.(gpu, n, d, layout, live),
      () => gram && network().then((network) => train(gpu, { ...problem, network }, 'gram')),
      () => direct && network().then((network) => trainDirect(gpu, { ...problem, network })),
      () =>
        network().then(async (network) => {
          (await evaluate(gpu, network, panels, labels, layout, loss)).margin.dispose();
          scope.use(await perturb(gpu, network, panels, labels, layout, { kind, size: 1, k: 1 }));
        }),
    ];
    if (one) for (const work of works) await work();
    else await together(works.map((work) => work()));
    done.set(engine, known.add(key));
  } finally {
    scope.dispose();
  }
}

/**
 * Which trainers the stages begin with. One that begins in Gram space is expected to stay there: should it leave, it compiles
 * the direct trainer's kernels on the way.
 */
function trainersOf(
  engine: Engine,
  config: ExperimentConfig,
  data: Pick<TrainingShape, 'n' | 'd' | 'layout'>,
): { readonly direct: boolean; readonly gram: boolean } {
  const starts = (['standard', 'learning'] as const)
    .filter((stage) => config[stage].epochs > 0)
    .map((stage) => startOf(engine, config, stage, data));
  return { direct: starts.some((start) => start !== 'gram'), gram: starts.some((start) => start !== 'direct') };
}

/** What the training of a stage begins with, `probe` where it looks first. */
export function startOf(
  { gpu, settings }: Engine,
  config: ExperimentConfig,
  stage: 'standard' | 'learning',
  data: Pick<TrainingShape, 'n' | 'd' | 'layout'>,
) {
  const { loss, precision, trainer, network } = config;
  const { epochs, momentum } = config[stage];
  const shape = { ...data, m: network.width, epochs, momentum, loss, precision };
  if (trainer === 'direct' || gramObstacle(gpu, shape)) return 'direct';
  return trainer === 'gram' ? trainer : chooseStart(gpu, shape, settings.memoryLimit).trainer;
}
