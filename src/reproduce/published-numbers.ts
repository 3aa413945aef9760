// The random numbers of the published runs on files of images: initial weights, targets, and the neurons that the theory's
// lines were estimated from. They are computed when they are read, under names that a configuration can hold, so that
// everything else treats them as the files that they stand for.
//
// The authors' code seeds PyTorch, draws the weights of both networks on the CPU (f, then what a DataLoader takes, then g), and
// the targets on a CUDA device; for the theory it seeds again, with 0 whatever the seed of the run, and draws 100 neurons.
// (github.com/s-kumano/perturbation-learning, commit 28a4ff9: train.py, utils/classifier.py, map.py, utils/theory.py.)

import type { ReadFile } from '../data/dataset';
import { encodeNpy } from '../data/npy';
import type { ExperimentConfig, InitConfig } from '../experiment/types';
import { TorchCpu, TorchCuda } from './torch-random';

/** Samples and inputs of the two classes of each data set. */
const SHAPES = { mnist: { n: 12700, d: 784 }, 'fashion-mnist': { n: 12000, d: 784 } } as const;

/** Neurons behind the predicted lines of a published map: `--samplings` of the authors' map.py. */
export const PUBLISHED_DRAWS = 100;

/** Data sets whose published runs can be computed from their own numbers; samples drawn on a device cannot. */
type PublishedData = keyof typeof SHAPES;

/** Under which no file of a user lies. */
const PREFIX = 'pytorch:';

/** Whether the runs on such data can be computed from their own numbers. */
export const hasPublishedNumbers = (kind: unknown): kind is PublishedData =>
  typeof kind === 'string' && Object.hasOwn(SHAPES, kind);

/** The configuration with the numbers of the published run of its seed. @throws RangeError for data that are drawn */
export function fromPublishedNumbers(config: ExperimentConfig): ExperimentConfig {
  const { seed, data, network, theory } = config;
  const { kind } = data;
  if (!hasPublishedNumbers(kind)) throw new RangeError(`samples of ${kind} were drawn on a device`);
  const run = `${PREFIX}${kind}/seed-${seed}/width-${network.width}`;
  const hidden = (name: string): InitConfig => ({ W: `${run}/${name}_W`, b: `${run}/${name}_b` });
  return {
    ...config,
    standard: { ...config.standard, init: { ...hidden('f'), a: `${run}/f_a` } },
    learning: { ...config.learning, init: { ...hidden('g'), a: `${run}/g_a` } },
    perturbation: { ...config.perturbation, targets: `${run}/targets` },
    theory: { ...theory, phi: theory.phi === 'exact' ? theory.phi : { ...theory.phi, init: hidden('phi') } },
  };
}

/** Reads the numbers as .npy files, and every other file as before. */
export function withPublishedNumbers(readFile: ReadFile): ReadFile {
  const name = new RegExp(`^${PREFIX}(${Object.keys(SHAPES).join('|')})/seed-(\\d+)/width-(\\d+)/(\\w+)$`);
  let last: { readonly path: string; readonly networks: Networks } | undefined;
  return async (path) => {
    const [, data, seed, width, array] = name.exec(path) ?? [];
    if (!array) return readFile(path);
    const { n, d } = SHAPES[data as PublishedData];
    if (array === 'targets') return encodeNpy([n], new TorchCuda(Number(seed)).signs(n));
    const [network, parameter] = array.split('_') as ['f' | 'g' | 'phi', keyof Neurons];
    if (network === 'phi') return asFile(phiNeurons(d), parameter);
    const run = path.slice(0, -array.length);
    // Both networks come from one generator, and their arrays are read one after another.
    if (last?.path !== run) last = { path: run, networks: networkNumbers(Number(seed), Number(width), d) };
    return asFile(last.networks[network], parameter);
  };
}

function asFile(neurons: Neurons, parameter: keyof Neurons): Uint8Array {
  const m = neurons.b.length;
  return encodeNpy(parameter === 'W' ? [m, neurons.W.length / m] : [m], neurons[parameter]);
}

interface Neurons {
  readonly W: Float32Array;
  readonly b: Float32Array;
  readonly a: Float32Array;
}

type Networks = Readonly<Record<'f' | 'g', Neurons>>;

function networkNumbers(seed: number, m: number, d: number): Networks {
  const generator = new TorchCpu(seed);
  const network = (): Neurons => {
    // A linear layer fills itself before it is filled as the paper says.
    generator.skipUniforms(m * d + m);
    return {
      W: generator.normals(m * d, 1 / Math.sqrt(d)),
      b: generator.normals(m, 1),
      a: generator.normals(m, 1 / Math.sqrt(m)),
    };
  };
  const f = network();
  generator.skipInteger();
  return { f, g: network() };
}

function phiNeurons(d: number): Neurons {
  const generator = new TorchCuda(0);
  const W = generator.normals(PUBLISHED_DRAWS * d, 1 / Math.sqrt(d));
  const b = generator.normals(PUBLISHED_DRAWS, 1);
  return { W, b, a: new Float32Array(PUBLISHED_DRAWS) };
}
