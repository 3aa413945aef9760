// Device memory that experiments on the same samples hold at once, before any of it is allocated: at each of the moments
// that may be the fullest, all arrays that live then.

import type { Gpu } from '../gpu/gpu';
import { crowdRow } from '../kernels/crowd';
import { panelsLength } from '../kernels/data';
import { packedWeightsBytes } from '../kernels/forward';
import { NEURON_WORDS } from '../kernels/gram-identity';
import { LIVE_COLUMNS, liveLength } from '../kernels/live';
import { panelHeight } from '../kernels/matmul';
import { packedBytes } from '../kernels/pack';
import { paddedRow } from '../kernels/step';
import { type TuningSettings, tunedLayout } from '../kernels/tuning';
import type { MatmulLayout } from '../kernels/variant';
import { gradientPartLength, gradientQuads, gradientSplits } from '../kernels/weight-gradient';
import { gramBytes } from '../network/choose';
import { CROWD_NEURONS, crowdPlan } from '../network/crowds';
import { BACKGROUND_WORK, gramLength, gramPanel, gramPanelLength, gramPieces, gramRow } from '../network/gram-matrix';
import { changeLength } from '../network/gram-size';
import { type Block, planBlocks } from '../network/samples';
import { planSlices, sliceLayout } from '../network/slices';
import { SUBMIT_SECONDS } from '../network/submit-time';
import type { Precision } from '../network/trainer';
import { TEST_ROWS } from './agreement';

/** Samples, inputs and neurons. */
export interface NetworkShape {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  /** That of the kernels which will run, see {@link withLayout}. */
  readonly layout: MatmulLayout;
}

type Loss = 'identity' | 'logistic';

export interface TrainingMemoryShape extends NetworkShape {
  readonly epochs: number;
  readonly loss: Loss;
  readonly precision: Precision;
  /** How it begins, as {@link expectTraining} says. */
  readonly start: 'direct' | 'gram' | 'probe';
  /** Whether it may go on otherwise. */
  readonly auto: boolean;
}

/** Bytes of a training, beside the samples. */
export interface TrainingMemory {
  /** Held as long as those side by side go on: weights, velocity, state. */
  readonly held: number;
  /** Held by whichever goes on. */
  readonly working: number;
}

/** As if every array fitted one binding of a GPU: where there is no adapter to ask. */
const anyLayout = (m: number): MatmulLayout => {
  const single = { words: 1, steps: 1 };
  const words = Math.ceil(m / 32);
  return { variant: 'tiled', reason: '', lanes: 16, group: 32, words, m, forward: single, gradient: single };
};

