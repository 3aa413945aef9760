// Looks at the networks of a run on their way: a fixed share of the samples and test points, kept on the device beside
// the run's own arrays, on which every network that comes by is evaluated. Nothing here writes to what the run uses.

import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { signAgreement } from '../kernels/compare';
import type { MatmulLayout } from '../kernels/variant';
import { evaluate } from '../network/evaluate';
import type { Network } from '../network/network';
import { Panels, Samples } from '../network/samples';
import type { Observation } from '../network/trainer';
import { gridPoints, type MapProblem, projections } from '../theory/map';
import { classPlane, type Plane, placeSamples, restrictNetwork } from '../theory/plane';
import { takePictures } from './assemble';
import type { PreparedData, RowSource } from './prepare';
import type { Answers, PlaneSnapshot, WatchOptions } from './snapshot';
import { gridOf } from './theory';
import type { ExperimentConfig } from './types';

/** Samples and test points that are watched at most. */
const WATCHED = 2048;
/** They are taken in stretches of so many, spread evenly: data sorted by class are watched in both. */
const STRETCH = 32;
/** Where all are taken: each stretch costs submits of its own. */
const LONG_STRETCH = 256;
const SNAPSHOTS = 24;

type Gallery = Awaited<ReturnType<typeof takePictures>>;

/** Points with their panels, as the forward pass reads them. */
interface Points {
  readonly samples: Samples;
  readonly panels: Panels;
  readonly rows: number;
}

export class Watcher {
  /** Outputs of f on the watched test points. */
  #f: GpuArray | undefined;
  #gallery: Points | undefined;
  #plane: { readonly plane: Plane; readonly f: Float32Array } | undefined;
  readonly #scope = new Scope();
  /** What is of one network f: freed when the perturbations of the next come. */
  readonly #ofF = new Scope();
  #samples!: Points;
  #labels!: GpuArray;
  #test: Points | undefined;

  private constructor(
    private readonly gpu: Gpu,
    private readonly layout: MatmulLayout,
    private readonly options: WatchOptions,
  ) {}

  /** @param x the samples, which must outlive it only until this resolves */
  static async create(
    gpu: Gpu,
    layout: MatmulLayout,
    options: WatchOptions,
    data: PreparedData,
    x: Samples,
  ): Promise<Watcher> {
    const watcher = new Watcher(gpu, layout, options);
    try {
      await watcher.#begin(data, x);
      return watcher;
    } catch (error) {
      watcher.dispose();
      throw error;
    }
  }

