// gram_identity_subgroup: a chunk of epochs of one neuron under the identity loss, from event to event (one subgroup)
//
// Computes   with s = -y / n and S_i = s_i phi'(H_i), the training that the network sees through K = X X^T + 1 alone:
//              Q = K S;  U <- mu U + a Q;  H <- H - lr U;  V <- mu V + a S;  C <- C - lr V
//            (design.md, "Gram space"). S changes only where a sign of H flips. Between flips, with A = a Q / (1 - mu) and
//            B = (U - A) mu / (1 - mu), p epochs give H - lr (B (1 - mu^p) + p A) and mu^p U + (1 - mu^p) A, so the neuron
//            goes straight to its next flip. The loss of each epoch in between follows from sums of S H, S B and S A.
// Shapes     n samples in rows of 4 quads (a multiple of 4 S), m neurons; state holds H, U, A, C, V and the epoch of the
//            last change; K in PIECES row pieces of piece_rows each
// Bindings   0 kernel0 read        rows of K, as vec4: a buffer, or texels (quad, row), then all rows
//            1 kernel1 read        the next piece, or any array when there are fewer
//            2 kernel2 read        likewise
//            3 kernel3 read        likewise
//            4 kernel4 read        likewise
//            5 kernel5 read        likewise
//            6 sources read        (3 label vectors, quads) as vec4: first every s = -y / n, zero past n; then for each the sums
//                                  of s_k K[k, :] over s_k < 0 and over s_k > 0, from label_sums. Where K is texels, so are
//                                  they, in rows of 8192
//            7 neurons read_write  (m) struct Neuron, of which gram_identity_workgroup has the layout, as 4 vec4 each
//            8 state   read_write  (6, m, quads) as vec4; H, U and A past n move along, and mean nothing
//            9 losses  read_write  a_j sum_i s_i phi(H_ij) before each update, from element losses_first of the record on
//            10 params uniform
// Constants  S lanes of a subgroup, exactly; NW words of 8 quads a lane, at least quads / S / 8; PIECES row pieces of K;
//            IMAGE 1 for K and sources of texels
// Dispatch   (x, y, 1) with x y >= m
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes; 0 <= mu < 1; epochs below 2^22
// Order      flips of one epoch, or the rows that A is made anew from, by ascending sample; deterministic, and the same
//            however the epochs are cut into chunks and whatever other neurons run beside: state stands at the neuron's
//            last flip, not at the chunk's end, unless sync is 1
//
// Quad e S + lane of samples lies in lane `lane`. The state stays in storage: private arrays are no faster on lavapipe, which
// zeroes them element by element and compiles for seconds. Loops run to a parameter, not to a constant: else it unrolls them,
// and compiles for minutes. K is what a flip costs, so each entry of A is held in a register while the rows of all flips pass.
// lavapipe gathers a buffer lane by lane, and compiles each place in the text that does so for 10 ms and more: with K and sources
// of texels compiling takes 1.2 s instead of 1.4. A flip is found without a ballot a sample (80 ns on lavapipe), by bit sets.
// Perturbations lie close together, and flip in crowds (half of them in an epoch). Where that is cheaper, A is then made anew:
// of each class either the active samples are added up, or the others taken from what all of them give, which label_sums knows.
// From so many flips on that a product with X is cheaper, it is left to the host: see crowd_gradient_subgroup.
enable subgroups;
// The analysis does not know that subgroupMin gives all lanes one value; every branch around a subgroup operation depends
// on such values, on parameters and on the workgroup alone.
diagnostic(off, subgroup_uniformity);

const S = 8u; // @specialised
const NW = 64u; // @specialised
const PIECES = 1u; // @specialised
const IMAGE = 0u; // @specialised
// Flips applied in one pass over A.
const HELD = 32u;
// So many flips in one epoch, and it is looked whether A costs less made anew.
const CROWD = 64u;
// The search for a crossing ends here: no run is longer.
const HORIZON = 4194304u;

struct Params {
  n: u32,
  m: u32,
  quads: u32,
  piece_rows: u32,
  have_kernel: u32,
  vectors: u32,
}

