// output_residual: network output, margin and derivative of the loss
//
// Computes   f[i] = sum_w partial[w, i]; margin = y f; residual = dloss/df of the mean loss over all samples:
//            identity -y / N, logistic -y sigma(-y f) / N
// Shapes     n samples of the block, N samples in all, words mask words
// Bindings   0 partial  read        (words, n) partial outputs
//            1 labels   read        (N) y, -1 or +1
//            2 margin   read_write  (N) y f; the block begins at params.start
//            3 residual read_write  (N)
//            4 params   uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      words ascending; deterministic
//
// f is not stored: y being -1 or +1, it is y margin exactly.

struct Params {
  n: u32,
  start: u32,
  words: u32,
  logistic: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<f32>;
@group(0) @binding(2) var<storage, read_write> margin: array<f32>;
@group(0) @binding(3) var<storage, read_write> residual: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// exp(-t) for t >= 0 to float32 accuracy: the built-in exp may be off by 3 + 2 t units in the last place, and the loss of
// a well-trained network is all tail. Past 87 the result would be subnormal; zero is as good there.
fn exp_minus(t: f32) -> f32 {
  if (t > 87.0) {
    return 0.0;
  }
  let k = round(t * 1.44269504);
  // ln 2 in two parts: the first has trailing zeros, so that k times it is exact
  let r = (k * 0.693359375 - t) + k * -2.12194440e-4;
  let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0))))));
  return p * bitcast<f32>((127u - u32(k)) << 23u);
}

@compute @workgroup_size(64)
fn output_residual(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  var f = 0.0;
  for (var w = 0u; w < params.words; w++) {
    f += partial[w * params.n + i];
  }
  let at = params.start + i;
  let y = labels[at];
  let z = y * f;
  margin[at] = z;
  var slope = 1.0;
  if (params.logistic == 1u) {
    let e = exp_minus(abs(z));
    slope = select(1.0, e, z >= 0.0) / (1.0 + e);
  }
  residual[at] = -y * slope * params.scale;
}
