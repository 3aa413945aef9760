import { checkCopy, checkFma } from '../checks/ceilings';
import type { Sabotages } from './sabotage';

const steps = checkFma({ count: 65, rounds: 3, R: 2, U: 2 });

export const CEILINGS: Sabotages = {
  fma_throughput: [
    { what: 'a round too few', from: 'round < params.rounds', to: 'round + 1u < params.rounds', check: steps },
    {
      what: 'one chain only',
      from: 'for (var r = 0u; r < R; r++) {\n        x',
      to: 'for (var r = 0u; r < 1u; r++) {\n        x',
      check: steps,
    },
    { what: 'every chain the same', from: 'at % 32u + r', to: 'at % 32u', check: steps },
    { what: 'a product that folds', from: 'vec4f(params.scale)', to: 'vec4f(1.0)', check: steps },
    { what: 'no guard', from: 'at < params.count', to: 'at < params.count + 1u', check: steps },
  ],
  copy_quads: [
    { what: 'one too few', from: 'at < params.count', to: 'at + 1u < params.count', check: checkCopy(65) },
    { what: 'no guard', from: 'at < params.count', to: 'at < params.count + 1u', check: checkCopy(65) },
    { what: 'a component lost', from: '= input[at]', to: '= input[at].xyzz', check: checkCopy(65) },
  ],
};