// What the host says of a neuron; clock, events, flips and stalled go back. stalled is 1 when a flip waits for K, which is not
// there yet, 2 when an epoch had so many flips that they wait to be added to A through X (crowd_gradient_subgroup).
struct Neuron {
  // The epoch that H, U and A stand at.
  clock: u32,
  // First epoch of the chunk, and how many it has; with none and no sync the neuron rests.
  start: u32,
  epochs: u32,
  // Bring everything to the chunk's end: before a new learning rate, and at the end of the run.
  sync: u32,
  // Which label vector.
  source: u32,
  losses_first: u32,
  readout: f32,
  lr: f32,
  mu: f32,
  log2_mu: f32,
  slope: f32,
  // Flips of one epoch from which on they are a crowd, for which the neuron stops.
  crowd: u32,
}

@group(0) @binding(0) var<storage, read> kernel0: array<vec4f>; // @image @group(0) @binding(0) var kernel0: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var<storage, read> kernel1: array<vec4f>;
@group(0) @binding(2) var<storage, read> kernel2: array<vec4f>;
@group(0) @binding(3) var<storage, read> kernel3: array<vec4f>;
@group(0) @binding(4) var<storage, read> kernel4: array<vec4f>;
@group(0) @binding(5) var<storage, read> kernel5: array<vec4f>;
@group(0) @binding(6) var<storage, read> sources: array<vec4f>; // @image @group(0) @binding(6) var sources: texture_storage_2d<rgba32float, read>;
@group(0) @binding(7) var<storage, read_write> neurons: array<vec4u>;
@group(0) @binding(8) var<storage, read_write> state: array<vec4f>;
@group(0) @binding(9) var<storage, read_write> losses: array<f32>;
@group(0) @binding(10) var<uniform> params: Params;

var<private> me: Neuron;
// Quads a lane, and words of them.
var<private> per_lane: u32;
var<private> words: u32;
// First quad of this neuron's rows, and quads of a plane.
var<private> own: u32;
var<private> plane: u32;
var<private> flipped: array<u32, NW>;
var<private> rows: array<u32, HELD>;
var<private> steps: array<f32, HELD>;

// A component that is not known when compiling; an index would send the whole vector through memory.
fn pick(v: vec4f, c: u32) -> f32 {
  return select(select(v.x, v.y, c == 1u), select(v.z, v.w, c == 3u), c >= 2u);
}

// mu^p
fn decay(p: u32) -> f32 {
  return select(exp2(f32(p) * me.log2_mu), 0.0, me.mu == 0.0 && p > 0u);
}

// H after p epochs without a flip.
fn ahead(value: f32, b: f32, a: f32, p: u32) -> f32 {
  return value - me.lr * (b * (1.0 - decay(p)) + f32(p) * a);
}

fn turned(value: f32, b: f32, a: f32, p: u32) -> bool {
  return (ahead(value, b, a, p) > 0.0) != (value > 0.0);
}

// The first p from 1 on at which the sign of H differs from now; more than `most` when that is later. H(p) is convex or
// concave, so it turns at most once; on each side of the turn it is monotone, and one search finds its change of sign.
// Where it looks depends on H, B and A alone, never on `most`: so the answer is the same for every cut into chunks.
fn crossing(value: f32, b: f32, a: f32, most: u32) -> u32 {
  var turn = 0u;
  let rate = b * me.log2_mu * 0.69314718;
  if (rate != 0.0) {
    let power = a / rate;
    if (power > 0.0 && power < 1.0) {
      turn = u32(clamp(floor(log2(power) / me.log2_mu), 0.0, f32(HORIZON)));
    }
  }
  // Both integers beside the turn bound the two monotone pieces.
  var low = 0u;
  var high = turn;
  if (turn == 0u || !turned(value, b, a, turn)) {
    low = turn;
    var stride = 1u;
    loop {
      high = low + stride;
      if (turned(value, b, a, high)) {
        break;
      }
      low = high;
      stride *= 2u;
      if (low >= most || low >= HORIZON) {
        return most + 1u;
      }
    }
  }
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (turned(value, b, a, middle)) {
      high = middle;
    } else {
      low = middle;
    }
  }
  return high;
}

// The bits of four samples in the word of their quad e.
fn bits_of(marked: vec4<bool>, e: u32) -> u32 {
  let bits = select(vec4u(0u), vec4u(1u, 2u, 4u, 8u), marked);
  return (bits.x | bits.y | bits.z | bits.w) << (4u * (e % 8u));
}

