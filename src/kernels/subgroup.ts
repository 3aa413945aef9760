// The shaders of the variant `subgroup`, which adapters on the CPU run, and what is recorded with them alone: loaded by who runs it.

export { forwardSubgroup } from './generated/forward-subgroup';
export { matmulSubgroup } from './generated/matmul-subgroup';
export { mirrorImage } from './generated/mirror-image';
export { packRows } from './generated/pack-rows';
export { weightGradientSubgroup } from './generated/weight-gradient-subgroup';
export { packLive } from './live';
