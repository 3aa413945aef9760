// gram_identity_workgroup: a chunk of epochs of one neuron under the identity loss, from event to event (one workgroup)
//
// Computes   what gram_identity_subgroup does, for real GPUs: with s = -y / n and S_i = s_i phi'(H_i),
//              Q = K S;  U <- mu U + a Q;  H <- H - lr U;  V <- mu V + a S;  C <- C - lr V
//            (design.md, "Gram space"). S changes only where a sign of H flips. Between flips, with A = a Q / (1 - mu) and
//            B = (U - A) mu / (1 - mu), p epochs give H - lr (B (1 - mu^p) + p A) and mu^p U + (1 - mu^p) A, so the neuron
//            goes straight to its next flip. The loss of each epoch in between follows from sums of S H, S B and S A.
// Shapes     n samples in rows of 4 quads (a multiple of 32), m neurons; state holds H, U, A, C, V and the epoch of the last
//            change; K in PIECES row pieces of piece_rows each
// Bindings   0 kernel0 read        rows of K, as vec4
//            1 kernel1 read        the next piece, or any array when there are fewer
//            2 kernel2 read        likewise
//            3 kernel3 read        likewise
//            4 kernel4 read        likewise
//            5 kernel5 read        likewise
//            6 sources read        (label vectors, quads) s = -y / n, zero past n, as vec4
//            7 neurons read_write  (m) struct Neuron
//            8 state   read_write  (6, m, 4 quads)
//            9 losses  read_write  a_j sum_i s_i phi(H_ij) before each update, from element losses_first of the record on
//            10 params uniform
// Constants  T lanes, a multiple of 32 up to 256; NQ = ceil(quads / T) quads a lane; PIECES row pieces of K
// Dispatch   (x, y, 1) with x y >= m
// Workgroup  (T); 6292 bytes of workgroup memory at 256 lanes of 4 quads, and T / 2 more for each further quad of a lane
// Assumes    0 <= mu < 1; epochs below 2^22
// Order      sums over samples: in each lane by ascending quad, then over lanes by a tree of sixteens; flips of one epoch by
//            ascending sample; deterministic, and the same however the epochs are cut into chunks and whatever other
//            neurons run beside: state stands at the neuron's last flip, not at the chunk's end, unless sync is 1
//
// Quad e T + lane of samples lies in lane `lane`, so that lanes beside each other read K beside each other. The samples that
// flip in one epoch are marked in a set of bits that all lanes share; each lane counts the marks in its own words, and from
// the counts before them it knows where its samples stand in the list of all: barriers do not grow with the flips.

const T = 256u; // @specialised
const NQ = 4u; // @specialised
const PIECES = 1u; // @specialised
// Flips applied in one pass over A.
const HELD = 32u;
// The search for a crossing ends here: no run is longer.
const HORIZON = 4194304u;
// Lanes come in groups of sixteen where something is added up over them.
const GROUPS = T / 16u;
// Words of 32 samples, and how many of them a lane counts.
const WORDS = NQ * T / 8u;
const BLOCK = (NQ + 7u) / 8u;

struct Params {
  n: u32,
  m: u32,
  quads: u32,
  piece_rows: u32,
  have_kernel: u32,
}

// What the host says of a neuron, and what it gets back: clock, events, flips, stalled.
struct Neuron {
  // The epoch that H, U and A stand at.
  clock: u32,
  events: u32,
  flips: u32,
  // 1 when a flip waits for K, which is not there yet; 2 when a crowd of them does for crowd_gradient_subgroup.
  stalled: u32,
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
  // Flips of one epoch for which the neuron stops: gram_identity_subgroup alone does.
  @size(8) crowd: u32,
}

