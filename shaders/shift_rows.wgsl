// shift_rows: moves each class of a Gaussian data set along the diagonal
//
// Computes   x[i, c] += shift y[i] for c < d
// Shapes     x (n, d) with rows of ld; y over all samples, the block begins at params.start
// Bindings   0 labels read        (all samples) -1 or +1
//            1 x      read_write  (n, ld)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n ld
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each element on its own; deterministic

struct Params {
  n: u32,
  d: u32,
  ld: u32,
  start: u32,
  shift: f32,
}

@group(0) @binding(0) var<storage, read> labels: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn shift_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let i = at / params.ld;
  if (i < params.n && at % params.ld < params.d) {
    x[at] += params.shift * labels[params.start + i];
  }
}
