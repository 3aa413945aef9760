// The two-layer network f(x) = sum_j a_j phi(w_j . x + b_j), phi(z) = z for z > 0 and slope z otherwise.
// W and b are trained, the readout a is frozen (Kumano, Kera, Yamasaki 2024, section 3).

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { random, transpose } from '../kernels/data';
import { paddedRow } from '../kernels/step';
import { unpad } from './samples';

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
    /** (d + 1, m): W transposed, the biases in row d. One matrix, so that one kernel updates both. */
    readonly weights: GpuArray,
    /** (m) */
    readonly readout: GpuArray,
  ) {}

  /**
   * A network with the given arrays; those absent are drawn: W ~ N(0, 1/d), b ~ N(0, 1), a ~ N(0, 1/m), element (j, k) of
   * W being element j d + k of its stream.
   */
  static async create(
    gpu: Gpu,
    shape: { readonly d: number; readonly m: number; readonly slope: number },
    init: Partial<NetworkArrays>,
    seed: number,
    streams: NetworkStreams,
  ): Promise<Network> {
    const { d, m, slope } = shape;
    const made: GpuArray[] = [];
    const array = (label: string, length: number) => {
      const next = gpu.array(label, length);
      made.push(next);
      return next;
    };
    try {
      const weights = array('weights', (d + 1) * m);
      const readout = array('readout', m);
      const rows = array('initial W', m * d);
      const bias = array('initial b', m);
      const batch = gpu.batch('initialise network');
      const fill = async (
        output: GpuArray,
        given: Float32Array | undefined,
        cols: number,
        stream: number,
        scale: number,
      ) => {
        if (given) output.write(given);
        else (await random(gpu, { output, rows: m, cols, kind: 'normal', seed, stream, scale }))(batch);
      };
      await fill(rows, init.W, d, streams.W, 1 / Math.sqrt(d));
      await fill(bias, init.b, 1, streams.b, 1);
      await fill(readout, init.a, 1, streams.a, 1 / Math.sqrt(m));
      (await transpose(gpu, { input: rows, output: weights, rows: m, cols: d }))(batch);
      batch.copy(bias, 0, weights, d * m, m);
      await batch.submit();
      rows.dispose();
      bias.dispose();
      return new Network(gpu, d, m, slope, weights, readout);
    } catch (error) {
      for (const each of made) each.dispose();
      throw error;
    }
  }

  /** A network of its own with the same parameters; the caller disposes it. */
  async copy(): Promise<Network> {
    const { gpu, d, m, slope, weights, readout } = this;
    const ours = gpu.array('weights', weights.length);
    let same: GpuArray | undefined;
    try {
      same = gpu.array('readout', m);
      const batch = gpu.batch('copy network').copy(weights, 0, ours, 0, weights.length).copy(readout, 0, same, 0, m);
      await batch.submit();
      return new Network(gpu, d, m, slope, ours, same);
    } catch (error) {
      ours.dispose();
      same?.dispose();
      throw error;
    }
  }

  /** W row-major on the device, (m, paddedRow(d)); the caller disposes it. */
  async rows(): Promise<GpuArray> {
    const { gpu, d, m } = this;
    const rows = gpu.array('weight rows', m * paddedRow(d));
    const batch = gpu.batch('weight rows');
    (await transpose(gpu, { input: this.weights, output: rows, rows: d, cols: m, outputLd: paddedRow(d) }))(batch);
    await batch.submit();
    return rows;
  }

  /** The parameters on the host. */
  async read(): Promise<NetworkArrays> {
    const { d, m } = this;
    const W = new Float32Array(m * d);
    const rows = await this.rows();
    try {
      unpad(await rows.read(), paddedRow(d), d, W);
    } finally {
      rows.dispose();
    }
    return { W, b: await this.weights.read(d * m, m), a: await this.readout.read() };
  }

  dispose(): void {
    this.weights.dispose();
    this.readout.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
