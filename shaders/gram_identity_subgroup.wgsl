// gram_identity_subgroup: a chunk of epochs of one neuron under the identity loss, from event to event (one subgroup)
//
// Computes   with s = -y / n and S_i = s_i phi'(H_i), the training that the network sees through K = X X^T + 1 alone:
//              Q = K S;  U <- mu U + a Q;  H <- H - lr U;  V <- mu V + a S;  C <- C - lr V
//            (design.md, "Gram space"). S changes only where a sign of H flips. Between flips, with A = a Q / (1 - mu) and
//            B = (U - A) mu / (1 - mu), p epochs give H - lr (B (1 - mu^p) + p A) and mu^p U + (1 - mu^p) A, so the neuron
//            goes straight to its next flip. The loss of each epoch in between follows from sums of S H, S B and S A.
// Shapes     n samples in rows of ld (a multiple of 32), m neurons; state holds H, U, A, C, V and the epoch of the last change
// Bindings   0 kernel  read        (n, ld) K
//            1 scaled  read        (ld) s = -y / n, zero past n
//            2 readout read        (m) a
//            3 state   read_write  (6, m, ld)
//            4 clock   read_write  (m) the epoch that H, U and A stand at
//            5 losses  read_write  (m, epochs) a_j sum_i s_i phi(H_ij) before each update
//            6 counts  read_write  (m, 2) events and flips of this chunk
//            7 params  uniform
// Constants  S lanes of a subgroup, exactly; NPL = ceil(n / S) samples a lane; NW = ceil(NPL / 32)
// Dispatch   (m, 1, 1)
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes; 0 <= mu < 1
// Order      flips of one epoch by ascending sample, in fixed lanes; deterministic, and the same however the epochs are cut
//            into chunks: state stands at the neuron's last flip, not at the chunk's end, unless sync is 1
//
// Sample i lies in lane i % S. Private arrays are indexed alike by all lanes, which CPU adapters turn into plain vector
// loads; a flip is found without a ballot a sample (80 ns on lavapipe), by bit sets.
enable subgroups;
// The analysis does not know that subgroupMin gives all lanes one value; every branch around a subgroup operation depends
// on such values, on parameters and on the workgroup alone.
diagnostic(off, subgroup_uniformity);

const S = 8u; // @specialised
const NPL = 125u; // @specialised
const NW = 4u; // @specialised

