// forward_subgroup: hidden layer by one subgroup a workgroup, weights spread by broadcast (for CPU adapters)
//
// Computes   h[i, j] = sum_k x[i, k] w[k, j] + w[d, j]; the derivative mask bit of h > 0; and, for each mask word, the
//            partial output sum_{j in word} a[j] phi(h[i, j]), phi(z) = z for z > 0, slope z otherwise. h is not stored.
// Shapes     n samples of the block, d inputs, m width, G neurons a mask word, words = ceil(m / G)
// Bindings   0 panels   read        (ceil(n / 32), d, 32) inputs in panels of 32 samples, as vec4
//            1 weights  read        weights and, as step d, biases, packed by pack_rows in panels of R = G NW neurons:
//                                   (ceil(words / NW), d + 1, ceil(R / 4)) as vec4, a buffer, or texels in rows of 8192
//            2 readout  read        (m) a
//            3 mask     read_write  (words, n) bit r of mask[w, i] is h[i, w G + r] > 0
//            4 partial  read_write  (words, n) partial outputs
//            5 params   uniform
// Constants  S lanes of a subgroup, exactly; G 1..32; NW words a workgroup; U steps of k at once; AF = ceil(G NW / S);
//            AQ = ceil(ceil(G NW / 4) / S); HALF 1 for inputs stored as halves; IMAGE 1 for weights of texels
// Dispatch   (ceil(n / (4 S)), ceil(words / NW), 1): neighbours share a panel of weights
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes (adapters whose smallest and largest size are equal); 4 S divides 32 or is 64
// Order      the bias, then k ascending; neurons ascending in one lane; deterministic
//
// Loads decide everything on a CPU adapter: for 4 U G NW multiply-adds a lane loads U vec4 of inputs and
// U ceil(G NW / 4 / S) of weights. Samples lie on the lanes, so neither the mask word nor the readout sum crosses a lane.
// Panels make the inputs one stream: with plain k-major rows this kernel ran at half the speed at n = 12700 (a page a row).
// Where neighbours shared a panel of inputs instead, and weights were the stream, it was 3 to 6 % slower at m of 1000 and more.
// Measured on lavapipe at 12700/784/100: scalars of weights from a buffer, NW 2 U 2, 46 GFLOP/s; texels 54, U 3 59, U 4 62,
// NW 4 U 4 65. At 1000/100/100 NW 2 U 2 35, U 4 39, NW 1 U 4 35 for half the time to compile. On SwiftShader there NW 2 U 1
// 5.6, U 2 3.4, NW 1 U 1 5.2, U 2 6.0 once. Weights read at a uniform address instead of broadcast: half the speed.
enable subgroups;

const S = 8u; // @specialised
const G = 25u; // @specialised
const NW = 2u; // @specialised
const U = 2u; // @specialised
const AF = 7u; // @specialised
const AQ = 2u; // @specialised
const HALF = 0u; // @specialised
const IMAGE = 0u; // @specialised
const Q = (G * NW + 3u) / 4u;

alias Quad = vec4f; // @half vec4h

struct Params {
  n: u32,
  d: u32,
  m: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> panels: array<Quad>;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>; // @image @group(0) @binding(1) var weights: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var<storage, read> readout: array<f32>;
@group(0) @binding(3) var<storage, read_write> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

fn quad_of_weights(at: u32) -> vec4f {
  return weights[at]; // @image return textureLoad(weights, vec2u(at % 8192u, at / 8192u));
}

@compute @workgroup_size(S)
fn forward_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = params.n;
  let m = params.m;
  let first = group.y * NW * G;
  let sample = (group.x * S + lane) * 4u;
  // Lanes past the last panel read panel 0; what they compute is not stored.
  let inside = select(0u, sample, sample < n);
  let panel = (inside / 32u) * params.d * 8u + (inside % 32u) / 4u;

  let packed = group.y * (params.d + 1u) * Q;

  var start: array<vec4f, AQ>;
  var acc: array<vec4f, G * NW>;
  // @unroll
  for (var f = 0u; f < AQ; f++) {
    start[f] = quad_of_weights(packed + params.d * Q + min(f * S + lane, Q - 1u));
  }
  // @unroll
  for (var r = 0u; r < G * NW; r++) {
    acc[r] = vec4f(subgroupShuffle(start[r / 4u / S][r % 4u], r / 4u % S));
  }
  for (var k0 = 0u; k0 < params.d; k0 += U) {
    var x: array<vec4f, U>;
    var w: array<vec4f, U * AQ>;
    // @unroll
    for (var u = 0u; u < U; u++) {
      // Past the last input the sample is zero, and the weights read are the biases again.
      x[u] = select(vec4f(0.0), vec4f(panels[panel + (k0 + u) * 8u]), k0 + u < params.d);
      // @unroll
      for (var f = 0u; f < AQ; f++) {
        w[u * AQ + f] = quad_of_weights(packed + min(k0 + u, params.d) * Q + min(f * S + lane, Q - 1u));
      }
    }
    // @unroll
    for (var r = 0u; r < G * NW; r++) {
      var h = acc[r];
      // @unroll
      for (var u = 0u; u < U; u++) {
        h += subgroupShuffle(w[u * AQ + r / 4u / S][r % 4u], r / 4u % S) * x[u];
      }
      acc[r] = h;
    }
  }

  // Neurons past m have no weights, so h is 0: they add nothing to the output, and their bits are cleared.
  var fragment: array<f32, AF>;
  // @unroll
  for (var f = 0u; f < AF; f++) {
    fragment[f] = readout[min(first + f * S + lane, m - 1u)];
  }
  // @unroll
  for (var w = 0u; w < NW; w++) {
    var bits = vec4u(0u);
    var output = vec4f(0.0);
    // @unroll
    for (var r = 0u; r < G; r++) {
      let h = acc[w * G + r];
      let positive = h > vec4f(0.0);
      bits |= select(vec4u(0u), vec4u(1u << r), positive);
      output += subgroupShuffle(fragment[(w * G + r) / S], (w * G + r) % S) * select(params.slope * h, h, positive);
    }
    let word = group.y * NW + w;
    let valid = min(m - min(m, word * G), G);
    bits &= vec4u(select(0xffffffffu >> (32u - valid), 0u, valid == 0u));
    for (var c = 0u; c < 4u; c++) {
      if (sample + c < n && valid > 0u) {
        mask[word * n + sample + c] = bits[c];
        partial[word * n + sample + c] = output[c];
      }
    }
  }
}
