// weight_gradient_subgroup: masked sums over the samples, one lane for four columns and G NW neurons (for CPU adapters)
//
// Computes   gradient[c, j] = sum_{i: bit j of sample i} s[i] x[i, c] and total[c] = sum_i s[i] x[i, c], where x[i, d] = 1
//            (the bias). momentum_update makes dW = a[j] ((1 - slope) gradient + slope total) of them.
// Shapes     n samples of the block, d inputs, m width, G neurons a mask word, mask_words = ceil(m / G), words the same
//            rounded up to whole workgroups of NW, quads = ceil((d + 1) / 4) columns by fours in whole tiles of S
// Bindings   0 x        read        (n, ceil(d / 4)) inputs as vec4, rows padded with zeros
//            1 mask     read        (mask_words, n) derivative bits
//            2 residual read        (all samples) s = dloss/df; the block begins at params.start
//            3 gradient read_write  (parts, quads / S, words, G, S) as vec4: columns 4 q .. 4 q + 3 of q = tile S + lane
//            4 total    read_write  (parts, quads) as vec4
//            5 params   uniform
// Constants  S lanes of a subgroup, exactly; G 1..32; NW words a workgroup; U samples at once, which divides S;
//            BF = ceil(U NW / S); HALF 1 for inputs stored as halves
// Dispatch   (words / NW, quads / S, splits)
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes; sums of s x below 2^97, past which their scaled form overflows
// Order      split z takes samples [z step, (z + 1) step) and writes part params.part + z; i ascending; deterministic
//
// The left operand is bits: one word serves all G neurons of a sample, and one load of a lane brings the words of S pairs of a
// word and a sample, spread by broadcast. Bit r counts as 2^r and the sum is scaled back at the end, both exactly: a shift for each
// sample and neuron took SwiftShader, which shifts lane by lane, twice as long. Stores are whole vectors without guards, into a padded array, and nothing is added to what was
// there. On lavapipe every store in the text costs 10 to 60 ms of compile time, so there is one: written out they were 1.8
// of the 3.0 s of CPU time it took on a busy machine. Measured at 12700/784/100:
// lavapipe NW 1 U 8 42 to 48 GFLOP/s, NW 2 U 4 58, NW 4 U 4 65 to 72; SwiftShader at 1000/100/100 NW 1 U 1 7.2, U 2 9.1, U 4 11.

enable subgroups;

const S = 8u; // @specialised
const G = 25u; // @specialised
const NW = 2u; // @specialised
const U = 4u; // @specialised
const BF = 1u; // @specialised
const HALF = 0u; // @specialised

alias Quad = vec4f; // @half vec4h

struct Params {
  n: u32,
  d: u32,
  start: u32,
  mask_words: u32,
  words: u32,
  part: u32,
  step: u32,
  height: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> total: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(S)
fn weight_gradient_subgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = params.n;
  let ld = (params.d + 3u) / 4u;
  let quad = group.y * S + lane;
  let inside = min(quad, ld - 1u);
  let bias = vec4u(0u, 1u, 2u, 3u) + quad * 4u == vec4u(params.d);
  let begin = group.z * params.step;
  let end = min(n, begin + params.step);

  var acc: array<vec4f, G * NW>;
  var sum = vec4f(0.0);
  for (var i0 = begin; i0 < end; i0 += U) {
    // One load for all lanes: lane l has the residual of sample i0 + l % U, and its mask words u + w U are spread likewise.
    // Past the end the residual is zero, and what is read is the last sample again.
    let mine = i0 + lane % U;
    let s = select(0.0, residual[params.start + min(mine, n - 1u)], mine < end);
    var words: array<u32, BF>;
    // @unroll
    for (var f = 0u; f < BF; f++) {
      let word = min(group.x * NW + (f * S + lane) / U, params.mask_words - 1u);
      words[f] = mask[word * n + min(i0 + (f * S + lane) % U, n - 1u)];
    }
    var b: array<vec4f, U>;
    var bits: array<u32, U * NW>;
    // @unroll
    for (var u = 0u; u < U; u++) {
      b[u] = subgroupShuffle(s, u) * select(vec4f(x[min(i0 + u, n - 1u) * ld + inside]), vec4f(1.0), bias);
      sum += b[u];
      // @unroll
      for (var w = 0u; w < NW; w++) {
        bits[u * NW + w] = subgroupShuffle(words[(w * U + u) / S], (w * U + u) % S);
      }
    }
    // @unroll
    for (var r = 0u; r < G * NW; r++) {
      var g = acc[r];
      // @unroll
      for (var u = 0u; u < U; u++) {
        g += f32(bitcast<i32>(bits[u * NW + r / G] & (1u << (r % G)))) * b[u];
      }
      acc[r] = g;
    }
  }

  let part = params.part + group.z;
  let slot = ((part * groups.y + group.y) * params.words + group.x * NW) * G * S + lane;
  // One store in a loop to a parameter, which is G NW, or the driver would write it out; from a copy so that acc itself stays in
  // registers.
  // @unroll
  for (var r = 0u; r < G * NW; r++) {
    acc[r] *= 1.0 / f32(bitcast<i32>(1u << (r % G)));
  }
  var kept = acc;
  for (var r = 0u; r < params.height; r++) {
    gradient[slot + r * S] = kept[r];
  }
  if (group.x == 0u) {
    total[part * groups.y * S + quad] = sum;
  }
}
