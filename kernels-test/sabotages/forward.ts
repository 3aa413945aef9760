import { checkForward, checkMarginFault, checkMarginSummary, checkOutputResidual } from '../checks/forward';
import type { Sabotages } from './sabotage';

const forwardSubgroup = checkForward({ shape: [33, 17, 33], slope: 0.25, variant: 'subgroup' });
const forwardTiled = checkForward({ shape: [33, 17, 33], slope: 0.25, variant: 'tiled' });
const residual = checkOutputResidual({ n: 65, words: 4, start: 31, loss: 'logistic', size: 4 });

export const FORWARD: Sabotages = {
  forward_subgroup: [
    {
      what: 'the last input left out',
      from: 'k0 + u < params.d)',
      to: 'k0 + u + 1u < params.d)',
      check: forwardSubgroup,
    },
    {
      what: 'h >= 0',
      from: '> vec4f(0.0)',
      to: '>= vec4f(0.0)',
      check: checkForward({ shape: [65, 17, 33], slope: 0.25, variant: 'subgroup', exact: true }),
    },
    { what: 'bias forgotten', from: 'packed + params.d * Q', to: 'packed', check: forwardSubgroup },
    {
      what: 'weights of the first panel',
      from: 'group.y * (params.d + 1u) * Q',
      to: '0u',
      check: checkForward({ shape: [65, 64, 101], slope: 0, variant: 'subgroup' }),
    },
    { what: 'no guard of the samples', from: 'sample + c < n', to: 'sample + c < n + 4u', check: forwardSubgroup },
    {
      what: 'slope on the wrong side',
      from: 'select(params.slope * h, h, positive)',
      to: 'select(h, params.slope * h, positive)',
      check: forwardSubgroup,
    },
  ],
  forward_tiled: [
    { what: 'bias forgotten', from: '+ bias[d * m + unit]', to: '+ 0.0 * bias[d * m + unit]', check: forwardTiled },
    {
      what: 'h >= 0',
      from: '> vec4f(0.0)',
      to: '>= vec4f(0.0)',
      check: checkForward({ shape: [65, 17, 33], slope: 0.25, variant: 'tiled', exact: true }),
    },
    { what: 'inputs past d', from: 'if (k < d)', to: 'if (k <= d)', check: forwardTiled },
    { what: 'the last tile not multiplied', from: 'k0 < d + STEP', to: 'k0 < d', check: forwardTiled },
    { what: 'neurons past m', from: 'if (unit < m) {', to: 'if (true) {', check: forwardTiled },
    { what: 'no guard of the samples', from: 'first + c < n', to: 'first + c < n + 4u', check: forwardTiled },
  ],
  margin_summary: [
    {
      what: 'naive logarithm',
      from: 'log1p_series(exp_minus(abs(z)))',
      to: 'log(1.0 + exp_minus(abs(z)))',
      check: checkMarginSummary([15], 'logistic'),
    },
    {
      what: 'unstable softplus',
      from: /max\(-z, 0\.0\) \+ log1p_series\(exp_minus\(abs\(z\)\)\)/,
      to: 'log(1.0 + exp(-z))',
      check: checkMarginSummary([-1e4, 1], 'logistic'),
    },
    {
      what: 'zero counts as right',
      from: 'z > 0.0)',
      to: 'z >= 0.0)',
      check: checkMarginSummary([1, 0, -1], 'identity'),
    },
    { what: 'sign', from: 'loss -= z', to: 'loss += z', check: checkMarginSummary([1, 2], 'identity') },
    {
      what: 'the last of the sums left out',
      from: 't < params.root; t++',
      to: 't + 1u < params.root; t++',
      check: checkMarginSummary(
        Array.from({ length: 300 }, (_, i) => i - 99),
        'identity',
      ),
    },
    {
      what: 'an infinite margin is worth 0',
      from: '== 0x7f800000u',
      to: '== 0x7fffffffu',
      check: checkMarginFault(Infinity, 'logistic'),
    },
  ],
  output_residual: [
    { what: 'sign', from: '= -y * slope', to: '= y * slope', check: residual },
    { what: 'labels of another block', from: 'labels[at]', to: 'labels[i]', check: residual },
    { what: 'no guard', from: 'i >= params.n', to: 'i >= params.n + 1u', check: residual },
    { what: 'sigma of the wrong side', from: 'z >= 0.0) / ', to: 'z < 0.0) / ', check: residual },
  ],
};
