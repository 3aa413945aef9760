// The two ceilings of a roofline, measured on the adapter itself: multiply-adds between registers, and copies.

import type { Gpu } from '../gpu/gpu';
import { Scope } from '../gpu/scope';
import { copyQuads, FMA_BLOCKING, fmaThroughput } from '../kernels/ceilings';
import type { Step } from '../kernels/step';
import { type TimingOptions, timeSteps } from './clock';

export interface Ceilings {
  /** Multiply-adds count as two operations. The fastest of {@link BLOCKINGS}, its fastest round: nothing is faster. */
  readonly gflops: number;
  /** That one: neurons and steps that fma_throughput holds in registers. */
  readonly blocking: Blocking;
  /** Bytes read and bytes written, of arrays too large for the caches. The fastest round. */
  readonly gbs: number;
  /** Bytes of each of the two arrays. */
  readonly copyBytes: number;
}

type Blocking = { readonly R: number; readonly U: number };

/** Register blockings of fma_throughput that are tried. */
const BLOCKINGS: readonly Blocking[] = [{ R: 2, U: 16 }, FMA_BLOCKING, { R: 8, U: 8 }];
/** Enough workgroups to fill any adapter. */
const INVOCATIONS = 1 << 18;
/** Five times the last-level cache of an H100, more than that of any CPU seen. */
const COPY_BYTES = 256 * 1024 * 1024;
const QUICK_COPY_BYTES = 64 * 1024 * 1024;

/** Nothing but multiply-adds between registers: a step, and the operations it has. */
export async function multiplyAdds(
  gpu: Gpu,
  blocking: Blocking,
  scope: Scope,
): Promise<{ readonly steps: readonly Step[]; readonly flop: number }> {
  const output = scope.use(gpu.array('fma ceiling', INVOCATIONS));
  const count = gpu.adapter.software ? INVOCATIONS / 16 : INVOCATIONS;
  // Long enough for launch and loop overhead to vanish, short enough for one submit: 20 ms on a CPU, microseconds on a GPU.
  const rounds = gpu.adapter.software ? 128 : 512;
  const step = await fmaThroughput(gpu, { output, count, rounds, scale: 0.5, shift: 1, blocking });
  return { steps: [step], flop: 8 * blocking.R * blocking.U * rounds * count };
}

/** @throws the signal's reason when aborted; GpuError when the device fails */
export async function measureCeilings(
  gpu: Gpu,
  { quick = false, ...options }: TimingOptions & { readonly quick?: boolean } = {},
): Promise<Ceilings> {
  const scope = new Scope();
  try {
    const chains = await Promise.all(BLOCKINGS.map((blocking) => multiplyAdds(gpu, blocking, scope)));
    const fma = await timeSteps(
      gpu,
      chains.map(({ steps }) => steps),
      options,
    );
    const rates = chains.map(({ flop }, at) => flop / fma[at]!.min / 1e9);
    const gflops = Math.max(...rates);
    const blocking = BLOCKINGS[rates.indexOf(gflops)]!;
    const length = Math.min(gpu.maxArrayLength, (quick ? QUICK_COPY_BYTES : COPY_BYTES) / 4);
    const quads = Math.floor(length / 4);
    const input = scope.use(gpu.array('copy source', 4 * quads));
    const copied = scope.use(gpu.array('copy', 4 * quads));
    const [copy] = await timeSteps(gpu, [[await copyQuads(gpu, { input, output: copied, count: quads })]], options);
    return { gflops, blocking, gbs: (32 * quads) / copy!.min / 1e9, copyBytes: 16 * quads };
  } finally {
    scope.dispose();
  }
}
