// `perturb devices`: what could be run on, what would be, and why not the others.

import Table from 'cli-table3';
import { toJson } from '../experiment/artifacts';
import { GpuUnavailableError } from '../gpu/errors';
import { describeFailure } from './failure';
import type { AdapterListing, CliIo, Disposable, Services } from './io';

function verdict(adapter: AdapterListing): string {
  if (adapter.chosen) return 'taken by default';
  if (adapter.usable) return `usable with --device${adapter.reason ? `; ${adapter.reason}` : ''}`;
  return `not usable: ${adapter.reason ?? 'no reason known'}`;
}

/** What could not be opened could not be asked either. */
function computesOn(adapter: AdapterListing): string {
  if (!adapter.usable && !adapter.software) return 'unknown';
  return adapter.software ? 'the CPU' : 'a GPU';
}

function table(adapters: readonly AdapterListing[], width: number): string {
  const columns = [0.36, 0.14, 0.14].map((share) => Math.floor(share * width));
  const rest = width - columns.reduce((sum, column) => sum + column, 0) - 5;
  const result = new Table({
    head: ['adapter', 'backend', 'computes on', 'use'],
    colWidths: [...columns, Math.max(20, rest)],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const adapter of adapters) {
    // Of a driver's path the file name says enough; --json has all of it.
    const driver = (adapter.driver || adapter.description).split('/').at(-1);
    const name = driver && driver !== adapter.name ? `${adapter.name}\n${driver}` : adapter.name;
    result.push([name, adapter.backend, computesOn(adapter), verdict(adapter)]);
  }
  return result.toString();
}

/** Throws GpuUnavailableError, after the list, when none of it can be used. */
export async function devicesCommand<E extends Disposable>(
  args: { readonly json?: boolean },
  services: Services<E>,
  io: CliIo,
): Promise<void> {
  const adapters = await services.listAdapters();
  io.signal.throwIfAborted();
  const none = adapters.some(({ usable }) => usable)
    ? undefined
    : new GpuUnavailableError(
        adapters.length === 0 ? 'There is no GPU adapter on this machine.' : 'None of the adapters can be used.',
        'Install a GPU driver with Vulkan, Metal or D3D12, or the software adapter that the README names.',
      );
  if (args.json) {
    // One document holds both: the error is thrown below as well, for stderr and the exit code.
    io.stdout.write(toJson({ adapters, ...(none ? { error: describeFailure(none, false) } : {}) }));
  } else if (adapters.length > 0) {
    io.stdout.write(`${table(adapters, Math.min(120, io.stdout.columns ?? 100))}\n`);
  }
  if (none) throw none;
}
