// span_coefficients: l2 perturbations in the span of the weights
//
// Computes   matrix[j, i] = c[start + i] a[j] phi'(h[i, j]) for the samples first + i of a block, i < count, and 0 for
//            count <= i < ld: the perturbation of a sample is r = sum_j matrix[j, i] w[j]
// Shapes     m neurons, group of them a mask word; n samples of the block, ld columns; c over all samples
// Bindings   0 mask        read        (words, n) derivative bits
//            1 readout     read        (m) a
//            2 coefficient read        (all samples) c, from perturb_l2
//            3 matrix      read_write  (m, ld)
//            4 params      uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= words ld
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      (c a) phi', each entry on its own; deterministic

struct Params {
  n: u32,
  first: u32,
  start: u32,
  count: u32,
  ld: u32,
  m: u32,
  group: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> mask: array<u32>;
@group(0) @binding(1) var<storage, read> readout: array<f32>;
@group(0) @binding(2) var<storage, read> coefficient: array<f32>;
@group(0) @binding(3) var<storage, read_write> matrix: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn span_coefficients(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let word = at / params.ld;
  let i = at % params.ld;
  let neuron = word * params.group;
  if (neuron >= params.m) {
    return;
  }
  var bits = 0u;
  var c = 0.0;
  if (i < params.count) {
    bits = mask[word * params.n + params.first + i];
    c = coefficient[params.start + i];
  }
  for (var b = 0u; b < min(params.group, params.m - neuron); b++) {
    let on = ((bits >> b) & 1u) == 1u;
    matrix[(neuron + b) * params.ld + i] = c * readout[neuron + b] * select(params.slope, 1.0, on);
  }
}
