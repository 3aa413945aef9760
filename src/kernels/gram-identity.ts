// The neuron loop of Gram-space training under the identity loss.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import type { GpuImage } from '../gpu/image';
import { packRecords } from '../gpu/shader';
import { gramIdentitySubgroup as gramIdentitySubgroupShader } from './generated/gram-identity-subgroup';
import { gramIdentityWorkgroup as gramIdentityWorkgroupShader } from './generated/gram-identity-workgroup';
import { GRAM_PIECES, gramSamples, NO_CROWD } from './gram-limits';
import { fold, type Step } from './step';
import { type GramLoop, gramLoop } from './variant';

const { record } = gramIdentityWorkgroupShader.bindings.neurons;
/** Words of a neuron's record, and where the four that come back lie. */
export const NEURON_WORDS = record.size / 4;

/** What the kernel is told of a neuron (struct Neuron of gram_identity_workgroup). */
export interface NeuronOrder {
  /** The epoch that the neuron's state stands at: what the last call gave back. */
  readonly clock: number;
  /** First epoch of the chunk, and how many it has; with none and no sync the neuron rests. */
  readonly start: number;
  readonly epochs: number;
  /** Bring everything to the chunk's end: before a new learning rate, and at the end of the run. */
  readonly sync: boolean;
  /** Row of `sources`. */
  readonly source: number;
  /** Element of `losses` that the chunk's first epoch goes to. */
  readonly lossesFirst: number;
  readonly readout: number;
  readonly lr: number;
  readonly momentum: number;
  readonly slope: number;
  /**
   * Flips of one epoch from which on the neuron stops until they are added to A by `crowdGradient` and a product with X; with 1
   * it needs no K. Infinity where it never does, as with gram_identity_workgroup it must be.
   */
  readonly crowd: number;
}

/** Why a neuron did not go on to the end of its chunk: for K, which was not bound, or for what a crowd of flips adds to A. */
const STOPS = [undefined, 'kernel', 'crowd'] as const;

/** What the kernel gives back of a neuron. */
export interface NeuronReport {
  readonly clock: number;
  readonly events: number;
  readonly flips: number;
  /** What the neuron waits for, if it has not come to the end of its chunk. */
  readonly waits: 'kernel' | 'crowd' | undefined;
}

/** Orders as words for the array `neurons`. */
export function packNeurons(orders: readonly NeuronOrder[]): Uint32Array {
  const back = { events: 0, flips: 0, stalled: 0 };
  return packRecords(
    record,
    orders.map(({ sync, lossesFirst, momentum, crowd, ...same }) => ({
      ...same,
      crowd: Math.min(crowd, NO_CROWD),
      ...back,
      sync: sync ? 1 : 0,
      losses_first: lossesFirst,
      mu: momentum,
      // log2 of 0 is never used: the shader takes mu^p = 0 there.
      log2_mu: momentum > 0 ? Math.log2(momentum) : -1,
    })),
  );
}

/** The report of neuron j in words read back from `neurons`. */
export function neuronReport(words: Uint32Array, j: number): NeuronReport {
  const at = (field: keyof typeof record.fields) => words[j * NEURON_WORDS + record.fields[field].offset / 4]!;
  return { clock: at('clock'), events: at('events'), flips: at('flips'), waits: STOPS[at('stalled')] };
}

export interface GramIdentityArgs {
  /** K = X X^T + 1 in pieces of whole rows, (pieceRows, ld) each; none when K has not been made: neurons then stall at flips. */
  readonly pieces: readonly GpuArray[] | readonly [GpuImage];
  /** How many there are, or will be. */
  readonly pieceCount: number;
  readonly pieceRows: number;
  /** (3 vectors, ld) label vectors -y / n, zero past n; then, once K is there, the sums of `labelSums` for each. */
  readonly sources: GpuArray;
  /** The same as texels, where K is an image or will be one; only subgroups read them. */
  readonly texels?: GpuImage | undefined;
  /** Label vectors. */
  readonly vectors: number;
  /** (m) records, from {@link packNeurons}; reports come back in them. */
  readonly neurons: GpuArray;
  /** (6, m, ld) H, U, A, C, V, epoch of the last change */
  readonly state: GpuArray;
  /** Out: the neurons' parts of the loss of each epoch. */
  readonly losses: GpuArray;
  readonly n: number;
  /** n rounded up to a multiple of 32. */
  readonly ld: number;
  readonly m: number;
  /** Default: what suits the adapter. */
  readonly loop?: GramLoop;
}

/** gram_identity_subgroup or gram_identity_workgroup: a chunk of epochs of every neuron. */
export async function gramIdentity(gpu: Gpu, args: GramIdentityArgs): Promise<Step> {
  const { pieces, pieceCount: PIECES, pieceRows, n, ld, m, sources, texels, vectors, neurons, state, losses } = args;
  if (PIECES > GRAM_PIECES) throw new RangeError(`K in ${PIECES} pieces: at most ${GRAM_PIECES}`);
  const { variant, lanes } = args.loop ?? gramLoop(gpu);
  const quads = ld / 4;
  const params = { n, m, quads, piece_rows: pieceRows, have_kernel: pieces.length > 0 ? 1 : 0, vectors };
  // A binding without a piece is never read; it holds whatever is there.
  const piece = (at: number) => (texels ? sources : ((pieces[at] ?? pieces[0] ?? sources) as GpuArray));
  const arrays = {
    kernel0: piece(0),
    kernel1: piece(1),
    kernel2: piece(2),
    kernel3: piece(3),
    kernel4: piece(4),
    kernel5: piece(5),
    sources,
    neurons,
    state,
    losses,
  };
  const grid = fold(gpu, m);
  if (variant === 'subgroup') {
    const words = Math.ceil(quads / (8 * lanes));
    // Powers of two, so that few sizes of n compile anew.
    const NW = 2 ** Math.ceil(Math.log2(Math.max(8, words)));
    const constants = { S: lanes, NW, PIECES, IMAGE: texels ? 1 : 0 } as const;
    const kernel = await gpu.kernel(gramIdentitySubgroupShader, constants);
    const bound = texels ? { ...arrays, kernel0: pieces[0] ?? texels, sources: texels } : arrays;
    return (batch) => void batch.dispatch(kernel, bound, params, grid);
  }
  const most = gramSamples(gpu.limits);
  if (n > most) throw new RangeError(`the neuron loop of ${n} samples: workgroup memory holds the marks of ${most}`);
  if (texels) throw new TypeError('gram_identity_workgroup reads no texels');
  // No more lanes than quads, but for what rounds them up.
  const T = Math.min(lanes, Math.ceil(quads / 32) * 32);
  const kernel = await gpu.kernel(gramIdentityWorkgroupShader, { T, NQ: Math.ceil(quads / T), PIECES });
  return (batch) => void batch.dispatch(kernel, arrays, params, grid);
}
