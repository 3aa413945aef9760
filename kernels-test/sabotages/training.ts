import { checkMomentumUpdate, checkPlateau, checkWeightGradient, TORCH } from '../checks/training';
import type { Sabotages } from './sabotage';

const gradientSubgroup = checkWeightGradient({
  shape: [33, 7, 33],
  splits: 2,
  start: 64,
  part: 3,
  variant: 'subgroup',
});
const gradientTiled = checkWeightGradient({ shape: [33, 7, 33], splits: 2, start: 64, part: 3, variant: 'tiled' });
const flat = (count: number) => new Array<number>(count).fill(1);

export const TRAINING: Sabotages = {
  momentum_update: [
    {
      what: 'sign of the step',
      from: 'weights[e] -=',
      to: 'weights[e] +=',
      check: checkMomentumUpdate({ d: 31, m: 33, parts: 3, slope: 0.25, variant: 'tiled' }),
    },
    {
      what: 'the next rate',
      from: 'state[0] * v',
      to: 'state[1] * v',
      check: checkMomentumUpdate({ d: 31, m: 33, parts: 3, slope: 0.25, variant: 'tiled' }),
    },
    {
      what: 'a part lost',
      from: 'p < params.parts',
      to: 'p + 1u < params.parts',
      check: checkMomentumUpdate({ d: 31, m: 33, parts: 3, slope: 0.25, variant: 'tiled' }),
    },
    {
      what: 'no guard',
      from: 'e >= params.count',
      to: 'e >= params.count + 1u',
      check: checkMomentumUpdate({ d: 31, m: 33, parts: 3, slope: 0.25, variant: 'tiled' }),
    },
  ],
  plateau: [
    {
      what: 'patience N - 1',
      from: '> f32(params.patience)',
      to: '>= f32(params.patience)',
      check: checkPlateau({ losses: flat(13) }),
    },
    {
      what: 'the rate moves in the same epoch',
      from: 'state[0] = lr;',
      to: 'state[0] = state[1] * 0.5;',
      check: checkPlateau({ losses: flat(13) }),
    },
    {
      what: 'the count goes on',
      from: /state\[3\] = 0\.0;\s*\}\s*\}\s*$/,
      to: '}\n}\n',
      check: checkPlateau({ losses: flat(30) }),
    },
    {
      what: 'no smallest change',
      from: 'lr - lower > 1e-8',
      to: 'true',
      check: checkPlateau({ losses: flat(4), lr: 1.05e-8, schedule: { ...TORCH, patience: 0 } }),
    },
  ],
  weight_gradient_subgroup: [
    { what: 'the last sample of a split lost', from: 'mine < end)', to: 'mine + 1u < end)', check: gradientSubgroup },
    { what: 'no end of a split', from: 'min(n, begin + params.step)', to: 'n', check: gradientSubgroup },
    { what: 'residuals of another block', from: 'params.start + min(mine', to: 'min(mine', check: gradientSubgroup },
    { what: 'the first part overwritten', from: 'params.part + group.z', to: 'group.z', check: gradientSubgroup },
    { what: 'a neuron not stored', from: 'r < params.height', to: 'r + 1u < params.height', check: gradientSubgroup },
    { what: 'bits one off', from: '& (1u << (r % G))', to: '& (1u << (r % G + 1u))', check: gradientSubgroup },
    {
      what: 'bits of the first word',
      from: 'subgroupShuffle(words[(w * U + u) / S], (w * U + u) % S)',
      to: 'subgroupShuffle(words[u / S], u % S)',
      check: gradientSubgroup,
    },
  ],
  weight_gradient_tiled: [
    {
      what: 'the last sample of a split counted twice',
      from: 'if (sample < end) {',
      to: 'if (sample <= end) {',
      check: gradientTiled,
    },
    { what: 'no bias', from: 'select(value[j], vec4f(1.0), bias)', to: 'value[j]', check: gradientTiled },
    { what: 'residuals of another block', from: 'params.start + sample', to: 'sample', check: gradientTiled },
    {
      what: 'no guard of the words',
      from: 'if (word < params.words)',
      to: 'if (true)',
      check: checkWeightGradient({ shape: [33, 7, 65], variant: 'tiled' }),
    },
  ],
};
