// The two-layer network f(x) = sum_j a_j phi(w_j . x + b_j), phi(z) = z for z > 0 and slope z otherwise.
// W and b are trained, the readout a is frozen (Kumano, Kera, Yamasaki 2024, section 3).

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { keptAfter, Scope } from '../gpu/scope';
import { random, transpose } from '../kernels/data';
import { paddedRow } from '../kernels/step';
import { type MatmulLayout, matmulLayout } from '../kernels/variant';
import { unpad } from './samples';
import { planSlices, type WeightSlice } from './slices';

export interface NetworkArrays {
  /** (m, d) row-major */
  readonly W: Float32Array;
  /** (m) */
  readonly b: Float32Array;
  /** (m) */
  readonly a: Float32Array;
}

/** Random streams of the three parameter arrays. */
export interface NetworkStreams {
  readonly W: number;
  readonly b: number;
  readonly a: number;
}

export class Network {
  private constructor(
    private readonly gpu: Gpu,
    readonly d: number,
    readonly m: number,
    readonly slope: number,
    /** One, unless the weights are more than one binding reaches. */
    readonly slices: readonly WeightSlice[],
    /** (m) */
    readonly readout: GpuArray,
  ) {}

  /**
   * A network with the given arrays; those absent are drawn: W ~ N(0, 1/d), b ~ N(0, 1), a ~ N(0, 1/m), element (j, k) of
   * W being element j d + k of its stream.
   * @param layout that it is used with, which says where its weights may be cut (default: what suits the adapter)
   */
  static async create(
    gpu: Gpu,
    shape: { readonly d: number; readonly m: number; readonly slope: number },
    init: Partial<NetworkArrays>,
    seed: number,
    streams: NetworkStreams,
    layout: MatmulLayout = matmulLayout(gpu, shape.m),
  ): Promise<Network> {
    const { d, m, slope } = shape;
    const ranges = planSlices(gpu, d, layout);
    const made = new Scope();
    try {
      const readout = made.use(gpu.array('readout', m));
      const slices: WeightSlice[] = [];
      for (const range of ranges) {
        const { first, m: count } = range;
        const weights = made.use(gpu.array('weights', (d + 1) * count));
        using rows = gpu.array('initial W', count * d);
        using bias = gpu.array('initial b', count);
        const batch = gpu.batch('initialise network');
        const fill = async (output: GpuArray, name: keyof NetworkArrays, cols: number, scale: number) => {
          const offset = first * cols;
          const given = init[name];
          const [values, stream] = [given?.subarray(offset, offset + output.length), streams[name]];
          const size = { rows: output.length / cols, cols, offset };
          if (values) output.write(values);
          else (await random(gpu, { output, ...size, kind: 'normal', seed, stream, scale }))(batch);
        };
        await fill(rows, 'W', d, 1 / Math.sqrt(d));
        await fill(bias, 'b', 1, 1);
        const own = ranges.length === 1 ? readout : made.use(gpu.array('readout of a slice', count));
        await fill(own, 'a', 1, 1 / Math.sqrt(m));
        if (own !== readout) batch.copy(own, 0, readout, first, count);
        (await transpose(gpu, { input: rows, output: weights, rows: count, cols: d }))(batch);
        batch.copy(bias, 0, weights, d * count, count);
        await batch.submit();
        slices.push({ ...range, weights, readout: own });
      }
      return new Network(gpu, d, m, slope, slices, readout);
    } catch (error) {
      made.dispose();
      throw error;
    }
  }

  /**
   * (d + 1, m): W transposed, the biases in row d. One matrix, so that one kernel updates both.
   * @throws RangeError when it lies in several slices
   */
  get weights(): GpuArray {
    const [only, ...more] = this.slices;
    if (more.length > 0) throw new RangeError(`the weights lie in ${this.slices.length} slices`);
    return only!.weights;
  }

  /** A network of its own with the same parameters; the caller disposes it. */
  async copy(): Promise<Network> {
    const { gpu, d, m, slope } = this;
    const made = new Scope();
    try {
      const batch = gpu.batch('copy network');
      const same = (array: GpuArray) => {
        const ours = made.use(gpu.array(array.label, array.length));
        batch.copy(array, 0, ours, 0, array.length);
        return ours;
      };
      const readout = same(this.readout);
      const slices = this.slices.map((slice) => ({
        ...slice,
        weights: same(slice.weights),
        readout: slice.readout === this.readout ? readout : same(slice.readout),
      }));
      await batch.submit();
      return new Network(gpu, d, m, slope, slices, readout);
    } catch (error) {
      made.dispose();
      throw error;
    }
  }

  /** W of a slice, row-major on the device, (its neurons, paddedRow(d)); the caller disposes it. */
  async rows({ weights, m }: WeightSlice): Promise<GpuArray> {
    const { gpu, d } = this;
    const rows = gpu.array('weight rows', m * paddedRow(d));
    return keptAfter(rows, async () => {
      const batch = gpu.batch('weight rows');
      (await transpose(gpu, { input: weights, output: rows, rows: d, cols: m, outputLd: paddedRow(d) }))(batch);
      await batch.submit();
    });
  }

  /** The parameters on the host. */
  async read(): Promise<NetworkArrays> {
    const { d, m, slices } = this;
    const W = new Float32Array(m * d);
    for (const slice of slices) {
      using rows = await this.rows(slice);
      unpad(await rows.read(), paddedRow(d), d, W.subarray(slice.first * d));
    }
    return { W, b: await this.readBiases(), a: await this.readout.read() };
  }

  /** (m) b on the host. */
  async readBiases(): Promise<Float32Array> {
    const { d } = this;
    const b = new Float32Array(this.m);
    for (const { first, m, weights } of this.slices) b.set(await weights.read(d * m, m), first);
    return b;
  }

  dispose(): void {
    for (const { weights, readout } of this.slices) {
      weights.dispose();
      readout.dispose();
    }
    this.readout.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