  async #begin(data: PreparedData, x: Samples): Promise<void> {
    const spread = stretches(data.n);
    const y = await data.labels.read();
    const watched = spread.flatMap(({ start, rows }) => Array.from(y.subarray(start, start + rows)));
    this.#labels = this.#scope.use(this.gpu.upload('watched labels', Float32Array.from(watched)));
    this.#samples = await this.#take(rowsOf(this.gpu, x), spread);
    if (data.test) this.#test = await this.#take(data.test, stretches(data.test.n));
  }

  dispose(): void {
    this.#ofF.dispose();
    this.#scope.dispose();
  }

  /** When a training of so many epochs is looked at: often at first, when most changes. */
  #epochs(epochs: number): number[] {
    const count = Math.min(this.options.snapshots ?? SNAPSHOTS, epochs);
    const at = Array.from({ length: count }, (_, k) => Math.ceil(epochs * ((k + 1) / count) ** 2));
    return [...new Set(at)];
  }

  /** What to look at while f is trained. */
  standard(run: number, config: ExperimentConfig): Observation {
    return this.#observe(run, config, 'standard', () => Promise.resolve({}));
  }

  /** What to look at while g is trained; {@link perturbed} comes first. */
  learning(run: number, config: ExperimentConfig): Observation {
    return this.#observe(run, config, 'learning', async (g) => {
      const agreement = await this.#agreement(g);
      const map = await this.#map(g);
      return {
        ...(agreement === undefined ? {} : { agreement }),
        answers: await this.#answers(g),
        ...(map ? { map } : {}),
      };
    });
  }

  #observe(
    run: number,
    config: ExperimentConfig,
    stage: 'standard' | 'learning',
    more: (network: Network) => Promise<{ agreement?: number; answers?: Answers; map?: PlaneSnapshot }>,
  ): Observation {
    const { epochs } = config[stage];
    return {
      epochs: this.#epochs(epochs),
      onNetwork: async (epoch, { loss, lr }, network) => {
        const { margin, accuracy } = await this.#evaluate(network, this.#samples, this.#labels);
        margin.dispose();
        const rest = await more(network);
        await this.options.onSnapshot({ kind: 'training', run, stage, epoch, epochs, loss, lr, accuracy, ...rest });
      },
    };
  }

  /** Takes in the perturbations of f, and shows some. @param r not yet added to the samples */
  async perturbed(
    run: number,
    f: Network,
    x: Samples,
    r: Samples,
    { labels, targets, image }: { labels: GpuArray; targets: GpuArray; image: PreparedData['image'] },
  ): Promise<void> {
    this.#ofF.dispose();
    const gallery = await takePictures(x, r, labels, targets);
    this.#gallery = await this.#hang(gallery, x.d);
    this.#f = undefined;
    if (this.#test) this.#f = this.#ofF.use(await this.#outputs(f, this.#test));
    await this.#lay(f, x, labels);
    const answers = await this.#answers(f);
    const { rows } = gallery;
    await this.options.onSnapshot({
      kind: 'gallery',
      run,
      d: x.d,
      ...(image ? { image } : {}),
      rows,
      x: gallery.x,
      r: gallery.r,
      labels: gallery.labels,
      targets: gallery.targets,
      answers,
    });
  }

  /** Tells how the perturbations lie to the predicted directions. */
  async theory(run: number, cosine: number): Promise<void> {
    await this.options.onSnapshot({ kind: 'theory', run, cosine });
  }

  /** Shows the decision map of the result while it is computed, where a map is watched. */
  pieces(run: number, config: ExperimentConfig): MapProblem['onPiece'] {
    if (!this.options.map) return undefined;
    return (piece) => this.options.onSnapshot({ kind: 'map', run, ...gridOf(config), ...piece });
  }

  /** x, r and x + r of the gallery, one below the other. */
  async #hang({ x, r }: Gallery, d: number): Promise<Points> {
    const all = new Float32Array(3 * x.length);
    all.set(x);
    all.set(r, x.length);
    all.set(
      x.map((value, e) => value + r[e]!),
      2 * x.length,
    );
    return this.#panelled(this.#ofF.use(Samples.fromArray(this.gpu, 'gallery', all, d)), this.#ofF);
  }

  async #answers(network: Network): Promise<Answers> {
    const { rows } = this.#gallery!;
    using margin = await this.#outputs(network, this.#gallery!);
    const values = await margin.read();
    const third = rows / 3;
    return {
      x: values.slice(0, third),
      r: values.slice(third, 2 * third),
      adversarial: values.slice(2 * third),
    };
  }

  async #agreement(g: Network): Promise<number | undefined> {
    const test = this.#test;
    if (!test || !this.#f) return undefined;
    using count = this.gpu.array('watched agreement', 1, 'u32');
    using og = await this.#outputs(g, test);
    const batch = this.gpu.batch('watched agreement');
    (await signAgreement(this.gpu, { f: this.#f, g: og, count, n: test.rows }))(batch);
    await batch.submit();
    const [same] = await count.readUint();
    return same! / test.rows;
  }

  /** The class plane, with f on it; classes that span none are shown no map. */
  async #lay(f: Network, x: Samples, labels: GpuArray): Promise<void> {
    this.#plane = undefined;
    if (!this.options.map) return;
    try {
      const plane = await classPlane(this.gpu, x, labels);
      this.#plane = { plane, f: await this.#onPlane(plane, f) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  async #map(g: Network): Promise<PlaneSnapshot | undefined> {
    if (!this.#plane || !this.options.map) return undefined;
    const { plane, f } = this.#plane;
    return {
      ...this.options.map,
      f: f.slice(),
      g: await this.#onPlane(plane, g),
      projected: projections(plane, await placeSamples(this.gpu, plane, this.#samples.samples)),
      labels: await this.#labels.read(),
    };
  }

  async #onPlane(plane: Plane, network: Network): Promise<Float32Array> {
    const grid = { plane, ...this.options.map! };
    const { gpu } = this;
    const rows = grid.resolution ** 2;
    const scope = new Scope();
    try {
      const on = scope.use(await restrictNetwork(gpu, plane, network));
      const points = scope.use(Samples.allocate(gpu, 'watched plane', [{ start: 0, rows }], 2));
      points.arrays[0]!.write(gridPoints(grid, 0, rows));
      const panels = scope.use(Panels.allocate(gpu, points.blocks, 2));
      await panels.fill(gpu, points);
      return await scope.use(await this.#outputs(on, { samples: points, panels, rows })).read();
    } finally {
      scope.dispose();
    }
  }

  /** (rows) outputs on the device; the caller disposes them. */
  async #outputs(network: Network, points: Points): Promise<GpuArray> {
    using ones = this.gpu.upload('ones', new Float32Array(points.rows).fill(1));
    // With labels of +1 the margins are the outputs.
    return (await this.#evaluate(network, points, ones)).margin;
  }

  #evaluate(network: Network, { panels }: Points, labels: GpuArray) {
    return evaluate(this.gpu, network, panels, labels, this.layout, 'identity');
  }

  async #take(source: RowSource, spread: readonly { start: number; rows: number }[]): Promise<Points> {
    const { gpu } = this;
    const rows = spread.reduce((sum, stretch) => sum + stretch.rows, 0);
    const samples = this.#scope.use(Samples.allocate(gpu, 'watched', [{ start: 0, rows }], source.d));
    const { ld } = samples;
    using stretch = gpu.array('stretch', Math.max(...spread.map((block) => block.rows)) * ld);
    let at = 0;
    for (const block of spread) {
      await source.fill(stretch, block);
      const batch = gpu.batch('watched').copy(stretch, 0, samples.arrays[0]!, at * ld, block.rows * ld);
      await batch.submit();
      at += block.rows;
    }
    return this.#panelled(samples, this.#scope);
  }

  async #panelled(samples: Samples, scope: Scope): Promise<Points> {
    const panels = scope.use(Panels.allocate(this.gpu, samples.blocks, samples.d));
    await panels.fill(this.gpu, samples);
    return { samples, panels, rows: samples.n };
  }
}

/** Stretches of rows, spread evenly over n: all of them, and longer ones, where there are no more than {@link WATCHED}. */
function stretches(n: number): { start: number; rows: number }[] {
  const rows = n <= WATCHED ? LONG_STRETCH : STRETCH;
  const all = Math.ceil(n / rows);
  const count = Math.min(all, WATCHED / rows);
  return Array.from({ length: count }, (_, k) => {
    const start = Math.floor((k * all) / count) * rows;
    return { start, rows: Math.min(rows, n - start) };
  });
}

/** Rows of samples that are on the device. */
function rowsOf(gpu: Gpu, x: Samples): RowSource {
  const { n, d, ld } = x;
  return {
    n,
    d,
    async fill(to, { start, rows }) {
      const batch = gpu.batch('watched rows');
      for (const [at, block] of x.blocks.entries()) {
        const from = Math.max(start, block.start);
        const until = Math.min(start + rows, block.start + block.rows);
        if (from >= until) continue;
        batch.copy(x.arrays[at]!, (from - block.start) * ld, to, (from - start) * ld, (until - from) * ld);
      }
      await batch.submit();
    },
  };
}
