// The tests of the tests: each kernel is broken on purpose, in memory, in the ways kernels break (one off, wrong sign, a
// guard missing, an index transposed), and the check that passes on the real shader must fail on the broken one.

import { describe, expect, test } from 'vitest';
import { type MatmulVariant, subgroupLanes } from '../../src/kernels/variant';
import type { Check } from '../checks/case';
import {
  checkAdd,
  checkPanels,
  checkRandom,
  checkRowCosine,
  checkShiftRows,
  checkSignAgreement,
  checkTranspose,
  checkUnpackBytes,
} from '../checks/data';
import { checkForward, checkMarginSummary, checkOutputResidual } from '../checks/forward';
import { checkGramIdentity, checkSignMask, checkSums } from '../checks/gram';
import { checkGramCoefficients, checkGramOutputs } from '../checks/gram-epoch';
import { checkMatmul } from '../checks/matmul';
import { checkMirror } from '../checks/mirror';
import { checkInputGradient, checkPerturb, checkSpanCoefficients } from '../checks/perturbation';
import {
  checkPhiSampled,
  checkPhiTile,
  checkPlaneCoordinates,
  checkPlanePrediction,
  checkSquaredNorms,
} from '../checks/theory';
import { checkMomentumUpdate, checkPlateau, checkWeightGradient, TORCH } from '../checks/training';
import { useEngine, withShaders } from '../helpers';

interface Sabotage {
  /** What is broken. */
  readonly what: string;
  readonly from: string | RegExp;
  readonly to: string;
  readonly check: Check;
}

const forwardSubgroup = checkForward({ shape: [33, 17, 33], slope: 0.25, variant: 'subgroup' });
const forwardTiled = checkForward({ shape: [33, 17, 33], slope: 0.25, variant: 'tiled' });
const gradientSubgroup = checkWeightGradient({
  shape: [33, 7, 33],
  splits: 2,
  start: 64,
  part: 3,
  variant: 'subgroup',
});
const gradientTiled = checkWeightGradient({ shape: [33, 7, 33], splits: 2, start: 64, part: 3, variant: 'tiled' });
const residual = checkOutputResidual({ n: 65, words: 4, start: 31, loss: 'logistic', size: 4 });
const l2 = checkPerturb({ kind: 'l2', n: 65, d: 31, size: 0.03, start: 7 });
const linf = checkPerturb({ kind: 'linf', n: 65, d: 31, size: 0.03, start: 7 });
const l0 = checkPerturb({ kind: 'l0', n: 65, d: 31, k: 4, size: 0.03, start: 7, ties: true });
const bits = checkRandom({ kind: 'bits', rows: 3, cols: 21, ld: 24, seed: 2 ** 40 + 1, offset: 2 ** 34 - 18 });
const normal = checkRandom({ kind: 'normal', rows: 5, cols: 101, ld: 104, seed: 7, scale: 0.5 });
// 33 samples and many neurons: flips of all numbers at once, in a shader that compiles fast.
const gram = checkGramIdentity({
  n: 33,
  m: 20,
  slope: 0.25,
  momentum: 0.9,
  parts: [
    { lr: 0.1, chunks: [8, 24] },
    { lr: 0.02, chunks: [16] },
  ],
  recuts: [[[32], [5, 11]]],
  leftovers: [0, 1, 2, 3],
});
/** Matmuls that each need a part of its contract. */
const products = (variant: MatmulVariant) => ({
  product: checkMatmul({ variant, steps: 31, rows: 33, columns: 36, outputFirst: 8, scale: 3 }),
  samples: checkMatmul({ variant, steps: 33, rows: 33, columns: 64, a: 'panels', b: 'panels' }),
  part: checkMatmul({ variant, steps: 9, rows: 33, columns: 36, firsts: [5, 8], outputStride: 44, accumulate: true }),
  upper: checkMatmul({ variant, steps: 3, rows: 193, columns: 256, triangle: { row: 63, column: 0 } }),
});
const { product, samples, part, upper } = products('subgroup');
const tiled = products('tiled');
const span = checkSpanCoefficients({ n: 101, m: 65, slope: 0.25, variant: 'tiled', first: 64, start: 96 });
const across = checkMirror({ ld: 104, source: { start: 4, rows: 36 }, destination: { start: 64, rows: 28 } });
const within = checkMirror({ ld: 48, source: { start: 4, rows: 36 } });
const stored = checkSignMask({ n: 33, m: 33, ld: 64, group: 17, first: 5 });
const columns = checkSums({ rows: 33, cols: 64, of: 'columns', ld: 70, first: 3, outputFirst: 5, accumulate: true });
const outputs = checkGramOutputs({ n: 65, m: 33, slope: 0.25, variant: 'tiled', start: 7 });
const coefficients = checkGramCoefficients({ n: 65, m: 33, slope: 0.25, variant: 'tiled', start: 7 });
const pairs = checkPhiTile({ rows: 31, columns: 33, d: 7, slope: 0.25, start: 5 });
const nearPairs = checkPhiTile({ rows: 13, columns: 29, d: 37, slope: 0.25, points: { near: 1e-3 } });
const shortPairs = checkPhiTile({ rows: 17, columns: 31, d: 33, slope: 0, scale: 1e-3 });
const sampled = checkPhiSampled({ rows: 31, columns: 33, draws: 70, slope: 0.25, start: 3 });
const predictions = checkPlanePrediction({ n: 31, count: 65, d: 7, slope: 0.25 });
const flat = (count: number) => new Array<number>(count).fill(1);

