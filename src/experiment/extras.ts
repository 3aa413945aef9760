// What a run may be asked for beyond its metrics: the theory's part, and looks on the way. Loaded when it is.

export { mapOf, mapPlane, predict } from './theory';
export { Watcher } from './watcher';
