import { checkLabelSums, checkSignMask, checkSums } from '../checks/gram';
import { checkGramCoefficients, checkGramOutputs } from '../checks/gram-epoch';
import type { Sabotages } from './sabotage';

const stored = checkSignMask({ n: 33, m: 33, ld: 64, group: 17, first: 5, maskFirst: 9 });
const columns = checkSums({ rows: 33, cols: 64, of: 'columns', ld: 70, first: 3, outputFirst: 5, accumulate: true });
const outputs = checkGramOutputs({ n: 65, m: 33, slope: 0.25, variant: 'tiled', start: 7 });
const coefficients = checkGramCoefficients({ n: 65, m: 33, slope: 0.25, variant: 'tiled', start: 7 });

const labels = checkLabelSums({ n: 37, vectors: 2, pieces: 3 });

export const GRAM: Sabotages = {
  label_sums: [
    { what: 'classes exchanged', from: 'min(s, 0.0)', to: 'max(s, 0.0)', check: labels },
    { what: 'the other class forgotten', from: 'max(s, 0.0) * row', to: '0.0 * row', check: labels },
    { what: 'labels from the first row on', from: '(params.start + k) / 4u', to: 'k / 4u', check: labels },
    { what: 'the first label vector', from: 'params.vector * params.quads + ', to: '', check: labels },
    { what: 'pieces not added up', from: 'params.accumulate == 1u', to: 'false', check: labels },
    {
      what: 'the last row left out',
      from: 'k < params.rows',
      to: 'k + 1u < params.rows',
      check: checkLabelSums({ n: 32 }),
    },
    {
      what: 'both classes in one row',
      from: 'sources[at + params.quads] = positive',
      to: 'sources[at] = positive',
      check: labels,
    },
    { what: 'no guard', from: 'q >= params.quads', to: 'false', check: checkLabelSums({ n: 1 }) },
  ],
  gram_coefficients: [
    { what: 'sign of the step', from: 'coefficients[e] -=', to: 'coefficients[e] +=', check: coefficients },
    { what: 'the next rate', from: 'state[0] * v', to: 'state[1] * v', check: coefficients },
    { what: 'bits one off', from: 'bits >> (j - first)', to: 'bits >> (j - first + 1u)', check: coefficients },
    { what: 'slope forgotten', from: 'select(params.slope, 1.0', to: 'select(0.0, 1.0', check: coefficients },
    { what: 'residuals of another block', from: 'residual[params.start + i]', to: 'residual[i]', check: coefficients },
    { what: 'columns of another block', from: '+ params.start + i;', to: '+ i;', check: coefficients },
    { what: 'rows of n', from: 'j * params.ld', to: 'j * params.n', check: coefficients },
    { what: 'momentum forgotten', from: 'params.momentum * velocity[e] + ', to: '', check: coefficients },
    { what: 'velocity not kept', from: 'velocity[e] = v;', to: 'velocity[e] = velocity[e];', check: coefficients },
    { what: 'no guard of the samples', from: 'i >= params.n', to: 'i > params.n', check: coefficients },
    { what: 'neurons past m', from: /min\((first \+ params\.group), params\.m\)/, to: '($1)', check: coefficients },
  ],
  gram_outputs: [
    { what: 'without the biases', from: ' + h[params.bias * params.m + j]', to: '', check: outputs },
    { what: 'biases of the first sample', from: 'params.bias * params.m', to: '0u * params.m', check: outputs },
    { what: 'h >= 0', from: 'value > 0.0', to: 'value >= 0.0', check: outputs },
    { what: 'bits one off', from: '1u << (j - first)', to: '2u << (j - first)', check: outputs },
    {
      what: 'slope on the wrong side',
      from: 'select(params.slope * value, value, positive)',
      to: 'select(value, params.slope * value, positive)',
      check: outputs,
    },
    { what: 'readout of the word before', from: 'readout[j]', to: 'readout[j - first]', check: outputs },
    { what: 'samples of another block', from: '(params.start + i) * params.m', to: 'i * params.m', check: outputs },
    { what: 'no guard of the samples', from: 'i >= params.n', to: 'i > params.n', check: outputs },
    { what: 'neurons past m', from: /min\((first \+ params\.group), params\.m\)/, to: '($1)', check: outputs },
    { what: 'the last neuron left out', from: 'min(first', to: 'min(first - 1u', check: outputs },
  ],
  sign_mask: [
    { what: 'h >= 0', from: '> 0.0)', to: '>= 0.0)', check: stored },
    { what: 'bits one off', from: '1u << r', to: '2u << r', check: stored },
    { what: 'neurons past m', from: 'j < params.m && ', to: '', check: stored },
    { what: 'rows of n', from: 'j * params.ld', to: 'j * params.n', check: stored },
    { what: 'not where the mask begins', from: 'params.mask_first + ', to: '', check: stored },
    { what: 'not where h begins', from: 'params.first + j', to: 'j', check: stored },
    { what: 'no guard', from: 'word >= params.words', to: 'word > params.words', check: stored },
  ],
  strided_sums: [
    { what: 'the last term left out', from: 'k < params.steps', to: 'k + 1u < params.steps', check: columns },
    {
      what: 'axes exchanged',
      from: 'e * params.outer + k * params.inner',
      to: 'e * params.inner + k * params.outer',
      check: columns,
    },
    { what: 'not where the input begins', from: 'params.first + e', to: 'e', check: columns },
    { what: 'not where the output begins', from: 'params.output_first + e', to: 'e', check: columns },
    {
      what: 'what was there added last',
      from: /var sum = (select\(.*\));([\s\S]*)= sum;/,
      to: 'var sum = 0.0;$2= sum + $1;',
      check: columns,
    },
    { what: 'what was there overwritten', from: '== 1u)', to: '== 2u)', check: columns },
    { what: 'sign', from: 'sum += input', to: 'sum -= input', check: columns },
    {
      what: 'no guard',
      from: 'e >= params.count',
      to: 'e > params.count',
      check: checkSums({ rows: 33, cols: 65, of: 'columns' }),
    },
  ],
};
