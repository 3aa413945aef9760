import type { GramLoop } from '../../src/kernels/variant';
import { checkGramIdentity } from '../checks/gram-identity';
import type { Sabotage, Sabotages } from './sabotage';

/** Cases that each need a part of the kernel; 33 samples compile fast. */
function casesOf(variant: GramLoop['variant']) {
  const rates = (second: number) => [
    { lr: 0.1, chunks: [8, 24] },
    { lr: 0.02, chunks: [second, 0] },
  ];
  const shape = { n: 33, slope: 0.25, momentum: 0.9 };
  const beside = [{ ...shape, labels: 1, m: 3, parts: rates(9) }];
  return {
    gram: checkGramIdentity({ ...shape, m: 20, parts: rates(16), recuts: [[[32], [5, 11]]] }, variant),
    // Its velocity takes samples across zero, from where they come back.
    turns: checkGramIdentity(
      {
        ...{ n: 33, m: 20, start: 1, slope: 0, momentum: 0.9 },
        parts: [
          { lr: 0.1, chunks: [12] },
          { lr: 0.1001, chunks: [60] },
        ],
      },
      variant,
    ),
    two: checkGramIdentity({ ...shape, parts: rates(16), beside }, variant),
    pieces: checkGramIdentity({ ...shape, parts: rates(16), pieces: [6] }, variant),
    missing: checkGramIdentity({ ...shape, parts: rates(16), missing: true }, variant),
    // More than eight quads a lane, marks of more than sixteen lanes.
    wide: checkGramIdentity(
      { n: 1153, m: 1, lanes: 32, slope: 0, momentum: 0.9, flips: 10, parts: [{ lr: 0.03, chunks: [40] }] },
      variant,
    ),
    // Whole classes flip at once: A is made anew.
    classes: checkGramIdentity(
      {
        n: 203,
        m: 12,
        slope: 0.25,
        momentum: 0.9,
        spread: 0.01,
        parts: [{ lr: 0.5, chunks: [30] }],
        beside: [{ m: 4, slope: 0.25, momentum: 0.9, labels: 1, parts: [{ lr: 0.5, chunks: [30] }] }],
      },
      variant,
    ),
    crowded: checkGramIdentity(
      { n: 101, slope: 0.25, momentum: 0.5, crowded: true, parts: [{ lr: 10, chunks: [12] }] },
      variant,
    ),
  };
}

/** What breaks both kernels, whose texts agree here but for the names of a few values. */
function common({ gram, turns, two, pieces, missing }: ReturnType<typeof casesOf>): Sabotage[] {
  return [
    {
      what: 'sign of the step',
      from: 'let moved = value - me.lr * (b * (1.0 - power)',
      to: 'let moved = value + me.lr * (b * (1.0 - power)',
      check: gram,
    },
    { what: 'sign of C', from: /(\+ at\](?:\[c\])?) -= me\.lr/, to: '$1 += me.lr', check: gram },
    {
      what: 'one epoch too far',
      from: 'let advance = min(p, rest);',
      to: 'let advance = min(p + 1u, rest);',
      check: gram,
    },
    { what: 'a flip found one epoch late', from: 'return high;\n', to: 'return high + 1u;\n', check: gram },
    { what: 'the turn of H overlooked', from: 'if (power > 0.0 && power < 1.0)', to: 'if (false)', check: turns },
    {
      what: 'settling one epoch too far',
      from: 'let p = t - since;',
      to: 'let p = t - since + 1u;',
      check: gram,
    },
    { what: 'on without K', from: 'params.have_kernel == 0u', to: 'false', check: missing },
    { what: 'no word of waiting', from: 'stalled = 1u;', to: 'stalled = 0u;', check: missing },
    {
      what: 'rows of K by n',
      from: /(\brow|home \* params\.piece_rows\)) \* params\.quads/,
      to: '$1 * (params.n / 4u)',
      check: gram,
    },
    { what: 'always the first piece', from: 'i / params.piece_rows', to: '0u', check: pieces },
    { what: 'rows from the first piece on', from: /\(?i - home \* params\.piece_rows\)?/, to: 'i', check: pieces },
    { what: 'the first label vector', from: /me\.source \* params\.quads/, to: '0u', check: two },
    { what: 'slope forgotten', from: 'select(vec4f(me.slope), ', to: 'select(vec4f(0.0), ', check: gram },
    { what: 'losses of the chunk before', from: /max\(\w+\.start, t\) - t/, to: '0u', check: gram },
    { what: 'the last loss left out', from: 'q < min(p, rest)', to: 'q + 1u < min(p, rest)', check: gram },
    { what: 'losses without the readout', from: '= me.readout * (', to: '= (', check: gram },
    { what: 'losses of another neuron', from: 'me.losses_first + t', to: 't', check: gram },
    { what: 'no end where there is no epoch', from: /(epochs == 0u) && \w+\.sync == 0u/, to: '$1', check: gram },
    { what: 'the clock of the chunk', from: /(clock = |vec4u\()t\b/, to: '$1end', check: gram },
  ];
}

const subgroup = casesOf('subgroup');
const workgroup = casesOf('workgroup');

/** Flips of some epochs that are left to the host. */
const crowds = { n: 33, m: 8, slope: 0.25, momentum: 0.9, parts: [{ lr: 0.1, chunks: [8, 24] }] };
const stops = checkGramIdentity({ ...crowds, crowds: [2] }, 'subgroup');
const alone = checkGramIdentity({ ...crowds, crowds: [1] }, 'subgroup');

