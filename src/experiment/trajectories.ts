// Trainings over the same samples, side by side, each giving the networks of all the lengths that are asked of it.

import type { InitValues } from '../data/init';
import type { Engine } from '../engine';
import type { GpuArray } from '../gpu/array';
import type { Scope } from '../gpu/scope';
import type { MatmulLayout } from '../kernels/variant';
import type { LazyGram } from '../network/gram-identity';
import { Network, type NetworkStreams } from '../network/network';
import type { Panels, Samples } from '../network/samples';
import { type TrainingOutcome, type TrainingTask, trainAll } from '../network/train';
import type { TrainingOptions } from '../network/trainer';
import type { ExperimentConfig } from './types';

/** One trajectory, and the lengths at which its network is wanted. */
export interface Trajectory {
  readonly config: ExperimentConfig;
  readonly stage: 'standard' | 'learning';
  readonly streams: NetworkStreams;
  readonly init: InitValues;
  readonly labels: GpuArray;
  readonly layout: MatmulLayout;
  /** Ascending. */
  readonly lengths: readonly number[];
  readonly onEpoch?: TrainingOptions['onEpoch'];
}

/** A network and how it was trained. */
export interface Trained {
  readonly network: Network;
  readonly outcome: TrainingOutcome;
}

export interface TrajectoryOptions {
  readonly kernel: LazyGram;
  /** Multiply-adds that an entry of it takes (default: the inputs of a sample). */
  readonly inner?: number;
  readonly signal?: AbortSignal;
}

/**
 * Trains all of them; what comes back is, for each trajectory, a network for each of its lengths, equal to the bit to one
 * that was trained alone. The networks belong to `scope`.
 */
export async function trainTrajectories(
  engine: Engine,
  data: { readonly samples: Samples; readonly panels: Panels },
  trajectories: readonly Trajectory[],
  options: TrajectoryOptions,
  scope: Scope,
): Promise<Map<number, Trained>[]> {
  const { gpu, settings } = engine;
  const { kernel, signal } = options;
  const trained = trajectories.map(() => new Map<number, Trained>());
  const split: { readonly at: number; readonly epochs: number }[] = [];
  const run = async (wanted: readonly { readonly at: number; readonly lengths: readonly number[] }[]) => {
    const tasks: TrainingTask[] = [];
    const networks: Network[] = [];
    const partial = wanted.map(() => new Map<number, Omit<TrainingOutcome, 'loss' | 'lr' | 'accuracy'>>());
    const copies = wanted.map(() => new Map<number, Network>());
    for (const [task, { at, lengths }] of wanted.entries()) {
      const { config, stage, streams, init, labels, layout, onEpoch } = trajectories[at]!;
      const { width: m, slope } = config.network;
      const { loss, precision } = config;
      const { lr, momentum, plateau } = config[stage];
      const epochs = lengths.at(-1)!;
      const shape = { d: data.samples.d, m, slope };
      const network = scope.use(await Network.create(gpu, shape, init, config.seed, streams));
      networks.push(network);
      const problem = { ...data, labels, network, layout, loss, precision, lr, epochs, momentum, plateau };
      tasks.push({
        problem,
        wanted: config.trainer,
        options: {
          // A training of no epochs is the network as it begins.
          snapshots: lengths.slice(0, -1).filter((length) => length > 0),
          onSnapshot: (epoch, copy) => void copies[task]!.set(epoch, scope.use(copy)),
          ...(onEpoch ? { onEpoch } : {}),
        },
        onReason: (epoch, outcome) => partial[task]!.set(epoch, outcome),
        onSplit: (length) => split.push({ at, epochs: length }),
      });
      if (lengths[0] === 0 && epochs > 0) split.push({ at, epochs: 0 });
    }
    const outcomes = await trainAll(gpu, tasks, {
      kernel,
      ...(signal ? { signal } : {}),
      ...(settings.memoryLimit === undefined ? {} : { memoryLimit: settings.memoryLimit }),
      ...(options.inner === undefined ? {} : { inner: options.inner }),
    });
    for (const [task, { at, lengths }] of wanted.entries()) {
      const outcome = outcomes[task]!;
      trained[at]!.set(lengths.at(-1)!, { network: networks[task]!, outcome });
      for (const [length, network] of copies[task]!) {
        const { loss, lr, accuracy } = outcome;
        const history = { loss: loss.slice(0, length), lr: lr.slice(0, length) };
        trained[at]!.set(length, {
          network,
          outcome: {
            ...history,
            ...(accuracy ? { accuracy: accuracy.slice(0, length) } : {}),
            ...partial[task]!.get(length)!,
          },
        });
      }
    }
  };
  await run(trajectories.map(({ lengths }, at) => ({ at, lengths })));
  // Lengths that would have been trained another way are trained on their own.
  if (split.length > 0) await run(split.splice(0).map(({ at, epochs }) => ({ at, lengths: [epochs] })));
  return trained;
}
