// What reads the files of a configuration; loaded when one names any.

export { loadInit } from './init';
export { loadTargets } from './labels';
export { loadDataset } from './load';