// Which samples of a quad there are: padding past n moves along, and never counts.
fn inside(quad: u32) -> vec4<bool> {
  return (vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u)) < vec4u(params.n);
}

fn derivative(value: vec4f) -> vec4f {
  return select(vec4f(me.slope), vec4f(1.0), value > vec4f(0.0));
}

// Brings C and V of one entry, component c of quad `at`, from its last change to epoch t; phi is the derivative it had in between.
fn settle(at: u32, c: u32, t: u32, phi: f32, s: f32) {
  let since = u32(state[5u * plane + at][c]);
  let p = t - since;
  let g = me.readout * s * phi / (1.0 - me.mu);
  let v = state[4u * plane + at][c];
  let power = decay(p);
  let b = (v - g) * me.mu / (1.0 - me.mu);
  state[3u * plane + at][c] -= me.lr * (b * (1.0 - power) + f32(p) * g);
  state[4u * plane + at][c] = power * v + (1.0 - power) * g;
  state[5u * plane + at][c] = f32(t);
}

// Entries of K, and of a row of `sources`, by quads.
fn quad_of_kernel(piece: u32, row: u32, e: u32) -> vec4f {
  let at = row * params.quads + e;
  if (PIECES > 1u) {
    switch (piece) {
      case 1u: {
        return kernel1[at];
      }
      case 2u: {
        return kernel2[at];
      }
      case 3u: {
        return kernel3[at];
      }
      case 4u: {
        return kernel4[at];
      }
      case 5u: {
        return kernel5[at];
      }
      default: {}
    }
  }
  return kernel0[at]; // @image return textureLoad(kernel0, vec2u(e, row));
}

fn quad_of_sources(at: u32) -> vec4f {
  return sources[at]; // @image return textureLoad(sources, vec2u(at % 8192u, at / 8192u));
}

// Entries of A at two quads, and one flip more.
fn added(a: mat2x4f, piece: u32, f: u32, e: u32, beside: u32) -> mat2x4f {
  let step = steps[f];
  let row = rows[f];
  return mat2x4f(a[0] + step * quad_of_kernel(piece, row, e), a[1] + step * quad_of_kernel(piece, row, beside));
}

// A += steps . rows of K, in the order of the flips, whether or not they come in one pass. Two quads at once, and of texels four
// flips, because a round of the loop costs lavapipe as much as a flip; SwiftShader would only compile longer.
fn apply(piece: u32, held: u32, lane: u32) {
  let first = 2u * plane + own;
  for (var e = lane; e < per_lane * S; e += 2u * S) {
    let beside = min(e + S, (per_lane - 1u) * S + lane);
    var a = mat2x4f(state[first + e], state[first + beside]);
    var f = 0u;
    for (; IMAGE == 1u && f + 4u <= held; f += 4u) {
      a = added(a, piece, f, e, beside);
      a = added(a, piece, f + 1u, e, beside);
      a = added(a, piece, f + 2u, e, beside);
      a = added(a, piece, f + 3u, e, beside);
    }
    for (; f < held; f++) {
      a = added(a, piece, f, e, beside);
    }
    state[first + e] = a[0];
    state[first + beside] = a[1];
  }
}

