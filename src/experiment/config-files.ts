// The files that a configuration names, wherever in it they stand: what has to be there for it to run, and what moves with it.

import type { DataConfig, ExperimentConfig, InitConfig } from './types';

/** The keys of `data` that name a file or, as `dir`, a folder. */
const DATA_KEYS = new Set(['dir', 'images', 'labels', 'testImages', 'testLabels', 'x', 'y', 'testX', 'testY']);
const INIT_KEYS = new Set(['W', 'b', 'a']);

/** The configuration with every path in it put through `rename`, which is told the path's key, too. */
export function renameFiles(config: ExperimentConfig, rename: (path: string, key: string) => string): ExperimentConfig {
  const all = <T extends object>(record: T, keys: { has(key: string): boolean }): T =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => [
        key,
        keys.has(key) && typeof value === 'string' ? rename(value, key) : value,
      ]),
    ) as T;
  const init = <T extends { readonly init?: InitConfig }>(section: T): T =>
    section.init ? { ...section, init: all(section.init, INIT_KEYS) } : section;
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

/** The path of every file that the configuration names. Those that lie in a folder, `data.dir`, it does not name. */
export function configFiles(config: ExperimentConfig): string[] {
  const paths: string[] = [];
  renameFiles(config, (path, key) => {
    if (key !== 'dir') paths.push(path);
    return path;
  });
  return paths;
}
