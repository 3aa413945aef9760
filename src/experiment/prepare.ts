// From a configuration to samples on the device: the only place where data, labels and targets enter the GPU.

import type { HostDataset, HostMatrix, ReadFile } from '../data/dataset';
import { InputError } from '../data/input-error';
import { STREAMS } from '../data/streams';
import type { GpuArray } from '../gpu/array';
import type { Gpu } from '../gpu/gpu';
import { lazy } from '../gpu/lazy';
import { random, shiftRows, unpackBytes } from '../kernels/data';
import { paddedRow } from '../kernels/step';
import { type Block, planBlocks, Samples, writeRows } from '../network/samples';
import type { DataConfig, ExperimentConfig } from './types';

/** What parses files, which synthetic data do not need. */
export const readers = lazy(() => import('../data/readers'));

/** Fills device rows with the samples [start, start + rows) of a source. */
export interface RowSource {
  readonly n: number;
  readonly d: number;
  fill(x: GpuArray, block: Block): Promise<void>;
}

export interface PreparedData {
  readonly d: number;
  readonly n: number;
  readonly train: RowSource;
  /** Absent when the data have no test points. */
  readonly test?: RowSource;
  /** (n) on the device; the caller disposes it. */
  readonly labels: GpuArray;
  readonly image?: HostDataset['image'];
}

/** What the host has to know before anything is allocated: sizes, and the arrays that came from files. */
export interface LoadedData {
  readonly n: number;
  readonly d: number;
  readonly host?: HostDataset;
}

/** Reads the files the configuration names; synthetic data have none. */
export async function loadData(config: ExperimentConfig, readFile: ReadFile): Promise<LoadedData> {
  const { data, seed, test } = config;
  if (data.kind === 'shifted-gauss' || data.kind === 'gauss') return { n: data.n, d: data.d };
  const options = test.n === undefined ? { seed } : { seed, testRows: test.n };
  const { loadDataset } = await readers();
  const host = await loadDataset(data, readFile, options);
  return { n: host.x.rows, d: host.x.cols, host };
}

/** Labels on the device, and where rows come from. */
export async function prepareData(gpu: Gpu, config: ExperimentConfig, loaded: LoadedData): Promise<PreparedData> {
  const { n, d, host } = loaded;
  const { data, seed, test } = config;
  if (host) {
    const labels = gpu.upload('labels', host.y);
    const train = hostRows(gpu, host.x);
    const image = host.image ? { image: host.image } : {};
    return { n, d, train, labels, ...(host.testX ? { test: hostRows(gpu, host.testX) } : {}), ...image };
  }
  const gauss = data as Extract<DataConfig, { d: number }>;
  const labels = await makeLabels(gpu, gauss, n, seed, STREAMS.labels);
  const train = gaussRows(gpu, gauss, n, seed, STREAMS.dataNoise, labels);
  const fresh = test.n;
  if (fresh === undefined) return { n, d, train, labels };
  return { n, d, train, labels, test: gaussRows(gpu, gauss, fresh, seed, STREAMS.testNoise, undefined) };
}

/** Class labels of Gaussian data: halves for the shifted one (the larger half is +1), random signs for pure noise. */
async function makeLabels(gpu: Gpu, data: DataConfig, n: number, seed: number, stream: number): Promise<GpuArray> {
  const labels = gpu.array('labels', n);
  if (data.kind === 'shifted-gauss') {
    labels.write(Float32Array.from({ length: n }, (_, i) => (i < n - Math.floor(n / 2) ? 1 : -1)));
    return labels;
  }
  return randomSigns(gpu, labels, seed, stream);
}

/** Fills an array with random signs and gives it back; disposes it when that fails. */
async function randomSigns(gpu: Gpu, output: GpuArray, seed: number, stream: number): Promise<GpuArray> {
  try {
    const batch = gpu.batch('random signs');
    (await random(gpu, { output, rows: output.length, cols: 1, kind: 'sign', seed, stream }))(batch);
    await batch.submit();
    return output;
  } catch (error) {
    output.dispose();
    throw error;
  }
}

