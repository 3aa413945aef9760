// crowd_gradient_subgroup: what the flips of one epoch change in the gradient of a neuron (one subgroup a neuron)
//
// Computes   for every row r, of neuron j = chosen[r] at the epoch where it stands: the sum over the samples i that flipped in it
//            of step_i x_i, and of step_i for the bias, with step_i = a_j s_i (phi'(H_ij) - what it was before) / (1 - mu).
//            X times that is what K rows of the same flips would add to A (design.md, "Gram space": K = X X^T + 1). The bias has
//            on top what a background g of all samples gives, g times the sum: for a product with X - g
// Shapes     `rows` samples of x_quads quads, the first of which is sample 4 start; state as in gram_identity_subgroup
// Bindings   0 x       read        (rows, x_quads) as vec4
//            1 sources read        (label vectors and more, quads) as vec4: s = -y / n, zero past n
//            2 neurons read        (m) struct Neuron after a call of gram_identity_subgroup
//            3 state   read        (6, m, quads) as vec4: H, and in plane 5 the epoch of the last change
//            4 chosen  read        (count) neurons, each of which stopped where it has just flipped
//            5 ground  read        (x_quads) g as vec4, zeros where there is none
//            6 output  read_write  (count, x_quads + 1) as vec4: the inputs, then a quad (bias, j, 0, 0)
//            7 params  uniform
// Constants  S lanes of a subgroup, exactly
// Dispatch   (x, y, 1) with x y >= count
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes; start is a multiple of 8, and from it on a row of the state has whole multiples of S quads
//            for the samples of this block
// Order      what the output holds unless start is 0, then flips by ascending sample, 32 in a pass; g last, in each lane by ascending quad, then over lanes; deterministic, and the same in
//            however many blocks the samples come
//
// A sample has flipped where its last change is the epoch that the neuron stands at: between two stops at least one epoch passes.
enable subgroups;
// The analysis does not know that subgroupMin gives all lanes one value.
diagnostic(off, subgroup_uniformity);

const S = 8u; // @specialised
// Flips added in one pass over the output.
const HELD = 32u;
const NONE = 0xffffffffu;

struct Params {
  // Neurons that stopped, and neurons of the state.
  count: u32,
  m: u32,
  // Of a row of the state, and of a sample.
  quads: u32,
  x_quads: u32,
  // 1 for the last block of samples, after which the sums are whole.
  closes: u32,
  // First quad of samples, and how many samples this block has.
  start: u32,
  rows: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> sources: array<vec4f>;
@group(0) @binding(2) var<storage, read> neurons: array<vec4u>;
@group(0) @binding(3) var<storage, read> state: array<vec4f>;
@group(0) @binding(4) var<storage, read> chosen: array<u32>;
@group(0) @binding(5) var<storage, read> ground: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

var<private> rows: array<u32, HELD>;
var<private> steps: array<f32, HELD>;

// A component that is not known when compiling; an index would send the whole vector through memory.
fn pick(v: vec4f, c: u32) -> f32 {
  return select(select(v.x, v.y, c == 1u), select(v.z, v.w, c == 3u), c >= 2u);
}

// Of this lane's quads 8 word to 8 word + 7, four bits each: the samples that changed at epoch t.
fn changed(word: u32, lane: u32, per_lane: u32, last: u32, t: f32) -> u32 {
  var bits = 0u;
  for (var e = 8u * word; e < min(8u * word + 8u, per_lane); e++) {
    let quad = e * S + lane;
    let inside = (vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u)) < vec4u(params.rows);
    let marks = select(vec4u(0u), vec4u(1u, 2u, 4u, 8u), (state[last + quad] == vec4f(t)) & inside);
    bits |= (marks.x | marks.y | marks.z | marks.w) << (4u * (e % 8u));
  }
  return bits;
}

// output += steps . rows of X. Two quads at once, because a round of the loop costs lavapipe as much as a flip.
fn apply(first: u32, held: u32, lane: u32) {
  for (var q = lane; q < params.x_quads; q += 2u * S) {
    let beside = min(q + S, params.x_quads - 1u);
    var sum = output[first + q];
    var other = output[first + beside];
    for (var f = 0u; f < held; f++) {
      let row = rows[f] * params.x_quads;
      let step = steps[f];
      sum += step * x[row + q];
      other += step * x[row + beside];
    }
    output[first + q] = sum;
    if (q + S < params.x_quads) {
      output[first + beside] = other;
    }
  }
}

@compute @workgroup_size(S)
fn crowd_gradient_subgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let r = group.y * groups.x + group.x;
  if (r >= params.count) {
    return;
  }
  let j = chosen[r];
  let rates = neurons[4u * j + 2u];
  let scale = bitcast<f32>(rates.y) / (1.0 - bitcast<f32>(rates.w));
  let slope = bitcast<f32>(neurons[4u * j + 3u].y);
  let t = f32(neurons[4u * j].x);
  let s_first = neurons[4u * j + 1u].w * params.quads + params.start;
  let h_first = j * params.quads + params.start;
  let last = 5u * params.m * params.quads + h_first;
  let first = r * (params.x_quads + 1u);
  if (params.start == 0u) {
    for (var q = lane; q < params.x_quads; q += S) {
      output[first + q] = vec4f(0.0);
    }
  }
  let per_lane = (params.rows + 4u * S - 1u) / (4u * S);
  let words = (per_lane + 7u) / 8u;
  // Not read where another lane has just written it.
  var bias = 0.0;
  if (params.start > 0u) {
    bias = output[first + params.x_quads].x;
  }
  var next = 0u;
  var bits = 0u;
  loop {
    var held = 0u;
    while (held < HELD) {
      let low = firstTrailingBit(bits);
      // Of the word before `next`.
      let quad = (8u * (next - 1u) + low / 4u) * S + lane;
      let mine = select(NONE, 4u * quad + low % 4u, bits != 0u);
      let i = subgroupMin(mine);
      if (i == NONE) {
        if (next == words) {
          break;
        }
        bits = changed(next, lane, per_lane, last, t);
        next++;
        continue;
      }
      var step = 0.0;
      if (mine == i) {
        bits &= bits - 1u;
        let now = select(slope, 1.0, pick(state[h_first + quad], low % 4u) > 0.0);
        step = pick(sources[s_first + quad], low % 4u) * (now - select(1.0, slope, now == 1.0));
      }
      // Only one lane has a step: the sum is that step, exactly.
      steps[held] = subgroupAdd(step) * scale;
      rows[held] = i;
      bias += steps[held];
      held++;
    }
    if (held == 0u) {
      break;
    }
    apply(first, held, lane);
  }
  if (params.closes == 1u) {
    var of_ground = 0.0;
    for (var q = lane; q < params.x_quads; q += S) {
      of_ground += dot(output[first + q], ground[q]);
    }
    bias += subgroupAdd(of_ground);
  }
  if (lane == 0u) {
    output[first + params.x_quads] = vec4f(bias, f32(j), 0.0, 0.0);
  }
}
