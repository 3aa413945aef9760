// forward_tiled: hidden layer by tiles in workgroup memory (for GPUs, and any adapter without fixed subgroups)
//
// Computes   h[i, j] = sum_k x[i, k] w[k, j] + w[d, j]; the derivative mask bit of h > 0; and, for each mask word, the
//            partial output sum_{j in word} a[j] phi(h[i, j]), phi(z) = z for z > 0, slope z otherwise. h is not stored.
// Shapes     n samples of the block, d inputs, m width, G = 32 neurons a mask word, words = ceil(m / 32)
// Bindings   0 panels   read        (ceil(n / 32), d, 32) inputs in panels of 32 samples, as vec4
//            1 weights  read        (d + 1, m) weights, k-major; row d is the bias
//            2 readout  read        (m) a
//            3 mask     read_write  (words, n) bit r of mask[w, i] is h[i, 32 w + r] > 0
//            4 partial  read_write  (words, n) partial outputs
//            5 params   uniform
// Constants  none
// Dispatch   (ceil(n / 64), ceil(words / 2), 1)
// Workgroup  (256); 16 KiB of workgroup memory: two 16 x 64 operand tiles, two 16 x 64 tables for the epilogue
// Assumes    nothing
// Order      k ascending, the bias last; neurons by fours, ascending; deterministic
//
// A workgroup makes 64 samples x 64 neurons (two mask words), an invocation 4 x 4. The 4 bits that an invocation has of
// a sample's word meet those of its seven neighbours in workgroup memory.

const TILE = 64u;
const STEP = 16u;

struct Params {
  n: u32,
  d: u32,
  m: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> panels: array<vec4f>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> readout: array<f32>;
@group(0) @binding(3) var<storage, read_write> mask: array<u32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> x_tile: array<vec4f, 256>; // (STEP, TILE / 4)
var<workgroup> w_tile: array<vec4f, 256>; // (STEP, TILE / 4)
var<workgroup> nibbles: array<vec4u, 256>; // (16 neuron quads, TILE / 4 samples)
var<workgroup> sums: array<vec4f, 256>; // (16 neuron quads, TILE / 4 samples)

fn weight(k: u32, j: u32) -> f32 {
  if (k < params.d && j < params.m) {
    return weights[k * params.m + j];
  }
  return 0.0;
}

@compute @workgroup_size(256)
fn forward_tiled(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) at: u32) {
  let n = params.n;
  let d = params.d;
  let m = params.m;
  let quad_x = at % 16u;
  let quad_w = at / 16u;
  let sample = group.x * TILE + quad_x * 4u;
  let neuron = group.y * TILE + quad_w * 4u;
  // Both operand tiles are loaded as (step, quad): invocation `at` brings quad at % 16 of step at / 16.
  let panel = (sample / 32u) * d * 8u + (sample % 32u) / 4u;
  let load_neuron = group.y * TILE + quad_x * 4u;

  var acc: array<vec4f, 4>;
  for (var k0 = 0u; k0 < d; k0 += STEP) {
    let k = k0 + quad_w;
    x_tile[at] = vec4f(0.0);
    if (sample < n && k < d) {
      x_tile[at] = panels[panel + k * 8u];
    }
    w_tile[at] = vec4f(weight(k, load_neuron), weight(k, load_neuron + 1u), weight(k, load_neuron + 2u), weight(k, load_neuron + 3u));
    workgroupBarrier();
    for (var step = 0u; step < STEP; step++) {
      let x = x_tile[step * 16u + quad_x];
      let w = w_tile[step * 16u + quad_w];
      acc[0] += w.x * x;
      acc[1] += w.y * x;
      acc[2] += w.z * x;
      acc[3] += w.w * x;
    }
    workgroupBarrier();
  }

  var bits = vec4u(0u);
  var output = vec4f(0.0);
  // @unroll
  for (var r = 0u; r < 4u; r++) {
    let j = neuron + r;
    if (j < m) {
      let h = acc[r] + weights[d * m + j];
      let positive = h > vec4f(0.0);
      bits |= select(vec4u(0u), vec4u(1u << r), positive);
      output += readout[j] * select(params.slope * h, h, positive);
    }
  }
  nibbles[at] = bits;
  sums[at] = output;
  workgroupBarrier();

  // The first 32 invocations of each half gather one word for one quad of samples.
  if (at < 32u) {
    let word = group.y * 2u + at / 16u;
    let first = group.x * TILE + (at % 16u) * 4u;
    var whole = vec4u(0u);
    var total = vec4f(0.0);
    for (var q = 0u; q < 8u; q++) {
      let source = ((at / 16u) * 8u + q) * 16u + at % 16u;
      whole |= nibbles[source] << vec4u(4u * q);
      total += sums[source];
    }
    if (word * 32u < m) {
      for (var c = 0u; c < 4u; c++) {
        if (first + c < n) {
          mask[word * n + first + c] = whole[c];
          partial[word * n + first + c] = total[c];
        }
      }
    }
  }
}
