import type { MatmulVariant } from '../../src/kernels/variant';
import { checkMatmul } from '../checks/matmul';
import { checkMirror, checkMirrorImage } from '../checks/mirror';
import { LIVE_COLUMNS_PRODUCT, LIVE_PRODUCT } from './live';
import type { Sabotages } from './sabotage';

/** Matmuls that each need a part of its contract. */
const products = (variant: MatmulVariant) => ({
  product: checkMatmul({ variant, steps: 31, rows: 33, columns: 36, outputFirst: 8, scale: 3 }),
  samples: checkMatmul({ variant, steps: 33, rows: 33, columns: 64, a: 'panels', b: 'panels' }),
  part: checkMatmul({ variant, steps: 9, rows: 33, columns: 36, firsts: [5, 8], outputStride: 44, accumulate: true }),
  upper: checkMatmul({ variant, steps: 3, rows: 193, columns: 256, triangle: { row: 63, column: 0 } }),
});
const { product, samples, part, upper } = products('subgroup');
const tiled = products('tiled');
const matrix = checkMatmul({ variant: 'tiled', matrix: true, half: true, steps: 31, rows: 33, columns: 36, scale: 3 });
const across = checkMirror({ ld: 104, source: { start: 4, rows: 36 }, destination: { start: 64, rows: 28 } });
const within = checkMirror({ ld: 48, source: { start: 4, rows: 36 } });
const image = checkMirrorImage({ ld: 100, stride: 104, start: 36, height: 28 });

export const MATMUL: Sabotages = {
  matmul_subgroup: [
    { what: 'the last step left out', from: 'k0 + u <= last)', to: 'k0 + u < last)', check: product },
    {
      what: 'the last step twice',
      from: /k0 < steps;([\s\S]*?), k0 \+ u <= last\)/,
      to: 'k0 <= steps;$1, true)',
      check: product,
    },
    { what: 'bias forgotten', from: 'start[f] = bias[', to: 'start[f] = 0.0 * bias[', check: product },
    { what: 'the bias of row 0', from: 'row * params.bias_stride', to: '0u', check: product },
    { what: 'scale forgotten', from: '*= params.scale', to: '*= 1.0', check: product },
    { what: 'sign', from: '*= params.scale', to: '*= -params.scale', check: product },
    {
      what: 'no guard of the rows',
      from: 'min(params.height, params.rows - first)',
      to: 'params.height',
      check: product,
    },
    { what: 'a row not stored', from: 'r < min(params.height', to: 'r + 1u < min(params.height', check: upper },
    { what: 'not where the output begins', from: 'params.output_first + quad', to: 'quad', check: product },
    { what: 'rows of as many columns', from: /params\.output_stride/g, to: 'params.quads', check: part },
    { what: 'the first panel of a', from: 'group.y * params.steps', to: '0u * params.steps', check: part },
    { what: 'not where b begins', from: 'params.b_first + ', to: '', check: part },
    { what: 'what was there overwritten', from: 'kept[r] += output', to: 'kept[r] += 0.0 * output', check: part },
    { what: 'one too much left out', from: '* S * 4u) <=', to: '* S * 4u) - 1 <=', check: upper },
    { what: 'nothing left out', from: '* S * 4u) <=', to: '* S * 400u) <=', check: upper },
    { what: 'no guard of the columns', from: 'if (quad < params.quads)', to: 'if (true)', check: product },
    { what: 'panels of b in a row', from: '* params.b_panel + inside', to: '* 8u + inside', check: samples },
    ...LIVE_PRODUCT,
    ...LIVE_COLUMNS_PRODUCT,
  ],
  matmul_tiled: [
    { what: 'a step past the last', from: 'if (k < params.steps)', to: 'if (k <= params.steps)', check: tiled.product },
    { what: 'half of the steps', from: 'step < STEP', to: 'step < STEP / 2u', check: tiled.product },
    {
      what: 'operands exchanged',
      from: '(step * RA + i) * 16u + down',
      to: '(step * RA + i) * 16u + across',
      check: tiled.product,
    },
    { what: 'bias forgotten', from: 'let start = bias[', to: 'let start = 0.0 * bias[', check: tiled.product },
    {
      what: 'the last tile not multiplied',
      from: 'k0 < params.steps + STEP',
      to: 'k0 < params.steps',
      check: tiled.product,
    },
    {
      what: 'bias of the row loaded',
      from: 'min(top + (i * 16u + down) * 4u',
      to: 'min(top + (i * 16u + across) * 4u',
      check: tiled.product,
    },
    { what: 'scale forgotten', from: 'params.scale * acc[(i', to: 'acc[(i', check: tiled.product },
    { what: 'not where the output begins', from: 'params.output_first + row', to: 'row', check: tiled.product },
    { what: 'no guard of the rows', from: 'row < params.rows && ', to: '', check: tiled.product },
    { what: 'no guard of the columns', from: ' && quad < params.quads', to: '', check: tiled.product },
    { what: 'panels of a in a row', from: '* params.a_panel + row', to: '* 32u + row', check: tiled.samples },
    { what: 'panels of b in a row', from: '* params.b_panel + inside', to: '* 8u + inside', check: tiled.samples },
    { what: 'rows of as many columns', from: '* params.output_stride', to: '* params.quads', check: tiled.part },
    { what: 'not where a begins', from: 'params.a_first + ', to: '', check: tiled.part },
    { what: 'not where b begins', from: 'params.b_first + ', to: '', check: tiled.part },
    { what: 'what was there overwritten', from: 'value += output', to: 'value += 0.0 * output', check: tiled.part },
    { what: 'one too much left out', from: '* 64u * RB) <=', to: '* 64u * RB) - 1 <=', check: tiled.upper },
    { what: 'nothing left out', from: '* 64u * RB) <=', to: '* 6400u * RB) <=', check: tiled.upper },
  ],
  matmul_matrix: [
    { what: 'a step past the last', from: 'if (k < params.steps)', to: 'if (k <= params.steps)', check: matrix },
    { what: 'operands not turned', from: 'col_major', to: 'row_major', check: matrix },
    { what: 'bias forgotten', from: 'vec4f(start)', to: 'vec4f(0.0)', check: matrix },
    { what: 'no guard of the rows', from: 'r < params.rows && ', to: '', check: matrix },
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
  mirror_image: [
    { what: 'blocks not turned', from: 'transpose(mat4x4f(', to: '(mat4x4f(', check: image },
    { what: 'the first columns', from: /params\.start \+ r\)/, to: 'r)', check: image },
    { what: 'two rows exchanged', from: '= turned[2]', to: '= turned[1]', check: image },
    { what: 'rows too close', from: '* 4u * params.stride', to: '* 4u * (params.stride - 1u)', check: image },
    { what: 'no guard of the rows', from: 'r >= params.height || ', to: '', check: image },
    { what: 'no guard of the columns', from: ' || c >= params.start', to: '', check: image },
  ],
};