export const GRAM_IDENTITY: Sabotages = {
  gram_identity_subgroup: [
    ...common(subgroup),
    {
      what: 'classes exchanged',
      from: 'vec4<bool>(less.y), vec4<bool>(less.x)',
      to: 'vec4<bool>(less.x), vec4<bool>(less.y)',
      check: subgroup.classes,
    },
    {
      what: 'sums of the class alone',
      from: 'share.x * negative + share.y * positive',
      to: 'share.x * negative',
      check: subgroup.classes,
    },
    {
      what: 'the slope of those that are off',
      from: 'select(vec2f(me.slope), ',
      to: 'select(vec2f(0.0), ',
      check: subgroup.classes,
    },
    {
      what: 'sums of the first label vector',
      from: '2u * me.source) * params.quads',
      to: '0u) * params.quads',
      check: subgroup.classes,
    },
    {
      what: 'made anew without the readout',
      from: 'let scale = me.readout / ',
      to: 'let scale = 1.0 / ',
      check: subgroup.classes,
    },
    { what: 'nothing settled', from: /settle\(own \+ place, .*\);/, to: '', check: subgroup.gram },
    {
      what: 'settling with the derivative after the flip',
      from: '> 0.0) == closing',
      to: '> 0.0) != closing',
      check: subgroup.gram,
    },
    { what: 'settling forgotten at the end', from: ' | vec4<bool>(closing)', to: '', check: subgroup.gram },
    {
      what: 'a flip at the end for a crossing later',
      from: 'let closing = p > rest;',
      to: 'let closing = p >= rest;',
      check: subgroup.gram,
    },
    { what: 'state at the end of every chunk', from: 'p > rest && me.sync == 0u', to: 'false', check: subgroup.gram },
    { what: 'flips past n awaited', from: 'near & inside(e * S + lane)', to: 'near', check: subgroup.gram },
    { what: 'samples past n flip', from: 'other & inside(e * S + lane)', to: 'other', check: subgroup.gram },
    {
      what: 'flips of one word alone',
      from: 'flipped[k] = changed;',
      to: 'flipped[0] = changed;',
      check: subgroup.wide,
    },
    { what: 'half of the quads without K', from: 'a[1] + step *', to: 'a[1] + 0.0 * step *', check: subgroup.gram },
    { what: 'one flip of a word', from: 'bits & (bits - 1u)', to: '0u', check: subgroup.gram },
    { what: 'more held than fit', from: 'held == HELD || ', to: '', check: subgroup.crowded },
    { what: 'flips of two pieces at once', from: 'home != piece', to: 'false', check: subgroup.pieces },
    { what: 'no stop for a crowd', from: 'crowd >= me.crowd', to: 'false', check: stops },
    { what: 'a stop for one flip more', from: 'crowd >= me.crowd', to: 'crowd > me.crowd', check: stops },
    { what: 'a crowd taken for K missing', from: 'stalled = 2u', to: 'stalled = 1u', check: stops },
    { what: 'waiting for K that it can do without', from: ' && me.crowd > 1u', to: '', check: alone },
  ],
  gram_identity_workgroup: [
    ...common(workgroup),
    { what: 'no guard of the stores', from: 'if (i < params.n) {', to: 'if (true) {', check: workgroup.gram },
    { what: 'settling forgotten at a flip', from: 'settle(i, row, t, old, source);', to: '', check: workgroup.gram },
    {
      what: 'settling with the derivative after the flip',
      from: 'settle(i, row, t, old, source);',
      to: 'settle(i, row, t, now, source);',
      check: workgroup.gram,
    },
    { what: 'settling forgotten at the end', from: /settle\(i, row, end, .*\);/, to: '', check: workgroup.gram },
    { what: 'settled when it waits', from: ' && stalled == 0u', to: '', check: workgroup.missing },
    {
      what: 'state at the end of every chunk',
      from: 'order.sync == 0u || rest == 0u',
      to: 'rest == 0u',
      check: workgroup.gram,
    },
    {
      what: 'flips past n awaited',
      from: '4u * (e * T + lane) + c < params.n',
      to: 'true',
      check: workgroup.gram,
    },
    { what: 'samples past n flip', from: ' & real', to: '', check: workgroup.gram },
    { what: 'one flip of a word', from: 'bits &= bits - 1u', to: 'bits = 0u', check: workgroup.gram },
    { what: 'marks left for the next event', from: 'atomicStore(&marks[w], 0u);', to: '', check: workgroup.gram },
    {
      what: 'a lane left out of the sums',
      from: 'k < 16u; k++) {\n      sum = join',
      to: 'k < 15u; k++) {\n      sum = join',
      check: workgroup.wide,
    },
    {
      what: 'a group left out of the sums',
      from: 'k < GROUPS; k++',
      to: 'k < GROUPS - 1u; k++',
      check: workgroup.gram,
    },
    { what: 'another lane settles', from: '% T != lane', to: '% T != lane + 1u', check: workgroup.gram },
    { what: 'of a lane its first quad', from: 'let e = i / (4u * T);', to: 'let e = 0u;', check: workgroup.wide },
    { what: 'groups before not counted', from: 'k < lane / 16u', to: 'k < 0u', check: workgroup.wide },
    { what: 'lanes of the group not counted', from: 'k < lane; k++', to: 'k < 0u; k++', check: workgroup.crowded },
    { what: 'one word a lane', from: '(NQ + 7u) / 8u', to: 'NQ / 8u', check: workgroup.wide },
    { what: 'quads past the row', from: /if \(quad < params\.quads\)/g, to: 'if (true)', check: workgroup.gram },
    { what: 'every second batch', from: 'first += HELD', to: 'first += 2u * HELD', check: workgroup.crowded },
    { what: 'every batch full', from: 'min(HELD, all_flips - first)', to: 'HELD', check: workgroup.gram },
  ],
};
