import { checkInputGradient, checkPerturb, checkSpanCoefficients } from '../checks/perturbation';
import type { Sabotages } from './sabotage';

const l2 = checkPerturb({ kind: 'l2', n: 65, d: 31, size: 0.03, start: 7 });
const linf = checkPerturb({ kind: 'linf', n: 65, d: 31, size: 0.03, start: 7 });
const l0 = checkPerturb({ kind: 'l0', n: 65, d: 31, k: 4, size: 0.03, start: 7, ties: true });
const span = checkSpanCoefficients({ n: 101, m: 65, slope: 0.25, variant: 'tiled', first: 64, start: 96 });

export const PERTURBATION: Sabotages = {
  input_gradient: [
    {
      what: 'bits of the next neuron',
      from: '>> b) & 1u',
      to: '>> (b + 1u)) & 1u',
      check: checkInputGradient({ shape: [33, 7, 33], slope: 0.25, variant: 'tiled' }),
    },
    {
      what: 'slope forgotten',
      from: '+ params.slope * whole',
      to: '',
      check: checkInputGradient({ shape: [33, 7, 33], slope: 0.25, variant: 'tiled' }),
    },
    {
      what: 'no guard of the samples',
      from: 'min(params.height, n - first)',
      to: 'params.height',
      check: checkInputGradient({ shape: [33, 7, 33], slope: 0.25, variant: 'tiled' }),
    },
  ],
  perturb_l0: [
    { what: 'ties from the right, all kept', from: 'equal--;', to: '', check: l0 },
    { what: 'one too many', from: 'params.k - above', to: 'params.k + 1u - above', check: l0 },
    { what: 'sign', from: 'params.size * targets', to: '-params.size * targets', check: l0 },
  ],
  perturb_l2: [
    { what: 'sign', from: 'params.size * targets', to: '-params.size * targets', check: l2 },
    {
      what: 'a column lost in the norm',
      from: 'squares.x + squares.y + squares.z + squares.w',
      to: 'squares.x + squares.y + squares.z',
      check: l2,
    },
    {
      what: 'no scaling by the largest',
      from: /gradient\[first \+ q\] \/ most/g,
      to: 'gradient[first + q]',
      check: checkPerturb({ kind: 'l2', n: 7, d: 31, size: 0.1, scale: 1e-30 }),
    },
    { what: 'targets of another block', from: 'targets[params.start + i]', to: 'targets[i]', check: l2 },
    { what: 'coefficients of another block', from: 'coefficient[params.start + i]', to: 'coefficient[i]', check: l2 },
    { what: 'coefficients of the scaled row', from: 'factor / most, most', to: 'factor, most', check: l2 },
  ],
  perturb_linf: [
    { what: 'sign', from: '= params.size', to: '= -params.size', check: linf },
    { what: 'no guard', from: 'at < params.n * params.quads', to: 'at <= params.n * params.quads', check: linf },
    { what: 'targets by element', from: 'at / params.quads]', to: 'at]', check: linf },
  ],
  span_coefficients: [
    { what: 'bits of the next neuron', from: '>> b) & 1u', to: '>> (b + 1u)) & 1u', check: span },
    {
      what: 'slope on the wrong side',
      from: 'select(params.slope, 1.0, on)',
      to: 'select(1.0, params.slope, on)',
      check: span,
    },
    { what: 'masks from the first sample', from: 'params.first + i', to: 'i', check: span },
    { what: 'coefficients of another block', from: 'params.start + i', to: 'i', check: span },
    { what: 'padding not zero', from: 'i < params.count', to: 'i < params.ld', check: span },
    { what: 'readout of the word', from: 'readout[neuron + b]', to: 'readout[b]', check: span },
    { what: 'rows of as many samples', from: '(neuron + b) * params.ld', to: '(neuron + b) * params.n', check: span },
    { what: 'neurons past m', from: 'min(params.group, params.m - neuron)', to: 'params.group', check: span },
    {
      what: 'no guard',
      from: 'neuron >= params.m',
      to: 'false',
      check: checkSpanCoefficients({ n: 1, m: 1, slope: 0, variant: 'tiled', ld: 1 }),
    },
  ],
};
