// gram_outputs: derivative bits and partial outputs of stored pre-activations
//
// Computes   with h = h[start + i, w group + r] + h[bias, w group + r]: bit r of mask[w, i] = h > 0, and partial[w, i] = sum_r a[w group + r] phi(h),
//            phi(z) = z for z > 0, slope z otherwise
// Shapes     n samples of the block, m width, group neurons a mask word, words = ceil(m / group)
// Bindings   0 h       read        (rows, m) pre-activations; the block begins at row start, row bias is what the biases add
//            1 readout read        (m) a
//            2 mask    read_write  (words, n)
//            3 partial read_write  (words, n)
//            4 params  uniform
// Constants  none
// Dispatch   (ceil(n / 64), words, 1)
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      neurons ascending in one invocation; deterministic
//
// What forward_* leave, from pre-activations instead of inputs: what follows in an epoch is the same.

struct Params {
  n: u32,
  m: u32,
  group: u32,
  start: u32,
  bias: u32,
  slope: f32,
}

@group(0) @binding(0) var<storage, read> h: array<f32>;
@group(0) @binding(1) var<storage, read> readout: array<f32>;
@group(0) @binding(2) var<storage, read_write> mask: array<u32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn gram_outputs(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * 64u + lane;
  if (i >= params.n) {
    return;
  }
  let first = group.y * params.group;
  let row = (params.start + i) * params.m;
  var bits = 0u;
  var output = 0.0;
  for (var j = first; j < min(first + params.group, params.m); j++) {
    let value = h[row + j] + h[params.bias * params.m + j];
    let positive = value > 0.0;
    bits |= select(0u, 1u << (j - first), positive);
    output += readout[j] * select(params.slope * value, value, positive);
  }
  mask[group.y * params.n + i] = bits;
  partial[group.y * params.n + i] = output;
}
