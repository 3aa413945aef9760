import {
  checkAdd,
  checkHalve,
  checkPackRows,
  checkPanels,
  checkRandom,
  checkRowCosine,
  checkShiftRows,
  checkSignAgreement,
  checkTranspose,
  checkUnpackBytes,
} from '../checks/data';
import { checkForward } from '../checks/forward';
import type { Sabotages } from './sabotage';

const bits = checkRandom({ kind: 'bits', rows: 3, cols: 21, ld: 24, seed: 2 ** 40 + 1, offset: 2 ** 34 - 18 });
const normal = checkRandom({ kind: 'normal', rows: 5, cols: 101, ld: 104, seed: 7, scale: 0.5 });

const overflow = checkHalve(Float32Array.from([1, -2, 1e5, -1e9, 3, Infinity, 65504, 7, 5]));

const packed = checkPackRows({ steps: 5, rows: 70, height: 30, how: 'transposed', first: 3, around: [1, 2] });

export const DATA: Sabotages = {
  add: [
    { what: 'scale forgotten', from: 'params.scale * ', to: '', check: checkAdd(65, -0.5) },
    { what: 'sign', from: 'b[at] += params.scale', to: 'b[at] -= params.scale', check: checkAdd(65) },
    { what: 'no guard', from: 'at < params.count', to: 'at < params.count + 1u', check: checkAdd(65) },
    { what: 'one too few', from: 'at < params.count', to: 'at + 1u < params.count', check: checkAdd(65) },
  ],
  halve: [
    { what: 'not counted', from: 'lost++;', to: '', check: overflow },
    { what: 'infinity passes', from: 'size > bitcast<u32>(LARGEST)', to: 'size > INFINITY_BITS', check: overflow },
    { what: 'sign lost', from: 'clamp(value, -LARGEST', to: 'clamp(value, 0.0', check: overflow },
    { what: 'a quad too few', from: '(params.count + 3u) / 4u', to: 'params.count / 4u', check: overflow },
    { what: 'past the end not zero', from: 'at < params.count', to: 'true', check: overflow },
    { what: 'normal not marked', from: 'marks |= 1u', to: 'marks |= 0u', check: overflow },
    { what: 'tiny not marked', from: 'marks |= 2u', to: 'marks |= 0u', check: checkHalve(Float32Array.of(1e-6, 0)) },
    { what: 'zero is tiny', from: 'size > 0u', to: 'true', check: checkHalve(Float32Array.of(0, 0, 0, 0)) },
  ],
  pack_rows: [
    { what: 'not where it begins', from: 'params.first + ', to: '', check: packed },
    { what: 'panels in a row', from: '* params.panel + row', to: '* 32u + row', check: packed },
    { what: 'rows of the next panel', from: 'q * 4u + c < R && ', to: '', check: packed },
    { what: 'rows past the last', from: ' && row < params.rows', to: '', check: packed },
    { what: 'not at its step', from: 'params.out_step + k', to: 'k', check: packed },
    { what: 'as many steps', from: 'p * params.out_steps', to: 'p * params.steps', check: packed },
    { what: 'panels one too many', from: 'p * R >= params.rows', to: 'p * R >= params.rows + R', check: packed },
    {
      what: 'texels in rows of another length',
      from: 'at % 8192u, at / 8192u), quad',
      to: 'at % 4096u, at / 4096u), quad',
      check: checkForward({ shape: [9, 784, 100], slope: 0, variant: 'subgroup' }),
    },
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
  transpose: [
    {
      what: 'padding not zero',
      from: 'if (inside)',
      to: 'if (true)',
      check: checkTranspose({ rows: 17, cols: 33, outputLd: 20 }),
    },
    {
      what: 'copied as it is',
      from: 'output[col * params.output_ld + row]',
      to: 'output[row * params.cols + col]',
      check: checkTranspose({ rows: 17, cols: 33 }),
    },
    {
      what: 'no guard of the columns',
      from: 'min(first + 16u, params.cols)',
      to: 'first + 16u',
      check: checkTranspose({ rows: 17, cols: 33 }),
    },
    {
      what: 'no guard of the rows',
      from: 'row >= params.output_ld',
      to: 'false',
      check: checkTranspose({ rows: 17, cols: 33 }),
    },
    {
      what: 'strips of one column fewer',
      from: 'first + 16u',
      to: 'first + 15u',
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
};
