// Names of files in a configuration are relative to the configuration. One that is written to another folder has to name
// them from there, or it could not be run again.

import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { DataConfig, ExperimentConfig, InitConfig } from '../experiment/types';

/** The keys of `data` that name a file or a folder. */
const DATA_KEYS = new Set(['dir', 'images', 'labels', 'testImages', 'testLabels', 'x', 'y', 'testX', 'testY']);

/** The configuration with the relative names in it, which are relative to the folder `from`, made relative to `to`. */
export function rebaseFiles(config: ExperimentConfig, from: string, to: string): ExperimentConfig {
  const rebase = (path: string) =>
    isAbsolute(path) ? path : relative(to, resolve(from, path)).split(sep).join('/') || '.';
  const all = <T extends object>(record: T, keys: { has(key: string): boolean }): T =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => [
        key,
        keys.has(key) && typeof value === 'string' ? rebase(value) : value,
      ]),
    ) as T;
  const init = <T extends { readonly init?: InitConfig }>(section: T): T =>
    section.init ? { ...section, init: all(section.init, new Set(['W', 'b', 'a'])) } : section;
  const { phi } = config.theory;
  return {
    ...config,
    data: all<DataConfig>(config.data, DATA_KEYS),
    standard: init(config.standard),
    learning: init(config.learning),
    theory: phi === 'exact' ? config.theory : { ...config.theory, phi: init(phi) },
    perturbation: all(config.perturbation, new Set(['targets'])),
  };
}