struct Params {
  n: u32,
  ld: u32,
  m: u32,
  start: u32,
  epochs: u32,
  total: u32,
  sync: u32,
  lr: f32,
  mu: f32,
  log2_mu: f32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> kernel: array<f32>;
@group(0) @binding(1) var<storage, read> scaled: array<f32>;
@group(0) @binding(2) var<storage, read> readout: array<f32>;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> clock: array<u32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> counts: array<u32>;
@group(0) @binding(7) var<uniform> params: Params;

var<private> h: array<f32, NPL>;
var<private> u: array<f32, NPL>;
var<private> drift: array<f32, NPL>; // A
var<private> s: array<f32, NPL>;
var<private> flipped: array<u32, NW>;

// mu^p
fn decay(p: u32) -> f32 {
  return select(exp2(f32(p) * params.log2_mu), 0.0, params.mu == 0.0 && p > 0u);
}

// H after p epochs without a flip.
fn ahead(value: f32, b: f32, a: f32, p: u32) -> f32 {
  return value - params.lr * (b * (1.0 - decay(p)) + f32(p) * a);
}

// The first p in 1..most at which the sign of H differs from now, or most + 1. H(p) is convex or concave, so it turns at
// most once; on each side of the turn it is monotone, and one bisection finds its change of sign.
fn crossing(value: f32, b: f32, a: f32, most: u32) -> u32 {
  let positive = value > 0.0;
  var turn = most;
  let rate = b * params.log2_mu * 0.69314718;
  if (rate != 0.0) {
    let power = a / rate;
    if (power > 0.0 && power < 1.0) {
      turn = min(most, u32(clamp(floor(log2(power) / params.log2_mu), 0.0, 1e9)));
    }
  }
  // Both integers beside the turn bound the two monotone pieces.
  var low = 0u;
  var high = turn;
  if ((ahead(value, b, a, high) > 0.0) == positive) {
    low = high;
    high = min(turn + 1u, most);
    if ((ahead(value, b, a, high) > 0.0) == positive) {
      low = high;
      high = most;
      if ((ahead(value, b, a, high) > 0.0) == positive) {
        return most + 1u;
      }
    }
  }
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if ((ahead(value, b, a, middle) > 0.0) == positive) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return high;
}

fn derivative(value: f32) -> f32 {
  return select(params.slope, 1.0, value > 0.0);
}

// Brings C and V of one entry from its last change to epoch t; phi is the derivative it had in between.
fn settle(at: u32, row: u32, t: u32, phi: f32, source: f32, readout_j: f32) {
  let plane = params.m * params.ld;
  let since = u32(state[5u * plane + row + at]);
  let p = t - since;
  let g = readout_j * source * phi / (1.0 - params.mu);
  let v = state[4u * plane + row + at];
  let power = decay(p);
  let b = (v - g) * params.mu / (1.0 - params.mu);
  state[3u * plane + row + at] -= params.lr * (b * (1.0 - power) + f32(p) * g);
  state[4u * plane + row + at] = power * v + (1.0 - power) * g;
  state[5u * plane + row + at] = f32(t);
}

// A += steps . K rows; a step of zero stands for no flip.
fn apply_four(rows: vec4u, steps: vec4f, lane: u32) {
  for (var e = 0u; e < NPL; e++) {
    let at = e * S + lane;
    let entries = vec4f(kernel[rows.x + at], kernel[rows.y + at], kernel[rows.z + at], kernel[rows.w + at]);
    drift[e] += dot(steps, entries);
  }
}

@compute @workgroup_size(S)
fn gram_identity_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let j = group.x;
  let row = j * params.ld;
  let plane = params.m * params.ld;
  let a_j = readout[j];
  let gain = params.mu / (1.0 - params.mu);
  for (var e = 0u; e < NPL; e++) {
    let i = e * S + lane;
    h[e] = state[row + i];
    u[e] = state[plane + row + i];
    drift[e] = state[2u * plane + row + i];
    s[e] = select(0.0, scaled[i], e * S + lane < params.n);
  }
  let end = params.start + params.epochs;
  var t = clock[j];
  var events = 0u;
  var flips = 0u;
  loop {
    // Sums and the next flip as seen from epoch t, where H, U and A stand. A flip after the chunk's end is left for later.
    let rest = end - t;
    var next = rest + 1u;
    var sum_h = 0.0;
    var sum_b = 0.0;
    var sum_a = 0.0;
    for (var e = 0u; e < NPL; e++) {
      let value = h[e];
      let a = drift[e];
      let b = (u[e] - a) * gain;
      let source = s[e] * derivative(value);
      sum_h += source * value;
      sum_b += source * b;
      sum_a += source * a;
      // What H can move against its sign in the epochs that still matter; most samples are out of reach.
      let towards = select(-1.0, 1.0, value > 0.0);
      let reach = params.lr * (max(towards * b, 0.0) + f32(next - 1u) * max(towards * a, 0.0));
      // The bracket reaches to the end of the run, not of the chunk, so that the flip found does not depend on the chunk.
      if (next > 1u && 1.00001 * reach >= abs(value) && e * S + lane < params.n) {
        next = min(next, crossing(value, b, a, params.total - t));
      }
    }
    let p = subgroupMin(next);
    sum_h = subgroupAdd(sum_h);
    sum_b = subgroupAdd(sum_b);
    sum_a = subgroupAdd(sum_a);
    let from_q = max(params.start, t) - t;
    for (var q = from_q + lane; q < min(p, rest); q += S) {
      let moved = sum_b * (1.0 - decay(q)) + f32(q) * sum_a;
      losses[j * params.epochs + t + q - params.start] = a_j * (sum_h - params.lr * moved);
    }
    if (p > rest && (params.sync == 0u || rest == 0u)) {
      break;
    }
    let advance = min(p, rest);
    let power = decay(advance);
    for (var w = 0u; w < NW; w++) {
      flipped[w] = 0u;
    }
    for (var e = 0u; e < NPL; e++) {
      let value = h[e];
      let a = drift[e];
      let b = (u[e] - a) * gain;
      let moved = value - params.lr * (b * (1.0 - power) + f32(advance) * a);
      h[e] = moved;
      u[e] = power * u[e] + (1.0 - power) * a;
      if ((moved > 0.0) != (value > 0.0) && e * S + lane < params.n) {
        flipped[e / 32u] |= 1u << (e % 32u);
      }
    }
    t += advance;
    events++;
    // Flips by fours: K is read as often, but A is read and written once for four.
    var held = 0u;
    var rows = vec4u(0u);
    var steps = vec4f(0.0);
    for (var w = 0u; w < NW; w++) {
      var bits = flipped[w];
      loop {
        let mine = select(0xffffffffu, (w * 32u + firstTrailingBit(bits)) * S + lane, bits != 0u);
        let i = subgroupMin(mine);
        if (i == 0xffffffffu) {
          break;
        }
        flips++;
        var change = 0.0;
        if (mine == i) {
          bits &= bits - 1u;
          let e = i / S;
          let now = derivative(h[e]);
          let before = 1.0 + params.slope - now;
          settle(i, row, t, before, s[e], a_j);
          change = s[e] * (now - before);
        }
        // Only one lane has a change: the sum is that change, exactly.
        steps[held] = subgroupAdd(change) * a_j / (1.0 - params.mu);
        rows[held] = i * params.ld;
        held++;
        if (held == 4u) {
          apply_four(rows, steps, lane);
          held = 0u;
          steps = vec4f(0.0);
        }
      }
    }
    if (held == 1u) {
      for (var e = 0u; e < NPL; e++) {
        drift[e] += steps.x * kernel[rows.x + e * S + lane];
      }
    } else if (held > 1u) {
      apply_four(rows, steps, lane);
    }
  }
  for (var e = 0u; e < NPL; e++) {
    let i = e * S + lane;
    if (i < params.n) {
      state[row + i] = h[e];
      state[plane + row + i] = u[e];
      state[2u * plane + row + i] = drift[e];
      if (params.sync == 1u) {
        settle(i, row, end, derivative(h[e]), s[e], a_j);
      }
    }
  }
  if (lane == 0u) {
    clock[j] = t;
    counts[j * 2u] = events;
    counts[j * 2u + 1u] = flips;
  }
}
