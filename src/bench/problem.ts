// Data of one shape on the device, shared by all kernels and variants that are measured at it, and its copy on the host
// that results are checked against.

import type { GpuArray } from '../gpu/array';
import { GpuOutOfMemoryError } from '../gpu/errors';
import { formatBytes } from '../gpu/format';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { random } from '../kernels/data';
import { paddedRow } from '../kernels/step';
import { type HalfOperands, halfOperands } from '../network/half-operands';
import { Network } from '../network/network';
import { Panels, planBlocks, Samples } from '../network/samples';
import type { BenchShape } from './cases';

const SEED = 1;
const STREAMS = { x: 1, y: 2, W: 3, b: 4, a: 5 } as const;

export class BenchProblem {
  #hostX: Promise<Float32Array> | undefined;
  #half: Promise<HalfOperands> | undefined;

  private constructor(
    readonly gpu: Gpu,
    readonly shape: BenchShape,
    readonly samples: Samples,
    readonly panels: Panels,
    /** (n) -1 or +1 */
    readonly labels: GpuArray,
    readonly network: Network,
    private readonly scope: Scope,
  ) {}

  /** Gaussian samples, random labels, a fresh network. @throws GpuOutOfMemoryError when they do not fit */
  static async create(gpu: Gpu, shape: BenchShape): Promise<BenchProblem> {
    const { n, d, m } = shape;
    const scope = new Scope();
    try {
      const blocks = planBlocks(gpu, n, d, Math.ceil(m / 32));
      const samples = scope.use(Samples.allocate(gpu, 'x', blocks, d));
      const labels = scope.use(gpu.array('labels', n));
      const batch = gpu.batch('bench data');
      for (const [at, { rows, start }] of blocks.entries()) {
        const place = { output: samples.arrays[at]!, rows, cols: d, ld: paddedRow(d), offset: start * d };
        (await random(gpu, { ...place, kind: 'normal', seed: SEED, stream: STREAMS.x }))(batch);
      }
      (await random(gpu, { output: labels, rows: n, cols: 1, kind: 'sign', seed: SEED, stream: STREAMS.y }))(batch);
      await batch.submit();
      const panels = scope.use(Panels.allocate(gpu, blocks, d));
      await panels.fill(gpu, samples);
      const network = scope.use(await Network.create(gpu, { d, m, slope: 0 }, {}, SEED, STREAMS));
      if (network.slices.length > 1) {
        const bytes = 4 * (d + 1) * m;
        const limit = formatBytes(4 * gpu.maxArrayLength);
        const text = `"weights" needs ${formatBytes(bytes)} in one piece; this adapter binds at most ${limit}, and kernels are measured whole.`;
        throw new GpuOutOfMemoryError(text, 'weights', bytes);
      }
      return new BenchProblem(gpu, shape, samples, panels, labels, network, scope);
    } catch (error) {
      scope.dispose();
      throw error;
    }
  }

  /** (n, d) on the host. */
  hostX(): Promise<Float32Array> {
    this.#hostX ??= this.samples.read();
    return this.#hostX;
  }

  /** Samples and weights as halves. @throws RangeError where the adapter has none */
  half(): Promise<HalfOperands> {
    this.#half ??= halfOperands(this.gpu, this, this.scope).then(async (operands) => {
      const batch = this.gpu.batch('weights as halves');
      operands.refresh(batch);
      await batch.submit();
      return operands;
    });
    return this.#half;
  }

  dispose(): void {
    this.scope.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