function gaussRows(
  gpu: Gpu,
  data: Extract<DataConfig, { d: number }>,
  n: number,
  seed: number,
  stream: number,
  trainLabels: GpuArray | undefined,
): RowSource {
  const { d } = data;
  const ld = paddedRow(d);
  return {
    n,
    d,
    async fill(x, { start, rows }) {
      const batch = gpu.batch('Gaussian data');
      (await random(gpu, { output: x, rows, cols: d, ld, kind: 'normal', seed, stream, offset: start * d }))(batch);
      if (data.kind === 'shifted-gauss') {
        const labels = trainLabels ?? (await makeLabels(gpu, data, n, seed, STREAMS.testLabels));
        try {
          (await shiftRows(gpu, { labels, x, n: rows, d, ld, start, shift: data.shift }))(batch);
          await batch.submit();
        } finally {
          if (labels !== trainLabels) labels.dispose();
        }
      } else {
        await batch.submit();
      }
    },
  };
}

function hostRows(gpu: Gpu, matrix: HostMatrix): RowSource {
  const { rows: n, cols: d, values, scale, subtract } = matrix;
  const ld = paddedRow(d);
  return {
    n,
    d,
    async fill(x, { start, rows }) {
      if (values instanceof Float32Array) {
        writeRows(x, values.subarray(start * d, (start + rows) * d), d);
        await gpu.finish();
        return;
      }
      // Bytes travel packed and become numbers on the device. The words are those of this block alone.
      const bytes = new Uint8Array(Math.ceil((rows * d) / 4) * 4);
      bytes.set(values.subarray(start * d, (start + rows) * d));
      const packed = gpu.upload('packed pixels', new Uint32Array(bytes.buffer));
      try {
        const batch = gpu.batch('unpack pixels');
        (await unpackBytes(gpu, { packed, output: x, rows, cols: d, ld, scale, subtract }))(batch);
        await batch.submit();
      } finally {
        packed.dispose();
      }
    },
  };
}

/** Fills new samples from a source. */
export async function fillSamples(gpu: Gpu, label: string, source: RowSource, words: number): Promise<Samples> {
  const blocks = planBlocks(gpu, source.n, source.d, words);
  const samples = Samples.allocate(gpu, label, blocks, source.d);
  try {
    for (const [at, block] of blocks.entries()) await source.fill(samples.arrays[at]!, block);
    return samples;
  } catch (error) {
    samples.dispose();
    throw error;
  }
}

/** Target labels: random signs, or those of the file that the configuration names. The caller disposes them. */
export async function makeTargets(
  gpu: Gpu,
  config: ExperimentConfig,
  n: number,
  given: Float32Array | undefined,
): Promise<GpuArray> {
  if (given) return gpu.upload('targets', given);
  const targets = gpu.array('targets', n);
  return randomSigns(gpu, targets, config.seed, STREAMS.targets);
}

/** Reads the target file, when there is one. */
export async function readTargets(
  config: ExperimentConfig,
  n: number,
  readFile: ReadFile,
): Promise<Float32Array | undefined> {
  const path = config.perturbation.targets;
  if (path === undefined) return undefined;
  const { loadTargets } = await readers();
  return loadTargets(path, n, readFile);
}

/** k of an l0 perturbation: as configured, else a twentieth of the inputs. @throws InputError when it exceeds d. */
export function resolveK(config: ExperimentConfig, d: number): number | undefined {
  if (config.perturbation.kind !== 'l0') return undefined;
  const k = config.perturbation.k ?? Math.max(1, Math.floor(d / 20));
  if (k > d) {
    throw new InputError(`k is ${k}, but a sample has only ${d} inputs`, {
      key: 'perturbation.k',
      remedy: `Choose k between 1 and ${d}.`,
    });
  }
  return k;
}