const SABOTAGES: Record<string, Sabotage[]> = {
  add: [
    { what: 'sign', from: 'b[at] += params.scale', to: 'b[at] -= params.scale', check: checkAdd(65) },
    { what: 'no guard', from: 'at < params.count', to: 'at < params.count + 1u', check: checkAdd(65) },
    { what: 'one too few', from: 'at < params.count', to: 'at + 1u < params.count', check: checkAdd(65) },
  ],
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
    { what: 'no guard of the samples', from: 'sample + c < n', to: 'sample + c < n + 4u', check: forwardSubgroup },
    {
      what: 'slope on the wrong side',
      from: 'select(params.slope * h, h, positive)',
      to: 'select(h, params.slope * h, positive)',
      check: forwardSubgroup,
    },
  ],
  forward_tiled: [
    { what: 'bias forgotten', from: '+ weights[d * m + j]', to: '', check: forwardTiled },
    {
      what: 'h >= 0',
      from: '> vec4f(0.0)',
      to: '>= vec4f(0.0)',
      check: checkForward({ shape: [65, 17, 33], slope: 0.25, variant: 'tiled', exact: true }),
    },
    { what: 'weights past d', from: 'k < params.d && j < params.m', to: 'j < params.m', check: forwardTiled },
    { what: 'neurons past m', from: 'if (j < m) {', to: 'if (true) {', check: forwardTiled },
    { what: 'no guard of the samples', from: 'first + c < n', to: 'first + c < n + 4u', check: forwardTiled },
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
  gram_identity_subgroup: [
    {
      what: 'sign of the step',
      from: 'let moved = value - params.lr * (b * (1.0 - power)',
      to: 'let moved = value + params.lr * (b * (1.0 - power)',
      check: gram,
    },
    { what: 'sign of C', from: '+ at] -= params.lr', to: '+ at] += params.lr', check: gram },
    {
      what: 'one epoch too far',
      from: 'let advance = min(p, rest);',
      to: 'let advance = min(p + 1u, rest);',
      check: gram,
    },
    { what: 'a flip found one epoch late', from: 'return high;\n', to: 'return high + 1u;\n', check: gram },
    {
      what: 'the turn of H overlooked',
      from: 'if (power > 0.0 && power < 1.0)',
      to: 'if (false)',
      // Long enough for samples to come back.
      check: checkGramIdentity({
        n: 33,
        m: 40,
        slope: 0,
        momentum: 0.9,
        parts: [
          { lr: 0.1, chunks: [12] },
          { lr: 0.1001, chunks: [300] },
        ],
      }),
    },
    { what: 'no guard of the stores', from: /if \(i < params\.n\) \{/, to: 'if (true) {', check: gram },
    { what: 'samples past n flip', from: /&& e \* S \+ lane < params\.n\) \{/g, to: ') {', check: gram },
    { what: 'settling forgotten at a flip', from: 'settle(i, row, t, before, s[e], a_j);', to: '', check: gram },
    {
      what: 'settling with the derivative after the flip',
      from: 'settle(i, row, t, before, s[e], a_j);',
      to: 'settle(i, row, t, now, s[e], a_j);',
      check: gram,
    },
    {
      what: 'settling forgotten at the end',
      from: 'settle(i, row, end, derivative(h[e]), s[e], a_j);',
      to: '',
      check: gram,
    },
    {
      what: 'flips by four dropped',
      from: /apply_four\(rows, steps, lane\);\s*held = 0u;/,
      to: 'held = 0u;',
      check: gram,
    },
    {
      what: 'two and three flips dropped',
      from: /apply_four\(rows, steps, lane\);\s*\}\s*\}\s*for/,
      to: '}\n}\nfor',
      check: gram,
    },
    { what: 'a single flip dropped', from: 'drift[e] += steps.x *', to: 'drift[e] += 0.0 *', check: gram },
    { what: 'steps of the last four kept', from: 'steps = vec4f(0.0);\n        }', to: '}', check: gram },
    { what: 'rows of K by n', from: 'rows[held] = i * params.ld;', to: 'rows[held] = i * params.n;', check: gram },
    {
      what: 'slope forgotten',
      from: 'select(params.slope, 1.0, value > 0.0)',
      to: 'select(0.0, 1.0, value > 0.0)',
      check: gram,
    },
    { what: 'losses of the chunk before', from: 'max(params.start, t) - t', to: '0u', check: gram },
    { what: 'the last loss left out', from: 'q < min(p, rest)', to: 'q + 1u < min(p, rest)', check: gram },
    { what: 'losses without the readout', from: '= a_j * (sum_h', to: '= (sum_h', check: gram },
    { what: 'state at the end of every chunk', from: 'params.sync == 0u || ', to: '', check: gram },
    { what: 'the clock of the chunk', from: 'clock[j] = t;', to: 'clock[j] = end;', check: gram },
    {
      what: 'settling one epoch too far',
      from: 'u32(state[5u * plane + row + at]);\n  let p = t - since;',
      to: 'u32(state[5u * plane + row + at]);\n  let p = t - since + 1u;',
      check: gram,
    },
  ],
  gram_outputs: [
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
      from: 'if (first + r < n)',
      to: 'if (true)',
      check: checkInputGradient({ shape: [33, 7, 33], slope: 0.25, variant: 'tiled' }),
    },
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
  ],
  matmul_subgroup: [
    { what: 'the last step left out', from: 'k0 + u <= last)', to: 'k0 + u < last)', check: product },
    {
      what: 'the last step twice',
      from: /k0 < params\.steps;([\s\S]*?), k0 \+ u <= last\)/,
      to: 'k0 <= params.steps;$1, true)',
      check: product,
    },
    { what: 'bias forgotten', from: 'start[f] = bias[', to: 'start[f] = 0.0 * bias[', check: product },
    { what: 'the bias of row 0', from: 'row * params.bias_stride', to: '0u', check: product },
    { what: 'scale forgotten', from: 'params.scale * acc[r]', to: 'acc[r]', check: product },
    { what: 'sign', from: 'params.scale * acc[r]', to: '-params.scale * acc[r]', check: product },
    { what: 'not where the output begins', from: 'params.output_first + first', to: 'first', check: product },
    { what: 'rows of as many columns', from: /params\.output_stride/g, to: 'params.quads', check: part },
    { what: 'not where a begins', from: 'params.a_first + ', to: '', check: part },
    { what: 'not where b begins', from: 'params.b_first + ', to: '', check: part },
    { what: 'what was there overwritten', from: 'acc[r] += output', to: 'acc[r] += 0.0 * output', check: part },
    { what: 'one too much left out', from: '* S * 4u) <=', to: '* S * 4u) - 1 <=', check: upper },
    { what: 'nothing left out', from: '* S * 4u) <=', to: '* S * 400u) <=', check: upper },
    { what: 'no guard of the columns', from: 'if (quad < params.quads)', to: 'if (true)', check: product },
    { what: 'panels of a in a row', from: '* params.a_panel + row', to: '* 32u + row', check: samples },
    { what: 'panels of b in a row', from: '* params.b_panel + inside', to: '* 8u + inside', check: samples },
  ],
  matmul_tiled: [
    { what: 'a step past the last', from: 'if (k < params.steps)', to: 'if (k <= params.steps)', check: tiled.product },
    { what: 'half of the steps', from: 'step < STEP', to: 'step < STEP / 2u', check: tiled.product },
    {
      what: 'operands exchanged',
      from: 'a_tile[step * 16u + down]',
      to: 'a_tile[step * 16u + across]',
      check: tiled.product,
    },
    { what: 'bias forgotten', from: 'vec4f(bias[', to: 'vec4f(0.0 * bias[', check: tiled.product },
    {
      what: 'bias of the row loaded',
      from: 'min(first + r, params.rows',
      to: 'min(across * 4u + r, params.rows',
      check: tiled.product,
    },
    { what: 'scale forgotten', from: 'params.scale * acc[r]', to: 'acc[r]', check: tiled.product },
    { what: 'not where the output begins', from: 'params.output_first + (first', to: '(first', check: tiled.product },
    { what: 'no guard of the rows', from: 'first + r < params.rows && ', to: '', check: tiled.product },
    { what: 'no guard of the columns', from: ' && quad < params.quads', to: '', check: tiled.product },
    { what: 'panels of a in a row', from: '* params.a_panel + row', to: '* 32u + row', check: tiled.samples },
    { what: 'panels of b in a row', from: '* params.b_panel + inside', to: '* 8u + inside', check: tiled.samples },
    { what: 'rows of as many columns', from: '* params.output_stride', to: '* params.quads', check: tiled.part },
    { what: 'not where a begins', from: 'params.a_first + ', to: '', check: tiled.part },
    { what: 'not where b begins', from: 'params.b_first + ', to: '', check: tiled.part },
    { what: 'what was there overwritten', from: 'value += output', to: 'value += 0.0 * output', check: tiled.part },
    { what: 'one too much left out', from: '* TILE) <=', to: '* TILE) - 1 <=', check: tiled.upper },
    { what: 'nothing left out', from: '* TILE) <=', to: '* TILE * 100u) <=', check: tiled.upper },
  ],
  mirror_across: [
    { what: 'blocks not turned', from: 'transpose(mat4x4f(', to: '(mat4x4f(', check: across },
    { what: 'source from its first column', from: 'params.destination_start + r', to: 'r', check: across },
    { what: 'into the first column', from: 'params.source_start + c', to: 'c', check: across },
    { what: 'two rows exchanged', from: '= turned[2]', to: '= turned[1]', check: across },
    { what: 'no guard of the rows read', from: ' || c * 4u >= params.source_rows', to: '', check: across },
    { what: 'no guard of the rows written', from: 'r * 4u >= params.destination_rows || ', to: '', check: across },
  ],
  mirror_within: [
    { what: 'the upper half from the lower one', from: 'c > r)', to: 'c < r)', check: within },
    { what: 'blocks not turned', from: 'transpose(upper)', to: 'upper', check: within },
    { what: 'the diagonal blocks left', from: 'c > r)', to: 'c >= r)', check: within },
    {
      what: 'half of a diagonal block',
      from: 'vec4f(turned[3].xyz',
      to: 'vec4f(turned[3].xy, upper[3].z',
      check: within,
    },
    { what: 'from its first column', from: /params\.start \+ /g, to: '', check: within },
    { what: 'no guard', from: 'r * 4u >= params.rows || ', to: '', check: within },
  ],
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
  output_residual: [
    { what: 'sign', from: '= -y * slope', to: '= y * slope', check: residual },
    { what: 'labels of another block', from: 'labels[at]', to: 'labels[i]', check: residual },
    { what: 'no guard', from: 'i >= params.n', to: 'i >= params.n + 1u', check: residual },
    { what: 'sigma of the wrong side', from: 'z >= 0.0) / ', to: 'z < 0.0) / ', check: residual },
  ],
  panels: [
    { what: 'row length d', from: 'i * params.ld + k', to: 'i * params.d + k', check: checkPanels(33, 5) },
    { what: 'padding not zero', from: 'if (i < params.n) {', to: 'if (true) {', check: checkPanels(33, 5) },
    {
      what: 'panels one too many',
      from: 'panel * 32u >= params.n',
      to: 'panel * 32u >= params.n + 32u',
      check: checkPanels(32, 3),
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
  philox_fill: [
    { what: 'nine rounds', from: 'round < 10u', to: 'round < 9u', check: bits },
    { what: 'carry lost', from: 'select(0u, 1u, low < params.block_low)', to: '0u', check: bits },
    { what: 'seed cut to 32 bits', from: 'params.seed_low, params.seed_high', to: 'params.seed_low, 0u', check: bits },
    { what: 'padding not zero', from: 'raw[at] = 0u;', to: 'raw[at] = 1u;', check: bits },
    {
      what: 'the built-in logarithm to 11 bits',
      from: 'natural_log(1.0 - unit(pair))',
      to: 'natural_log(1.0 - unit(pair)) * 1.0005',
      check: normal,
    },
    { what: 'sine and cosine swapped', from: 'direction[part & 1u]', to: 'direction[1u - (part & 1u)]', check: normal },
  ],
  phi_sampled: [
    { what: 'the last word lost', from: 'word < params.words', to: 'word + 1u < params.words', check: sampled },
    { what: 'one for both', from: 'countOneBits(p ^ q)', to: 'countOneBits(p | q)', check: sampled },
    {
      what: 'slope once',
      from: '* (f32(either) + params.slope * neither)',
      to: '* (f32(either) + neither)',
      check: sampled,
    },
    {
      what: 'bits of the rows by columns',
      from: 'word * params.rows + k',
      to: 'word * params.columns + k',
      check: sampled,
    },
    { what: 'labels of another block', from: 'params.start + k', to: 'k', check: sampled },
    { what: 'no guard of the columns', from: ' || i >= params.columns', to: '', check: sampled },
    {
      what: 'no guard of the rows',
      from: 'k >= params.rows || ',
      to: '',
      check: checkPhiSampled({ rows: 33, columns: 7, draws: 32, slope: 0 }),
    },
  ],
  phi_tile: [
    { what: 'near pairs from products', from: 'apart <= NEAR', to: 'apart < -1.0 + 0.0 * NEAR', check: nearPairs },
    {
      what: 'equal pairs from products',
      from: 'apart <= NEAR',
      to: 'apart < -1.0 + 0.0 * NEAR',
      check: checkPhiTile({ rows: 13, columns: 29, d: 37, slope: 0, points: 'equal' }),
    },
    { what: 'a quad of the differences lost', from: 'q < params.quads', to: 'q + 1u < params.quads', check: nearPairs },
    { what: 'the lean forgotten', from: '(gap * b - lean * lean)', to: 'gap * b', check: nearPairs },
    {
      what: 'the 1 of the bias back in',
      from: 'apart + (a * b - c * c);',
      to: '(1.0 + a) * (1.0 + b) - (1.0 + c) * (1.0 + c);',
      check: shortPairs,
    },
    {
      what: 'the built-in arc tangent to 11 bits',
      from: 'params.gain * angle',
      to: 'params.gain * angle * 1.0005',
      check: pairs,
    },
    { what: 'theta for pi - theta', from: 'cosine > 0.0)', to: 'cosine < 0.0)', check: pairs },
    { what: 'the octant forgotten', from: '0.785398163 + series', to: 'series', check: pairs },
    { what: 'no factor 1 / d', from: 'tile[at] * params.inverse_d', to: 'tile[at]', check: pairs },
    { what: 'slope forgotten', from: 'params.slope + params.gain', to: 'params.gain', check: pairs },
    { what: 'labels of another block', from: 'params.start + k', to: 'k', check: pairs },
    { what: 'labels of the points', from: 'params.start + k', to: 'params.start + i', check: pairs },
    { what: 'no guard of the columns', from: ' || i >= params.columns', to: '', check: pairs },
    {
      what: 'no guard of the rows',
      from: 'k >= params.rows || ',
      to: '',
      check: checkPhiTile({ rows: 33, columns: 31, d: 20, slope: 0, ld: 40 }),
    },
  ],
  plane_coordinates: [
    { what: 'axes exchanged', from: 'vec4f(e, f,', to: 'vec4f(f, e,', check: checkPlaneCoordinates({ n: 31, d: 7 }) },
    {
      what: 'a quad lost',
      from: /q < params\.quads/g,
      to: 'q + 1u < params.quads',
      check: checkPlaneCoordinates({ n: 31, d: 7 }),
    },
    {
      what: 'the distance by Pythagoras',
      from: /squares \+= off \* off;\s*\}/,
      to: 'squares += x[first + q] * x[first + q];\n  }\n  squares.x -= e * e + f * f;',
      check: checkPlaneCoordinates({ n: 64, d: 101, off: 1e-3 }),
    },
    { what: 'no guard', from: 'i >= params.n', to: 'i > params.n', check: checkPlaneCoordinates({ n: 31, d: 7 }) },
  ],
  plane_prediction: [
    { what: 'the last sample left out', from: 'i < params.n', to: 'i + 1u < params.n', check: predictions },
    {
      what: 'the distance from the plane forgotten',
      from: '(place.z + dot(gap, gap))',
      to: 'dot(gap, gap)',
      check: predictions,
    },
    { what: 'the cross product forgotten', from: ' + cross * cross', to: '', check: predictions },
    { what: 'no root', from: 'sqrt(params.inverse_d * square)', to: 'params.inverse_d * square', check: predictions },
    { what: 'no slope', from: '(params.slope + params.gain', to: '(params.gain', check: predictions },
    { what: 'scale forgotten', from: 'params.scale * sum', to: 'sum', check: predictions },
    {
      what: 'products instead of squares',
      from: '(place.z + dot(gap, gap))',
      to: '(place.z + dot(place.xy, place.xy) + norm - 2.0 * dot(place.xy, z))',
      check: checkPlanePrediction({ n: 1, count: 63, d: 2, slope: 0, on: true }),
    },
    { what: 'no guard', from: 'at >= params.count', to: 'at > params.count', check: predictions },
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
  row_cosine: [
    { what: 'one norm forgotten', from: '* sqrt(total(bb))', to: '', check: checkRowCosine({ n: 31, d: 7, scale: 1 }) },
    {
      what: 'a quad lost',
      from: /q < params\.quads/g,
      to: 'q + 1u < params.quads',
      check: checkRowCosine({ n: 31, d: 7, scale: 1 }),
    },
    {
      what: 'no scaling by the largest',
      from: '/ scale_a',
      to: '',
      check: checkRowCosine({ n: 31, d: 7, scale: 1e-30 }),
    },
    { what: 'no guard', from: 'i >= params.n', to: 'i > params.n', check: checkRowCosine({ n: 31, d: 7, scale: 1 }) },
  ],
  shift_rows: [
    {
      what: 'padding moved too',
      from: 'at % params.ld < params.d',
      to: 'true',
      check: checkShiftRows({ n: 31, d: 7, ld: 8, start: 33, shift: 0.3 }),
    },
    {
      what: 'labels of another block',
      from: 'params.start + i',
      to: 'i',
      check: checkShiftRows({ n: 31, d: 7, ld: 8, start: 33, shift: 0.3 }),
    },
  ],
  sign_agreement: [
    {
      what: 'zeros agree with positives',
      from: 'sign(f[i]) == sign(g[i])',
      to: '(f[i] >= 0.0) == (g[i] >= 0.0)',
      check: checkSignAgreement(257, 3),
    },
    {
      what: 'the count before overwritten',
      from: 'count[0] += same',
      to: 'count[0] = same',
      check: checkSignAgreement(257, 3),
    },
    { what: 'an invocation lost', from: 't < 256u', to: 't < 255u', check: checkSignAgreement(5003, 0) },
  ],
  sign_mask: [
    { what: 'h >= 0', from: '> 0.0)', to: '>= 0.0)', check: stored },
    { what: 'bits one off', from: '1u << r', to: '2u << r', check: stored },
    { what: 'neurons past m', from: 'j < params.m && ', to: '', check: stored },
    { what: 'rows of n', from: 'j * params.ld', to: 'j * params.n', check: stored },
    { what: 'not where h begins', from: 'params.first + j', to: 'j', check: stored },
    { what: 'no guard', from: 'word >= params.words', to: 'word > params.words', check: stored },
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
  squared_norms: [
    {
      what: 'a quad lost',
      from: 'q < params.quads',
      to: 'q + 1u < params.quads',
      check: checkSquaredNorms({ n: 63, d: 7 }),
    },
    {
      what: 'scale forgotten',
      from: 'params.scale * (',
      to: '(',
      check: checkSquaredNorms({ n: 63, d: 7, scale: 0.25 }),
    },
    { what: 'no guard', from: 'i >= params.n', to: 'i > params.n', check: checkSquaredNorms({ n: 63, d: 7 }) },
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
    { what: 'what was there overwritten', from: '== 1u)', to: '== 2u)', check: columns },
    { what: 'sign', from: 'sum += input', to: 'sum -= input', check: columns },
    {
      what: 'no guard',
      from: 'e >= params.count',
      to: 'e > params.count',
      check: checkSums({ rows: 33, cols: 65, of: 'columns' }),
    },
  ],
  transpose: [
    {
      what: 'padding not zero',
      from: 'row0 + local.y < params.rows && ',
      to: '',
      check: checkTranspose({ rows: 17, cols: 33, outputLd: 20 }),
    },
    {
      what: 'tile not transposed',
      from: 'tile[local.x][local.y]',
      to: 'tile[local.y][local.x]',
      check: checkTranspose({ rows: 17, cols: 33 }),
    },
    {
      what: 'no guard of the rows',
      from: 'col0 + local.y < params.cols && ',
      to: '',
      check: checkTranspose({ rows: 17, cols: 33 }),
    },
  ],
  unpack_bytes: [
    {
      what: 'bytes in reverse',
      from: '8u * (byte % 4u)',
      to: '24u - 8u * (byte % 4u)',
      check: checkUnpackBytes({ rows: 7, cols: 31, ld: 32, scale: 1, subtract: 0.5 }),
    },
    {
      what: 'padding not zero',
      from: 'col < params.cols',
      to: 'true',
      check: checkUnpackBytes({ rows: 7, cols: 31, ld: 32, scale: 1, subtract: 0.5 }),
    },
    {
      what: 'no guard',
      from: 'row >= params.rows',
      to: 'row > params.rows',
      check: checkUnpackBytes({ rows: 7, cols: 31, ld: 32, scale: 1, subtract: 0.5 }),
    },
  ],
  weight_gradient_subgroup: [
    { what: 'the last sample of a split lost', from: 'i0 + u < end', to: 'i0 + u + 1u < end', check: gradientSubgroup },
    { what: 'no end of a split', from: 'min(n, begin + params.step)', to: 'n', check: gradientSubgroup },
    { what: 'residuals of another block', from: 'params.start + i', to: 'i', check: gradientSubgroup },
    { what: 'the first part overwritten', from: 'params.part + group.z', to: 'group.z', check: gradientSubgroup },
    { what: 'bits one off', from: '(r % G)) & 1u', to: '(r % G + 1u)) & 1u', check: gradientSubgroup },
  ],
  weight_gradient_tiled: [
    {
      what: 'the last sample of a split counted twice',
      from: 'if (i < end)',
      to: 'if (i <= end)',
      check: gradientTiled,
    },
    { what: 'no bias', from: 'select(value, vec4f(1.0), bias)', to: 'value', check: gradientTiled },
    { what: 'residuals of another block', from: 'params.start + i', to: 'i', check: gradientTiled },
    {
      what: 'no guard of the words',
      from: 'if (word < params.words)',
      to: 'if (true)',
      check: checkWeightGradient({ shape: [33, 7, 65], variant: 'tiled' }),
    },
  ],
};

const bound = useEngine();

for (const [name, list] of Object.entries(SABOTAGES)) {
  describe(`${name}, broken`, () => {
    test.for(list)('$what', async ({ from, to, check }, { skip }) => {
      if (name.endsWith('_subgroup') && subgroupLanes(bound.gpu) === null)
        skip('the adapter has no subgroups of a fixed size');
      let changed = false;
      using broken = withShaders(bound.gpu, (shader) => {
        if (shader.name !== name) return shader.code;
        const code = shader.code.replace(from, to);
        changed ||= code !== shader.code;
        return code;
      });
      const error = await check(broken).then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      // The text to break moved: adapt it here.
      expect(changed, `${name}.wgsl does not contain ${String(from)}`).toBe(true);
      expect(error, 'the broken shader passed').toBeInstanceOf(Error);
      // Found by its results, not because it no longer compiles.
      expect(`${error!.name}: ${error!.message}`).not.toMatch(/did not compile|GpuValidationError/);
    });
  });
}

test('the checks pass on the shaders as they are, through the same path', async () => {
  using same = withShaders(bound.gpu, (shader) => shader.code);
  await gradientTiled(same);
  await forwardTiled(same);
  await l0(same);
  await normal(same);
});
