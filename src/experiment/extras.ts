// What a run may be asked for beyond its metrics: the theory's part, and looks on the way; and what to say where one diverges.
// Loaded at need.

export { explainDivergence } from './divergence';
export { mapOf, mapPlane, predict } from './theory';
export { Watcher } from './watcher';
