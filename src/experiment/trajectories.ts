// Trainings over the same samples, side by side, each giving the networks of all the lengths that are asked of it.

import type { InitValues } from '../data/init';
import type { Engine } from '../engine';
import type { GpuArray } from '../gpu/array';
import type { Scope } from '../gpu/scope';
import type { MatmulLayout } from '../kernels/variant';
import { DivergenceError } from '../network/divergence';
import { Network, type NetworkStreams } from '../network/network';
import type { LazyGram } from '../network/sample-gram';
import type { Panels, Samples } from '../network/samples';
import { type TrainingOutcome, type TrainingTask, trainAll } from '../network/train';
import type { Observation, TrainingHistory, TrainingOptions } from '../network/trainer';
import type { Checkpoints } from './checkpoint';
import { extras } from './stage-work';
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
  readonly observation?: Observation;
}

/** A network and how it was trained. */
export interface Trained {
  readonly network: Network;
  readonly outcome: TrainingOutcome;
}

/** By length: the network, or why there is none. */
export type Lengths = ReadonlyMap<number, Trained | DivergenceError>;

export interface TrajectoryOptions {
  readonly kernel: LazyGram;
  /** Multiply-adds that an entry of it takes (default: the inputs of a sample). */
  readonly inner?: number;
  readonly signal?: AbortSignal;
  /** Of an experiment that runs alone: one trajectory of one length. */
  readonly checkpoints?: Checkpoints;
}

/**
 * Trains all of them; what comes back is, for each trajectory, a network for each of its lengths, equal to the bit to one
 * that was trained alone; a length that it diverged before has none. The networks belong to `scope`.
 */
export async function trainTrajectories(
  engine: Engine,
  data: { readonly samples: Samples; readonly panels: Panels },
  trajectories: readonly Trajectory[],
  options: TrajectoryOptions,
  scope: Scope,
): Promise<Lengths[]> {
  const { gpu, settings } = engine;
  const { kernel, signal, checkpoints } = options;
  const trained = trajectories.map(() => new Map<number, Trained | DivergenceError>());
  const split: { readonly at: number; readonly epochs: number }[] = [];
  const run = async (wanted: readonly { readonly at: number; readonly lengths: readonly number[] }[]) => {
    const tasks: TrainingTask[] = [];
    const networks: Network[] = [];
    const partial = wanted.map(() => new Map<number, Omit<TrainingOutcome, 'loss' | 'lr' | 'accuracy'>>());
    const copies = wanted.map(() => new Map<number, Network>());
    for (const [task, { at, lengths }] of wanted.entries()) {
      const { config, stage, streams, init, labels, layout, onEpoch, observation } = trajectories[at]!;
      const { width: m, slope } = config.network;
      const { loss, precision } = config;
      const { lr, momentum, plateau } = config[stage];
      const epochs = lengths.at(-1)!;
      const shape = { d: data.samples.d, m, slope };
      const network = scope.use(await Network.create(gpu, shape, init, config.seed, streams, layout));
      networks.push(network);
      const finished = checkpoints?.finished(stage, network);
      if (finished) {
        trained[at]!.set(epochs, { network, outcome: finished });
        return;
      }
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
        // What is trained once more for another length is not looked at again.
        ...(observation && trained[at]!.size === 0 ? { observation } : {}),
      });
      if (lengths[0] === 0 && epochs > 0) split.push({ at, epochs: 0 });
    }
    const outcomes = await trainAll(gpu, tasks, {
      kernel,
      ...(signal ? { signal } : {}),
      ...(settings.memoryLimit === undefined ? {} : { memoryLimit: settings.memoryLimit }),
      ...(options.inner === undefined ? {} : { inner: options.inner }),
      ...checkpoints?.of(trajectories[0]!.stage),
    });
    for (const [task, { at, lengths }] of wanted.entries()) {
      const outcome = outcomes[task]!;
      const { config, stage } = trajectories[at]!;
      for (const length of lengths) {
        if (split.some((each) => each.at === at && each.epochs === length)) continue;
        const last = length === lengths.at(-1);
        const network = last ? networks[task]! : copies[task]!.get(length);
        const made = network && !(last && outcome.diverged);
        const own = last ? outcome : { ...historyUpTo(length, outcome), ...partial[task]!.get(length)! };
        if (made) {
          trained[at]!.set(length, { network, outcome: own });
          await checkpoints?.finish(stage, { network, outcome: own });
        } else {
          const { explainDivergence } = await extras();
          trained[at]!.set(length, explainDivergence(divergenceUpTo(length, outcome, config), stage, config));
        }
      }
    }
  };
  await run(trajectories.map(({ lengths }, at) => ({ at, lengths })));
  // Lengths that would have been trained another way are trained on their own.
  if (split.length > 0) await run(split.splice(0).map(({ at, epochs }) => ({ at, lengths: [epochs] })));
  return trained;
}

function historyUpTo(epochs: number, { loss, lr, accuracy }: TrainingOutcome): TrainingHistory {
  const history = { loss: loss.slice(0, epochs), lr: lr.slice(0, epochs) };
  return accuracy ? { ...history, accuracy: accuracy.slice(0, epochs) } : history;
}

/** How a training of so many epochs ended that left no network: by its loss, or by weights that showed at its end. */
function divergenceUpTo(
  epochs: number,
  { diverged, lr, loss }: TrainingOutcome,
  { precision }: ExperimentConfig,
): DivergenceError {
  if (diverged && diverged.epoch <= epochs) return diverged;
  const what = precision === 'f16' ? 'half weights' : 'weights';
  return new DivergenceError({ epoch: epochs, what, lr: lr[epochs - 1]!, firstLoss: loss[0] });
}
