import { checkCrowdGradient } from '../checks/crowd';
import type { Sabotages } from './sabotage';

const shape = { n: 101, d: 66, m: 6, chosen: [5, 1, 2, 4], flips: 80, passes: 3, ground: true };
const whole = checkCrowdGradient(shape);
const blocks = checkCrowdGradient({ ...shape, cuts: [64] });
/** More quads of samples than a lane has bits for. */
const wide = checkCrowdGradient({ n: 1153, d: 5, m: 2, chosen: [1, 0], flips: 50, passes: 2 });

export const CROWD: Sabotages = {
  crowd_gradient_subgroup: [
    {
      what: 'labels of the first block',
      from: '.w * params.quads + params.start',
      to: '.w * params.quads',
      check: blocks,
    },
    {
      what: 'state of the first block',
      from: 'j * params.quads + params.start',
      to: 'j * params.quads',
      check: blocks,
    },
    { what: 'samples past n flip', from: '== vec4f(t)) & inside)', to: '== vec4f(t)))', check: whole },
    { what: 'neurons as they come', from: 'let j = chosen[r];', to: 'let j = min(chosen[r], 0u) + r;', check: whole },
    { what: 'the first label vector', from: 'neurons[4u * j + 1u].w *', to: '0u *', check: whole },
    { what: 'readout forgotten', from: 'bitcast<f32>(rates.y) /', to: '1.0 /', check: whole },
    { what: 'momentum forgotten', from: ' / (1.0 - bitcast<f32>(rates.w))', to: '', check: whole },
    { what: 'slope forgotten', from: 'bitcast<f32>(neurons[4u * j + 3u].y)', to: '0.0', check: whole },
    { what: 'sign of the step', from: '* (now - select', to: '* -(now - select', check: whole },
    { what: 'the epoch before', from: '== vec4f(t)', to: '== vec4f(t - 1.0)', check: whole },
    { what: 'epochs before as well', from: '== vec4f(t)', to: '<= vec4f(t)', check: whole },
    { what: 'more held than fit', from: 'held < HELD', to: 'held <= HELD', check: whole },
    { what: 'full passes alone', from: 'held == 0u', to: 'held < HELD', check: whole },
    { what: 'one flip of a word', from: 'bits &= bits - 1u', to: 'bits = 0u', check: whole },
    { what: 'one word a lane', from: '(per_lane + 7u) / 8u', to: '1u', check: wide },
    { what: 'samples of the first word', from: '(8u * (next - 1u) + low / 4u)', to: '(low / 4u)', check: wide },
    { what: 'the quad beside not stored', from: 'q + S < params.x_quads', to: 'false', check: whole },
    { what: 'the quad beside twice the same', from: 'x[row + beside]', to: 'x[row + q]', check: whole },
    // 17 quads are odd for 4 lanes and for 8: the last one has no other beside it.
    {
      what: 'the odd last quad left out',
      from: 'q < params.x_quads; q += 2u',
      to: 'q + 1u < params.x_quads; q += 2u',
      check: whole,
    },
    { what: 'bias forgotten', from: 'bias += steps[held];', to: '', check: whole },
    { what: 'ground in every block', from: 'params.closes == 1u', to: 'true', check: blocks },
    { what: 'ground forgotten', from: 'params.closes == 1u', to: 'false', check: whole },
    { what: 'ground of the first quads', from: 'ground[q]', to: 'ground[lane]', check: whole },
    { what: 'nothing zeroed', from: 'output[first + q] = vec4f(0.0);', to: '', check: whole },
    { what: 'zeroed in every block', from: 'params.start == 0u', to: 'true', check: blocks },
  ],
};
