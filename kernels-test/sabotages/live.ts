import { checkBackgroundDot, checkLiveProduct, checkPackLive } from '../checks/live';
import { checkLiveColumns } from '../checks/live-columns';
import type { Sabotages } from './sabotage';

const packed = checkPackLive({ steps: 21, rows: 76, height: 32, first: 8 });
const plain = checkPackLive({ steps: 21, rows: 76, height: 32, how: 'plain', first: 4 });
const product = checkLiveProduct({ steps: 300, rows: 108, columns: 76, height: 32 });
const above = { steps: 50, rows: 17, columns: 100, height: 16, accumulate: true } as const;
const columns = checkLiveColumns({ ...above, columnsAbove: 'background', empty: 1 });
const chosen = checkLiveColumns({ ...above, rowsOf: 40 });
const dot = checkBackgroundDot({ panels: 3, steps: 17, outputFirst: 5 });

export const LIVE: Sabotages = {
  pack_live_subgroup: [
    { what: 'not where it begins', from: 'params.first + ', to: '', check: packed },
    { what: 'panels in a row', from: '* params.panel + row', to: '* 8u + row', check: packed },
    { what: 'rows of the next step', from: '+ k * params.stride', to: '+ (k + 1u) * params.stride', check: plain },
    { what: 'rows past the last', from: 'row >= params.rows', to: 'row > params.rows', check: plain },
    { what: 'the background kept', from: 'vec4f(input[at]) - ground', to: 'vec4f(input[at])', check: packed },
    { what: 'nothing left out', from: 'live = live || any', to: 'live = true || any', check: packed },
    {
      what: 'the last quad not looked at',
      from: 'q < params.height &&',
      to: 'q + 1u < params.height &&',
      check: packed,
    },
    { what: 'a step past the last', from: ' && k0 + lane < params.steps', to: '', check: packed },
    { what: 'steps over each other', from: 'count + subgroupExclusiveAdd', to: 'subgroupExclusiveAdd', check: packed },
    { what: 'not counted', from: 'f32(count)', to: '0.0', check: packed },
    { what: 'heads without their counts', from: 'p * (params.steps + 1u)', to: 'p * params.steps', check: packed },
    { what: 'another step', from: 'vec4f(f32(k)', to: 'vec4f(f32(k0)', check: packed },
    {
      what: 'texels in rows of another length',
      from: 'at % 8192u, at / 8192u), quad',
      to: 'at % 4096u, at / 4096u), quad',
      check: product,
    },
  ],
  background_dot: [
    { what: 'the offset forgotten', from: 'var sum = params.offset', to: 'var sum = 0.0', check: dot },
    { what: 'a step too few', from: 'k < params.steps', to: 'k + 1u < params.steps', check: dot },
    { what: 'panels in a row', from: '(p * params.steps + k)', to: '(p + k)', check: dot },
    { what: 'one input for all', from: 'background[k]', to: 'background[0]', check: dot },
    { what: 'not where the output begins', from: 'params.output_first + p', to: 'p', check: dot },
  ],
};

/** Of matmul_subgroup where it leaves steps out. */
export const LIVE_PRODUCT = [
  { what: 'the columns shares forgotten', from: '+ of_columns', to: '+ 0.0 * of_columns', check: product },
  {
    what: 'the columns shares of the first',
    from: 'params.columns_first + 4u * inside',
    to: 'params.columns_first',
    check: product,
  },
  {
    what: 'a step too few',
    from: 'steps = min(u32(quad_of_a(head).x), params.steps)',
    to: 'steps = min(u32(quad_of_a(head).x), params.steps) - 1u',
    check: product,
  },
  { what: 'the head of the first panel', from: '+ group.y * (params.steps + 1u)', to: '', check: product },
  {
    what: 'steps as they come',
    from: 'of_b = column + u32(subgroupShuffle(live.x, u))',
    to: 'of_b = column + step',
    check: product,
  },
  { what: 'b with its background', from: 'g = subgroupShuffle(live.y, u)', to: 'g = 0.0', check: product },
];

/** Of matmul_subgroup where columns leave steps out, or rows are chosen. */
export const LIVE_COLUMNS_PRODUCT = [
  // A panel without steps keeps none: one fewer would be all there are.
  {
    what: 'columns: a step too few',
    from: 'u32(b[b_head].x)',
    to: 'max(u32(b[b_head].x), 1u) - 1u',
    check: columns,
  },
  {
    what: 'columns: the first panel',
    from: 'group.x * S / 8u * params.steps * 8u + inside % 8u',
    to: 'inside % 8u',
    check: columns,
  },
  {
    what: 'columns: quads of all panels in a row',
    from: '* params.steps * 8u + inside % 8u',
    to: '* params.steps * 8u + inside',
    check: columns,
  },
  {
    what: 'columns: the head of the first panel',
    from: ' + group.x * S / 8u * (params.steps + 1u)',
    to: '',
    check: columns,
  },
  { what: 'columns: the step before', from: 'b[b_head + 1u + min', to: 'b[b_head + min', check: columns },
  {
    what: 'columns: steps of a as they come',
    from: 'of_a = u32(subgroupShuffle(live.x, u))',
    to: 'of_a = step',
    check: columns,
  },
  {
    what: 'columns: steps of b as in a',
    from: 'b_panel + step * 8u',
    to: 'b_panel + of_a * 8u',
    check: columns,
  },
  { what: 'rows as they come', from: 'if (CHOSEN == 1u)', to: 'if (false)', check: chosen },
  {
    what: 'all rows where the first goes',
    from: 'row * params.bias_stride + 1u',
    to: '1u',
    check: chosen,
  },
  { what: 'rows by their bias', from: 'row * params.bias_stride + 1u', to: 'row * params.bias_stride', check: chosen },
];
