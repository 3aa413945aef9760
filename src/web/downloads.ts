// What a run leaves, as files that the command line and numpy read.

import { encodeNpz } from '../data/npz';
import { resultArtifacts, toJson } from '../experiment/artifacts';
import { resolvedJson } from '../experiment/config';
import type { ExperimentConfig, ExperimentResult } from '../experiment/types';

export interface Download {
  readonly name: string;
  readonly about: string;
  make(): Promise<Uint8Array> | Uint8Array;
}

/** The configuration alone: `perturb run config.json`. */
export const configDownload = (config: ExperimentConfig): Download => ({
  name: 'config.json',
  about: 'the setup, for perturb run',
  make: () => new TextEncoder().encode(toJson(resolvedJson(config))),
});

/** Files of a finished run. */
export function resultDownloads(result: ExperimentResult): Download[] {
  const artifact = (name: string) => resultArtifacts(result).find((each) => each.name === name)!.bytes;
  const arrays = Object.keys(result.arrays);
  return [
    { name: 'result.json', about: 'what was measured', make: () => artifact('result.json') },
    { name: 'history.npz', about: 'loss and learning rate of every epoch', make: () => artifact('history.npz') },
    ...(arrays.length > 0
      ? [
          {
            name: 'arrays.npz',
            about: `${arrays.length} arrays: ${arrays.join(', ')}`,
            make: () => encodeNpz(result.arrays),
          },
        ]
      : []),
    {
      name: 'perturb-result.zip',
      about: 'all of it, a result directory for perturb map',
      make: async () => {
        const { zipSync } = await import('fflate');
        const files = resultArtifacts(result).map(({ name, bytes }) => [name, bytes] as const);
        // Weights and perturbations hardly shrink: storing is faster by far.
        return zipSync(Object.fromEntries(files), { level: 0 });
      },
    },
  ];
}

/** Hands a file to the browser to save. */
export async function save({ name, make }: Download): Promise<void> {
  const url = URL.createObjectURL(new Blob([(await make()) as Uint8Array<ArrayBuffer>]));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
