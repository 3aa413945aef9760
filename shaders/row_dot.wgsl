// row_dot: inner products of the rows of two matrices; of a matrix with itself, squared lengths
//
// Computes   output[i] = scale a[i] . b[i]
// Shapes     n rows of quads vec4 whose padding is zero
// Bindings   0 a      read        (n, quads) as vec4
//            1 b      read        (n, quads) as vec4
//            2 output read_write  (n)
//            3 params uniform
// Constants  none
// Dispatch   (x, y, 1) with 64 x y >= n
// Workgroup  (64); no workgroup memory, no barrier
// Assumes    no product overflows: rows shorter than 1e19
// Order      columns ascending in four interleaved sums, then x + y + z + w; deterministic

struct Params {
  n: u32,
  quads: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn row_dot(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= params.n) {
    return;
  }
  var sum = vec4f(0.0);
  for (var q = 0u; q < params.quads; q++) {
    let at = i * params.quads + q;
    sum += a[at] * b[at];
  }
  output[i] = params.scale * (sum.x + sum.y + sum.z + sum.w);
}
