// Numbers and devices as people write them.

import type { ExperimentResult } from '../experiment/types';

/** A share of 1. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** How Phi came about, where that was not in closed form. */
export function estimatedPhi({ config: { theory } }: Pick<ExperimentResult, 'config'>): string {
  return theory.phi === 'exact' ? '' : `, Phi estimated from ${theory.phi.draws} drawn neurons`;
}

export function seconds(value: number): string {
  if (value >= 100) return `${Math.floor(Math.round(value) / 60)} min ${Math.round(value) % 60} s`;
  return `${value.toFixed(value < 10 ? 2 : 1)} s`;
}

export function bytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`;
}

/** The adapter in words. */
export function deviceText({ device }: Pick<ExperimentResult, 'device'>): string {
  const details = [device.vendor, device.architecture, device.backend].filter((part) => part !== '').join(', ');
  const name = `${device.name}${details === '' ? '' : ` (${details})`}`;
  return device.software ? `${name}\nA software adapter: it computes on the CPU, much slower than a GPU would.` : name;
}
