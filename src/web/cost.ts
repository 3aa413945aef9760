// What an experiment costs, told before it runs.

import type { BenchShape } from '../bench/cases';
import { adapter } from './engine';
import { config } from './setup';

/** Multiply-adds a second that a software adapter does about (measured: shared/adapters.md), and a small GPU. */
const PACE = { software: 2e9, hardware: 2e11 } as const;
const LONG_SECONDS = 60;

/** Samples and inputs, where the configuration alone tells. */
function shape(): { readonly n: number; readonly d: number } | undefined {
  const data = config.value?.data;
  if (data?.kind === 'glyphs') return { n: data.n, d: data.size ** 2 };
  return data && (data.kind === 'gauss' || data.kind === 'shifted-gauss') ? { n: data.n, d: data.d } : undefined;
}

/** Of the experiment set up: samples, inputs and neurons, where the configuration alone tells. */
export function shapeSetUp(): BenchShape | undefined {
  const size = shape();
  return size && config.value ? { ...size, m: config.value.network.width } : undefined;
}

/** A warning where the experiment set up will take long on this device, or needs much memory. */
export function gpuText(): string | undefined {
  const size = shape();
  if (!config.value || !size) return undefined;
  const { network, standard, learning } = config.value;
  const operations = 2 * size.n * size.d * network.width * (standard.epochs + learning.epochs);
  const seconds = operations / (adapter.value?.software === false ? PACE.hardware : PACE.software);
  const bytes = 3 * 4 * size.n * size.d;
  const parts = [];
  if (seconds > LONG_SECONDS) {
    const minutes = seconds / 60;
    parts.push(
      `This may take ${minutes < 90 ? `${Math.ceil(minutes)} minutes` : `${Math.ceil(minutes / 60)} hours`} on this device.`,
    );
  }
  if (bytes > 2 ** 30) parts.push(`It needs at least ${(bytes / 2 ** 30).toFixed(1)} GiB of GPU memory.`);
  return parts.length > 0 ? parts.join(' ') : undefined;
}
