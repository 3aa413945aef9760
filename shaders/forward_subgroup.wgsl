// forward_subgroup: hidden layer by one subgroup a workgroup, weights spread by broadcast (for CPU adapters)
//
// Computes   h[i, j] = sum_k x[i, k] w[k, j] + w[d, j]; the derivative mask bit of h > 0; and, for each mask word, the
//            partial output sum_{j in word} a[j] phi(h[i, j]), phi(z) = z for z > 0, slope z otherwise. h is not stored.
// Shapes     n samples of the block, d inputs, m width, G neurons a mask word, words = ceil(m / G)
// Bindings   0 panels   read        (ceil(n / 32), d, 32) inputs in panels of 32 samples, as vec4
//            1 weights  read        (d + 1, m) weights, k-major; row d is the bias
//            2 readout  read        (m) a
//            3 mask     read_write  (words, n) bit r of mask[w, i] is h[i, w G + r] > 0
//            4 partial  read_write  (words, n) partial outputs
//            5 params   uniform
// Constants  S lanes of a subgroup, exactly; G 1..32; AF = ceil(G / S)
// Dispatch   (ceil(n / (4 S)), words, 1)
// Workgroup  (S); no workgroup memory, no barrier
// Assumes    every subgroup has S lanes (adapters whose smallest and largest size are equal); 4 S divides 32 or is 64
// Order      k ascending from the bias, then neurons ascending in one lane; deterministic
//
// Loads per multiply-add decide everything on a CPU adapter: a lane loads one vec4 of inputs and G / S weights for 4 G
// multiply-adds. Samples lie on the lanes, so neither the mask word nor the readout sum crosses a lane. Panels make the
// inputs one stream: with plain k-major rows this kernel ran at half the speed at n = 12700 (a page a row).
enable subgroups;

const S = 8u; // @specialised
const G = 25u; // @specialised
const AF = 4u; // @specialised

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

@compute @workgroup_size(S)
fn forward_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = params.n;
  let m = params.m;
  let first = group.y * G;
  let sample = (group.x * S + lane) * 4u;
  // Lanes past the last panel read panel 0; what they compute is not stored.
  let inside = select(0u, sample, sample < n);
  let panel = (inside / 32u) * params.d * 8u + (inside % 32u) / 4u;

  // Neurons past m read the last one; their readout is set to zero and their bits are cleared.
  var neuron: array<u32, AF>;
  var fragment: array<f32, AF>;
  var acc: array<vec4f, G>;
  // @unroll
  for (var f = 0u; f < AF; f++) {
    neuron[f] = min(first + f * S + lane, m - 1u);
    fragment[f] = weights[params.d * m + neuron[f]];
  }
  // @unroll
  for (var r = 0u; r < G; r++) {
    acc[r] = vec4f(subgroupShuffle(fragment[r / S], r % S));
  }
  for (var k = 0u; k < params.d; k++) {
    let x = panels[panel + k * 8u];
    // @unroll
    for (var f = 0u; f < AF; f++) {
      fragment[f] = weights[k * m + neuron[f]];
    }
    // @unroll
    for (var r = 0u; r < G; r++) {
      acc[r] += subgroupShuffle(fragment[r / S], r % S) * x;
    }
  }

  // @unroll
  for (var f = 0u; f < AF; f++) {
    fragment[f] = select(0.0, readout[neuron[f]], first + f * S + lane < m);
  }
  var bits = vec4u(0u);
  var output = vec4f(0.0);
  // @unroll
  for (var r = 0u; r < G; r++) {
    let h = acc[r];
    let positive = h > vec4f(0.0);
    bits |= select(vec4u(0u), vec4u(1u << r), positive);
    output += subgroupShuffle(fragment[r / S], r % S) * select(params.slope * h, h, positive);
  }
  let valid = min(m - first, G);
  bits &= vec4u(0xffffffffu >> (32u - valid));
  for (var c = 0u; c < 4u; c++) {
    if (sample + c < n) {
      mask[group.y * n + sample + c] = bits[c];
      partial[group.y * n + sample + c] = output[c];
    }
  }
}
