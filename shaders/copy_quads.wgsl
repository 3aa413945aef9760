// copy_quads: one array into another, the ceiling that kernels bound by memory are measured against
//
// Computes   output[q] = input[q]
// Shapes     count quads of four 32-bit elements
// Bindings   0 input  read        (count) as vec4
//            1 output read_write  (count) as vec4
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= count
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      a copy; exact

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn copy_quads(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  if (at < params.count) {
    output[at] = input[at];
  }
}
