// plane_coordinates: where rows lie with respect to a plane through the origin
//
// Computes   output[i] = (x[i].e, x[i].f, |x[i] - (x[i].e) e - (x[i].f) f|^2, 0)
// Shapes     n rows of quads vec4 whose padding is zero; the axes e and f likewise, one row each
// Bindings   0 x      read        (n, quads) as vec4
//            1 axes   read        (2, quads) as vec4
//            2 output read_write  (n) vec4
//            3 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    e and f are orthonormal, or f is zero (a plane that is only a line)
// Order      columns ascending in four interleaved sums, then x + y + z + w; deterministic
//
// The distance from the plane is summed from the residual: |x|^2 less the two squares would cancel for rows in the plane.

struct Params {
  n: u32,
  quads: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> axes: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

fn total(v: vec4f) -> f32 {
  return v.x + v.y + v.z + v.w;
}

@compute @workgroup_size(64)
fn plane_coordinates(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  let first = i * params.quads;
  var along_e = vec4f(0.0);
  var along_f = vec4f(0.0);
  for (var q = 0u; q < params.quads; q++) {
    let value = x[first + q];
    along_e += value * axes[q];
    along_f += value * axes[params.quads + q];
  }
  let e = total(along_e);
  let f = total(along_f);
  var squares = vec4f(0.0);
  for (var q = 0u; q < params.quads; q++) {
    let off = x[first + q] - e * axes[q] - f * axes[params.quads + q];
    squares += off * off;
  }
  output[i] = vec4f(e, f, total(squares), 0.0);
}
