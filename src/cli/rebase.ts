// Names of files in a configuration are relative to the configuration. One that is written to another folder has to name
// them from there, or it could not be run again.

import { isAbsolute, relative, resolve, sep } from 'node:path';
import { renameFiles } from '../experiment/config-files';
import type { ExperimentConfig } from '../experiment/types';

/** The configuration with the relative names in it, which are relative to the folder `from`, made relative to `to`. */
export const rebaseFiles = (config: ExperimentConfig, from: string, to: string): ExperimentConfig =>
  renameFiles(config, (path) =>
    isAbsolute(path) ? path : relative(to, resolve(from, path)).split(sep).join('/') || '.',
  );
