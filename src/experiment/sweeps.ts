// perturb-gpu/sweep: grids of experiments.

export { type Cell, type Combination, expandSweep, type Sweep } from './sweep';
export { type Axis, type Grid, parseGrid } from './sweep-grid';
export { planSweep, type SweepPlan } from './sweep-plan';
export { type CellOutcome, rowsOf, type SweepRow, type SweepSummary, summarise } from './sweep-results';
export { type CellHandlers, runCells } from './sweep-run';