@compute @workgroup_size(S)
fn gram_identity_subgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let j = group.y * groups.x + group.x;
  if (j >= params.m) {
    return;
  }
  // By quads: field by field the record took lavapipe 0.06 s longer to compile.
  let report = 4u * j;
  let chunk = neurons[report + 1u];
  let rates = neurons[report + 2u];
  me = Neuron(
    neurons[report].x,
    chunk.x,
    chunk.y,
    chunk.z,
    chunk.w,
    rates.x,
    bitcast<f32>(rates.y),
    bitcast<f32>(rates.z),
    bitcast<f32>(rates.w),
    bitcast<f32>(neurons[report + 3u].x),
    bitcast<f32>(neurons[report + 3u].y),
    neurons[report + 3u].z,
  );
  if (me.epochs == 0u && me.sync == 0u) {
    return;
  }
  per_lane = params.quads / S;
  words = (per_lane + 7u) / 8u;
  own = j * params.quads;
  plane = params.m * params.quads;
  let gain = me.mu / (1.0 - me.mu);
  let sources_first = me.source * params.quads;
  let end = me.start + me.epochs;
  var t = me.clock;
  var events = 0u;
  var flips = 0u;
  var stalled = 0u;
  // The word of `flipped` at which the flips of this event go on.
  var w = words;
  // Whether A is made anew, and which classes from the whole less the others.
  var anew = false;
  var less = vec2<bool>(false);
  loop {
    if (w == words) {
      // Sums and the next flip as seen from epoch t, where H, U and A stand. A flip after the chunk's end is left for later.
      let rest = end - t;
      var next = rest + 1u;
      var sums_h = vec4f(0.0);
      var sums_b = vec4f(0.0);
      var sums_a = vec4f(0.0);
      for (var k = 0u; k < words; k++) {
        var waiting = 0u;
        // Of the epochs before the next flip that is known: the share of B that they move, and how many they are.
        next = subgroupMin(next);
        let share = 1.0 - decay(next - 1u);
        let epochs = f32(next - 1u);
        for (var e = 8u * k; e < min(8u * k + 8u, per_lane); e++) {
          let at = own + e * S + lane;
          let value = state[at];
          let a = state[2u * plane + at];
          let b = (state[plane + at] - a) * gain;
          let source = quad_of_sources(sources_first + e * S + lane) * derivative(value);
          sums_h += source * value;
          sums_b += source * b;
          sums_a += source * a;
          // What H can move against its sign in them; most samples are out of reach. The share is off by 2^-22 / (1 - mu) of
          // itself at most, which is 3e-5 where mu is 0.99.
          let towards = select(vec4f(-1.0), vec4f(1.0), value > vec4f(0.0));
          let reach = me.lr * (share * max(towards * b, vec4f(0.0)) + epochs * max(towards * a, vec4f(0.0)));
          let near = (1.0001 * reach >= abs(value)) & vec4<bool>(next > 1u);
          waiting |= bits_of(near & inside(e * S + lane), e);
        }
        // One search after the other, as many as there are. Once for eight quads: lavapipe runs what a condition or a loop guards
        // at least once, whether it holds or not.
        while (waiting != 0u) {
          let bit = firstTrailingBit(waiting);
          waiting &= waiting - 1u;
          let at = own + (8u * k + bit / 4u) * S + lane;
          let a = state[2u * plane + at][bit % 4u];
          let b = (state[plane + at][bit % 4u] - a) * gain;
          next = min(next, crossing(state[at][bit % 4u], b, a, next - 1u));
        }
      }
      let p = subgroupMin(next);
      let ones = vec4f(1.0);
      let sum_h = subgroupAdd(dot(sums_h, ones));
      let sum_b = subgroupAdd(dot(sums_b, ones));
      let sum_a = subgroupAdd(dot(sums_a, ones));
      let from_q = max(me.start, t) - t;
      for (var q = from_q + lane; q < min(p, rest); q += S) {
        let moved = sum_b * (1.0 - decay(q)) + f32(q) * sum_a;
        losses[me.losses_first + t + q - me.start] = me.readout * (sum_h - me.lr * moved);
      }
      if (p > rest && me.sync == 0u) {
        break;
      }
      if (p <= rest && params.have_kernel == 0u && me.crowd > 1u) {
        stalled = 1u;
        break;
      }
      // Without a flip before the chunk's end everything is brought there, each entry as if it had changed.
      let closing = p > rest;
      let advance = min(p, rest);
      let power = decay(advance);
      for (var k = 0u; k < words; k++) {
        var changed = 0u;
        for (var e = 8u * k; e < min(8u * k + 8u, per_lane); e++) {
          let at = own + e * S + lane;
          let value = state[at];
          let a = state[2u * plane + at];
          let u = state[plane + at];
          let b = (u - a) * gain;
          let moved = value - me.lr * (b * (1.0 - power) + f32(advance) * a);
          state[at] = moved;
          state[plane + at] = power * u + (1.0 - power) * a;
          let other = ((moved > vec4f(0.0)) != (value > vec4f(0.0))) | vec4<bool>(closing);
          changed |= bits_of(other & inside(e * S + lane), e);
        }
        flipped[k] = changed;
        while (changed != 0u) {
          let bit = firstTrailingBit(changed);
          changed &= changed - 1u;
          let place = (8u * k + bit / 4u) * S + lane;
          // What it had in between: before a flip the other one.
          let on = (state[own + place][bit % 4u] > 0.0) == closing;
          let phi = select(me.slope, 1.0, on);
          settle(own + place, bit % 4u, t + advance, phi, pick(quad_of_sources(sources_first + place), bit % 4u));
        }
      }
      t += advance;
      events += min(advance, 1u);
      if (closing) {
        break;
      }
      w = 0u;
      var crowd = 0u;
      for (var k = 0u; k < words; k++) {
        crowd += countOneBits(flipped[k]);
      }
      crowd = subgroupAdd(crowd);
      flips += crowd;
      if (crowd >= me.crowd) {
        stalled = 2u;
        break;
      }
      anew = false;
      if (crowd >= CROWD) {
        // Active and other samples of both classes: s < 0, s > 0.
        var counts = vec4f(0.0);
        for (var e = 0u; e < per_lane; e++) {
          let at = e * S + lane;
          let source = quad_of_sources(sources_first + at);
          let on = select(vec4f(0.0), vec4f(1.0), state[own + at] > vec4f(0.0));
          let first = select(vec4f(0.0), vec4f(1.0), source < vec4f(0.0));
          let second = select(vec4f(0.0), vec4f(1.0), source > vec4f(0.0));
          counts += vec4f(dot(first, on), dot(first, 1.0 - on), dot(second, on), dot(second, 1.0 - on));
        }
        counts = subgroupAdd(counts);
        // Whether a class is what all of it give less the others.
        less = vec2<bool>(counts.y < counts.x, counts.w < counts.z);
        anew = u32(min(counts.x, counts.y) + min(counts.z, counts.w)) < crowd;
      }
      if (anew) {
        let scale = me.readout / (1.0 - me.mu);
        let sums_first = (params.vectors + 2u * me.source) * params.quads;
        let share = select(vec2f(me.slope), vec2f(1.0), less);
        for (var e = 0u; e < per_lane; e++) {
          let at = e * S + lane;
          let value = state[own + at];
          let source = quad_of_sources(sources_first + at);
          // The rows to add take the place of the flips.
          let taken = select(vec4<bool>(less.y), vec4<bool>(less.x), source < vec4f(0.0));
          let adds = ((value > vec4f(0.0)) != taken) & (source != vec4f(0.0));
          flipped[e / 8u] = (flipped[e / 8u] & ~(15u << (4u * (e % 8u)))) | bits_of(adds, e);
          let negative = quad_of_sources(sums_first + at);
          let positive = quad_of_sources(sums_first + params.quads + at);
          state[2u * plane + own + at] = scale * (share.x * negative + share.y * positive);
        }
      }
    }
    // The next flips that fit one pass over A. This stands here, and not in a loop of its own, because lavapipe compiles
    // loops nested deeper than this for minutes.
    var held = 0u;
    var piece = 0u;
    loop {
      if (w == words) {
        break;
      }
      let bits = flipped[w];
      let first = firstTrailingBit(bits);
      let mine = select(0xffffffffu, 4u * ((w * 8u + first / 4u) * S + lane) + first % 4u, bits != 0u);
      let i = subgroupMin(mine);
      // Padding past n never counts, though it may move.
      if (i >= params.n) {
        w++;
        continue;
      }
      var home = 0u;
      if (PIECES > 1u) {
        home = i / params.piece_rows;
      }
      if (held == HELD || (held > 0u && home != piece)) {
        break;
      }
      var change = 0.0;
      if (mine == i) {
        flipped[w] = bits & (bits - 1u);
        let at = (w * 8u + first / 4u) * S + lane;
        let now = select(me.slope, 1.0, state[own + at][first % 4u] > 0.0);
        let old = select(1.0, me.slope, now == 1.0);
        let source = pick(quad_of_sources(sources_first + at), first % 4u);
        change = source * (now - old);
      }
      // Only one lane has a change: the sum is that change, exactly.
      steps[held] = subgroupAdd(change) * me.readout / (1.0 - me.mu);
      rows[held] = i - home * params.piece_rows;
      piece = home;
      held++;
    }
    if (held > 0u) {
      apply(piece, held, lane);
    }
  }
  if (lane == 0u) {
    neurons[report] = vec4u(t, events, flips, stalled);
  }
}
