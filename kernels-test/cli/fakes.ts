// Stand-ins for the engine and the streams, so that the command line is tested without a GPU.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { BenchOptions, BenchReport } from '../../src/bench/bench';
import { runCli } from '../../src/cli/cli';
import type {
  AdapterListing,
  CliIo,
  EngineOptions,
  Finding,
  RunOptions,
  RunsOptions,
  Services,
} from '../../src/cli/io';
import type { ReadFile } from '../../src/data/dataset';
import { planSweep } from '../../src/experiment/sweep-plan';
import type { ExperimentConfig, ExperimentResult, Progress } from '../../src/experiment/types';
import { DivergenceError } from '../../src/network/divergence';
import { fakeResult } from './fake-result';

export { fakeResult };

export const ADAPTER: AdapterListing = {
  name: 'Fake Adapter 3000',
  vendor: 'acme',
  architecture: 'gen-9',
  description: 'a fake',
  driver: 'fake driver 1.2',
  backend: 'vulkan',
  software: false,
  usable: true,
  chosen: true,
  features: ['shader-f16'],
  limits: { maxBufferSize: 1024 },
};

/** Services that keep account of what was asked of them. */
export class FakeServices implements Services<{ dispose(): void }> {
  readonly engines: EngineOptions[] = [];
  readonly runs: ExperimentConfig[] = [];
  disposed = 0;
  adapters: readonly AdapterListing[] = [ADAPTER];
  beforeEngine: () => void = () => {};
  run: (config: ExperimentConfig, options: RunOptions) => Promise<ExperimentResult> = async (config) =>
    fakeResult(config);

  async createEngine(options: EngineOptions) {
    this.engines.push(options);
    this.beforeEngine();
    return {
      dispose: () => {
        this.disposed++;
      },
    };
  }
  findings: readonly Finding[] = [];
  async *examine() {
    yield* this.findings;
  }
  adapterOf() {
    return { vendor: ADAPTER.vendor };
  }
  notices: readonly string[] = [];
  noticesOf() {
    return this.notices;
  }
  identify() {
    return { device: ADAPTER.name, versions: { 'perturb-gpu': '0.1.0' } };
  }
  runExperiment(_: unknown, config: ExperimentConfig, options: RunOptions): Promise<ExperimentResult> {
    this.runs.push(config);
    return this.run(config, options);
  }
  /** One after another through {@link run}, like the planner without anything to share. */
  async runExperiments(engine: unknown, configs: readonly ExperimentConfig[], options: RunsOptions) {
    for (const [run, config] of configs.entries()) {
      const onProgress = (progress: Progress) => options.onProgress({ ...progress, run });
      try {
        await options.onResult(run, await this.runExperiment(engine, config, { ...options, onProgress }));
      } catch (error) {
        if (!(error instanceof DivergenceError)) throw error;
        await options.onDivergence(run, error);
      }
    }
  }
  planSweep(_: unknown, configs: readonly ExperimentConfig[], readFile: ReadFile) {
    return planSweep(undefined, configs, readFile);
  }
  readonly benches: BenchOptions[] = [];
  async runBench(_: unknown, options: BenchOptions) {
    this.benches.push(options);
    return fakeBench();
  }
  async tune(_: unknown, options: BenchOptions) {
    this.benches.push(options);
    const report = fakeBench();
    const shape = { n: 1000, d: 100, m: 100 };
    const why = { kernel: 'forward', shape, seconds: 1e-3, reason: 'because' } as const;
    const absent = report.skipped.map((skip) => ({ ...skip, status: 'absent' }) as const);
    const kernels = [{ ...why, variant: 'tiled', status: 'chosen' } as const, ...absent];
    const choice = { variant: 'tiled', speedup: 2, measuredAt: '1000/100/100', date: report.date } as const;
    const tuning = { schemaVersion: 1, key: 'k', date: report.date, choices: { '10/7/7': choice } } as const;
    return { tuning, kernels, report, folder: 'the cache' };
  }
  async listAdapters() {
    return this.adapters;
  }
}

/** A report of one kernel in two variants, a second apart from other reports when `seconds` says so. */
export function fakeBench(seconds = 1e-3): BenchReport {
  const row = (variant: 'subgroup' | 'tiled', scale: number) => {
    const samples = [1, 1.01, 1.02].map((factor) => factor * scale * seconds);
    const [min, median, max] = samples as [number, number, number];
    return {
      ...({ kernel: 'forward', shape: { n: 1000, d: 100, m: 100 }, variant, chosen: variant === 'tiled' } as const),
      ...({ samples, min, median, max, repeats: 10, clock: 'device', firstSeconds: 0.1 } as const),
      ...{ flop: 2e7, bytes: 5e5, gflops: 2e-2 / median, gbs: 5e-4 / median },
      ...{
        ceiling: [50, 50, 50],
        ofFma: 0.4 / scale,
        ofCopy: 0.1 / scale,
        ofRoofline: 0.4 / scale,
        error: 1e-7,
        tolerance: 1e-5,
      },
    };
  };
  const { name, vendor, architecture, description, backend, software } = ADAPTER;
  return {
    schemaVersion: 1,
    date: '2026-11-22T20:00:00.000Z',
    adapter: { name, vendor, architecture, description, backend, software, subgroupSize: 32 },
    features: ['shader-f16'],
    toggles: [],
    versions: { node: 'v20' },
    rounds: 3,
    ceilings: { gflops: 50, blocking: { R: 4, U: 16 }, gbs: 10, copyBytes: 1 << 26 },
    rows: [row('tiled', 1), row('subgroup', 2)],
    skipped: [
      {
        kernel: 'gram',
        shape: { n: 1000, d: 100, m: 100 },
        variant: 'subgroup',
        status: 'absent',
        reason: 'no subgroups here',
      },
    ],
  };
}

export class FakeIo implements CliIo {
  out = '';
  err = '';
  time = 0;
  readonly env: Record<string, string> = {};
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  readonly now = () => this.time;
  readonly stdout = {
    write: (text: string): void => {
      this.out += text;
    },
  };
  readonly stderr = {
    write: (text: string): void => {
      this.err += text;
    },
  };
  constructor(readonly cwd: string) {}
}

/** Runs the command line in `cwd` with fakes. */
export async function cli(cwd: string, argv: readonly string[], services = new FakeServices(), io = new FakeIo(cwd)) {
  const code = await runCli(argv, services, io);
  return { code, out: io.out, err: io.err, services, io };
}

const made: string[] = [];

/** A directory of its own for one test, gone afterwards. */
export async function temporary(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'perturb-cli-'));
  made.push(path);
  return path;
}

afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true, force: true });
});

/** All names in a directory, hidden ones too, sorted. */
export const names = async (path: string): Promise<string[]> => (await readdir(path)).sort();