/** A shape with the layout that runs take on this adapter and under these settings. */
export function withLayout(
  gpu: Gpu | undefined,
  shape: Omit<NetworkShape, 'layout'>,
  settings: TuningSettings,
): NetworkShape {
  return { ...shape, layout: gpu ? tunedLayout(gpu, shape, settings) : anyLayout(shape.m) };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** How the samples and a network lie on an adapter. */
function arrange(gpu: Gpu | undefined, { n, d, m, layout }: NetworkShape) {
  const blocks: readonly Block[] = gpu ? planBlocks(gpu, n, d, layout.words) : [{ start: 0, rows: n }];
  const ranges = gpu ? planSlices(gpu, d, layout) : [{ first: 0, m }];
  const slices = ranges.map((range) => sliceLayout(layout, range));
  const rows = Math.max(...blocks.map((block) => block.rows));
  return { layout, blocks, slices, rows };
}

/** Of f or g: weights, biases and readout. */
export const networkBytes = ({ d, m }: Pick<NetworkShape, 'd' | 'm'>): number => 4 * (d + 2) * m;

/** Of a set of samples, and of their panels. */
export function samplesBytes(gpu: Gpu | undefined, shape: NetworkShape): { rows: number; panels: number } {
  const { blocks } = arrange(gpu, shape);
  const panels = sum(blocks.map(({ rows }) => panelsLength(rows, shape.d)));
  return { rows: 4 * shape.n * paddedRow(shape.d), panels: 4 * panels };
}

/** Of parameters and of what is read back through: there in every run. */
export const SMALL_BYTES = 128 * 1024;

/** Of a pass over `rows` samples at once: packed weights, masks and partial outputs. */
function passBytes({ layout, slices }: ReturnType<typeof arrange>, d: number, rows: number): number {
  const [widest] = slices;
  const words = layout.words + (slices.length > 1 ? widest!.words : 0);
  return packedWeightsBytes(d, widest!) + 8 * rows * words;
}

/** Of a product with `steps` terms, beside its operands. @param live whether it may leave out what is background */
function productBytes(
  { layout }: ReturnType<typeof arrange>,
  rows: number,
  columns: number,
  steps: number,
  live = false,
): number {
  const { variant, lanes } = layout;
  if (variant !== 'subgroup') return 0;
  const packed = packedBytes({ rows, steps, height: panelHeight(steps * columns, lanes), lanes, live });
  return packed + (live ? 4 * (columns + steps) : 0);
}

/** Without K, which trainings over the same samples share. */
export function trainingBytes(gpu: Gpu | undefined, shape: TrainingMemoryShape): TrainingMemory {
  const { start, auto } = shape;
  const velocity = 4 * (shape.d + 1) * shape.m;
  const direct = start !== 'gram' || auto ? directBytes(gpu, shape) : 0;
  const network = networkBytes(shape);
  if (start === 'direct' || !gpu) return { held: network + velocity, working: direct };
  const state = gramStateBytes(gpu, shape);
  // What goes directly does so without the state; what begins in Gram space has no velocity there.
  const [held, besides] = start === 'probe' ? [velocity, direct] : [0, direct > 0 ? velocity + direct : 0];
  return { held: network + held + state.held, working: Math.max(besides - state.held, state.working) };
}

function directBytes(gpu: Gpu | undefined, shape: TrainingMemoryShape): number {
  const { n, d, m, epochs, precision } = shape;
  const arranged = arrange(gpu, shape);
  const { layout, blocks, slices, rows } = arranged;
  const splits = Math.max(...blocks.map((block) => gradientSplits(block.rows, d, layout)));
  const parts = slices.map((slice) => gradientPartLength(d, slice));
  const gradients = splits * (sum(parts) + (blocks.length > 1 ? parts[0]! : 0));
  const totals = splits * gradientQuads(d, layout) * 4 * (blocks.length > 1 || slices.length > 1 ? 2 : 1);
  const samples = samplesBytes(gpu, shape);
  // Samples and weights as halves; weights and velocity as they were before the epochs that go on.
  const halves = precision === 'f16' ? (samples.rows + samples.panels) / 2 + (2 + 8) * (d + 1) * m : 0;
  return 4 * (gradients + totals + 2 * n + 3 * epochs) + passBytes(arranged, d, rows) + halves;
}

/** In Gram space; K is made when the state is there already, and is there to its end. */
function gramStateBytes(gpu: Gpu, shape: TrainingMemoryShape): TrainingMemory {
  const { n, d, m, epochs, loss } = shape;
  const arranged = arrange(gpu, shape);
  const { layout, blocks, rows } = arranged;
  const all = gramBytes(gpu, shape) - 4 * gramLength(n);
  const weights = 4 * (d + 1) * m;
  const leaving = 4 * changeLength(d, m) + weights + productBytes(arranged, m, paddedRow(d), rows);
  if (loss === 'logistic') {
    const training = all + 8 * layout.words * n + 8 * n;
    // Of the state, C alone is left when the weights are made of it.
    return { held: 0, working: Math.max(training, leaving + 4 * m * gramRow(n)) };
  }
  // The losses of as many epochs as a chunk has, at most all.
  const held = all + 4 * m * (NEURON_WORDS + Math.min(epochs, Math.floor(gpu.maxArrayLength / m))) + 12 * gramRow(n);
  const parts = sum(blocks.map((block) => gradientSplits(block.rows, d, layout)));
  const gradient = 4 * parts * (gradientPartLength(d, layout) + 4 * gradientQuads(d, layout));
  const entering = gradient + 2 * weights + 4 * layout.words * rows + productBytes(arranged, m, gramRow(rows), d);
  // As it enters there is no copy for a rollback yet; of K there may be the memory.
  const later = all / 2;
  return { held, working: Math.max(leaving, entering - later) };
}

/**
 * Of flips that go through X, with the samples as they are above a background where they may have one: shared by the trainings side by
 * side, and there to their end.
 * @param shape that of the widest network
 * @param narrowest neurons of the narrowest, which may wait for K where the widest does not
 */
export function crowdBytes(gpu: Gpu, shape: NetworkShape, narrowest: number): number {
  const { n, d, m } = shape;
  const { least, worth } = crowdPlan(gpu, { ...shape, m: narrowest });
  if (least === Infinity && worth === 0) return 0;
  const arranged = arrange(gpu, shape);
  const neurons = Math.min(m, CROWD_NEURONS);
  const sized = (rows: number) => liveLength({ rows: gramRow(rows), steps: d, height: LIVE_COLUMNS });
  const live = n * n * d >= BACKGROUND_WORK ? sum(arranged.blocks.map(({ rows }) => sized(rows))) : 0;
  const small = neurons * (1 + crowdRow(d)) + paddedRow(d) + d;
  return 4 * (small + live) + productBytes(arranged, neurons, gramRow(arranged.rows), d);
}

/** Of making perturbations: beside samples, networks, labels and the perturbations themselves. */
export function perturbingBytes(gpu: Gpu | undefined, shape: NetworkShape): number {
  const { n, d, m } = shape;
  const arranged = arrange(gpu, shape);
  const { slices, rows } = arranged;
  const turned = 4 * m * paddedRow(d) + (slices.length > 1 ? 4 * rows * paddedRow(d) : 0);
  return turned + passBytes(arranged, d, rows) + 8 * n;
}

/** What K of l2 perturbations takes beside itself while it is made of W W^T, and what of them is kept for it. */
export function spanBytes(
  gpu: Gpu,
  shape: NetworkShape,
  loss: Loss,
  onData: boolean,
): { kept: number; making: number } {
  const { n, d, m } = shape;
  const arranged = arrange(gpu, shape);
  const squared = 4 * m * paddedRow(m);
  const turned = 4 * (m * paddedRow(d) + d * paddedRow(m)) + productBytes(arranged, m, paddedRow(m), d);
  const rows = 4 * gramRow(n) * (onData ? 5 : 2) * m;
  const factors = rows + makingBytes(gpu, shape, loss, (onData ? 2 : 1) * m);
  return { kept: 4 * n * (arranged.layout.words + 1), making: squared + Math.max(factors, turned) };
}

/** Multiply-adds of one submit at most: {@link SUBMIT_SECONDS} of the fastest adapter that packs operands. */
const SUBMIT_WORK = 4e10 * SUBMIT_SECONDS;

/** What K for a loss takes beside itself while it is made, of `inner` multiply-adds an entry. */
export function makingBytes(gpu: Gpu, shape: NetworkShape, loss: Loss, inner: number): number {
  const { n } = shape;
  const rows = Math.min(n, Math.ceil(SUBMIT_WORK / (inner * n)));
  const { image } = gramPieces(gpu, n, loss === 'identity' ? 1 : 0);
  const panel = image ? 4 * gramPanelLength(gpu, n) : 0;
  const high = image ? Math.min(rows, gramPanel(gpu, n)) : rows;
  return panel + productBytes(arrange(gpu, shape), high, gramRow(n), inner, n * n * inner >= BACKGROUND_WORK);
}

/** Of f and g on fresh points. */
export function testBytes(gpu: Gpu | undefined, shape: NetworkShape, points: number): number {
  const rows = Math.min(TEST_ROWS, points);
  return 8 * rows * paddedRow(shape.d) + passBytes(arrange(gpu, shape), shape.d, rows) + 16 * rows;
}