@group(0) @binding(0) var<storage, read> kernel0: array<vec4f>;
@group(0) @binding(1) var<storage, read> kernel1: array<vec4f>;
@group(0) @binding(2) var<storage, read> kernel2: array<vec4f>;
@group(0) @binding(3) var<storage, read> kernel3: array<vec4f>;
@group(0) @binding(4) var<storage, read> kernel4: array<vec4f>;
@group(0) @binding(5) var<storage, read> kernel5: array<vec4f>;
@group(0) @binding(6) var<storage, read> sources: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> neurons: array<Neuron>;
@group(0) @binding(8) var<storage, read_write> state: array<f32>;
@group(0) @binding(9) var<storage, read_write> losses: array<f32>;
@group(0) @binding(10) var<uniform> params: Params;

var<private> me: Neuron;
var<private> h: array<vec4f, NQ>;
var<private> u: array<vec4f, NQ>;
var<private> drift: array<vec4f, NQ>; // A
var<private> s: array<vec4f, NQ>;

var<workgroup> shared_me: Neuron;
// Sums of S H, S B and S A, and the epochs to the next flip, of each lane and of all. Epochs are exact as floats.
var<workgroup> parts: array<vec4f, T>;
var<workgroup> whole: vec4f;
// Samples that flip in this epoch, a bit each.
var<workgroup> marks: array<atomic<u32>, WORDS>;
// Marks of each lane's words, of each group's, and of all.
var<workgroup> counts: array<u32, T>;
var<workgroup> group_counts: array<u32, GROUPS>;
var<workgroup> crowd: u32;
// The flips applied next: the sample, its piece of K and its row there, what S changes by, times a / (1 - mu).
var<workgroup> samples: array<u32, HELD>;
var<workgroup> homes: array<u32, HELD>;
var<workgroup> rows: array<u32, HELD>;
var<workgroup> steps: array<f32, HELD>;

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

// A component that is not known when compiling; an index would send the whole vector through memory.
fn pick(v: vec4f, c: u32) -> f32 {
  return select(select(v.x, v.y, c == 1u), select(v.z, v.w, c == 3u), c >= 2u);
}

fn derivative(value: vec4f) -> vec4f {
  return select(vec4f(me.slope), vec4f(1.0), value > vec4f(0.0));
}

// Brings C and V of one entry from its last change to epoch t; phi is the derivative it had in between.
fn settle(at: u32, row: u32, t: u32, phi: f32, source: f32) {
  let plane = params.m * params.quads * 4u;
  let since = u32(state[5u * plane + row + at]);
  let p = t - since;
  let g = me.readout * source * phi / (1.0 - me.mu);
  let v = state[4u * plane + row + at];
  let power = decay(p);
  let b = (v - g) * me.mu / (1.0 - me.mu);
  state[3u * plane + row + at] -= me.lr * (b * (1.0 - power) + f32(p) * g);
  state[4u * plane + row + at] = power * v + (1.0 - power) * g;
  state[5u * plane + row + at] = f32(t);
}

fn quad_of_kernel(piece: u32, at: u32) -> vec4f {
  if (PIECES == 1u) {
    return kernel0[at];
  }
  switch (piece) {
    case 0u: {
      return kernel0[at];
    }
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
    default: {
      return kernel5[at];
    }
  }
}

fn join(p: vec4f, q: vec4f) -> vec4f {
  return vec4f(p.xyz + q.xyz, min(p.w, q.w));
}

// Three sums and a minimum over all lanes.
fn join_all(own: vec4f, lane: u32) -> vec4f {
  parts[lane] = own;
  workgroupBarrier();
  if (lane < GROUPS) {
    var sum = own;
    for (var k = 1u; k < 16u; k++) {
      sum = join(sum, parts[k * GROUPS + lane]);
    }
    parts[lane] = sum;
  }
  workgroupBarrier();
  if (lane == 0u) {
    var sum = parts[0];
    for (var k = 1u; k < GROUPS; k++) {
      sum = join(sum, parts[k]);
    }
    whole = sum;
  }
  return workgroupUniformLoad(&whole);
}

