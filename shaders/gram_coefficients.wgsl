// gram_coefficients: one step of the coefficients C in W = W0 + C^T X
//
// Computes   v = momentum v + a[j] s[start + i] phi'(h[i, j]);  c = c - lr v,  with phi' = 1 where the mask bit of (i, j) is set
//            and slope elsewhere, and lr from the plateau state
// Shapes     n samples of the block, m width, group neurons a mask word, words = ceil(m / group); element j ld + start + i of
//            (m, ld)
// Bindings   0 mask         read        (words, n) derivative bits of the block
//            1 residual     read        (all samples) s = dloss/df; the block begins at params.start
//            2 readout      read        (m) a
//            3 state        read        (8) plateau state; element 0 is the learning rate of this epoch
//            4 velocity     read_write  (m, ld)
//            5 coefficients read_write  (m, ld)
//            6 params       uniform
// Constants  none
// Dispatch   (ceil(n / 64), words, 1)
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each element on its own; deterministic
//
// The step of momentum_update, in the basis of the samples: the gradient of W is this, times X.

struct Params {
  n: u32,
  m: u32,
  ld: u32,
  group: u32,
  start: u32,
  slope: f32,
  momentum: f32,
}

@group(0) @binding(0) var<storage, read> mask: array<u32>;
@group(0) @binding(1) var<storage, read> residual: array<f32>;
@group(0) @binding(2) var<storage, read> readout: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> velocity: array<f32>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn gram_coefficients(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * 64u + lane;
  if (i >= params.n) {
    return;
  }
  let first = group.y * params.group;
  let bits = mask[group.y * params.n + i];
  let s = residual[params.start + i];
  for (var j = first; j < min(first + params.group, params.m); j++) {
    let derivative = select(params.slope, 1.0, ((bits >> (j - first)) & 1u) == 1u);
    let e = j * params.ld + params.start + i;
    let v = params.momentum * velocity[e] + readout[j] * (s * derivative);
    velocity[e] = v;
    coefficients[e] -= state[0] * v;
  }
}
