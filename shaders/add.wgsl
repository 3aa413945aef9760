// add: element-wise scaled sum, in place
//
// Computes   b[e] += scale a[e]
// Shapes     count elements
// Bindings   0 a      read        (count)
//            1 b      read_write  (count)
//            2 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= count
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    nothing
// Order      each element on its own; deterministic

struct Params {
  count: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn add(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let at = (group.y * groups.x + group.x) * 64u + lane;
  if (at < params.count) {
    b[at] += params.scale * a[at];
  }
}
