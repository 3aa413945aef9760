// panels: reorders samples into panels of 32 for the forward kernels
//
// Computes   output[p, k, s] = input[32 p + s, k], or 0 past the last sample
// Shapes     input (n, d) with rows of ld = 4 ceil(d / 4); output (ceil(n / 32), d, 32)
// Bindings   0 input  read        (n, ld)
//            1 output read_write  (ceil(n / 32), d, 32)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= ceil(n / 32) d 32
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      a copy; exact

struct Params {
  n: u32,
  d: u32,
  ld: u32,
}

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn panels(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  let k = (at / 32u) % params.d;
  let panel = at / 32u / params.d;
  if (panel * 32u >= params.n) {
    return;
  }
  let i = panel * 32u + at % 32u;
  var value = 0.0;
  if (i < params.n) {
    value = input[i * params.ld + k];
  }
  output[at] = value;
}