// How many of all the counts come before this lane's; their sum goes to `crowd`.
fn count_before(own: u32, lane: u32) -> u32 {
  counts[lane] = own;
  workgroupBarrier();
  if (lane < GROUPS) {
    var sum = 0u;
    for (var k = 0u; k < 16u; k++) {
      sum += counts[lane * 16u + k];
    }
    group_counts[lane] = sum;
  }
  workgroupBarrier();
  var before = 0u;
  for (var k = 0u; k < lane / 16u; k++) {
    before += group_counts[k];
  }
  for (var k = lane - lane % 16u; k < lane; k++) {
    before += counts[k];
  }
  if (lane == T - 1u) {
    crowd = before + own;
  }
  return before;
}

@compute @workgroup_size(T)
fn gram_identity_workgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let j = group.y * groups.x + group.x;
  if (j >= params.m) {
    return;
  }
  if (lane == 0u) {
    shared_me = neurons[j];
  }
  // `order` and `me` are the same; but barriers may depend on what a uniform load gave alone.
  let order = workgroupUniformLoad(&shared_me);
  if (order.epochs == 0u && order.sync == 0u) {
    return;
  }
  me = order;
  // NQ, but not for the compiler: NIR writes a loop over all of an array of up to 32 elements out, whatever is in it.
  let each = (params.quads + T - 1u) / T;
  let row = j * params.quads * 4u;
  let plane = params.m * params.quads * 4u;
  let gain = me.mu / (1.0 - me.mu);
  for (var e = 0u; e < each; e++) {
    let quad = e * T + lane;
    if (quad < params.quads) {
      let i = row + 4u * quad;
      h[e] = vec4f(state[i], state[i + 1u], state[i + 2u], state[i + 3u]);
      let iu = plane + i;
      u[e] = vec4f(state[iu], state[iu + 1u], state[iu + 2u], state[iu + 3u]);
      let ia = 2u * plane + i;
      drift[e] = vec4f(state[ia], state[ia + 1u], state[ia + 2u], state[ia + 3u]);
      s[e] = sources[me.source * params.quads + quad];
    }
  }
  let end = order.start + order.epochs;
  var t = order.clock;
  var events = 0u;
  var flips = 0u;
  var stalled = 0u;
  loop {
    // Sums and the next flip as seen from epoch t, where H, U and A stand. A flip after the chunk's end is left for later.
    let rest = end - t;
    var next = rest + 1u;
    var sums_h = vec4f(0.0);
    var sums_b = vec4f(0.0);
    var sums_a = vec4f(0.0);
    for (var e = 0u; e < each; e++) {
      let value = h[e];
      let a = drift[e];
      let b = (u[e] - a) * gain;
      let source = s[e] * derivative(value);
      sums_h += source * value;
      sums_b += source * b;
      sums_a += source * a;
      // What H can move against its sign in the epochs that still matter; most samples are out of reach.
      let towards = select(vec4f(-1.0), vec4f(1.0), value > vec4f(0.0));
      let reach = me.lr * (max(towards * b, vec4f(0.0)) + f32(next - 1u) * max(towards * a, vec4f(0.0)));
      let near = 1.00001 * reach >= abs(value);
      if (next > 1u && any(near)) {
        let bits = select(vec4u(0u), vec4u(1u, 2u, 4u, 8u), near);
        var close = bits.x | bits.y | bits.z | bits.w;
        while (close != 0u) {
          let c = firstTrailingBit(close);
          close &= close - 1u;
          if (4u * (e * T + lane) + c < params.n) {
            next = min(next, crossing(pick(value, c), pick(b, c), pick(a, c), next - 1u));
          }
        }
      }
    }
    let ones = vec4f(1.0);
    let all = join_all(vec4f(dot(sums_h, ones), dot(sums_b, ones), dot(sums_a, ones), f32(next)), lane);
    let p = u32(all.w);
    let from_q = max(order.start, t) - t;
    for (var q = from_q + lane; q < min(p, rest); q += T) {
      let moved = all.y * (1.0 - decay(q)) + f32(q) * all.z;
      losses[me.losses_first + t + q - me.start] = me.readout * (all.x - me.lr * moved);
    }
    if (p > rest && (order.sync == 0u || rest == 0u)) {
      break;
    }
    if (p <= rest && params.have_kernel == 0u) {
      stalled = 1u;
      break;
    }
    let advance = min(p, rest);
    let power = decay(advance);
    for (var e = 0u; e < each; e++) {
      let value = h[e];
      let a = drift[e];
      let b = (u[e] - a) * gain;
      let moved = value - me.lr * (b * (1.0 - power) + f32(advance) * a);
      h[e] = moved;
      u[e] = power * u[e] + (1.0 - power) * a;
      let quad = e * T + lane;
      // Padding past n never counts, though it may move.
      let real = vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.n);
      let changed = ((moved > vec4f(0.0)) != (value > vec4f(0.0))) & real;
      if (any(changed)) {
        let bits = select(vec4u(0u), vec4u(1u, 2u, 4u, 8u), changed);
        atomicOr(&marks[quad / 8u], (bits.x | bits.y | bits.z | bits.w) << (4u * (quad % 8u)));
      }
    }
    t += advance;
    events++;
    workgroupBarrier();
    let block_end = min((lane + 1u) * BLOCK, WORDS);
    var own = 0u;
    for (var w = lane * BLOCK; w < block_end; w++) {
      own += countOneBits(atomicLoad(&marks[w]));
    }
    let before = count_before(own, lane);
    let all_flips = workgroupUniformLoad(&crowd);
    flips += all_flips;
    for (var first = 0u; first < all_flips; first += HELD) {
      let held = min(HELD, all_flips - first);
      var rank = before;
      for (var w = lane * BLOCK; w < block_end; w++) {
        var bits = atomicLoad(&marks[w]);
        while (bits != 0u) {
          if (rank >= first && rank < first + held) {
            samples[rank - first] = 32u * w + firstTrailingBit(bits);
          }
          rank++;
          bits &= bits - 1u;
        }
      }
      workgroupBarrier();
      var f = 0u;
      loop {
        // All lanes look for a sample of theirs before any settles one, so that they settle at the same time.
        while (f < held && (samples[f] / 4u) % T != lane) {
          f++;
        }
        if (f >= held) {
          break;
        }
        let i = samples[f];
        let e = i / (4u * T);
        let now = pick(derivative(h[e]), i % 4u);
        let old = select(1.0, me.slope, now == 1.0);
        let source = pick(s[e], i % 4u);
        settle(i, row, t, old, source);
        let home = select(0u, i / params.piece_rows, PIECES > 1u);
        homes[f] = home;
        rows[f] = (i - home * params.piece_rows) * params.quads;
        steps[f] = source * (now - old) * me.readout / (1.0 - me.mu);
        f++;
      }
      workgroupBarrier();
      for (var e = 0u; e < each; e++) {
        let quad = e * T + lane;
        if (quad < params.quads) {
          var sum = drift[e];
          for (var k = 0u; k < held; k++) {
            sum += steps[k] * quad_of_kernel(homes[k], rows[k] + quad);
          }
          drift[e] = sum;
        }
      }
      workgroupBarrier();
    }
    for (var w = lane * BLOCK; w < block_end; w++) {
      atomicStore(&marks[w], 0u);
    }
  }
  for (var e = 0u; e < each; e++) {
    for (var c = 0u; c < 4u; c++) {
      let i = 4u * (e * T + lane) + c;
      if (i < params.n) {
        state[row + i] = pick(h[e], c);
        state[plane + row + i] = pick(u[e], c);
        state[2u * plane + row + i] = pick(drift[e], c);
        if (order.sync == 1u && stalled == 0u) {
          settle(i, row, end, pick(derivative(h[e]), c), pick(s[e], c));
        }
      }
    }
  }
  if (lane == 0u) {
    neurons[j].clock = t;
    neurons[j].events = events;
    neurons[j].flips = flips;
    neurons[j].stalled = stalled;
  }
}
